//! Spans for a collector of OpenTelemetry, where its standard variables name one. Names, numbers
//! and durations leave; no text of a prompt, an answer or a log line does.

use std::env;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::{RetryPolicy, SpanExporter, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::web;

/// The target of spans that are for collectors alone: log lines do not carry them.
pub const SPANS: &str = "frieze::spans";

/// What is still to be sent at the end has this long, and no build waits longer.
const PATIENCE: Duration = Duration::from_secs(2);
const CONNECT: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(10);

static HAS_WARNED: AtomicBool = AtomicBool::new(false);

/// Sends spans until it is dropped, and what is left then.
pub struct Telemetry(SdkTracerProvider);

/// Nothing where nobody asks for it; why not where somebody asks for what cannot be had.
pub fn start() -> Result<Option<Telemetry>, String> {
    if !is_wanted(&|name| env::var(name).ok())? {
        return Ok(None);
    }
    let client = client(timeout(&|name| env::var(name).ok()));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client.map_err(|error| format!("no client for them: {error}"))?)
        .with_retry_policy(RetryPolicy::default().with_max_retries(1))
        .build()
        .map_err(|error| error.to_string())?;
    let provider = SdkTracerProvider::builder()
        .with_resource(resource())
        .with_batch_exporter(Sender(exporter))
        .build();
    Ok(Some(Telemetry(provider)))
}

/// What the variables say, as far as the exporter does not read them itself.
fn is_wanted(env: &dyn Fn(&str) -> Option<String>) -> Result<bool, String> {
    let value = |name| env(name).map(|value| value.trim().to_owned()).filter(|it| !it.is_empty());
    let first = |names: [&'static str; 2]| {
        names.into_iter().find_map(|name| value(name).map(|value| (name, value)))
    };
    if value("OTEL_SDK_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        return Ok(false);
    }
    let exporter = value("OTEL_TRACES_EXPORTER");
    let endpoint = first(["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"]);
    match exporter.as_deref() {
        Some("none") => return Ok(false),
        Some("otlp") => {}
        Some(other) => {
            return Err(format!(
                "OTEL_TRACES_EXPORTER is \"{other}\": only otlp and none are known"
            ));
        }
        None if endpoint.is_none() => return Ok(false),
        None => {}
    }
    let protocol = first(["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"]);
    match protocol {
        Some((name, value)) if value != "http/protobuf" => {
            Err(format!("{name} is \"{value}\": only http/protobuf is spoken"))
        }
        _ => Ok(true),
    }
}

/// Of one request.
fn timeout(env: &dyn Fn(&str) -> Option<String>) -> Duration {
    let names = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
    let milliseconds = names.into_iter().find_map(|name| env(name)?.trim().parse().ok());
    milliseconds.map_or(TIMEOUT, Duration::from_millis)
}

/// Blocking, as the thread that sends wants it. It follows nobody and takes no proxy.
fn client(timeout: Duration) -> reqwest::Result<reqwest::blocking::Client> {
    web::prepare();
    let builder = || {
        reqwest::blocking::Client::builder()
            .user_agent(web::AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(timeout)
            .no_proxy()
    };
    // A system without certificates still reaches a collector beside it over http.
    builder().build().or_else(|_| builder().tls_certs_only([]).build())
}

/// Who sends: the variables first, then what the program knows of itself.
fn resource() -> Resource {
    let told = Resource::builder().build();
    let name = told.get(&Key::new("service.name")).map(|name| name.as_str().into_owned());
    let mut resource = Resource::builder();
    if name.is_none_or(|name| name.starts_with("unknown_service")) {
        resource = resource.with_service_name("frieze");
    }
    if told.get(&Key::new("service.version")).is_none() {
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        resource = resource.with_attribute(version);
    }
    resource.build()
}

impl Telemetry {
    /// Hands the program's own spans on, and none of the lines that were logged in them.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    {
        let ours = filter_fn(|about| about.is_span() && is_ours(about.target()));
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("frieze"))
            .with_location(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::INFO))
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        // Who did not answer once is not waited for.
        let patience = if HAS_WARNED.load(Ordering::Relaxed) { Duration::ZERO } else { PATIENCE };
        if self.0.shutdown_with_timeout(patience).is_err() {
            warn();
        }
    }
}

fn is_ours(target: &str) -> bool {
    target.strip_prefix("frieze").is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Says it once: an address may hold a key, so none is repeated here.
fn warn() {
    if !HAS_WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "spans do not reach the collector that OTEL_EXPORTER_OTLP_ENDPOINT names: they are lost"
        );
    }
}

#[derive(Debug)]
struct Sender(SpanExporter);

impl opentelemetry_sdk::trace::SpanExporter for Sender {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.0.export(batch).await;
        if sent.is_err() {
            warn();
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(set: &[(&str, &str)]) -> Result<bool, String> {
        is_wanted(&|name| set.iter().find(|(set, _)| *set == name).map(|(_, to)| (*to).to_owned()))
    }

    #[test]
    fn spans_are_sent_where_the_variables_say_so() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:4318/v1/traces");
        assert_eq!(wanted(&[]), Ok(false));
        assert_eq!(wanted(&[("OTEL_SERVICE_NAME", "site")]), Ok(false));
        assert_eq!(wanted(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]), Ok(false));
        assert_eq!(wanted(&[all]), Ok(true));
        assert_eq!(wanted(&[traces]), Ok(true));
        assert_eq!(wanted(&[("OTEL_TRACES_EXPORTER", "otlp")]), Ok(true));
        assert_eq!(wanted(&[all, ("OTEL_SDK_DISABLED", "True")]), Ok(false));
        assert_eq!(wanted(&[all, ("OTEL_SDK_DISABLED", "false")]), Ok(true));
        assert_eq!(wanted(&[all, ("OTEL_TRACES_EXPORTER", "none")]), Ok(false));
        assert_eq!(wanted(&[all, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]), Ok(true));
        let error = wanted(&[all, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap_err();
        assert_eq!(error, "OTEL_EXPORTER_OTLP_PROTOCOL is \"grpc\": only http/protobuf is spoken");
        let error = wanted(&[("OTEL_TRACES_EXPORTER", "zipkin")]).unwrap_err();
        assert!(error.contains("only otlp and none are known"), "{error}");
    }

    #[test]
    fn only_our_own_spans_are() {
        assert!(is_ours("frieze") && is_ours("frieze::enrich::worker") && is_ours(SPANS));
        assert!(!is_ours("friezes") && !is_ours("sqlx::query") && !is_ours("hyper"));
    }
}
