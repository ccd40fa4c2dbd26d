//! The language server over its protocol: a client in memory, the real packages of `fixtures/`.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

#[path = "lsp/client.rs"]
mod client;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use client::{Client, apply, copy, pull, push, shop_copy, slice, uri};
use lsp_server::Message;
use minivet::engine::{FactsCache, FactsKey, FactsStore, Options, vet};
use minivet::lsp::ServerOptions;
use minivet::model::FileFacts;
use minivet::policy::Policy;
use minivet::policy::catalogue::Lang;
use minivet::report::model::{Shape, build};
use serde_json::{Value, json};

const INDEX: &str = "pages/index/index.js";

fn shop(capabilities: Value) -> (tempfile::TempDir, std::path::PathBuf, Client) {
    let (dir, root) = shop_copy();
    let client = Client::start(&[&root], capabilities, Value::Null);
    (dir, root, client)
}

fn find<'v>(list: &'v [Value], rule: &str) -> &'v Value {
    list.iter().find(|item| item["code"] == rule).unwrap_or_else(|| panic!("no {rule} in {list:#?}"))
}

/// What a fresh check says: rule, path, start, message without help; by the same rules of masking and wording.
fn fresh(root: &Path) -> BTreeMap<String, Vec<(String, u64, u64, String)>> {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    let policy = POLICY.get_or_init(|| Policy::embedded().unwrap());
    let outcome = vet(&[root.to_owned()], policy, &Options::default());
    let report = build(&outcome, policy, Shape { lang: Lang::En, ..Shape::default() });
    let report = serde_json::to_value(report).unwrap();
    let mut out: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for package in report["packages"].as_array().unwrap() {
        for finding in package["findings"].as_array().unwrap() {
            if !finding["suppressed"].is_null() {
                continue;
            }
            let path = Path::new(package["root"].as_str().unwrap()).join(finding["file"].as_str().unwrap());
            let start = &finding["range"]["start"];
            out.entry(uri(&path)).or_default().push((
                finding["rule"].as_str().unwrap().to_owned(),
                start["line"].as_u64().unwrap() - 1,
                start["column"].as_u64().unwrap() - 1,
                finding["message"].as_str().unwrap().to_owned(),
            ));
        }
    }
    out.values_mut().for_each(|list| list.sort());
    out
}

/// What the editor shows, in the same form; the client must have asked for UTF-32 columns.
fn shown(client: &Client) -> BTreeMap<String, Vec<(String, u64, u64, String)>> {
    let mut out = BTreeMap::new();
    for (address, list) in client.pushed.iter().filter(|(_, list)| !list.is_empty()) {
        let mut list: Vec<_> = list
            .iter()
            .map(|item| {
                let start = &item["range"]["start"];
                let message = item["message"].as_str().unwrap();
                (
                    item["code"].as_str().unwrap().to_owned(),
                    start["line"].as_u64().unwrap(),
                    start["character"].as_u64().unwrap(),
                    message.to_owned(),
                )
            })
            .collect();
        list.sort();
        out.insert(address.clone(), list);
    }
    out
}

/// Compares what is shown with a fresh check; a shown message has help and clauses below.
fn assert_as_fresh(client: &Client, root: &Path, when: &str) {
    let (shown, fresh) = (shown(client), fresh(root));
    let keys: Vec<_> = shown.keys().collect();
    assert_eq!(keys, fresh.keys().collect::<Vec<_>>(), "{when}");
    for (address, list) in &fresh {
        let other = &shown[address];
        assert_eq!(list.len(), other.len(), "{when}: {address}: {list:#?} {other:#?}");
        for (a, b) in list.iter().zip(other) {
            assert_eq!((&a.0, a.1, a.2), (&b.0, b.1, b.2), "{when}: {address}");
            assert!(b.3.starts_with(&a.3), "{when}: {} / {}", a.3, b.3);
        }
    }
}

fn utf32() -> Value {
    let mut capabilities = push();
    capabilities["general"]["positionEncodings"] = json!(["utf-32"]);
    capabilities
}

#[test]
fn a_fresh_check_and_an_editor_say_the_same() {
    let (_dir, root, mut client) = shop(utf32());
    client.settle();
    assert_eq!(client.capabilities["positionEncoding"], "utf-32");
    assert_as_fresh(&client, &root, "at the start");
    let at = root.join(INDEX);
    client.open(&at);
    client.settle();
    assert_eq!(client.versions[&uri(&at)], 1);
    let list = &client.pushed[&uri(&at)];
    let consent = find(list, "privacy/collection-on-launch");
    assert_eq!(consent["severity"], 2);
    assert_eq!(consent["source"], "minivet");
    assert!(consent["message"].as_str().unwrap().contains("Rests on: "));
    assert!(!consent["relatedInformation"].as_array().unwrap().is_empty());
    let page = consent["codeDescription"]["href"].as_str().unwrap();
    assert!(page.ends_with("collection-on-launch.en.md"), "{page}");
    assert!(client.stop());
}

