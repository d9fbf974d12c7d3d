; On top of the grammar's own: keys apart from values.
(pair key: (string) @property)
["{" "}" "[" "]" "," ":"] @punctuation
