//! A stand-in for a model server, for tests. It speaks as Groq, Hugging Face, llama.cpp and any
//! other server of that protocol do; which of them is decided by the path it is asked at.
//!
//! - `Models::start()` listens on a port of its own until it is dropped. `url()` is the base URL of
//!   a `llama` or `hugging_face` provider; `openai_url()` that of a `groq` or `openai` one (it ends
//!   in `/v1`).
//! - Unless told otherwise it answers well: a chat with a value that fits the schema of the request
//!   (wherever that stands), embeddings with 64 numbers of which near texts share many.
//! - `then(reply)` says what the next chat or embedding gets, once, in the order of the calls;
//!   `always(reply)` what all after those get; `decide(|request| …)` looks at each request first,
//!   `None` being the usual answer.
//! - A `Reply` is `Reply::value(json)` (what the model answers), `::text("…")` (the same, word for
//!   word), `::status(429)`, `::body(200, "…")`, or a fault of the connection: `::truncated()`,
//!   `::huge(bytes)`, `::silence()` (until the client goes), `::hang_up()`; `.header(name, value)`
//!   adds a header, `.finish("length")` another reason to stop, `.with_status(500)` another status.
//! - `loading(n)`: the next n requests find llama.cpp still loading, `/health` included.
//! - `requests()` is every request so far, with `path`, `headers` (lower case) and `json()`;
//!   `chats()`, `embeddings()`.
#![allow(dead_code, reason = "each test binary uses its own part")]

#[path = "http.rs"]
mod http;

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use http::Server;

type Decide = Arc<dyn Fn(&Request) -> Option<Reply> + Send + Sync>;

#[derive(Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn is_chat(&self) -> bool {
        self.path.ends_with("/chat/completions")
    }

    pub fn is_embedding(&self) -> bool {
        self.path.ends_with("/embeddings") || self.path.ends_with("/feature-extraction")
    }

    /// What was said in one role, as in "system".
    pub fn said(&self, role: &str) -> String {
        let body = self.json();
        let messages = body["messages"].as_array().cloned().unwrap_or_default();
        let said = messages.iter().filter(|message| message["role"] == role);
        let words = |content: &Value| match content {
            Value::Array(parts) => parts.iter().filter_map(|it| it["text"].as_str()).collect(),
            content => content.as_str().unwrap_or_default().to_owned(),
        };
        said.map(|message| words(&message["content"])).collect::<Vec<String>>().join("\n")
    }

    /// The addresses of the images that were sent.
    pub fn images(&self) -> Vec<String> {
        let body = self.json();
        let messages = body["messages"].as_array().cloned().unwrap_or_default();
        let parts = messages.iter().filter_map(|message| message["content"].as_array()).flatten();
        let urls = parts.filter_map(|part| part["image_url"]["url"].as_str().map(str::to_owned));
        urls.collect()
    }

    /// The schema the answer is to have, from the response format or out of the prompt.
    pub fn schema(&self) -> Option<Value> {
        let body = self.json();
        let bound = &body["response_format"]["json_schema"]["schema"];
        if bound.is_object() {
            return Some(bound.clone());
        }
        let said = self.said("system");
        let said = &said[said.rfind("JSON schema")?..];
        let found = serde_json::Deserializer::from_str(&said[said.find('{')?..]);
        found.into_iter::<Value>().next()?.ok()
    }
}

#[derive(Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    finish: &'static str,
    content: Content,
}

#[derive(Clone)]
enum Content {
    Usual,
    Text(String),
    Body(String),
    Truncated,
    Huge(usize),
    Silence,
    HangUp,
}

impl Reply {
    fn new(status: u16, content: Content) -> Self {
        Self { status, headers: Vec::new(), finish: "stop", content }
    }

    pub fn usual() -> Self {
        Self::new(200, Content::Usual)
    }

    pub fn value(value: &Value) -> Self {
        Self::text(value.to_string())
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::new(200, Content::Text(text.into()))
    }