#[test]
fn an_edit_here_clears_a_finding_there() {
    let (_dir, root, mut client) = shop(push());
    let (login, index) = (root.join("pages/login/login.js"), root.join(INDEX));
    client.open(&index);
    client.settle();
    let before = client.rules(&index);
    assert!(before.contains(&"security/insecure-request".to_owned()), "{before:?}");
    // The address moves to another file, and so does its finding.
    let text = std::fs::read_to_string(&index).unwrap();
    client.open(&login);
    let own = std::fs::read_to_string(&login).unwrap();
    client.replace(
        &login,
        &format!("{own}\nmodule.exports = {{ NOTICE: 'http://static.corner-shop.example/notice' }};\n"),
    );
    let text = text.replace("'http://static.corner-shop.example/notice'", "require('../login/login').NOTICE");
    client.replace(&index, &text);
    client.settle();
    assert!(client.rules(&login).contains(&"security/insecure-request".to_owned()), "{:#?}", client.pushed);
    assert!(client.rules(&index).iter().all(|rule| rule != "security/insecure-request"));
    // What is open goes before what is on disk; closing goes back to the disk.
    client.close(&login);
    client.close(&index);
    client.settle();
    assert_eq!(client.rules(&index), before);
    assert!(client.stop());
}

#[test]
fn columns_are_right_after_chinese_and_emoji() {
    for (encoding, units) in [("utf-8", 0), ("utf-16", 1), ("utf-32", 2)] {
        let mut capabilities = push();
        capabilities["general"]["positionEncodings"] = json!([encoding]);
        let (_dir, root, mut client) = shop(capabilities);
        let at = root.join(INDEX);
        client.open(&at);
        let head = "Page({ onShow() { const 名 = '😀店铺'; ";
        let call = "swan.request({ url: 'http://a.example/' })";
        client.replace(&at, &format!("{head}{call}; }} }});\n"));
        client.settle();
        let list = client.pushed[&uri(&at)].clone();
        let column = find(&list, "security/insecure-request")["range"]["start"]["character"].as_u64().unwrap();
        let written = format!("{head}swan.request({{ url: '");
        let widths = [written.len(), written.encode_utf16().count(), written.chars().count()];
        assert_eq!(column as usize, widths[units], "{encoding}");
        // An edit behind them lands where it should: `http` becomes `https`.
        let colon = widths[units] as u64 + 4;
        let place = json!({ "line": 0, "character": colon });
        client.change(&at, json!([{ "range": { "start": place, "end": place }, "text": "s" }]));
        client.settle();
        assert!(client.rules(&at).iter().all(|rule| rule != "security/insecure-request"), "{encoding}");
        assert!(client.stop());
    }
}

#[test]
fn broken_code_keeps_what_is_not_broken() {
    let (_dir, root, mut client) = shop(push());
    let at = root.join(INDEX);
    let text = client.open(&at);
    client.settle();
    let rule = "privacy/collection-on-launch".to_owned();
    assert!(client.rules(&at).contains(&rule));
    client.replace(&at, &text.replace("nearby() {", "nearby() {\n        swan.request({"));
    client.settle();
    assert!(client.rules(&at).contains(&rule), "{:?}", client.rules(&at));
    client.replace(&at, &format!("const = ;\n{text}"));
    client.settle();
    assert!(client.rules(&at).contains(&rule), "{:?}", client.rules(&at));
    assert!(client.stop());
}

/// Every action that is offered for a finding: applied, and vetted again.
#[test]
fn actions_parse_and_clear_what_they_are_offered_for() {
    let cases = [
        ("", INDEX, "privacy/collection-on-launch", "Ask for consent"),
        ("", INDEX, "privacy/plaintext-storage", "Encrypt before storing"),
        ("", INDEX, "security/insecure-request", "Use the encrypted scheme"),
        ("", INDEX, "privacy/plaintext-transport", "Use https"),
        ("package/deprecated-api/bad/swan", "pages/a/a.js", "package/deprecated-api", "Use swan.setPageInfo"),
        ("", INDEX, "privacy/collection-on-launch", "Suppress privacy/collection-on-launch here"),
        ("", INDEX, "privacy/plaintext-storage", "in this file, with a reason"),
    ];
    for (fixture, file, rule, title) in cases {
        let (_dir, root) = if fixture.is_empty() { shop_copy() } else { copy(fixture) };
        let mut client = Client::start(&[&root], push(), Value::Null);
        let at = root.join(file);
        let text = client.open(&at);
        client.settle();
        let list = client.pushed[&uri(&at)].clone();
        let found = find(&list, rule);
        let count = |client: &Client| client.rules(&at).iter().filter(|one| *one == rule).count();
        let before = count(&client);
        let actions = client.actions(&at, &found["range"], Some("quickfix"));
        let titles: Vec<&str> = actions.iter().map(|action| action["title"].as_str().unwrap()).collect();
        let action = actions
            .iter()
            .find(|action| {
                action["title"].as_str().unwrap().contains(title) && action["diagnostics"][0]["code"] == rule
            })
            .unwrap_or_else(|| panic!("{title}: only {titles:?}"));
        assert_eq!(action["edit"]["documentChanges"][0]["textDocument"]["version"], 1);
        let fixed = apply(action, &at, &text);
        client.replace(&at, &fixed);
        client.settle();
        let rules = client.rules(&at);
        let left = count(&client);
        let all = title.contains("in this file");
        assert!(left < before && (!all || left == 0), "{title}: {rules:?}\n{fixed}");
        assert!(
            !rules.iter().any(|rule| rule.contains("broken") || rule.starts_with("suppression/")),
            "{rules:?}\n{fixed}"
        );
        assert!(client.stop());
    }
}

