//! A client in memory: what an editor keeps, and what it can ask.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use minivet::lsp::{ServerOptions, serve};
use serde_json::{Value, json};

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client and its server.
pub struct Client {
    connection: Option<Connection>,
    server: Option<JoinHandle<bool>>,
    next: i32,
    /// Diagnostics as last pushed, by address.
    pub pushed: HashMap<String, Vec<Value>>,
    /// Version of the last push, by address.
    pub versions: HashMap<String, i64>,
    /// Every push in order: address and version.
    pub pushes: Vec<(String, Option<i64>)>,
    /// Log lines.
    pub log: Vec<String>,
    /// Requests of the server by method.
    pub asked: Vec<String>,
    /// Notifications of progress: kinds.
    pub progress: Vec<String>,
    /// Answer to `workspace/configuration`.
    pub settings: Value,
    responses: HashMap<RequestId, Response>,
    versions_sent: HashMap<String, i32>,
    /// What the server said it can do.
    pub capabilities: Value,
}

/// The address of a path.
pub fn uri(path: &Path) -> String {
    let mut out = String::from("file://");
    for byte in path.to_str().unwrap().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            out.push(byte as char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Capabilities of a client that takes pushes.
pub fn push() -> Value {
    json!({
        "general": { "positionEncodings": ["utf-16"] },
        "textDocument": { "publishDiagnostics": { "relatedInformation": true } },
        "workspace": { "workspaceEdit": { "documentChanges": true } },
    })
}

/// Capabilities of a client that pulls.
pub fn pull() -> Value {
    json!({
        "general": { "positionEncodings": ["utf-8", "utf-16"] },
        "textDocument": { "diagnostic": { "dynamicRegistration": false } },
        "workspace": {
            "diagnostics": { "refreshSupport": true }, "codeLens": { "refreshSupport": true },
            "configuration": true, "didChangeWatchedFiles": { "dynamicRegistration": true },
        },
        "window": { "workDoneProgress": true },
    })
}

impl Client {
    /// A client with folders open.
    pub fn start(folders: &[&Path], capabilities: Value, options: Value) -> Self {
        Self::start_with(folders, capabilities, options, ServerOptions::default())
    }

    /// As [`Client::start`], with options of the server.
    pub fn start_with(folders: &[&Path], capabilities: Value, options: Value, server: ServerOptions) -> Self {
        let (ours, theirs) = Connection::memory();
        let server = std::thread::spawn(move || serve(theirs, server));
        let mut client = Self {
            connection: Some(ours),
            server: Some(server),
            next: 0,
            pushed: HashMap::new(),
            versions: HashMap::new(),
            pushes: Vec::new(),
            log: Vec::new(),
            asked: Vec::new(),
            progress: Vec::new(),
            settings: Value::Null,
            responses: HashMap::new(),
            versions_sent: HashMap::new(),
            capabilities: Value::Null,
        };
        let folders: Vec<Value> = folders.iter().map(|path| json!({ "uri": uri(path), "name": "x" })).collect();
        let answer = client.request(
            "initialize",
            json!({
                "processId": null, "rootUri": null, "capabilities": capabilities, "workspaceFolders": folders,
                "initializationOptions": options, "locale": "en",
            }),
        );
        client.capabilities = answer.unwrap()["capabilities"].clone();
        client.notify("initialized", json!({}));
        client
    }

    pub fn send(&self, message: impl Into<Message>) {
        self.connection.as_ref().unwrap().sender.send(message.into()).unwrap();
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(Notification { method: method.to_owned(), params });
    }

    /// Sends a request; its id.
    pub fn ask(&mut self, method: &str, params: Value) -> RequestId {
        self.next += 1;
        let id = RequestId::from(self.next);
        self.send(Request { id: id.clone(), method: method.to_owned(), params });
        id
    }

    /// The answer to a request, or the error's code.
    pub fn answer(&mut self, id: &RequestId) -> Result<Value, i32> {
        let start = Instant::now();
        loop {
            if let Some(response) = self.responses.remove(id) {
                return response.response_result.map_err(|error| error.code);
            }
            assert!(self.step(PATIENCE.saturating_sub(start.elapsed())), "no answer; log: {:#?}", self.log);
        }
    }

    pub fn request(&mut self, method: &str, params: Value) -> Result<Value, i32> {
        let id = self.ask(method, params);
        self.answer(&id)
    }

    /// Takes one message; false when none came in time.
    pub fn step(&mut self, wait: Duration) -> bool {
        let Ok(message) = self.connection.as_ref().unwrap().receiver.recv_timeout(wait) else { return false };
        match message {
            Message::Response(response) => {
                self.responses.insert(response.id.clone(), response);
            }
            Message::Request(request) => {
                self.asked.push(request.method.clone());
                let result = match request.method.as_str() {
                    "workspace/configuration" => json!([self.settings]),
                    _ => Value::Null,
                };
                self.send(Response::new_ok(request.id, result));
            }
            Message::Notification(one) => match one.method.as_str() {
                "textDocument/publishDiagnostics" => {
                    let address = one.params["uri"].as_str().unwrap().to_owned();
                    let version = one.params["version"].as_i64();
                    self.pushes.push((address.clone(), version));
                    if let Some(version) = version {
                        self.versions.insert(address.clone(), version);
                    }
                    self.pushed.insert(address, one.params["diagnostics"].as_array().unwrap().clone());
                }
                "window/logMessage" => self.log.push(one.params["message"].as_str().unwrap().to_owned()),
                "$/progress" => self.progress.push(one.params["value"]["kind"].as_str().unwrap().to_owned()),
                _ => {}
            },
        }
        true
    }

    /// Takes messages until something holds.
    pub fn until(&mut self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            let left = PATIENCE.saturating_sub(start.elapsed());
            assert!(self.step(left), "never: {what}; pushed: {:#?}; log: {:#?}", self.pushed, self.log);
        }
    }

    /// Opens a document with the text on disk.
    pub fn open(&mut self, path: &Path) -> String {
        let text = std::fs::read_to_string(path).unwrap();
        self.open_text(path, &text);
        text
    }

    pub fn open_text(&mut self, path: &Path, text: &str) {
        let address = uri(path);
        self.versions_sent.insert(address.clone(), 1);
        self.notify(
            "textDocument/didOpen",
            json!({ "textDocument": { "uri": address, "languageId": "javascript", "version": 1, "text": text } }),
        );
    }

    /// Sends changes; the new version.
    pub fn change(&mut self, path: &Path, changes: Value) -> i64 {
        let address = uri(path);
        let version = self.versions_sent.entry(address.clone()).or_insert(0);
        *version += 1;
        let version = *version;
        self.notify(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": address, "version": version }, "contentChanges": changes }),
        );
        i64::from(version)
    }

    /// Replaces the whole text; the new version.
    pub fn replace(&mut self, path: &Path, text: &str) -> i64 {
        self.change(path, json!([{ "text": text }]))
    }

    pub fn close(&mut self, path: &Path) {
        self.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri(path) } }));
    }

    pub fn saved(&mut self, path: &Path) {
        self.notify("textDocument/didSave", json!({ "textDocument": { "uri": uri(path) } }));
    }

    pub fn watched(&mut self, path: &Path, kind: u32) {
        let changes = json!({ "changes": [{ "uri": uri(path), "type": kind }] });
        self.notify("workspace/didChangeWatchedFiles", changes);
    }

    /// Waits until all that was sent is vetted. Only requests that include every change are answered after that.
    pub fn settle(&mut self) {
        self.request("minivet/inventory", json!({})).unwrap();
    }

    /// Rules pushed for a file, in order of place.
    pub fn rules(&self, path: &Path) -> Vec<String> {
        let list = self.pushed.get(&uri(path)).cloned().unwrap_or_default();
        list.iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect()
    }

    /// Says goodbye; whether the server ended as it should.
    pub fn stop(mut self) -> bool {
        self.request("shutdown", Value::Null).unwrap();
        self.notify("exit", Value::Null);
        self.server.take().unwrap().join().unwrap()
    }

    /// Code actions at a range, of a kind.
    pub fn actions(&mut self, path: &Path, range: &Value, only: Option<&str>) -> Vec<Value> {
        let only = only.map(|kind| json!([kind])).unwrap_or(Value::Null);
        let mut context = json!({ "diagnostics": [] });
        if !only.is_null() {
            context["only"] = only;
        }
        let params = json!({ "textDocument": { "uri": uri(path) }, "range": range, "context": context });
        self.request("textDocument/codeAction", params).unwrap().as_array().cloned().unwrap_or_default()
    }
}

