//! The targets. Raw bytes and grown seeds take turns: the first byte decides.

use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bolero::check;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, RequestId, Response};
use minivet::engine::{self, Options};
use minivet::model::facts::{FactsDialect, template_facts};
use minivet::model::lower;
use minivet::package::{Limits, ReadOptions};
use minivet::source::decode;
use minivet::syntax::script::ScriptKind;
use minivet::syntax::{json, template};
use minivet_fuzz::grown::*;
use minivet_fuzz::{damage, deep, policy};
use serde_json::{Value, json};

fn text(input: &[u8], seeds: &[&str], pieces: &[&str]) -> String {
    match input.split_first() {
        Some((first, rest)) if first % 4 != 0 => grow(rest, seeds, pieces),
        _ => decode(input).text,
    }
}

/// The fuzzer has a time limit of its own.
fn patient() -> ReadOptions {
    ReadOptions {
        limits: Limits { max_time: Duration::from_secs(3600), ..Limits::default() },
        ..ReadOptions::default()
    }
}

#[test]
fn decoder() {
    check!().for_each(|input: &[u8]| {
        decode(input);
    });
}

#[test]
fn script() {
    check!().for_each(|input: &[u8]| {
        let text = text(input, SCRIPTS, SCRIPT_PIECES);
        for kind in [ScriptKind::JavaScript, ScriptKind::Tsx] {
            let script = lower::script(&text, kind);
            assert!(script.functions.iter().all(|function| function.span.end as usize <= text.len()));
            assert!(script.damage.iter().all(|span| span.end as usize <= text.len()));
        }
    });
}

#[test]
fn markup() {
    check!().for_each(|input: &[u8]| {
        let text = text(input, TEMPLATES, TEMPLATE_PIECES);
        assert_eq!(template::parse(&text, &template::Dialect::default()).reprint(&text), text);
        template_facts(&text, &FactsDialect::default());
    });
}

#[test]
fn data() {
    check!().for_each(|input: &[u8]| {
        let text = text(input, DATA, DATA_PIECES);
        for (span, _) in json::parse(&text).errors {
            assert!(span.end as usize <= text.len());
        }
    });
}

#[test]
fn matcher() {
    check!().for_each(|input: &[u8]| {
        let text = text(input, WORDS, WORD_PIECES);
        for found in policy().matcher().find(&text) {
            assert!(text.get(found.span).is_some());
        }
    });
}

#[test]
fn configuration() {
    check!().for_each(|input: &[u8]| {
        let text = text(input, CONFIGURATIONS, CONFIGURATION_PIECES);
        if let Err(failure) = engine::config::parse(Path::new("minivet.toml"), &text, policy()) {
            assert!(failure.errors.iter().all(|error| error.span.end <= text.len()));
        }
    });
}

#[test]
fn package() {
    check!().for_each(|input: &[u8]| {
        let (script, rest) = input.split_at(input.len() / 2);
        let files = vec![
            ("app.json".to_owned(), b"{\"pages\": [\"a/b\"]}".to_vec()),
            ("a/b.js".to_owned(), text(script, SCRIPTS, SCRIPT_PIECES).into_bytes()),
            ("a/b.swan".to_owned(), text(rest, TEMPLATES, TEMPLATE_PIECES).into_bytes()),
            ("a/b.json".to_owned(), text(rest, DATA, DATA_PIECES).into_bytes()),
        ];
        let layouts = engine::layouts(policy());
        for package in minivet::package::from_memory(Path::new("p"), files, &layouts, &Default::default()).unwrap() {
            let options = Options { no_config: true, read: Some(patient()), ..Options::default() };
            let vetted = deep(|| engine::vet_package(package, policy(), &Default::default(), &options));
            assert!(vetted.engine_errors.is_empty(), "{:?}", vetted.engine_errors);
        }
    });
}

const NAMES: &[&str] = &[
    "a.js",
    "pages/a/a.js",
    "../a.js",
    "/a.js",
    "A.JS",
    "a/../../b.js",
    "a//b.js",
    ".git/a",
    "part.zip",
    "中.js",
    "c:a.js",
    "a\\b.js",
    "",
];

