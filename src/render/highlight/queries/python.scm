; On top of the grammar's own: methods, types and decorators, which its later patterns hide.
["(" ")" "[" "]" "{" "}" "," ":" "." ";"] @punctuation

(call function: (attribute attribute: (identifier) @function))
(class_definition name: (identifier) @type)
(class_definition superclasses: (argument_list (identifier) @type))
(type (generic_type (identifier) @type))
(type (identifier) @type)
(import_from_statement module_name: (dotted_name (identifier) @module))
(import_statement name: (dotted_name (identifier) @module))
(aliased_import name: (dotted_name (identifier) @module))
(parameters (identifier) @variable.parameter)
(typed_parameter (identifier) @variable.parameter)
(default_parameter name: (identifier) @variable.parameter)
(typed_default_parameter name: (identifier) @variable.parameter)
(parameters (list_splat_pattern (identifier) @variable.parameter))
(parameters (dictionary_splat_pattern (identifier) @variable.parameter))
(call function: (identifier) @constructor
 (#match? @constructor "^[A-Z]"))
(lambda_parameters (identifier) @variable.parameter)
(keyword_argument name: (identifier) @property)
((identifier) @variable.builtin
 (#any-of? @variable.builtin "self" "cls"))
(decorator) @attribute
(decorator (identifier) @attribute)
(decorator (call function: (identifier) @attribute))
["and" "in" "is" "not" "or" "is not" "not in"] @keyword