/// Applies the edits that an action has for a file, as a client with UTF-16 columns does.
pub fn apply(action: &Value, path: &Path, text: &str) -> String {
    let mut edits: Vec<Value> = Vec::new();
    for change in action["edit"]["documentChanges"].as_array().unwrap() {
        assert_eq!(change["textDocument"]["uri"], uri(path));
        edits.extend(change["edits"].as_array().unwrap().clone());
    }
    let mut edits: Vec<(usize, usize, String)> = edits
        .iter()
        .map(|edit| {
            let at = |end: &str| offset(text, &edit["range"][end]);
            (at("start"), at("end"), edit["newText"].as_str().unwrap().to_owned())
        })
        .collect();
    edits.sort_by_key(|(start, end, _)| (*start, *end));
    let mut out = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        out.replace_range(start..end, &new);
    }
    out
}

/// The byte offset of a UTF-16 position, by a way of its own.
pub fn offset(text: &str, at: &Value) -> usize {
    let line = at["line"].as_u64().unwrap() as usize;
    let character = at["character"].as_u64().unwrap() as usize;
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = &text[start..];
    let mut units = 0;
    for (at, c) in rest.char_indices() {
        if units >= character {
            return start + at;
        }
        units += c.len_utf16();
    }
    text.len()
}

/// The text that a range covers.
pub fn slice<'t>(text: &'t str, range: &Value) -> &'t str {
    &text[offset(text, &range["start"])..offset(text, &range["end"])]
}

/// A copy of a fixture that may be changed.
pub fn copy(fixture: &str) -> (tempfile::TempDir, PathBuf) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(fixture);
    let dir = tempfile::tempdir().unwrap();
    // A repository root, so that no configuration above counts.
    std::fs::create_dir(dir.path().join(".git")).unwrap();
    let to = dir.path().join("店铺 shop");
    copy_dir(&from, &to);
    (dir, to)
}

/// A shop whose first page collects without consent, keeps and sends in the clear.
pub fn shop_copy() -> (tempfile::TempDir, PathBuf) {
    let (dir, root) = copy("packages/corner-shop");
    std::fs::write(root.join("pages/index/index.js"), include_str!("index.js")).unwrap();
    (dir, root)
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else if entry.file_name() != "expect.toml" {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