fn archive_of(choices: &mut Choices<'_>, nesting: usize) -> Vec<u8> {
    let mut files: Vec<(&str, Vec<u8>)> = vec![("app.json", b"{\"pages\": [\"pages/a/a\"]}".to_vec())];
    for _ in 0..choices.below(5) {
        let name = choices.of(NAMES);
        let body = match choices.below(4) {
            0 if nesting > 0 => archive_of(choices, nesting - 1),
            1 => vec![choices.byte(); choices.below(1 << 16) * 40],
            _ => choices.take(40).to_vec(),
        };
        files.push((name, body));
    }
    let mut bytes = match choices.below(3) {
        0 => {
            let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
            for (name, body) in &files {
                let method = choices.of(&[zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated]);
                let options = zip::write::SimpleFileOptions::default().compression_method(method);
                // A name that the writer refuses twice is left out.
                if writer.start_file(*name, options).is_ok() {
                    writer.write_all(body).unwrap();
                }
            }
            writer.finish().unwrap().into_inner()
        }
        1 => {
            let mut builder = tar::Builder::new(Vec::new());
            for (name, body) in &files {
                let mut header = tar::Header::new_gnu();
                header.set_size(body.len() as u64);
                header.set_entry_type(tar::EntryType::new(choices.of(b"0000125gxLKS")));
                header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
                header.set_cksum();
                builder.append(&header, body.as_slice()).unwrap();
            }
            builder.into_inner().unwrap()
        }
        _ => {
            let table = 4 + files.iter().map(|(name, _)| 12 + name.len()).sum::<usize>();
            let bodies: usize = files.iter().map(|(_, body)| body.len()).sum();
            let mut out = vec![0xbe, 0, 0, 0, 0];
            out.extend((table as u32).to_be_bytes());
            out.extend((bodies as u32).to_be_bytes());
            out.push(0xed);
            out.extend((files.len() as u32).to_be_bytes());
            let mut at = 14 + table;
            for (name, body) in &files {
                out.extend((name.len() as u32).to_be_bytes());
                out.extend(name.as_bytes());
                out.extend((at as u32).to_be_bytes());
                out.extend((body.len() as u32).to_be_bytes());
                at += body.len();
            }
            files.iter().for_each(|(_, body)| out.extend(body));
            out
        }
    };
    damage(choices, &mut bytes);
    if choices.below(3) == 0 {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&bytes).unwrap();
        bytes = encoder.finish().unwrap();
        damage(choices, &mut bytes);
    }
    bytes
}

#[test]
fn archive() {
    let limits = Limits { max_archive_bytes: 1 << 22, max_files: 50, ..Limits::default() };
    let options = ReadOptions { limits, ..ReadOptions::default() };
    check!().for_each(|input: &[u8]| {
        let mut choices = Choices::new(input);
        let bytes = match choices.byte() % 4 {
            0 => input[1.min(input.len())..].to_vec(),
            _ => archive_of(&mut choices, 2),
        };
        let Ok(opened) = minivet::package::open_archive(Path::new("p.zip"), &bytes, &options.limits) else { return };
        let Ok(packages) = opened.packages(&engine::layouts(policy()), &options) else { return };
        for package in packages {
            assert!(package.files.len() <= 50);
            let total: usize = package.files.iter().map(|file| file.source.text.len()).sum();
            // A byte of an old encoding becomes up to three.
            assert!(total as u64 <= 3 * options.limits.max_archive_bytes);
            for file in &package.files {
                let path = &file.source.path;
                assert!(
                    !path.starts_with('/') && path.split('/').all(|part| !matches!(part, "" | "." | "..")),
                    "{path}"
                );
            }
        }
    });
}

const MARKED: &[&str] = &[
    "// minivet-ignore-next-line privacy/log-exposure, security/dynamic-code -- 说明\nconsole.log(phone)\n/* minivet-ignore-file a/b */",
    "<!-- minivet-ignore-file content/gambling -- reason -->\n<view>在线赌博</view><!-- minivet-ignore-next-line x -->",
    "{\n// minivet-ignore-next-line package/invalid-config -- c\n\"pages\": 1 }",
    "/* minivet-ignore-file a */ .a { color: red }\n# minivet-ignore-file content/gambling -- d\n",
];
const MARKED_PIECES: &[&str] = &[
    "minivet-ignore-",
    "next-line",
    "file",
    " -- ",
    "--",
    ",",
    "，",
    " ",
    "\n",
    "\r\n",
    "//",
    "/*",
    "*/",
    "<!--",
    "-->",
    "#",
    "\"",
    "'",
    "\\",
    "content/gambling",
    "suppression/unused",
    "中",
    "\u{2028}",
    "`",
];

