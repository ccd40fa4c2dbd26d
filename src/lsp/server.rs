//! The main loop: owns the documents, hands changes to the worker, answers from snapshots that include every change.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;

use gen_lsp_types as lsp;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response, ResponseError};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::client::Client;
use super::documents::Documents;
use super::requests::{self, Context};
use super::settings::Settings;
use super::snapshot::Snapshot;
use super::worker::{Change, Event, Showing, Worker};
use super::{ServerOptions, from_proto, to_proto};
use crate::engine::panic_text;

/// What the main loop waits for.
enum Input {
    Message(Box<Message>),
    Worker(Event),
    Gone,
}

/// What an answer of the client is for.
enum Asked {
    Settings,
    Progress,
    Nothing,
}

/// Serves one client; whether it said goodbye as the protocol wants it.
pub fn serve(connection: Connection, options: ServerOptions) -> bool {
    let Some((id, params)) = initialize(&connection) else { return false };
    let client = Client::of(&params);
    let answer = json!({
        "capabilities": requests::capabilities(&client),
        "serverInfo": { "name": "minivet", "version": env!("CARGO_PKG_VERSION") },
    });
    if connection.sender.send(Response::new_ok(id, answer).into()).is_err() {
        return false;
    }
    let (inputs, waiting) = mpsc::channel();
    let events = inputs.clone();
    let showing = Showing { encoding: client.encoding, related: client.related };
    let worker = Worker::start(showing, options.facts.clone(), move |event| {
        // A server that is gone needs no events.
        let _ = events.send(Input::Worker(event));
    });
    let Ok(worker) = worker else { return false };
    let receiver = connection.receiver.clone();
    let reader = std::thread::Builder::new().name("lsp-forward".to_owned()).spawn(move || {
        for message in receiver {
            let last = matches!(&message, Message::Notification(one) if one.method == "exit");
            if inputs.send(Input::Message(Box::new(message))).is_err() || last {
                return;
            }
        }
        let _ = inputs.send(Input::Gone);
    });
    if reader.is_err() {
        return false;
    }
    let mut server = Server {
        connection,
        settings: options.settings,
        client,
        worker,
        documents: Documents::default(),
        folders: folders(&params),
        latest: None,
        generation: 0,
        pending: Vec::new(),
        published: HashMap::new(),
        told: HashMap::new(),
        edited: HashSet::new(),
        asked: HashMap::new(),
        next: 0,
        busy: false,
        progress: Progress::Idle,
        closing: false,
    };
    let given = params.get("initializationOptions").cloned().unwrap_or_default();
    match server.settings.with(&given) {
        Ok(settings) => server.settings = settings,
        Err(error) => server.log(lsp::MessageType::Error, &format!("initialization options: {error}")),
    }
    server.change(Change::Settings(Box::new(server.settings.clone()), server.client.locale.clone()));
    server.change(Change::Folders(server.folders.clone()));
    for input in waiting {
        match input {
            Input::Message(message) => {
                if let Some(orderly) = server.message(*message) {
                    return orderly;
                }
            }
            Input::Worker(Event::Done(snapshot)) => server.done(snapshot),
            Input::Worker(Event::Busy(busy)) => server.busy(busy),
            Input::Gone => return false,
        }
    }
    false
}

/// Waits for a well-formed `initialize`.
fn initialize(connection: &Connection) -> Option<(RequestId, Value)> {
    loop {
        let (id, params) = connection.initialize_start().ok()?;
        match serde_json::from_value::<lsp::InitializeParams>(params.clone()) {
            Ok(_) => return Some((id, params)),
            Err(error) => {
                let refusal = Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string());
                connection.sender.send(refusal.into()).ok()?;
            }
        }
    }
}

/// The workspace's folders, or the root of older clients.
fn folders(params: &Value) -> Vec<PathBuf> {
    let of = |uri: &Value| from_proto::path(&lsp::Uri(uri.as_str()?.to_owned()));
    let listed: Vec<PathBuf> = params
        .get("workspaceFolders")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(|folder| of(folder.get("uri")?)).collect())
        .unwrap_or_default();
    if !listed.is_empty() {
        return listed;
    }
    let root = params.get("rootUri").and_then(of);
    root.or_else(|| params.get("rootPath").and_then(Value::as_str).map(PathBuf::from)).into_iter().collect()
}

/// A request that waits for a snapshot.
struct Pending {
    request: Request,
}

