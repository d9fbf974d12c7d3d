; On top of the grammar's own, for every dialect: labels, private names and what shares a sign.
(arrow_function parameter: (identifier) @variable.parameter)
(statement_identifier) @label
(new_expression constructor: (identifier) @constructor)
(class_declaration name: (_) @type)
(escape_sequence) @constant
(private_property_identifier) @property
(function_declaration name: (identifier) @function)
(pair ":" @punctuation)
(regex "/" @string)
