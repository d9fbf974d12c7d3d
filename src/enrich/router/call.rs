//! What the log of calls keeps of asking somebody.

use serde_json::{Value, json};

use super::question::{Job, prompt_hash};
use super::round::Done;
use crate::config::Provider;
use crate::enrich::Call;
use crate::enrich::provider::{Asked, Trouble, Used};

/// More of a bad answer is not kept.
const KEPT: usize = 4000;

/// Stands where a provider is named, in the row of a question that nobody was asked.
pub const NOBODY: &str = "none";

/// A decision not to ask anybody is one, too.
pub fn nobody(message: &str) -> Call {
    let error = json!({"kind": "nobody", "message": message});
    let (provider, reason) = (NOBODY.to_owned(), message.to_owned());
    Call { provider, error: Some(error), reason, ..Call::default() }
}

pub fn call(asked: &Asked<'_>, job: &Job<'_>, result: &Result<Done, Trouble>) -> Call {
    let (output, used, error) = match result {
        Ok(Done::Chat(spoken)) => (spoken.value.clone(), spoken.used, None),
        Ok(Done::Embed(made)) => {
            let dimensions = made.vectors.first().map_or(0, Vec::len);
            let output = json!({"vectors": made.vectors.len(), "dimensions": dimensions});
            (output, made.used, None)
        }
        Err(trouble) => {
            let said = trouble.said.as_deref().map(|said| json!(beginning(said)));
            (said.unwrap_or(Value::Null), trouble.used, Some(trouble.row()))
        }
    };
    let mut input = job.input();
    if let (false, Some(input)) = (asked.provider.vision, input.as_object_mut()) {
        input.remove("images");
    }
    let hash = match job {
        Job::Chat(question) => Some(prompt_hash(&asked.provider.name, asked.model, question)),
        Job::Embed(..) => None,
    };
    Call {
        provider: asked.provider.name.clone(),
        model: asked.model.to_owned(),
        prompt_hash: hash,
        input,
        output,
        tokens_in: used.tokens_in,
        tokens_out: used.tokens_out,
        cost: cost(asked.provider, used),
        error,
        ..Call::default()
    }
}

fn beginning(text: &str) -> String {
    // A null character cannot be kept in jsonb.
    text.chars().filter(|c| *c != '\0').take(KEPT).collect()
}

fn cost(provider: &Provider, used: Used) -> Option<f64> {
    let of = |tokens: Option<i32>, price: Option<f64>| Some(f64::from(tokens?) * price? / 1e6);
    let (into, out) =
        (of(used.tokens_in, provider.cost_in), of(used.tokens_out, provider.cost_out));
    if into.is_none() && out.is_none() {
        None
    } else {
        Some(into.unwrap_or(0.0) + out.unwrap_or(0.0))
    }
}
