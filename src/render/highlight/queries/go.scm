; On top of the grammar's own: what its last pattern calls variables.
(package_identifier) @module
(function_declaration name: (identifier) @function)
(call_expression function: (identifier) @function)
(call_expression function: (selector_expression field: (field_identifier) @function))
(method_declaration name: (field_identifier) @function)
(parameter_declaration name: (identifier) @variable.parameter)
(const_spec name: (identifier) @constant)
["(" ")" "[" "]" "{" "}" "," "." ";" ":"] @punctuation
