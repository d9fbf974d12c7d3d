; On top of the grammar's own, where parameters are names and nothing more.
(formal_parameters (identifier) @variable.parameter)
(formal_parameters (assignment_pattern left: (identifier) @variable.parameter))
