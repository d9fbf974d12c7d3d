; On top of the grammar's own: custom properties, as what they are.
((property_name) @variable.builtin
 (#match? @variable.builtin "^--"))
((plain_value) @variable.builtin
 (#match? @variable.builtin "^--"))
(keyword_query) @constant
(color_value "#" @string)
["[" "]"] @punctuation