#[test]
fn suppression() {
    const PATHS: &[&str] = &["a/b.js", "a/b.swan", "a/b.json", "a/b.css", "a/b.txt", "a/b.sjs", "readme.md", "a/b.ts"];
    check!().for_each(|input: &[u8]| {
        let mut choices = Choices::new(input);
        let mut files = vec![("app.json".to_owned(), b"{\"pages\": [\"a/b\"]}".to_vec())];
        for path in [choices.of(PATHS), choices.of(PATHS)] {
            let half = choices.take(input.len() / 2);
            files.push((path.to_owned(), text(half, MARKED, MARKED_PIECES).into_bytes()));
        }
        files.dedup_by(|one, two| one.0 == two.0);
        let vet = |profile| {
            let files = files.clone();
            let mut packages =
                minivet::package::from_memory(Path::new("p"), files, &engine::layouts(policy()), &Default::default())
                    .unwrap();
            let options =
                Options { no_config: true, profile: Some(profile), read: Some(patient()), ..Options::default() };
            let vetted = deep(|| engine::vet_package(packages.remove(0), policy(), &Default::default(), &options));
            assert!(vetted.engine_errors.is_empty(), "{:?}", vetted.engine_errors);
            for hit in &vetted.hits {
                let place = hit.finding.place;
                assert!(
                    vetted
                        .package
                        .source(place.file)
                        .text
                        .get(place.span.start as usize..place.span.end as usize)
                        .is_some()
                );
            }
            vetted
        };
        let kept = |vetted: &engine::Vetted| {
            vetted.active().filter(|hit| !hit.finding.rule.starts_with("suppression/")).count()
        };
        let all = |vetted: &engine::Vetted| {
            vetted.hits.iter().filter(|hit| !hit.finding.rule.starts_with("suppression/")).count()
        };
        // A gate shows all that a comment hides from a developer.
        let (developer, gate) = (vet(engine::config::Profile::Developer), vet(engine::config::Profile::Gate));
        assert_eq!(all(&developer), kept(&gate));
    });
}

const METHODS: &[&str] = &[
    "textDocument/didOpen",
    "textDocument/didChange",
    "textDocument/didChange",
    "textDocument/didSave",
    "textDocument/didClose",
    "workspace/didChangeWatchedFiles",
    "workspace/didChangeWorkspaceFolders",
    "workspace/didChangeConfiguration",
    "$/cancelRequest",
    "initialized",
    "$/x",
    "textDocument/hover",
    "textDocument/codeAction",
    "textDocument/codeLens",
    "textDocument/completion",
    "textDocument/diagnostic",
    "textDocument/documentLink",
    "textDocument/inlayHint",
    "workspace/diagnostic",
    "workspace/executeCommand",
    "minivet/inventory",
    "initialize",
    "x",
];
const ADDRESSES: &[&str] = &[
    "file:///nowhere/p/app.json",
    "file:///nowhere/p/a/b.js",
    "file:///nowhere/p/a/b.swan",
    "file:///nowhere/p/minivet.toml",
    "file:///nowhere/p/a/../a/b.js",
    "file:///nowhere/p/%e4%b8%ad.js",
    "file:///nowhere/p/%ff",
    "file://host/a",
    "untitled:1",
    "",
    "file:///",
];
const NUMBERS: &[i64] =
    &[0, 0, 1, 1, 2, 3, 5, 8, 30, 100, -1, 2_147_483_647, 2_147_483_648, 4_294_967_295, 4_294_967_296];

fn position(choices: &mut Choices<'_>) -> Value {
    json!({ "line": choices.of(NUMBERS), "character": choices.of(NUMBERS) })
}

fn range(choices: &mut Choices<'_>) -> Value {
    json!({ "start": position(choices), "end": position(choices) })
}

fn content(choices: &mut Choices<'_>, address: &str) -> String {
    let input = choices.take(60);
    match address.rsplit('.').next() {
        Some("json") => text(input, DATA, DATA_PIECES),
        Some("swan") => text(input, TEMPLATES, TEMPLATE_PIECES),
        Some("toml") => text(input, CONFIGURATIONS, CONFIGURATION_PIECES),
        _ => text(input, SCRIPTS, SCRIPT_PIECES),
    }
}

