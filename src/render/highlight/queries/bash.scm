; On top of the grammar's own: variables, options and what strings hold.
(simple_expansion) @variable.builtin
(expansion) @variable.builtin
(command argument: (word) @constant
 (#match? @constant "^-"))
(variable_assignment name: (variable_name) @property)
["{" "}" "[" "]" "[[" "]]" "(" ")" ";" ";;"] @punctuation
["local" "readonly" "declare" "typeset"] @keyword
["||" "=" "+=" "==" "!=" "<<" "<<<" ">&" "&>"] @operator
(number) @number
