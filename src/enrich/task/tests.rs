//! Task types, asked without a database.