/// Parameters that are mostly right; now and then one of them is something else.
fn params(choices: &mut Choices<'_>, method: &str) -> Value {
    let address = choices.of(ADDRESSES);
    let document = json!({ "uri": address, "version": choices.of(NUMBERS) });
    let mut params = match method {
        "textDocument/didOpen" => {
            let text = content(choices, address);
            json!({ "textDocument": { "uri": address, "languageId": "x", "version": choices.of(NUMBERS), "text": text } })
        }
        "textDocument/didChange" => {
            let mut changes = Vec::new();
            for _ in 0..1 + choices.below(3) {
                let text = choices.of(SCRIPT_PIECES);
                changes.push(match choices.below(4) {
                    0 => json!({ "text": content(choices, address) }),
                    _ => json!({ "range": range(choices), "text": text }),
                });
            }
            json!({ "textDocument": document, "contentChanges": changes })
        }
        "workspace/didChangeWatchedFiles" => json!({ "changes": [{ "uri": address, "type": 1 + choices.below(3) }] }),
        "workspace/didChangeWorkspaceFolders" => {
            let folder =
                json!({ "uri": choices.of(&["file:///nowhere/p", "file:///nowhere", "untitled:2"]), "name": "p" });
            let (added, removed) = if choices.below(2) == 0 { (vec![folder], vec![]) } else { (vec![], vec![folder]) };
            json!({ "event": { "added": added, "removed": removed } })
        }
        "workspace/didChangeConfiguration" => {
            json!({ "settings": { "minivet": {
                "lang": choices.of(&["zh", "en", "x"]), "inlayHints": choices.below(2) == 0, "host": choices.of(&["swan", "wechat", "x"]),
            } } })
        }
        "$/cancelRequest" => json!({ "id": choices.below(50) }),
        "workspace/executeCommand" => {
            json!({ "command": choices.of(&["minivet.inventory", "x"]), "arguments": [address] })
        }
        "textDocument/codeAction" => {
            json!({ "textDocument": document, "range": range(choices), "context": { "diagnostics": [] } })
        }
        "workspace/diagnostic" => json!({ "previousResultIds": [{ "uri": address, "value": "1" }] }),
        _ => json!({
            "textDocument": document, "position": position(choices), "range": range(choices), "previousResultId": "1", "uri": address,
        }),
    };
    if choices.below(8) == 1 {
        let odd = choices.of(&["null", "-1", "[]", "{}", "\"x\"", "1e99", "[[[[]]]]", "\"\\ud800x\""]);
        let odd = serde_json::from_str(odd).unwrap_or(Value::Null);
        match params.as_object_mut().and_then(|fields| fields.values_mut().next()) {
            Some(value) if choices.below(2) == 0 => *value = odd,
            _ => params = odd,
        }
    }
    params
}

#[test]
fn messages() {
    check!().for_each(|input: &[u8]| {
        let mut choices = Choices::new(input);
        let (ours, theirs) = Connection::memory();
        let server = std::thread::Builder::new().stack_size(64 << 20);
        let server = server.spawn(move || minivet::lsp::serve(theirs, Default::default())).unwrap();
        let mut next = 0;
        let mut ask = |method: &str, params: Value| {
            next += 1;
            let id = RequestId::from(next);
            ours.sender.send(Request { id: id.clone(), method: method.to_owned(), params }.into()).unwrap();
            id
        };
        let encodings = choices.of(&["utf-8", "utf-16", "utf-32", "x"]);
        let capabilities =
            json!({ "general": { "positionEncodings": [encodings] }, "window": { "workDoneProgress": true } });
        ask(
            "initialize",
            json!({
                "processId": null, "rootUri": null, "capabilities": capabilities,
                "workspaceFolders": [{ "uri": "file:///nowhere/p", "name": "p" }],
            }),
        );
        for _ in 0..30 {
            if choices.done() {
                break;
            }
            let method = choices.of(METHODS);
            let params = params(&mut choices, method);
            let notification = method.contains("/did") || method.starts_with('$') || method == "initialized";
            match choices.below(12) {
                1 => ours.sender.send(Response::new_ok(RequestId::from(7), params).into()).unwrap(),
                other if notification == (other != 2) => {
                    ours.sender.send(Notification { method: method.to_owned(), params }.into()).unwrap()
                }
                _ => drop(ask(method, params)),
            }
        }
        let last = ask("shutdown", Value::Null);
        let mut orderly = false;
        while let Ok(message) = ours.receiver.recv_timeout(Duration::from_secs(60)) {
            match message {
                Message::Response(Response { id, response_result }) => {
                    if let Err(error) = &response_result {
                        assert_ne!(error.code, ErrorCode::InternalError as i32, "{}", error.message);
                    }
                    if id == last {
                        orderly = response_result.is_ok();
                        break;
                    }
                }
                Message::Notification(one) if one.method == "window/logMessage" => {
                    assert!(!one.params.to_string().contains("internal error"), "{}", one.params);
                }
                _ => {}
            }
        }
        assert!(orderly, "no answer to the last request");
        ours.sender.send(Notification { method: "exit".to_owned(), params: Value::Null }.into()).unwrap();
        assert!(server.join().unwrap());
    });
}

/// Gives bytes in parts, as a pipe does.
struct Parts {
    bytes: Vec<u8>,
    at: usize,
    sizes: Vec<usize>,
    turn: usize,
}

