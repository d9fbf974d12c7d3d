//! Texts and their embeddings, in the shapes that servers give them.

use serde_json::{Value, json};
use url::Url;

use super::trouble::{Kind, Trouble};
use super::{Used, Vectors, below, below_v1, count};
use crate::config::{Provider, ProviderKind};
use crate::enrich::embedding::{Purpose, prefixed};

/// What pgvector can hold.
const MOST: usize = 16_000;

pub fn url(provider: &Provider, model: &str) -> Url {
    let base = &provider.base_url;
    match provider.kind {
        ProviderKind::Groq | ProviderKind::OpenAi => below(base, &["embeddings"]),
        ProviderKind::Llama => below_v1(base, &["embeddings"]),
        ProviderKind::HuggingFace => {
            let mut path = vec!["hf-inference", "models"];
            // `owner/name` is two folders of the address.
            path.extend(model.split('/').filter(|part| !part.is_empty()));
            path.extend(["pipeline", "feature-extraction"]);
            below(&without_v1(base), &path)
        }
    }
}

fn without_v1(base: &Url) -> Url {
    let mut url = base.clone();
    let path = url.path().trim_end_matches('/').trim_end_matches("/v1").to_owned();
    url.set_path(&path);
    url
}

pub fn body(provider: &Provider, model: &str, texts: &[String], purpose: Purpose) -> Value {
    let texts: Vec<String> = texts.iter().map(|text| prefixed(model, purpose, text)).collect();
    match provider.kind {
        ProviderKind::HuggingFace => json!({"inputs": texts}),
        _ => json!({"model": model, "input": texts, "encoding_format": "float"}),
    }
}

pub fn read(kind: ProviderKind, body: &[u8], texts: usize) -> Result<Vectors, Trouble> {
    let body: Value = serde_json::from_slice(body).map_err(|error| {
        Trouble::new(Kind::BadReply, format!("answered with what is not JSON: {error}"))
    })?;
    let vectors = match (kind, &body) {
        (ProviderKind::HuggingFace, Value::Array(_)) => pooled(&body, texts),
        _ => listed(&body["data"], texts),
    };
    let vectors = vectors.and_then(even);
    let vectors = vectors.map_err(|why| {
        Trouble::new(Kind::BadReply, format!("answered with embeddings of the wrong shape: {why}"))
    })?;
    let tokens_in = count(&body["usage"]["prompt_tokens"]);
    Ok(Vectors { vectors, used: Used { tokens_in, tokens_out: None } })
}

/// `[{"index": 1, "embedding": […]}, …]`, in any order.
fn listed(data: &Value, texts: usize) -> Result<Vec<Vec<f32>>, String> {
    let data = data.as_array().ok_or("there is no \"data\"")?;
    if data.len() != texts {
        return Err(format!("{} for {texts} texts", data.len()));
    }
    let mut vectors = vec![Vec::new(); texts];
    for (position, one) in data.iter().enumerate() {
        let index =
            one["index"].as_u64().map_or(position, |it| usize::try_from(it).unwrap_or(texts));
        let place = vectors.get_mut(index).filter(|place| place.is_empty());
        let place = place.ok_or_else(|| format!("index {index} is wrong"))?;
        // llama.cpp gives one for each token where it is told not to pool them.
        *place = match depth(&one["embedding"]) {
            2 => mean(&one["embedding"])?,
            _ => numbers(&one["embedding"])?,
        };
    }
    Ok(vectors)
}

/// Numbers (of one text), arrays of them (one for each text), or arrays of those (one for each
/// token of each text, of which the mean is taken).
fn pooled(body: &Value, texts: usize) -> Result<Vec<Vec<f32>>, String> {
    let vectors = match depth(body) {
        1 => vec![numbers(body)?],
        // One text, and the embeddings of its tokens.
        2 if texts == 1 && body.as_array().is_some_and(|rows| rows.len() > 1) => vec![mean(body)?],
        2 => each(body, numbers)?,
        3 => each(body, mean)?,
        depth => return Err(format!("arrays nested {depth} deep")),
    };
    if vectors.len() != texts {
        return Err(format!("{} for {texts} texts", vectors.len()));
    }
    Ok(vectors)
}

fn depth(mut value: &Value) -> usize {
    let mut depth = 0;
    while let Value::Array(items) = value {
        depth += 1;
        value = items.first().unwrap_or(&Value::Null);
    }
    depth
}

fn each<T>(list: &Value, read: impl Fn(&Value) -> Result<T, String>) -> Result<Vec<T>, String> {
    list.as_array().ok_or("not an array")?.iter().map(read).collect()
}

fn mean(rows: &Value) -> Result<Vec<f32>, String> {
    let rows = even(each(rows, numbers)?)?;
    let mut sums = vec![0.0_f64; rows.first().map_or(0, Vec::len)];
    for row in &rows {
        for (sum, number) in sums.iter_mut().zip(row) {
            *sum += f64::from(*number);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "no text has so many tokens")]
    let count = rows.len() as f64;
    Ok(sums.into_iter().map(|sum| narrow(sum / count)).collect())
}

fn numbers(list: &Value) -> Result<Vec<f32>, String> {
    each(list, |number| {
        let number = narrow(number.as_f64().ok_or("something is not a number")?);
        if number.is_finite() { Ok(number) } else { Err("a number is out of range".to_owned()) }
    })
}

#[expect(clippy::cast_possible_truncation, reason = "embeddings are kept in single precision")]
fn narrow(number: f64) -> f32 {
    number as f32
}

/// All of one length, and none of zeros only.
fn even(vectors: Vec<Vec<f32>>) -> Result<Vec<Vec<f32>>, String> {
    let length = vectors.first().map_or(0, Vec::len);
    if length == 0 || length > MOST {
        return Err(format!("{length} numbers"));
    }
    if vectors.iter().any(|vector| vector.len() != length) {
        return Err("they differ in length".to_owned());
    }
    if vectors.iter().any(|vector| vector.iter().all(|number| *number == 0.0)) {
        return Err("there is nothing but zeros".to_owned());
    }
    Ok(vectors)
}
