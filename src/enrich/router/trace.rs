//! The span of one call, by the names that OpenTelemetry gives what models do. Counts and names, and
//! never a word of what was asked or answered.

use tracing::Span;
use tracing::field::Empty;

use super::question::Job;
use super::round::Done;
use crate::enrich::provider::{Asked, Trouble, Used};
use crate::telemetry::SPANS;

/// Collectors get numbers of this one type; others arrive as text.
pub fn span(asked: &Asked<'_>, job: &Job<'_>) -> Span {
    let (operation, most) = match job {
        Job::Chat(question) => ("chat", Some(i64::from(question.max_tokens))),
        Job::Embed(..) => ("embeddings", None),
    };
    let Asked { provider, model, .. } = asked;
    let base = &provider.base_url;
    tracing::info_span!(
        target: SPANS,
        "call",
        otel.name = format!("{operation} {model}"),
        otel.kind = "client",
        otel.status_code = Empty,
        gen_ai.operation.name = operation,
        gen_ai.provider.name = provider.name,
        gen_ai.request.model = *model,
        gen_ai.request.max_tokens = most,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        server.address = base.host_str(),
        server.port = base.port_or_known_default().map(i64::from),
        http.response.status_code = Empty,
        error.r#type = Empty,
    )
}

pub fn end(span: &Span, result: &Result<Done, Trouble>) {
    let used = match result {
        Ok(Done::Chat(spoken)) => spoken.used,
        Ok(Done::Embed(made)) => made.used,
        Err(trouble) => {
            span.record("error.type", trouble.kind.name());
            span.record("otel.status_code", "error");
            span.record("http.response.status_code", trouble.status.map(i64::from));
            trouble.used
        }
    };
    let Used { tokens_in, tokens_out } = used;
    span.record("gen_ai.usage.input_tokens", tokens_in);
    span.record("gen_ai.usage.output_tokens", tokens_out);
}