impl Read for Parts {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let size = self.sizes.get(self.turn % self.sizes.len().max(1)).copied().unwrap_or(usize::MAX);
        self.turn += 1;
        let end = self.at.saturating_add(size.min(into.len())).min(self.bytes.len());
        let part = &self.bytes[self.at..end];
        into[..part.len()].copy_from_slice(part);
        self.at = end;
        Ok(part.len())
    }
}

/// What is written, to be read when the server is gone.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const BODIES: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":2,"method":"textDocument/hover","params":{"textDocument":{"uri":"file:///nowhere/p/a.js"},"position":{"line":0,"character":0}}}"#,
    r#"{"jsonrpc":"2.0","method":"textDocument/didOpen","params":{"textDocument":{"uri":"file:///nowhere/p/a.js","languageId":"x","version":1,"text":"Page({})"}}}"#,
    r#"{"jsonrpc":"2.0","id":3,"method":"x"}"#,
    r#"{"jsonrpc":"2.0","id":4}"#,
    r#"{"jsonrpc":"2.0","id":5,"error":{"code":1,"message":"中"}}"#,
    "[]",
    "{",
    "",
    "\"\\ud800\"",
];
const LENGTHS: &[&str] = &[
    "0",
    "1",
    "-1",
    "x",
    "",
    "٣",
    "4096",
    "67108864",
    "67108865",
    "18446744073709551615",
    "18446744073709551616",
    "1e3",
    "+9",
];
const HEADERS: &[&str] = &[
    "Content-Length: ",
    "content-length:",
    "CONTENT-LENGTH :",
    "Content-Type: x\r\n",
    "\r\n",
    "\n",
    "\r",
    ":",
    "Content-Length",
    "中",
];

/// A stream of frames, some with another length, another ending or noise about them.
fn stream(choices: &mut Choices<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let frame = |out: &mut Vec<u8>, length: &str, ending: &str, body: &str| {
        out.extend(format!("Content-Length: {length}{ending}{body}").bytes());
    };
    let capable = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#;
    frame(&mut out, &capable.len().to_string(), "\r\n\r\n", capable);
    for _ in 0..choices.below(12) {
        let body = choices.of(BODIES);
        match choices.below(6) {
            0 => frame(&mut out, choices.of(LENGTHS), "\r\n\r\n", body),
            1 => frame(
                &mut out,
                &body.len().saturating_add_signed(choices.below(9) as isize - 4).to_string(),
                "\r\n\r\n",
                body,
            ),
            2 => frame(
                &mut out,
                &body.len().to_string(),
                choices.of(&["\n\n", "\r\n", "\r\r", "", "\r\nContent-Length: 2\r\n\r\n"]),
                body,
            ),
            3 => (0..choices.below(4)).for_each(|_| out.extend(choices.of(HEADERS).bytes())),
            4 => out.extend(choices.take(20)),
            _ => frame(&mut out, &body.len().to_string(), "\r\n\r\n", body),
        }
    }
    damage(choices, &mut out);
    out
}

/// The bodies of frames that are all in order.
fn bodies(mut bytes: &[u8]) -> Vec<Value> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a header");
        let header = std::str::from_utf8(&bytes[..end]).expect("a header in text");
        let length: usize = header.strip_prefix("Content-Length: ").expect("a length").parse().expect("a number");
        out.push(serde_json::from_slice(&bytes[end + 4..end + 4 + length]).expect("a body"));
        bytes = &bytes[end + 4 + length..];
    }
    out
}

#[test]
fn frames() {
    check!().for_each(|input: &[u8]| {
        let mut choices = Choices::new(input);
        let sizes = (0..choices.below(4)).map(|_| 1 + choices.below(40)).collect();
        let bytes = match choices.byte() % 4 {
            0 => choices.rest().to_vec(),
            _ => stream(&mut choices),
        };
        let written = Written::default();
        let reader = std::io::BufReader::with_capacity(64, Parts { bytes, at: 0, sizes, turn: 0 });
        let writer = written.clone();
        let (done, ended) = std::sync::mpsc::channel();
        std::thread::spawn(move || done.send(minivet::lsp::serve_on(reader, writer, Default::default())));
        ended.recv_timeout(Duration::from_secs(60)).expect("the server ends with its input").unwrap();
        for body in bodies(&written.0.lock().unwrap()) {
            assert_eq!(body["jsonrpc"], "2.0", "{body}");
            assert_ne!(body["error"]["code"], ErrorCode::InternalError as i32, "{body}");
        }
    });
}