    pub fn status(status: u16) -> Self {
        let body = json!({"error": {"message": format!("status {status}"), "code": status}});
        Self::body(status, body.to_string())
    }

    pub fn body(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, Content::Body(body.into()))
    }

    pub fn no_such_model() -> Self {
        let message = "The model does not exist or you do not have access to it.";
        let error = json!({"error": {"message": message, "code": "model_not_found"}});
        Self::body(404, error.to_string())
    }

    /// Half of the usual answer, after the length of the whole of it.
    pub fn truncated() -> Self {
        Self::new(200, Content::Truncated)
    }

    pub fn huge(bytes: usize) -> Self {
        Self::new(200, Content::Huge(bytes))
    }

    pub fn silence() -> Self {
        Self::new(200, Content::Silence)
    }

    pub fn hang_up() -> Self {
        Self::new(200, Content::HangUp)
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The model declines to answer.
    pub fn refusal(words: &str) -> Self {
        let message = json!({"role": "assistant", "content": null, "refusal": words});
        let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
        Self::body(200, json!({"choices": [choice]}).to_string())
    }

    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    #[must_use]
    pub fn finish(mut self, reason: &'static str) -> Self {
        self.finish = reason;
        self
    }
}

#[derive(Default)]
struct State {
    requests: Vec<Request>,
    script: VecDeque<Reply>,
    always: Option<Reply>,
    decide: Option<Decide>,
    loading: usize,
    /// How much of a huge answer was taken.
    sent: usize,
}

pub struct Models {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl Models {
    pub fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let theirs = Arc::clone(&state);
        let server = Server::start(move |stream| serve(stream, &theirs));
        Self { server, state }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn openai_url(&self) -> String {
        format!("{}/v1", self.server.url())
    }

    pub fn then(&self, reply: Reply) -> &Self {
        self.state.lock().unwrap().script.push_back(reply);
        self
    }

    pub fn always(&self, reply: Reply) -> &Self {
        self.state.lock().unwrap().always = Some(reply);
        self
    }

    pub fn decide(
        &self,
        decide: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
    ) -> &Self {
        self.state.lock().unwrap().decide = Some(Arc::new(decide));
        self
    }

    pub fn loading(&self, requests: usize) -> &Self {
        self.state.lock().unwrap().loading = requests;
        self
    }

    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    pub fn chats(&self) -> Vec<Request> {
        self.requests().into_iter().filter(Request::is_chat).collect()
    }

    pub fn embeddings(&self) -> Vec<Request> {
        self.requests().into_iter().filter(Request::is_embedding).collect()
    }

