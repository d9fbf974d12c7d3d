; On top of the grammar's own.
"=" @operator
(quoted_attribute_value) @string
(entity) @constant
