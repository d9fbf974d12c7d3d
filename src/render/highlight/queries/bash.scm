; On top of the grammar's own: variables, options and what strings hold.
(variable_name) @variable.builtin
(special_variable_name) @variable.builtin
(simple_expansion "$" @variable.builtin)
(variable_assignment name: (variable_name) @property)
(command argument: (word) @constant
 (#match? @constant "^-"))
((command_name) @keyword
 (#any-of? @keyword "return" "exit" "break" "continue"))
(test_operator) @operator
(heredoc_end) @string
["{" "}" "[" "]" "[[" "]]" "(" ")" ";" ";;"] @punctuation
["local" "readonly" "declare" "typeset"] @keyword
["||" "=" "+=" "==" "!=" "<<" "<<<" ">&" "&>"] @operator
(number) @number
(expansion ["${" "}"] @variable.builtin)
