//! Questions and answers, in the protocol that all kinds of servers have in common.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::Url;

use super::trouble::{Kind, Trouble};
use super::{Spoken, Used, below, below_v1, count};
use crate::config::{Provider, ProviderKind};
use crate::enrich::router::Question;
use crate::enrich::schema;

const PATH: [&str; 2] = ["chat", "completions"];

pub fn url(provider: &Provider) -> Url {
    match provider.kind {
        ProviderKind::Groq | ProviderKind::OpenAi => below(&provider.base_url, &PATH),
        ProviderKind::HuggingFace | ProviderKind::Llama => below_v1(&provider.base_url, &PATH),
    }
}

pub fn body(provider: &Provider, model: &str, question: &Question) -> Value {
    let mut system = question.system.clone();
    if !provider.json_schema {
        system.push_str(
            "\n\nAnswer with one JSON object, and nothing else, that fits this JSON schema:\n",
        );
        system.push_str(&question.schema.to_string());
    }
    let mut body = json!({
        "model": model,
        "messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": said(provider, question)},
        ],
        "response_format": format(provider, question),
        "stream": false,
    });
    let most = json!(question.max_tokens);
    if provider.kind == ProviderKind::Groq {
        body["max_completion_tokens"] = most;
        // Thinking counts as answering, and these questions want little of it.
        if model.contains("gpt-oss") {
            body["reasoning_effort"] = json!("low");
        }
    } else {
        body["max_tokens"] = most;
    }
    // Some models of other servers take no other than their own.
    if provider.kind != ProviderKind::OpenAi {
        body["temperature"] = json!(0.3);
    }
    body
}

/// With the images for those who see; in words only for the others.
fn said(provider: &Provider, question: &Question) -> Value {
    if !provider.vision || question.images.is_empty() {
        return json!(question.user);
    }
    let mut parts = vec![json!({"type": "text", "text": question.user})];
    parts.extend(question.images.iter().map(|image| {
        let url = format!("data:{};base64,{}", image.media_type, STANDARD.encode(&image.bytes));
        json!({"type": "image_url", "image_url": {"url": url}})
    }));
    json!(parts)
}

fn format(provider: &Provider, question: &Question) -> Value {
    if !provider.json_schema {
        return json!({"type": "json_object"});
    }
    let schema = match provider.kind {
        // It makes a grammar of the schema, which knows lengths and fields that may be missing.
        ProviderKind::Llama => question.schema.clone(),
        _ => schema::strict(&question.schema),
    };
    let named = json!({"name": question.name, "strict": true, "schema": schema});
    json!({"type": "json_schema", "json_schema": named})
}

pub fn read(body: &[u8], question: &Question) -> Result<Spoken, Trouble> {
    let body: Value = serde_json::from_slice(body).map_err(|error| {
        Trouble::new(Kind::BadReply, format!("answered with what is not JSON: {error}"))
    })?;
    let choice = &body["choices"][0];
    if !choice["message"].is_object() {
        return Err(Trouble::new(Kind::BadReply, "answered with JSON that holds no choice"));
    }
    let usage = &body["usage"];
    let (tokens_in, tokens_out) =
        (count(&usage["prompt_tokens"]), count(&usage["completion_tokens"]));
    let used = Used { tokens_in, tokens_out };
    let text = choice["message"]["content"].as_str().unwrap_or_default().to_owned();
    let value = value(choice, &text, question).map_err(|message| {
        let said = Some(text.clone()).filter(|text| !text.is_empty());
        Trouble { said, used, ..Trouble::new(Kind::BadAnswer, message) }
    })?;
    Ok(Spoken { value, text, used })
}

fn value(choice: &Value, text: &str, question: &Question) -> Result<Value, String> {
    if let Some(words) = choice["message"]["refusal"].as_str() {
        return Err(format!("refused to answer: {}", super::trouble::plain(words)));
    }
    match choice["finish_reason"].as_str() {
        Some("length") => {
            return Err(format!("did not finish within {} tokens", question.max_tokens));
        }
        Some("content_filter") => return Err("had its answer filtered out".to_owned()),
        _ => {}
    }
    if text.trim().is_empty() {
        return Err("gave an empty answer".to_owned());
    }
    question.value(text)
}
