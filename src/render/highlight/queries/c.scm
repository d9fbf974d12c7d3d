; On top of the grammar's own.
["(" ")" "[" "]" "{" "}" "," ";" ":"] @punctuation
["<" ">" "<=" ">=" "%" "/" "!" "|" "^" "~" "<<" ">>" "?"] @operator
(preproc_include path: (_) @string)
(escape_sequence) @constant
(parameter_declaration declarator: (identifier) @variable.parameter)
(char_literal) @string