enum Progress {
    Idle,
    /// The client was asked to show it.
    Asked,
    Shown,
}

const TOKEN: &str = "minivet/vetting";

struct Server {
    connection: Connection,
    client: Client,
    settings: Settings,
    worker: Worker,
    documents: Documents,
    folders: Vec<PathBuf>,
    latest: Option<Arc<Snapshot>>,
    /// The number of the last change.
    generation: u64,
    pending: Vec<Pending>,
    /// What was pushed: list and version, by path.
    published: HashMap<PathBuf, (String, Option<i32>)>,
    /// Lists of the last snapshot, for telling which changed.
    told: HashMap<PathBuf, String>,
    /// Documents that changed since the last snapshot.
    edited: HashSet<PathBuf>,
    asked: HashMap<RequestId, Asked>,
    next: u64,
    busy: bool,
    progress: Progress,
    closing: bool,
}

impl Server {
    fn send(&self, message: impl Into<Message>) {
        // A client that is gone is noticed by the reader.
        let _ = self.connection.sender.send(message.into());
    }

    fn notify(&self, method: &str, params: impl serde::Serialize) {
        if let Ok(params) = serde_json::to_value(params) {
            self.send(Notification { method: method.to_owned(), params });
        }
    }

    fn ask(&mut self, method: &str, params: Value, asked: Asked) {
        self.next += 1;
        let id = RequestId::from(format!("minivet-{}", self.next));
        self.asked.insert(id.clone(), asked);
        self.send(Request { id, method: method.to_owned(), params });
    }

    fn log(&self, kind: lsp::MessageType, message: &str) {
        self.notify("window/logMessage", lsp::LogMessageParams { kind, message: message.to_owned() });
    }

    fn change(&mut self, change: Change) {
        self.generation = self.worker.send(change);
    }

    /// Takes a message; `Some` at the end of the session.
    fn message(&mut self, message: Message) -> Option<bool> {
        match message {
            Message::Notification(one) if one.method == "exit" => return Some(self.closing),
            Message::Notification(one) => self.notification(one),
            Message::Request(request) => self.request(request),
            Message::Response(response) => self.response(response),
        }
        None
    }

    fn request(&mut self, request: Request) {
        if self.closing {
            let error = (ErrorCode::InvalidRequest, "the server is shutting down".to_owned());
            self.refuse(request.id, error.0 as i32, error.1, None);
        } else if request.method == "shutdown" {
            self.closing = true;
            for one in std::mem::take(&mut self.pending) {
                self.refuse(one.request.id, ErrorCode::RequestCanceled as i32, "shutting down".to_owned(), None);
            }
            self.send(Response::new_ok(request.id, Value::Null));
        } else if !requests::known(&request.method) {
            let text = format!("unknown request {}", request.method);
            self.refuse(request.id, ErrorCode::MethodNotFound as i32, text, None);
        } else if requests::waits(&request.method) && !self.current() {
            self.pending.push(Pending { request });
        } else {
            self.answer(request);
        }
    }

    fn current(&self) -> bool {
        self.latest.as_ref().is_some_and(|latest| latest.generation >= self.generation)
    }

    fn refuse(&self, id: RequestId, code: i32, message: String, data: Option<Value>) {
        let error = ResponseError { code, message, data };
        self.send(Response { id, response_result: Err(error) });
    }

    fn answer(&mut self, request: Request) {
        let Request { id, method, params } = request;
        let context = Context {
            snapshot: self.latest.as_deref(),
            documents: &self.documents,
            client: &self.client,
            settings: &self.settings,
        };
        let answer = catch_unwind(AssertUnwindSafe(|| requests::handle(&context, &method, params)));
        match answer {
            Ok(Ok(answer)) => {
                if let Some(show) = answer.show {
                    self.ask("window/showDocument", show, Asked::Nothing);
                }
                self.send(Response::new_ok(id, answer.result));
            }
            Ok(Err(error)) => {
                self.log(lsp::MessageType::Error, &format!("{method}: {error}"));
                self.refuse(id, ErrorCode::InvalidParams as i32, error, None);
            }
            Err(panic) => {
                let text = format!("{method}: internal error: {}", panic_text(&*panic));
                self.log(lsp::MessageType::Error, &text);
                self.refuse(id, ErrorCode::InternalError as i32, text, None);
            }
        }
    }