#[test]
fn comments_of_the_files_own_syntax_and_none_in_json() {
    let (_dir, root) = shop_copy();
    let template = root.join("pages/index/index.swan");
    let old = std::fs::read_to_string(&template).unwrap();
    std::fs::write(&template, format!("{old}<view>\n    <text>在线赌博平台，注册即送筹码</text>\n</view>\n")).unwrap();
    let json = root.join("app.json");
    let mut config: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    config["pages"].as_array_mut().unwrap().push(json!("pages/gone/gone"));
    std::fs::write(&json, config.to_string()).unwrap();
    let mut client = Client::start(&[&root], push(), Value::Null);
    let text = client.open(&template);
    client.settle();
    let list = client.pushed[&uri(&template)].clone();
    let found = find(&list, "content/gambling");
    let actions = client.actions(&template, &found["range"], Some("quickfix"));
    let action = actions.iter().find(|one| one["title"].as_str().unwrap().ends_with("here, with a reason")).unwrap();
    let fixed = apply(action, &template, &text);
    assert!(fixed.contains("    <!-- minivet-ignore-next-line content/gambling -- say why -->\n    <text>"), "{fixed}");
    client.replace(&template, &fixed);
    client.settle();
    assert!(!client.rules(&template).contains(&"content/gambling".to_owned()));
    let list = client.pushed[&uri(&json)].clone();
    let found = find(&list, "package/missing-page");
    let actions = client.actions(&json, &found["range"], None);
    assert!(actions.iter().all(|one| !one["title"].as_str().unwrap().starts_with("Suppress")), "{actions:#?}");
    assert!(client.stop());
}

#[test]
fn all_safe_fixes_at_once() {
    let (_dir, root, mut client) = shop(push());
    let at = root.join(INDEX);
    let twice = "Page({ onLoad() { swan.request({ url: 'http://a.corner.example/' });\n\
                 swan.request({ url: 'http://b.corner.example/' }); } });\n";
    client.open_text(&at, twice);
    client.settle();
    let everywhere = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } });
    let actions = client.actions(&at, &everywhere, Some("source.fixAll"));
    let safe = client.actions(
        &at,
        &json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 } }),
        Some("quickfix"),
    );
    let any = safe.iter().any(|action| action["isPreferred"] == true);
    assert_eq!(actions.len(), usize::from(any), "{actions:#?}");
    assert!(actions.is_empty(), "https may not be served: that is for a person to say");
    // Two safe repairs in one file, applied at once.
    let config = root.join("app.json");
    let old = std::fs::read_to_string(&config).unwrap();
    let debug = old.replacen('{', "{\n    \"debug\": true,\n    \"enableDebug\": true,", 1);
    client.open_text(&config, &debug);
    client.settle();
    let rule = "security/debug-enabled".to_owned();
    assert_eq!(client.rules(&config).iter().filter(|one| **one == rule).count(), 2);
    let actions = client.actions(&config, &everywhere, Some("source.fixAll"));
    let [action] = actions.as_slice() else { panic!("{actions:#?}") };
    assert_eq!(action["kind"], "source.fixAll.minivet");
    let fixed = apply(action, &config, &debug);
    assert_eq!(fixed, debug.replace("true,", "false,"), "nothing else is touched");
    client.replace(&config, &fixed);
    client.settle();
    assert!(!client.rules(&config).contains(&rule));
    assert!(client.actions(&config, &everywhere, Some("source.fixAll")).is_empty());
    assert!(client.stop());
}

#[test]
fn unclosed_brackets_cost_the_member_they_stand_in() {
    let (_dir, root, mut client) = shop(push());
    let at = root.join(INDEX);
    let member = |name: &str| {
        format!(
            "    {name}() {{\n        swan.getLocation({{ success: res => swan.setStorageSync('{name}', res) }});\n    }},\n"
        )
    };
    let page =
        |broken: &str| format!("Page({{\n{}{broken}{}{}}});\n", member("onLoad"), member("onShow"), member("onReady"));
    let stored = |client: &Client| client.rules(&at).iter().filter(|rule| *rule == "privacy/plaintext-storage").count();
    client.open_text(&at, &page(""));
    client.settle();
    assert_eq!(stored(&client), 3);
    for broken in [
        "    load( {\n",
        "    load( {\n    },\n",
        "    load() {\n        swan.request( {\n    },\n",
        "    load() {\n        swan.request( {\n            url: this.data.url,\n    },\n",
        "    load() {\n        if (this.data.a {\n            this.go();\n        }\n    },\n",
        "    load() {\n        this.setData({ list: [ \n    },\n",
        "    load() {\n        swan.showModal({ title: '请求', success: (res) => {\n    },\n",
        "    load() {\n",
        "    load: function ( {\n",
        "    load() {\n        const 地址 = this.data.\n    },\n",
    ] {
        client.replace(&at, &page(broken));
        client.settle();
        assert_eq!(stored(&client), 3, "{broken}{:#?}", client.pushed[&uri(&at)]);
    }
    assert!(client.stop());
}

