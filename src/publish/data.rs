//! Static JSON: collections as data files, for clients that read data rather than pages.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::config::{JsonField, JsonFile, OrderBy};
use crate::error::Result;
use crate::model::{Row, Site};

/// One file's bytes: an object with a key for each configured field.
pub fn json_file(file: &JsonFile, site: &Site) -> Result<Vec<u8>> {
    let mut object = Map::new();
    for field in &file.fields {
        let rows = site.collections.get(&field.collection).map(|c| c.rows.as_slice());
        object.insert(field.name.clone(), json_field(field, rows.unwrap_or_default())?);
    }
    serde_json::to_vec(&object).map_err(|error| {
        crate::error::Error::output(format!("cannot write {} as JSON", file.path)).because(error)
    })
}

fn json_field(field: &JsonField, rows: &[Row]) -> Result<Value> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    // Stable: ties keep the collection's own, total order.
    rows.sort_by(|a, b| compare(a, b, &field.order_by));
    let mut objects = rows.into_iter().map(|row| without(row, &field.omit));
    if field.first { objects.next().unwrap_or(Ok(Value::Null)) } else { objects.collect() }
}

fn without(row: &Row, omit: &[String]) -> Result<Value> {
    let mut kept = Map::new();
    for name in row.fields.keys().filter(|name| !omit.contains(name)) {
        kept.insert(name.clone(), row.field(name)?.unwrap_or_default().into_owned());
    }
    Ok(Value::Object(kept))
}

fn compare(a: &Row, b: &Row, order: &[OrderBy]) -> Ordering {
    let by = |order: &OrderBy| {
        let (a, b) = (a.fields.get(&order.column), b.fields.get(&order.column));
        let (a, b) = (a.unwrap_or(&Value::Null), b.unwrap_or(&Value::Null));
        match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) if order.nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if order.nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) if order.descending => values(b, a),
            (false, false) => values(a, b),
        }
    };
    order.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn values(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default())
        }
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => a.to_string().cmp(&b.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(values: &[Value]) -> Vec<Row> {
        let row = |value: &Value| Row {
            fields: value.as_object().cloned().unwrap_or_default().into(),
            ..Row::default()
        };
        values.iter().map(row).collect()
    }

    fn field(order: &[(&str, bool, bool)]) -> JsonField {
        let order_by = order.iter().map(|(column, descending, nulls_first)| OrderBy {
            column: (*column).to_owned(),
            descending: *descending,
            nulls_first: *nulls_first,
        });
        JsonField {
            name: "x".to_owned(),
            collection: "x".to_owned(),
            order_by: order_by.collect(),
            first: false,
            omit: vec!["secret".to_owned()],
        }
    }

    #[test]
    fn rows_are_sorted_and_columns_left_out() {
        let rows = rows(&[json!({"n": null, "secret": 1}), json!({"n": 2}), json!({"n": 10})]);
        let sorted = json_field(&field(&[("n", false, false)]), &rows).unwrap();
        assert_eq!(sorted, json!([{"n": 2}, {"n": 10}, {"n": null}]));
        let sorted = json_field(&field(&[("n", true, true)]), &rows).unwrap();
        assert_eq!(sorted, json!([{"n": null}, {"n": 10}, {"n": 2}]));
    }

    #[test]
    fn the_first_row_stands_alone_or_is_null() {
        let field = JsonField { first: true, ..field(&[]) };
        assert_eq!(
            json_field(&field, &rows(&[json!({"a": 1}), json!({"a": 2})])).unwrap(),
            json!({"a": 1})
        );
        assert_eq!(json_field(&field, &[]).unwrap(), Value::Null);
    }
}
