//! The documentation keeps up with the program: keys, defaults, sections, options, exit codes, links
//! and examples are held against what the code says.

#[path = "docs/any_database.rs"]
mod any_database;
#[path = "docs/command_line.rs"]
mod command_line;
#[path = "docs/configuration.rs"]
mod configuration;
#[path = "docs/environment.rs"]
mod environment;
#[path = "docs/examples.rs"]
mod examples;
#[path = "docs/links.rs"]
mod links;
#[path = "docs/page.rs"]
mod page;
#[path = "docs/sections.rs"]
mod sections;
#[path = "docs/source.rs"]
mod source;
#[path = "docs/templates.rs"]
mod templates;