#[test]
fn hover_tells_what_an_api_yields_and_why_a_word_was_found() {
    let (_dir, root, mut client) = shop(push());
    let at = root.join(INDEX);
    let text = client.open(&at);
    let line = text.lines().position(|line| line.contains("swan.getLocation")).unwrap();
    let column = text.lines().nth(line).unwrap().find("getLocation").unwrap();
    let hover = |client: &mut Client, at: &Path, line: usize, character: usize| {
        let params =
            json!({ "textDocument": { "uri": uri(at) }, "position": { "line": line, "character": character } });
        client.request("textDocument/hover", params).unwrap()
    };
    let found = hover(&mut client, &at, line, column + 2);
    let told = found["contents"]["value"].as_str().unwrap();
    for part in ["swan.getLocation", "scope.userLocation", "Personal information: ", "Clauses:"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(slice(&text, &found["range"]), "swan.getLocation");
    assert!(hover(&mut client, &at, 0, 0).is_null());
    let template = root.join("pages/index/index.swan");
    client.open_text(
        &template,
        "<view>在线赌博平台，注册即送筹码</view>\n<button open-type=\"getPhoneNumber\">x</button>\n",
    );
    let told = hover(&mut client, &template, 0, 9);
    assert!(told["contents"]["value"].as_str().unwrap().contains("Clauses:"), "{told}");
    let told = hover(&mut client, &template, 1, 22);
    assert!(told["contents"]["value"].as_str().unwrap().contains("Personal information: "), "{told}");
    assert!(client.stop());
}

#[test]
fn completion_knows_rules_categories_and_keys() {
    let (_dir, root, mut client) = shop(push());
    let complete = |client: &mut Client, at: &Path, text: &str| -> Vec<String> {
        client.open_text(at, text);
        client.settle();
        let line = text.split('\n').count() - 1;
        let character = text.rsplit('\n').next().unwrap().encode_utf16().count();
        let params =
            json!({ "textDocument": { "uri": uri(at) }, "position": { "line": line, "character": character } });
        let list = client.request("textDocument/completion", params).unwrap();
        client.close(at);
        list["items"]
            .as_array()
            .map(|items| items.iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect())
            .unwrap_or_default()
    };
    let at = root.join(INDEX);
    let rules = complete(&mut client, &at, "// minivet-ignore-next-line privacy/");
    assert!(rules.contains(&"privacy/plaintext-storage".to_owned()));
    assert!(complete(&mut client, &at, "// minivet-ignore-next-line a -- ").is_empty());
    assert!(complete(&mut client, &at, "const a = ").is_empty());
    let config = root.join("minivet.toml");
    for (text, label) in [
        ("[", "package"),
        ("[package]\n", "categories"),
        ("[package]\nhost = \"", "swan"),
        ("[package]\nhost = ", "weapp"),
        ("[package]\ncategories = [\n  \"", "电商/综合性电商平台"),
        ("[check]\nfail-on = \"", "never"),
        ("[rules.\"privacy/", "privacy/log-exposure"),
        ("[rules.\"privacy/log-exposure\"]\nseverity = \"", "off"),
    ] {
        let labels = complete(&mut client, &config, text);
        assert!(labels.contains(&label.to_owned()), "{text:?}: {labels:?}");
    }
    assert!(client.stop());
}

#[test]
fn lenses_links_hints_and_the_inventory() {
    let (_dir, root) = shop_copy();
    let mut client = Client::start(&[&root], push(), json!({ "inlayHints": true }));
    let at = root.join(INDEX);
    let text = client.open(&at);
    let document = json!({ "textDocument": { "uri": uri(&at) } });
    let lenses = client.request("textDocument/codeLens", document.clone()).unwrap();
    assert!(lenses[0]["command"]["title"].as_str().unwrap().starts_with("Collects: "), "{lenses}");
    assert_eq!(lenses[0]["command"]["command"], "minivet.inventory");
    let mut whole = document.clone();
    whole["range"] = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let hints = client.request("textDocument/inlayHint", whole.clone()).unwrap();
    let labels: Vec<&str> = hints.as_array().unwrap().iter().map(|hint| hint["label"].as_str().unwrap()).collect();
    assert!(labels.iter().any(|label| label.starts_with("← ")) && labels.iter().any(|label| label.starts_with("→ ")));
    client.notify("workspace/didChangeConfiguration", json!({ "settings": { "minivet": { "inlayHints": false } } }));
    assert!(client.request("textDocument/inlayHint", whole).unwrap().is_null());
    let inventory = client.request("minivet/inventory", document).unwrap();
    assert!(inventory["markdown"].as_str().unwrap().contains("getLocation"), "{inventory}");
    assert!(!inventory["report"]["packages"][0]["inventory"].as_array().unwrap().is_empty());
    let params = json!({ "command": "minivet.inventory", "arguments": [uri(&at)] });
    let shown = client.request("workspace/executeCommand", params).unwrap();
    assert!(shown["markdown"].as_str().unwrap().contains("getLocation"));
    client.replace(&at, &format!("// agreement-4.3, privacy/log-exposure, agreement-99.99\n{text}"));
    let links = client.request("textDocument/documentLink", json!({ "textDocument": { "uri": uri(&at) } })).unwrap();
    let targets: Vec<&str> = links.as_array().unwrap().iter().map(|link| link["target"].as_str().unwrap()).collect();
    assert_eq!(targets.len(), 2, "{targets:?}");
    assert!(targets[0].ends_with("clauses/agreement-4.3.en.md"));
    assert!(client.stop());
}

#[test]
fn a_client_that_pulls_is_told_when_to() {
    let (_dir, root, mut client) = shop(pull());
    let at = root.join(INDEX);
    client.open(&at);
    let params = json!({ "textDocument": { "uri": uri(&at) } });
    let report = client.request("textDocument/diagnostic", params.clone()).unwrap();
    assert_eq!(report["kind"], "full");
    let id = report["resultId"].clone();
    assert!(!report["items"].as_array().unwrap().is_empty());
    let again = json!({ "textDocument": { "uri": uri(&at) }, "previousResultId": id });
    assert_eq!(client.request("textDocument/diagnostic", again).unwrap()["kind"], "unchanged");
    let whole = client.request("workspace/diagnostic", json!({ "previousResultIds": [] })).unwrap();
    assert!(whole["items"].as_array().unwrap().len() > 1, "{whole}");
    let ids: Vec<Value> = whole["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| json!({ "uri": item["uri"], "value": item["resultId"] }))
        .collect();
    let whole = client.request("workspace/diagnostic", json!({ "previousResultIds": ids })).unwrap();
    assert!(whole["items"].as_array().unwrap().iter().all(|item| item["kind"] == "unchanged"), "{whole}");
    // Another file's diagnostics change: the client is told to ask again.
    let config = root.join("app.json");
    let text = std::fs::read_to_string(&config).unwrap();
    client.open_text(&at, "Page({});\n");
    client.settle();
    std::fs::write(&config, text.replace("pages/privacy/privacy", "pages/nowhere/nowhere")).unwrap();
    client.watched(&config, 2);
    client.until("a refresh", |client| client.asked.iter().any(|method| method == "workspace/diagnostic/refresh"));
    assert!(client.pushed.is_empty());
    assert!(client.asked.iter().any(|method| method == "client/registerCapability"));
    client.until("progress", |client| client.progress.ends_with(&["begin".to_owned(), "end".to_owned()]));
    assert!(client.stop());
}

#[test]
fn what_is_out_of_date_is_cancelled_with_the_codes_of_the_protocol() {
    let (_dir, root, mut client) = shop(pull());
    let at = root.join(INDEX);
    let text = client.open(&at);
    client.settle();
    let document = json!({ "textDocument": { "uri": uri(&at) } });
    // The change and the requests come at once; then the document changes again.
    client.replace(&at, &format!("{text}// 1\n"));
    let pulled = client.ask("textDocument/diagnostic", document.clone());
    let lens = client.ask("textDocument/codeLens", document.clone());
    let cancelled = client.ask("textDocument/codeLens", document);
    client.notify("$/cancelRequest", json!({ "id": 999_999 }));
    client.notify("$/cancelRequest", json!({ "id": cancelled }));
    client.replace(&at, &format!("{text}// 2\n"));
    // Each is either answered in time or refused with its code; nothing is left without an answer.
    assert!(matches!(client.answer(&pulled), Ok(_) | Err(-32802)));
    assert!(matches!(client.answer(&lens), Ok(_) | Err(-32801)));
    assert!(matches!(client.answer(&cancelled), Ok(_) | Err(-32800)));
    assert!(client.stop());
}

#[test]
fn a_burst_of_keys_is_answered_for_the_newest_version() {
    let (_dir, root, mut client) = shop(push());
    let at = root.join(INDEX);
    let text = client.open(&at);
    client.settle();
    client.pushes.clear();
    let mut version = 0;
    for key in "// swan.request 请求 😀 fourty keys typed at".chars() {
        let place = json!({ "line": 0, "character": 0 });
        version = client.change(&at, json!([{ "range": { "start": place, "end": place }, "text": key.to_string() }]));
    }
    client.replace(&at, &text);
    version += 1;
    client.until("the newest version", |client| client.versions.get(&uri(&at)) == Some(&version));
    let told: Vec<i64> =
        client.pushes.iter().filter(|(address, _)| *address == uri(&at)).filter_map(|(_, version)| *version).collect();
    assert!(told.is_sorted() && told.len() <= version as usize, "{told:?}");
    assert!(client.stop());
}

#[test]
fn files_that_come_go_and_change_on_disk() {
    let (_dir, root, mut client) = shop(push());
    client.settle();
    let page = root.join("pages/new/new.js");
    std::fs::create_dir(root.join("pages/new")).unwrap();
    std::fs::write(&page, "Page({ onLoad() { swan.request({ url: 'http://x.example/' }); } });\n").unwrap();
    std::fs::write(root.join("pages/new/new.swan"), "<view>新页面</view>\n").unwrap();
    let config = root.join("app.json");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("\"pages/privacy/privacy\"", "\"pages/privacy/privacy\", \"pages/new/new\""))
        .unwrap();
    client.watched(&page, 1);
    client.watched(&config, 2);
    client.settle();
    assert!(client.rules(&page).contains(&"security/insecure-request".to_owned()), "{:#?}", client.pushed);
    // Renamed, as editors do it: closed under the old name, opened under the new.
    client.open(&page);
    let renamed = root.join("pages/new/other.js");
    std::fs::rename(&page, &renamed).unwrap();
    client.close(&page);
    client.open(&renamed);
    client.watched(&page, 3);
    client.watched(&renamed, 1);
    client.settle();
    assert!(client.rules(&page).is_empty());
    // Deleted while it is open: the editor still has it. Then closed.
    std::fs::remove_file(&renamed).unwrap();
    client.watched(&renamed, 3);
    client.settle();
    client.close(&renamed);
    client.settle();
    assert!(client.rules(&renamed).is_empty());
    std::fs::remove_dir_all(root.join("pages/new")).unwrap();
    client.watched(&root.join("pages/new"), 3);
    client.settle();
    let list = &client.pushed[&uri(&config)];
    assert!(list.iter().any(|item| item["code"] == "package/missing-page"), "{list:#?}");
    // Saved from another program, without a watcher: saving looks at the disk.
    std::fs::write(&config, &text).unwrap();
    client.saved(&root.join(INDEX));
    client.settle();
    assert!(client.rules(&config).iter().all(|rule| rule != "package/missing-page"));
    assert!(client.stop());
}

#[test]
fn configurations_and_rule_packs_count_as_they_are_typed() {
    let (dir, root) = shop_copy();
    let packs = dir.path().join("packs");
    std::fs::create_dir_all(packs.join("catalogue/privacy")).unwrap();
    let mut client = Client::start(&[&root], push(), json!({ "rules": packs }));
    let (at, config) = (root.join(INDEX), root.join("minivet.toml"));
    client.settle();
    let rule = "security/insecure-request".to_owned();
    assert!(client.rules(&at).contains(&rule));
    client.open_text(&config, "[rules.\"security/insecure-request\"]\nseverity = \"off\"\n");
    client.settle();
    assert!(!client.rules(&at).contains(&rule));
    // A broken configuration is told, and counts as before it broke.
    client.replace(&config, "[rules.\"security/insecure-request\"]\nseverity = \"offf\"\n");
    client.settle();
    let list = client.pushed[&uri(&config)].clone();
    let found = find(&list, "configuration");
    assert_eq!(found["range"]["start"], json!({ "line": 1, "character": 11 }));
    assert!(found["message"].as_str().unwrap().contains("off"), "{found}");
    assert!(!client.rules(&at).contains(&rule));
    client.replace(&config, "");
    client.settle();
    assert!(client.rules(&config).iter().all(|rule| rule != "configuration"));
    assert!(client.rules(&at).contains(&rule));
    // A pack on disk makes the rule a note, then breaks, then goes.
    let pack = packs.join("catalogue/security/insecure-request.toml");
    std::fs::create_dir_all(pack.parent().unwrap()).unwrap();
    let own = include_str!("../rules/catalogue/security/insecure-request.toml");
    let severity = |client: &Client| find(&client.pushed[&uri(&at)], &rule)["severity"].clone();
    let before = severity(&client);
    let line = own.lines().find(|line| line.starts_with("severity")).unwrap();
    std::fs::write(&pack, own.replace(line, "severity = \"note\"")).unwrap();
    client.watched(&pack, 1);
    client.settle();
    assert_eq!(severity(&client), 3);
    std::fs::write(&pack, "severity = ").unwrap();
    client.watched(&pack, 2);
    client.settle();
    assert_eq!(severity(&client), 3);
    assert!(client.log.iter().any(|line| line.contains("rule packs")), "{:?}", client.log);
    std::fs::remove_file(&pack).unwrap();
    client.watched(&pack, 3);
    client.settle();
    assert_eq!(severity(&client), before);
    assert!(client.stop());
}

#[test]
fn what_changes_on_disk_beside_the_package_counts() {
    let (dir, root) = shop_copy();
    let packs = dir.path().join("packs");
    std::fs::create_dir_all(packs.join("content")).unwrap();
    let mut client = Client::start(&[&root], push(), json!({ "rules": packs }));
    let (at, config, known) = (root.join(INDEX), root.join("minivet.toml"), root.join("known.json"));
    client.settle();
    let rule = "security/insecure-request".to_owned();
    assert!(client.rules(&at).contains(&rule));
    let change = |client: &mut Client, path: &Path, text: &str| {
        let kind = if path.exists() { 2 } else { 1 };
        std::fs::write(path, text).unwrap();
        client.watched(path, kind);
        client.settle();
    };
    // A configuration that comes, and a baseline that it names: empty, then with everything, then gone.
    let nothing = r#"{ "schema_version": 1, "packages": [] }"#;
    std::fs::write(&known, nothing).unwrap();
    change(&mut client, &config, "[check]\nbaseline = \"known.json\"\n");
    assert!(client.rules(&at).contains(&rule));
    let policy = Policy::embedded().unwrap();
    let outcome = vet(std::slice::from_ref(&root), &policy, &Options { no_config: true, ..Options::default() });
    let all = serde_json::to_string(&minivet::engine::baseline::Baseline::of(&outcome.packages)).unwrap();
    change(&mut client, &known, &all);
    assert!(client.rules(&at).is_empty(), "{:?}", client.rules(&at));
    change(&mut client, &known, nothing);
    assert!(client.rules(&at).contains(&rule));
    change(&mut client, &config, "[rules.\"security/insecure-request\"]\nseverity = \"off\"\n");
    assert!(!client.rules(&at).contains(&rule));
    // Words of a pack.
    let template = root.join("pages/index/index.swan");
    let text = std::fs::read_to_string(&template).unwrap();
    change(&mut client, &template, &format!("{text}<view>本店出售蓝莲七号</view>\n"));
    let content = |client: &Client| client.rules(&template).iter().any(|rule| rule == "content/illegal-trade");
    assert!(!content(&client));
    let words = include_str!("../rules/content/illegal-trade.toml");
    change(
        &mut client,
        &packs.join("content/illegal-trade.toml"),
        &format!("{words}\n[[terms]]\nwords = \"蓝莲七号\"\n"),
    );
    assert!(content(&client), "{:?} {:?}", client.rules(&template), client.log);
    assert!(client.stop());
}

#[test]
fn lexicons_count_when_they_change() {
    let (_dir, root) = shop_copy();
    let (template, words, config) =
        (root.join("pages/index/index.swan"), root.join("words.txt"), root.join("minivet.toml"));
    let text = std::fs::read_to_string(&template).unwrap();
    std::fs::write(&template, format!("{text}<view>加入蓝莲七号</view>\n")).unwrap();
    std::fs::write(&words, "蓝莲七号\n").unwrap();
    std::fs::write(&config, "[check]\nvetted-lexicons = [\"words.txt\"]\n").unwrap();
    let mut client = Client::start(&[&root], push(), Value::Null);
    client.settle();
    let told = |client: &Client| client.rules(&template).iter().any(|rule| rule == "content/custom-term");
    assert!(told(&client), "{:?}", client.rules(&template));
    let change = |client: &mut Client, path: &Path, text: &str| {
        std::fs::write(path, text).unwrap();
        client.watched(path, 2);
        client.settle();
    };
    change(&mut client, &words, "别的词\n");
    assert!(!told(&client));
    change(&mut client, &words, "别的词\n蓝莲七号\n");
    assert!(told(&client));
    // Nobody vouches for them any more.
    change(&mut client, &config, "[check]\nlexicons = [\"words.txt\"]\n");
    assert!(!told(&client));
    change(&mut client, &config, "[check]\nvetted-lexicons = [\"words.txt\"]\n");
    assert!(told(&client));
    // A list that goes is a mistake in the configuration, which counts as before.
    std::fs::remove_file(&words).unwrap();
    client.watched(&words, 3);
    client.settle();
    let list = client.pushed[&uri(&config)].clone();
    assert!(find(&list, "configuration")["message"].as_str().unwrap().contains("words.txt"), "{list:?}");
    assert!(told(&client));
    assert!(client.stop());
}

#[test]
fn several_folders_and_packages() {
    let (_a, one) = shop_copy();
    let (_b, two) = copy("package/deprecated-api/bad");
    let (_c, three) = copy("package/deprecated-api/bad/swan");
    let mut client = Client::start(&[&one, &two], push(), Value::Null);
    client.settle();
    let rule = "package/deprecated-api".to_owned();
    let deprecated = |client: &Client, at: &Path| client.rules(at).contains(&rule);
    assert!(client.rules(&one.join(INDEX)).contains(&"security/insecure-request".to_owned()));
    assert!(
        deprecated(&client, &two.join("swan/pages/a/a.js")) && deprecated(&client, &two.join("weapp/pages/a/a.js"))
    );
    let list = client.pushed[&uri(&two.join("swan/pages/a/a.js"))].clone();
    assert_eq!(find(&list, &rule)["tags"], json!([2]));
    // A file outside of all folders brings its package; it goes with the file.
    let outside = three.join("pages/a/a.js");
    client.open(&outside);
    client.settle();
    assert!(deprecated(&client, &outside));
    client.close(&outside);
    client.settle();
    assert!(!deprecated(&client, &outside));
    let event = json!({
        "added": [{ "uri": uri(&three), "name": "c" }], "removed": [{ "uri": uri(&two), "name": "b" }],
    });
    client.notify("workspace/didChangeWorkspaceFolders", json!({ "event": event }));
    client.settle();
    assert!(deprecated(&client, &outside) && !deprecated(&client, &two.join("swan/pages/a/a.js")));
    assert!(client.stop());
}

#[test]
fn nonsense_is_logged_and_survived() {
    let (_dir, root, mut client) = shop(push());
    let at = root.join(INDEX);
    client.change(&at, json!([{ "text": "x" }]));
    client.close(&at);
    client.notify("textDocument/didOpen", json!({ "textDocument": 7 }));
    client.notify("textDocument/didChange", json!({}));
    client.notify("workspace/didChangeWatchedFiles", json!([]));
    client.notify("workspace/didChangeConfiguration", json!({ "settings": { "minivet": { "inlayHints": "yes" } } }));
    client.notify("no/such/thing", Value::Null);
    client.notify("$/whatever", Value::Null);
    client.notify("$/cancelRequest", json!({}));
    client.send(Message::Response(lsp_server::Response::new_ok(77.into(), 1)));
    assert_eq!(client.request("no/such/request", Value::Null), Err(-32601));
    assert_eq!(client.request("textDocument/hover", json!({ "position": "x" })), Err(-32602));
    assert_eq!(client.request("workspace/executeCommand", json!({ "command": "rm" })), Err(-32602));
    let unknown = json!({ "textDocument": { "uri": "untitled:1" }, "position": { "line": 0, "character": 0 } });
    assert_eq!(client.request("textDocument/hover", unknown), Ok(Value::Null));
    let gone = json!({ "textDocument": { "uri": uri(&root.join("none.js")) } });
    assert_eq!(client.request("textDocument/codeLens", gone), Ok(Value::Null));
    client.notify(
        "textDocument/didOpen",
        json!({ "textDocument": { "uri": "untitled:1", "languageId": "x", "version": 1, "text": "" } }),
    );
    // Wrong ranges are taken as well as can be.
    client.open(&at);
    let at_most = 4_000_000_000_u32;
    client.change(
        &at,
        json!([
            { "range": { "start": { "line": 9999, "character": 5 }, "end": { "line": at_most, "character": at_most } }, "text": "// 末尾\n" },
            { "range": { "start": { "line": 1, "character": 4 }, "end": { "line": 0, "character": 0 } }, "text": "" },
        ]),
    );
    // A file past every limit.
    let huge = root.join("pages/index/huge.js");
    client.open_text(&huge, &"var a = 1;\n".repeat(1 << 20));
    client.settle();
    for part in [
        "changed and not open",
        "closed and not open",
        "textDocument/didOpen",
        "textDocument/didChange",
        "didChangeWatchedFiles",
        "inlayHints",
        "unknown notification no/such/thing",
        "$/cancelRequest without an id",
        "an answer to no question",
        "outside of the text",
        "not a file: untitled:1",
    ] {
        assert!(client.log.iter().any(|line| line.contains(part)), "{part}: {:#?}", client.log);
    }
    assert!(client.stop());
}

/// Facts that break for one file, as a bug in the front end would.
struct Breaking(AtomicBool);

impl FactsCache for Breaking {
    fn get(&self, _: &FactsKey) -> Option<FileFacts> {
        assert!(!self.0.load(Ordering::SeqCst), "a bug");
        None
    }

    fn put(&self, _: &FactsKey, _: &FileFacts) {}
}

#[test]
fn a_panic_in_an_analysis_is_told_and_survived() {
    let (_dir, root) = shop_copy();
    let breaking = Arc::new(Breaking(AtomicBool::new(true)));
    let options = ServerOptions { facts: FactsStore(Some(breaking.clone())), ..ServerOptions::default() };
    let mut client = Client::start_with(&[&root], push(), Value::Null, options);
    client.settle();
    assert!(
        client.log.iter().any(|line| line.contains("internal error") && line.contains("a bug")),
        "{:?}",
        client.log
    );
    breaking.0.store(false, Ordering::SeqCst);
    let at = root.join(INDEX);
    let text = client.open(&at);
    client.replace(&at, &format!("{text}\n"));
    client.settle();
    assert!(client.rules(&at).contains(&"security/insecure-request".to_owned()));
    assert!(client.stop());
}

#[test]
fn nothing_is_answered_after_the_shutdown() {
    let (_dir, _root, mut client) = shop(push());
    client.request("shutdown", Value::Null).unwrap();
    assert_eq!(client.request("textDocument/hover", Value::Null), Err(-32600));
    drop(client);
    let (ours, theirs) = lsp_server::Connection::memory();
    let server = std::thread::spawn(move || minivet::lsp::serve(theirs, ServerOptions::default()));
    drop(ours);
    assert!(!server.join().unwrap());
}

#[test]
fn the_program_reads_frames_and_survives_broken_ones() {
    use std::io::{Read, Write};
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("minivet"))
        .arg("lsp")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for body in [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{},"processId":null,"rootUri":null}}"#,
        r#"{"jsonrpc":"2.0","method":"initialized","params":{}}"#,
        "{ this is no json",
        r#"{"jsonrpc":"2.0","id":2}"#,
        r#"{"jsonrpc":"2.0","id":3,"method":"shutdown"}"#,
        r#"{"jsonrpc":"2.0","method":"exit"}"#,
    ] {
        write!(input, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    }
    drop(input);
    let mut output = String::new();
    child.stdout.take().unwrap().read_to_string(&mut output).unwrap();
    assert!(child.wait().unwrap().success());
    for part in ["\"positionEncoding\":\"utf-16\"", "-32700", "-32600", "malformed message", "\"id\":3"] {
        assert!(output.contains(part), "{part}: {output}");
    }
}