    /// Requests that wait while a document changes are out of date: the client asks again.
    fn outdate(&mut self) {
        for one in std::mem::take(&mut self.pending) {
            let text = "the document changed".to_owned();
            if requests::pulls(&one.request.method) {
                let data = Some(json!({ "retriggerRequest": true }));
                self.refuse(one.request.id, ErrorCode::ServerCancelled as i32, text, data);
            } else {
                self.refuse(one.request.id, ErrorCode::ContentModified as i32, text, None);
            }
        }
    }

    fn response(&mut self, response: Response) {
        match (self.asked.remove(&response.id), response.response_result) {
            (Some(Asked::Settings), Ok(value)) => self.settings_came(value.get(0).unwrap_or(&Value::Null)),
            (Some(Asked::Settings), Err(error)) => {
                self.log(lsp::MessageType::Warning, &format!("no settings: {}", error.message));
            }
            (Some(Asked::Progress), result) => {
                self.progress = Progress::Idle;
                if result.is_ok() && self.busy {
                    self.progress = Progress::Shown;
                    let title = self.lang().pick("minivet 正在检查", "minivet is vetting");
                    self.notify("$/progress", json!({ "token": TOKEN, "value": { "kind": "begin", "title": title } }));
                }
            }
            (Some(Asked::Nothing), _) => {}
            (None, _) => self.log(lsp::MessageType::Error, &format!("an answer to no question: {}", response.id)),
        }
    }

    fn lang(&self) -> crate::policy::catalogue::Lang {
        self.settings.language(self.client.locale.as_deref())
    }

    fn settings_came(&mut self, value: &Value) {
        match self.settings.with(value) {
            Ok(settings) if settings != self.settings => {
                let before = std::mem::replace(&mut self.settings, settings);
                if self.client.watches && before.rules != self.settings.rules {
                    self.watch_rules(before.rules.as_ref());
                }
                self.change(Change::Settings(Box::new(self.settings.clone()), self.client.locale.clone()));
                if self.client.refreshes.hints {
                    self.ask("workspace/inlayHint/refresh", Value::Null, Asked::Nothing);
                }
            }
            Ok(_) => {}
            Err(error) => self.log(lsp::MessageType::Error, &format!("settings: {error}")),
        }
    }

    fn params<T: DeserializeOwned>(&self, one: Notification) -> Option<T> {
        match serde_json::from_value(one.params) {
            Ok(params) => Some(params),
            Err(error) => {
                self.log(lsp::MessageType::Error, &format!("{}: {error}", one.method));
                None
            }
        }
    }

    /// The path of a document; told in the log when it has none.
    fn path(&self, uri: &lsp::Uri) -> Option<PathBuf> {
        let path = from_proto::path(uri);
        if path.is_none() {
            self.log(lsp::MessageType::Log, &format!("not a file: {uri}"));
        }
        path
    }

    fn notification(&mut self, one: Notification) {
        match one.method.as_str() {
            "initialized" => self.initialized(),
            "textDocument/didOpen" => {
                let Some(params) = self.params::<lsp::DidOpenTextDocumentParams>(one) else { return };
                self.did_open(params);
            }
            "textDocument/didChange" => {
                let Some(params) = self.params::<lsp::DidChangeTextDocumentParams>(one) else { return };
                self.did_change(params);
            }
            "textDocument/didSave" => {
                let Some(params) = self.params::<lsp::DidSaveTextDocumentParams>(one) else { return };
                self.did_save(params);
            }
            "textDocument/didClose" => {
                let Some(params) = self.params::<lsp::DidCloseTextDocumentParams>(one) else { return };
                self.did_close(params);
            }
            "workspace/didChangeWatchedFiles" => {
                let Some(params) = self.params::<lsp::DidChangeWatchedFilesParams>(one) else { return };
                let paths: Vec<PathBuf> =
                    params.changes.iter().filter_map(|event| from_proto::path(&event.uri)).collect();
                self.change(Change::Disk(paths));
            }
            "workspace/didChangeWorkspaceFolders" => {
                let Some(params) = self.params::<lsp::DidChangeWorkspaceFoldersParams>(one) else { return };
                let of = |list: &[lsp::WorkspaceFolder]| -> Vec<PathBuf> {
                    list.iter().filter_map(|folder| from_proto::path(&folder.uri)).collect()
                };
                let removed = of(&params.event.removed);
                self.folders.retain(|folder| !removed.contains(folder));
                for folder in of(&params.event.added) {
                    if !self.folders.contains(&folder) {
                        self.folders.push(folder);
                    }
                }
                self.change(Change::Folders(self.folders.clone()));
            }
            "workspace/didChangeConfiguration" => {
                let given = one.params.get("settings").filter(|value| value.is_object());
                match given.cloned() {
                    Some(value) => self.settings_came(&value),
                    None => self.ask_settings(),
                }
            }
            "$/cancelRequest" => self.cancel(&one.params),
            // `$/` notifications may be left alone.
            method if method.starts_with("$/") => {}
            method => self.log(lsp::MessageType::Log, &format!("unknown notification {method}")),
        }
    }

