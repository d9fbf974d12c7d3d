//! The parameters of a collection's query, as the driver takes them.

use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;

use crate::config::Parameter;

pub fn arguments(parameters: &[Parameter]) -> sqlx::Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for parameter in parameters {
        match parameter {
            Parameter::Text(text) => arguments.add(text),
            Parameter::Integer(number) => arguments.add(number),
            Parameter::Float(number) => arguments.add(number),
            Parameter::Boolean(is) => arguments.add(is),
            Parameter::Texts(texts) => arguments.add(texts),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
