; On top of the grammars' own.
["infer" "is" "asserts" "global" "module"] @keyword
(required_parameter pattern: (identifier) @variable.parameter)
(optional_parameter pattern: (identifier) @variable.parameter)
(property_signature name: (property_identifier) @property)
(method_signature name: (property_identifier) @function)
(predefined_type) @type
["?" ":"] @punctuation
(type_parameters ["<" ">"] @punctuation)
