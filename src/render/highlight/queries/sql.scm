; On top of the grammar's own: comments and numbers, written there for another program's patterns.
(comment) @comment
(marginalia) @comment
((literal) @number
 (#match? @number "^[-+]?[0-9.]+$"))
(keyword_null) @constant
(keyword_true) @constant
(keyword_false) @constant
(field name: (identifier) @text)
(column_definition name: (identifier) @property)
(relation alias: (identifier) @text)
(term alias: (identifier) @text)
(invocation (object_reference name: (identifier) @function))