    fn initialized(&mut self) {
        let mut registrations = Vec::new();
        if self.client.watches {
            registrations.push(json!({
                "id": "minivet-files", "method": "workspace/didChangeWatchedFiles",
                "registerOptions": { "watchers": [{ "globPattern": "**/*" }] },
            }));
            registrations.extend(self.rules_watcher());
        }
        if self.client.configuration_changes {
            registrations.push(json!({
                "id": "minivet-settings", "method": "workspace/didChangeConfiguration",
                "registerOptions": { "section": "minivet" },
            }));
        }
        if !registrations.is_empty() {
            self.ask("client/registerCapability", json!({ "registrations": registrations }), Asked::Nothing);
        }
        self.ask_settings();
    }

    /// The folder of rule packs may lie outside of the workspace.
    fn rules_watcher(&self) -> Option<Value> {
        let rules = self.settings.rules.as_ref().filter(|rules| rules.is_absolute())?;
        Some(json!({
            "id": "minivet-rules", "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": [{
                "globPattern": { "baseUri": to_proto::uri(rules), "pattern": "**/*" },
            }] },
        }))
    }

    fn watch_rules(&mut self, before: Option<&PathBuf>) {
        if before.is_some_and(|rules| rules.is_absolute()) {
            let old = json!([{ "id": "minivet-rules", "method": "workspace/didChangeWatchedFiles" }]);
            self.ask("client/unregisterCapability", json!({ "unregisterations": old }), Asked::Nothing);
        }
        if let Some(watcher) = self.rules_watcher() {
            self.ask("client/registerCapability", json!({ "registrations": [watcher] }), Asked::Nothing);
        }
    }

    fn ask_settings(&mut self) {
        if self.client.configuration {
            self.ask("workspace/configuration", json!({ "items": [{ "section": "minivet" }] }), Asked::Settings);
        }
    }

    fn did_open(&mut self, params: lsp::DidOpenTextDocumentParams) {
        let item = params.text_document;
        let Some(path) = self.path(&item.uri) else { return };
        if self.documents.get(&path).is_some() {
            self.log(lsp::MessageType::Error, &format!("opened twice: {}", item.uri));
        }
        self.documents.open(path.clone(), item.uri, item.version, &item.text);
        if let Some(published) = self.published.get_mut(&path) {
            // A document that is opened is told anew.
            "reopened".clone_into(&mut published.0);
        }
        if !self.client.watches {
            self.change(Change::Look);
        }
        self.text_changed(path);
    }

    fn did_change(&mut self, params: lsp::DidChangeTextDocumentParams) {
        let uri = params.text_document.text_document_identifier.uri;
        let Some(path) = self.path(&uri) else { return };
        let version = params.text_document.version;
        match self.documents.change(&path, version, params.content_changes, self.client.encoding) {
            Some((_, wrong)) => {
                if let Some(wrong) = wrong {
                    self.log(lsp::MessageType::Error, &format!("{uri}: {wrong}"));
                }
                self.outdate();
                self.text_changed(path);
            }
            None => self.log(lsp::MessageType::Error, &format!("changed and not open: {uri}")),
        }
    }

    fn text_changed(&mut self, path: PathBuf) {
        let Some(document) = self.documents.get(&path) else { return };
        let change = Change::Open(path.clone(), document.uri.clone(), document.version, document.source.text.clone());
        self.edited.insert(path);
        self.change(change);
    }

    fn did_save(&mut self, params: lsp::DidSaveTextDocumentParams) {
        let Some(path) = self.path(&params.text_document.uri) else { return };
        let change = if self.client.watches { Change::Disk(vec![path]) } else { Change::Look };
        self.change(change);
    }

    fn did_close(&mut self, params: lsp::DidCloseTextDocumentParams) {
        let uri = params.text_document.uri;
        let Some(path) = self.path(&uri) else { return };
        if self.documents.close(&path).is_none() {
            self.log(lsp::MessageType::Error, &format!("closed and not open: {uri}"));
            return;
        }
        self.change(Change::Close(path));
    }

    fn cancel(&mut self, params: &Value) {
        let Some(id) = params.get("id").and_then(|id| serde_json::from_value::<RequestId>(id.clone()).ok()) else {
            self.log(lsp::MessageType::Error, "$/cancelRequest without an id");
            return;
        };
        // What is not waiting was answered.
        if let Some(at) = self.pending.iter().position(|one| one.request.id == id) {
            let one = self.pending.remove(at);
            self.refuse(one.request.id, ErrorCode::RequestCanceled as i32, "cancelled".to_owned(), None);
        }
    }

    fn done(&mut self, snapshot: Arc<Snapshot>) {
        for line in &snapshot.log {
            self.log(lsp::MessageType::Error, line);
        }
        let old = self.latest.replace(snapshot.clone());
        let mut changed: HashSet<&Path> = HashSet::new();
        for (path, told) in &snapshot.files {
            if self.told.get(path) != Some(&told.id) {
                changed.insert(path);
            }
        }
        changed.extend(self.told.keys().filter(|path| !snapshot.files.contains_key(*path)).map(PathBuf::as_path));
        if self.client.pulls {
            let others = changed.iter().any(|path| !self.edited.contains(*path));
            if others && old.is_some() && self.client.refreshes.diagnostics {
                self.ask("workspace/diagnostic/refresh", Value::Null, Asked::Nothing);
            }
        } else {
            self.publish(&snapshot);
        }
        self.told = snapshot.files.iter().map(|(path, told)| (path.clone(), told.id.clone())).collect();
        if self.current() {
            self.edited.clear();
            for one in std::mem::take(&mut self.pending) {
                self.answer(one.request);
            }
        }
        if old.is_some_and(|old| old.facts != snapshot.facts) {
            if self.client.refreshes.lenses {
                self.ask("workspace/codeLens/refresh", Value::Null, Asked::Nothing);
            }
            if self.client.refreshes.hints && self.settings.inlay_hints {
                self.ask("workspace/inlayHint/refresh", Value::Null, Asked::Nothing);
            }
        }
    }

    /// Pushes what changed. A document that moved on meanwhile keeps what it shows until its own version is vetted.
    fn publish(&mut self, snapshot: &Snapshot) {
        let mut paths: Vec<PathBuf> = snapshot.files.keys().cloned().collect();
        paths.extend(self.published.keys().filter(|path| !snapshot.files.contains_key(*path)).cloned());
        paths.extend(self.documents.paths().filter(|path| !snapshot.files.contains_key(*path)).cloned());
        paths.sort();
        paths.dedup();
        for path in paths {
            let document = self.documents.get(&path);
            let version = document.map(|document| document.version);
            if version.is_some() && snapshot.versions.get(&path) != version.as_ref() {
                continue;
            }
            let told = snapshot.files.get(&path);
            let id = told.map(|told| told.id.clone()).unwrap_or_default();
            let now = (id, version);
            let before = self.published.get(&path);
            if before == Some(&now) || (before.is_none() && told.is_none() && document.is_none()) {
                continue;
            }
            let diagnostics = told.map(|told| told.items.clone()).unwrap_or_default();
            let uri = document.map_or_else(|| to_proto::uri(&path), |document| document.uri.clone());
            self.notify("textDocument/publishDiagnostics", lsp::PublishDiagnosticsParams { uri, version, diagnostics });
            if told.is_none() && version.is_none() {
                self.published.remove(&path);
            } else {
                self.published.insert(path, now);
            }
        }
    }

    fn busy(&mut self, busy: bool) {
        self.busy = busy;
        match (&self.progress, busy) {
            (Progress::Idle, true) if self.client.progress => {
                self.progress = Progress::Asked;
                self.ask("window/workDoneProgress/create", json!({ "token": TOKEN }), Asked::Progress);
            }
            (Progress::Shown, false) => {
                self.progress = Progress::Idle;
                self.notify("$/progress", json!({ "token": TOKEN, "value": { "kind": "end" } }));
            }
            _ => {}
        }
    }
}
