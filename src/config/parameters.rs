//! The values of a query's parameters: written in the file, or named there and taken from the
//! environment.

use super::Parameter;
use super::check::{Env, invalid};
use super::raw::{RawParameter, RawValue, RawVariable};
use crate::error::Result;

pub fn all(key: &str, raw: Vec<RawParameter>, env: Env) -> Result<Vec<Parameter>> {
    let numbered = raw.into_iter().enumerate();
    numbered.map(|(index, raw)| one(&format!("{key}.parameters"), index + 1, raw, env)).collect()
}

fn one(key: &str, number: usize, raw: RawParameter, env: Env) -> Result<Parameter> {
    let variable = match raw {
        RawParameter::Value(value) => return Ok(value.into()),
        RawParameter::Variable(variable) => variable,
    };
    let RawVariable { env: name, default } = variable;
    let default = default.map(Parameter::from);
    match (env(&name), default) {
        (Some(text), default) => as_kind(&text, default.as_ref()).ok_or_else(|| {
            let what = format!(
                "${number} comes from {name}, whose value is of another kind than its default"
            );
            invalid(key, &what, &format!("correct {name}, or write the default as text"))
        }),
        (None, Some(default)) => Ok(default),
        (None, None) => Err(invalid(
            key,
            &format!("${number} is to come from {name}, which is not set"),
            &format!("set {name}, or write {{ env = \"{name}\", default = \"…\" }}"),
        )),
    }
}

/// A variable's text as what its default is; text, where it has none.
fn as_kind(text: &str, default: Option<&Parameter>) -> Option<Parameter> {
    Some(match default {
        None | Some(Parameter::Text(_)) => Parameter::Text(text.to_owned()),
        Some(Parameter::Integer(_)) => Parameter::Integer(text.trim().parse().ok()?),
        Some(Parameter::Float(_)) => Parameter::Float(text.trim().parse().ok()?),
        Some(Parameter::Boolean(_)) => Parameter::Boolean(text.trim().parse().ok()?),
        Some(Parameter::Texts(_)) => {
            Parameter::Texts(text.split(',').map(|one| one.trim().to_owned()).collect())
        }
    })
}

impl From<RawValue> for Parameter {
    fn from(value: RawValue) -> Self {
        match value {
            RawValue::Text(text) => Self::Text(text),
            RawValue::Integer(number) => Self::Integer(number),
            RawValue::Float(number) => Self::Float(number),
            RawValue::Boolean(is) => Self::Boolean(is),
            RawValue::Texts(texts) => Self::Texts(texts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str) -> Result<Vec<Parameter>> {
        #[derive(serde::Deserialize)]
        struct File {
            parameters: Vec<RawParameter>,
        }
        let file: File = toml::from_str(&format!("parameters = [{toml}]")).unwrap();
        let env = |name: &str| match name {
            "YEAR" => Some("2021".to_owned()),
            "TAGS" => Some("a, b".to_owned()),
            _ => None,
        };
        all("collections.x", file.parameters, &env)
    }

    #[test]
    fn values_are_written_or_named() {
        let written = read("\"Main\", 5, 1.5, true, [\"a\", \"b\"]").unwrap();
        let texts = Parameter::Texts(vec!["a".to_owned(), "b".to_owned()]);
        let [text, integer, float, boolean, list] = &written[..] else { panic!("{written:?}") };
        assert_eq!((text, integer), (&Parameter::Text("Main".to_owned()), &Parameter::Integer(5)));
        assert_eq!((float, boolean), (&Parameter::Float(1.5), &Parameter::Boolean(true)));
        assert_eq!(list, &texts);
        let named = "{ env = \"YEAR\" }, { env = \"YEAR\", default = 1999 }, { env = \"NONE\", default = 1999 }, { env = \"TAGS\", default = [] }";
        assert_eq!(
            read(named).unwrap(),
            [
                Parameter::Text("2021".to_owned()),
                Parameter::Integer(2021),
                Parameter::Integer(1999),
                texts
            ]
        );
    }

    #[test]
    fn a_variable_that_is_missing_or_of_another_kind_is_named() {
        let missing = read("1, { env = \"NONE\" }").unwrap_err().report();
        assert!(missing.contains("collections.x.parameters: $2 is to come from NONE"), "{missing}");
        let wrong = read("{ env = \"TAGS\", default = 3 }").unwrap_err().report();
        assert!(wrong.contains("$1 comes from TAGS"), "{wrong}");
    }
}