/// A small generator of random numbers: the sequences are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

const PIECES: &[&str] = &[
    "\n",
    " ",
    "}",
    "{",
    "(",
    "'",
    "/*",
    "*/",
    "// minivet-ignore-next-line security/insecure-request -- 测试\n",
    "swan.request({ url: 'http://甲.example/' });",
    "swan.getLocation({ success: r => console.log(r) });",
    "😀",
    "名",
    "<view bindtap=\"nearby\">加微信领红包</view>",
    "\"",
    ",",
    "await ",
    "require('../login/login')",
    "-->",
    "\r\n",
];

#[test]
fn after_any_edits_the_editor_says_what_a_fresh_check_says() {
    let seed = std::env::var("MINIVET_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_240_601);
    let mut random = Random(seed);
    let (_dir, root, mut client) = shop(utf32());
    let files =
        [INDEX, "pages/index/index.swan", "pages/login/login.js", "pages/login/login.swan", "app.js", "app.json"];
    let mut texts: Vec<String> = files.iter().map(|file| client.open(&root.join(file))).collect();
    for round in 0..12 {
        for _ in 0..1 + random.below(8) {
            let which = random.below(files.len());
            let text = &mut texts[which];
            let mut at = random.below(text.len() + 1);
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let mut end = (at + [0, 0, 1, 4, 40][random.below(5)]).min(text.len());
            while !text.is_char_boundary(end) {
                end += 1;
            }
            // A position cannot stand between the two halves of a line end.
            if text[..at].ends_with('\r') || text[..end].ends_with('\r') {
                continue;
            }
            let new = PIECES[random.below(PIECES.len())];
            let place = |offset: usize| {
                let index = minivet::source::LineIndex::new(text);
                let at = index.line_column(text, offset as u32, minivet::source::PositionEncoding::Scalar);
                json!({ "line": at.line, "character": at.column })
            };
            let range = json!({ "start": place(at), "end": place(end) });
            client.change(&root.join(files[which]), json!([{ "range": range, "text": new }]));
            text.replace_range(at..end, new);
        }
        for (file, text) in files.iter().zip(&texts) {
            std::fs::write(root.join(file), text).unwrap();
        }
        client.settle();
        while client.step(Duration::from_millis(1)) {}
        assert_as_fresh(&client, &root, &format!("round {round}, seed {seed}"));
    }
    assert!(client.log.is_empty(), "{:#?}", client.log);
    assert!(client.stop());
}

#[test]
fn the_published_schema_is_the_one_of_the_packs() {
    let policy = Policy::embedded().unwrap();
    let schema = serde_json::to_string_pretty(&minivet::lsp::schema(&policy)).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/minivet.schema.json");
    if std::env::var_os("MINIVET_BLESS").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let published = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(published == schema, "docs/minivet.schema.json is out of date: run this test with MINIVET_BLESS=1");
}
