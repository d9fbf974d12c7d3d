; On top of the grammar's own: parameters and labels.
(formal_parameters (identifier) @variable.parameter)
(formal_parameters (assignment_pattern left: (identifier) @variable.parameter))
(arrow_function parameter: (identifier) @variable.parameter)
(statement_identifier) @label
(new_expression constructor: (identifier) @constructor)
(class_declaration name: (_) @type)
(escape_sequence) @constant