    /// How many bytes of huge answers were taken.
    pub fn sent(&self) -> usize {
        self.state.lock().unwrap().sent
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(request) = read(&stream) else { return };
    let decide = {
        let mut state = state.lock().unwrap();
        state.requests.push(request.clone());
        state.decide.clone()
    };
    // It may wait for other requests.
    let asked = request.is_chat() || request.is_embedding();
    let decided = decide.filter(|_| asked).and_then(|decide| decide(&request));
    let reply = decided.unwrap_or_else(|| next(&mut state.lock().unwrap(), &request));
    let _ = send(&mut stream, &request, &reply, state);
}

fn next(state: &mut State, request: &Request) -> Reply {
    if state.loading > 0 {
        state.loading -= 1;
        let error = json!({"error": {"message": "Loading model", "type": "unavailable_error", "code": 503}});
        return Reply::body(503, error.to_string());
    }
    if request.path.ends_with("/health") {
        return Reply::body(200, r#"{"status":"ok"}"#);
    }
    if !request.is_chat() && !request.is_embedding() {
        return Reply::status(404);
    }
    state.script.pop_front().or_else(|| state.always.clone()).unwrap_or_else(Reply::usual)
}

fn send(
    stream: &mut TcpStream,
    request: &Request,
    reply: &Reply,
    state: &Mutex<State>,
) -> std::io::Result<()> {
    let body = match &reply.content {
        Content::HangUp => return Ok(()),
        Content::Silence => {
            let _ = stream.read(&mut [0]);
            return Ok(());
        }
        Content::Huge(bytes) => {
            head(stream, reply, *bytes)?;
            let block = vec![b' '; 65536];
            for _ in 0..bytes.div_ceil(block.len()) {
                stream.write_all(&block)?;
                state.lock().unwrap().sent += block.len();
            }
            return Ok(());
        }
        Content::Body(body) => body.clone(),
        Content::Text(text) => chat(request, text, reply.finish),
        Content::Usual | Content::Truncated => usual(request, reply.finish),
    };
    head(stream, reply, body.len())?;
    let cut = matches!(reply.content, Content::Truncated);
    let bytes = body.as_bytes();
    stream.write_all(if cut { &bytes[..bytes.len() / 2] } else { bytes })
}

fn head(stream: &mut TcpStream, reply: &Reply, length: usize) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Answer\r\nContent-Length: {length}\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("Content-Type: application/json\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())
}

fn usual(request: &Request, finish: &str) -> String {
    let body = request.json();
    if request.is_chat() {
        let value = request.schema().map_or_else(|| json!({"text": "Fine."}), |it| fitting(&it));
        return chat(request, &value.to_string(), finish);
    }
    let asked = if body["inputs"].is_null() { &body["input"] } else { &body["inputs"] };
    let texts: Vec<&str> = match asked {
        Value::String(text) => vec![text],
        texts => texts.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect(),
    };
    let vectors: Vec<Vec<f64>> = texts.iter().map(|text| vector(text)).collect();
    if request.path.ends_with("/feature-extraction") {
        return json!(vectors).to_string();
    }
    let numbered = vectors.iter().enumerate();
    let data = numbered
        .map(|(index, vector)| json!({"object": "embedding", "index": index, "embedding": vector}));
    let data: Vec<Value> = data.collect();
    let usage = json!({"prompt_tokens": 7, "total_tokens": 7});
    json!({"object": "list", "data": data, "model": body["model"], "usage": usage}).to_string()
}

fn chat(request: &Request, text: &str, finish: &str) -> String {
    let message = json!({"role": "assistant", "content": text});
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_760_000_000, "model": request.json()["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    })
    .to_string()
}

/// As many numbers as there are letters and digits, and more, of how often words hash to them.
pub fn vector(text: &str) -> Vec<f64> {
    let mut vector = vec![0.001; 64];
    for word in
        text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|it| !it.is_empty())
    {
        let hash =
            word.bytes().fold(5381_usize, |hash, byte| hash.wrapping_mul(33) ^ usize::from(byte));
        vector[hash % 64] += 1.0;
    }
    vector
}

/// A value that a schema allows.
pub fn fitting(schema: &Value) -> Value {
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| **kind != "null").cloned(),
        kind => Some(kind.clone()),
    };
    let number = |key: &str| schema[key].as_u64().map(|it| usize::try_from(it).unwrap());
    match kind.as_ref().and_then(Value::as_str) {
        Some("object") => {
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            properties.iter().map(|(name, schema)| (name.clone(), fitting(schema))).collect()
        }
        Some("array") => {
            let most = number("maxItems").unwrap_or(usize::MAX);
            let count = number("minItems").unwrap_or(1).max(1).min(most);
            (0..count).map(|_| fitting(&schema["items"])).collect()
        }
        Some("string") => {
            let (least, most) =
                (number("minLength").unwrap_or(0), number("maxLength").unwrap_or(60));
            let words = "An answer made by the stand-in for a model. ".chars().cycle();
            let text: String = words.take(43.max(least).min(most)).collect();
            let trimmed = text.trim_end();
            json!(if trimmed.len() < least { text.replace(' ', "-") } else { trimmed.to_owned() })
        }
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(true),
        _ => Value::Null,
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut headers) = (String::new(), BTreeMap::new());
    reader.read_line(&mut line).ok()?;
    let mut first = line.split(' ').map(str::to_owned);
    let (method, path) = (first.next()?, first.next()?);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body: String::from_utf8(body).ok()? })
}
