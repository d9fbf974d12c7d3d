; On top of the grammar's own: comments and numbers, written there for another program's patterns.
(comment) @comment
(marginalia) @comment
((literal) @number
 (#match? @number "^[-+]?[0-9.]+$"))
(keyword_null) @constant
(keyword_true) @constant
(keyword_false) @constant
[(keyword_asc) (keyword_desc) (keyword_default) (keyword_generated) (keyword_always)
 (keyword_nulls) (keyword_first) (keyword_last) (keyword_collate) (keyword_concurrently)
 (keyword_immutable) (keyword_strict) (keyword_current_timestamp)] @keyword
["[" "]"] @punctuation
(field name: (identifier) @text)
(column_definition name: (identifier) @property)
(relation alias: (identifier) @text)
(term alias: (identifier) @text)
(invocation (object_reference name: (identifier) @function))
