; On top of the grammar's own: numbers, operators, paths, and what only looks like a call.
(integer_literal) @number
(float_literal) @number

((identifier) @constant
 (#match? @constant "^[A-Z][A-Z0-9_]+$"))

(scoped_identifier path: (identifier) @module
 (#match? @module "^[a-z]"))
(scoped_identifier path: (scoped_identifier name: (identifier) @module)
 (#match? @module "^[a-z]"))
(scoped_type_identifier path: (identifier) @module
 (#match? @module "^[a-z]"))
(scoped_use_list path: (identifier) @module)
(scoped_use_list path: (scoped_identifier name: (identifier) @module))
(mod_item name: (identifier) @module)
((use_declaration argument: (scoped_identifier name: (identifier) @module))
 (#match? @module "^[a-z]"))
(use_declaration argument: (scoped_identifier name: (identifier) @type
 (#match? @type "^[A-Z]")))
(use_list (scoped_identifier name: (identifier) @type
 (#match? @type "^[A-Z]")))
(use_list (identifier) @type
 (#match? @type "^[A-Z]"))

(call_expression function: (identifier) @constructor
 (#match? @constructor "^[A-Z]"))
(call_expression function: (scoped_identifier name: (identifier) @constructor)
 (#match? @constructor "^[A-Z]"))

(closure_parameters (identifier) @variable.parameter)

["=" "==" "!=" "<=" ">=" "&&" "||" "!" "+" "-" "%" "^" "|" "<<" ">>" "+=" "-=" "*=" "/=" "%="
 "^=" "&=" "|=" "<<=" ">>=" "=>" "->" ".." "..=" "?"] @operator
(binary_expression ["<" ">" "/"] @operator)
(lifetime "'" @label)
(attribute_item) @attribute
