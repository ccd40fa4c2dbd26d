//! Archives, the worker and the gate: what a package says is the same in every form, and no package costs another
//! its verdict.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufRead, BufReader, Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use minivet::engine::config::Profile;
use minivet::engine::{self, Options, Outcome, markers};
use minivet::policy::Policy;
use serde_json::{Value, json};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn policy() -> Policy {
    Policy::embedded().map_err(|(_, errors)| errors).unwrap()
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(folder).unwrap().to_string_lossy().into_owned();
            (path, std::fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn zip_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        writer.start_file(path, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tgz_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// Everything that a package's report rests on, without the names of folders above it.
fn told(outcome: &Outcome) -> Vec<String> {
    let mut out = Vec::new();
    for vetted in &outcome.packages {
        let package = &vetted.package;
        out.push(format!("{} {:?} {} files", package.host, vetted.verdict, package.files.len()));
        for hit in &vetted.hits {
            let place = hit.finding.place;
            let path = &package.source(place.file).path;
            out.push(format!("{path}:{:?} {} {:?} {}", place.span, hit.finding.rule, hit.severity, hit.fingerprint));
        }
        out.extend(package.skipped.iter().map(|item| format!("{} {:?}", item.path, item.reason)));
    }
    out
}

#[test]
fn an_archive_is_the_folder() {
    use rayon::prelude::*;
    let policy = policy();
    let pool = rayon::ThreadPoolBuilder::new().stack_size(64 << 20).build().unwrap();
    let cases: Vec<PathBuf> = markers::cases(&fixtures()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    pool.install(|| {
        cases.par_iter().enumerate().filter(|(at, _)| at % 6 == 0).for_each(|(at, case)| {
            let options = Options { profile: Some(Profile::Gate), ..Options::default() };
            let folder = engine::vet(std::slice::from_ref(case), &policy, &options);
            let entries = files(case);
            let (name, bytes) = if at % 12 == 0 { ("x.zip", zip_of(&entries)) } else { ("x.tgz", tgz_of(&entries)) };
            let path = dir.path().join(format!("{at}-{name}"));
            std::fs::write(&path, bytes).unwrap();
            let archive = engine::vet(&[path], &policy, &options);
            assert!(folder.failures.is_empty() && archive.failures.is_empty(), "{}", case.display());
            assert_eq!(told(&folder), told(&archive), "{}", case.display());
        });
    });
}

#[test]
fn what_an_archive_hides_is_no_pass() {
    let policy = policy();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.zip");
    let good = [("app.json".to_owned(), br#"{"pages": []}"#.to_vec()), ("app.js".to_owned(), b"App({})".to_vec())];
    let options = Options { profile: Some(Profile::Gate), ..Options::default() };
    let mut bytes = zip_of(&[good.as_slice(), &[("a.js".to_owned(), b"1".to_vec())]].concat());
    let at = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    bytes[at + 8] |= 1;
    std::fs::write(&path, bytes).unwrap();
    let outcome = engine::vet(&[path], &policy, &options);
    assert_ne!(outcome.packages[0].verdict, engine::Verdict::Pass);
    assert!(told(&outcome).contains(&"a.js Encrypted".to_owned()));
}

/// The program, as a pipeline would run it.
fn minivet(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_minivet"));
    command.args(args).args(["--lang", "en"]).env("MINIVET_TEST_HOOKS", "1");
    command
}

#[test]
fn a_worker_answers_every_line() {
    let dir = tempfile::tempdir().unwrap();
    let good = fixtures().join("packages/corner-shop");
    let zip = dir.path().join("shop.zip");
    std::fs::write(&zip, zip_of(&files(&good))).unwrap();
    let zip = zip.to_str().unwrap();
    let lines = [
        json!({"id": "folder", "path": good}).to_string(),
        json!({"id": "zip", "path": zip, "submission": {"name": "街角小店", "categories": ["电商/综合性电商平台"]}})
            .to_string(),
        "no json".to_owned(),
        json!({"id": "field", "path": zip, "sha": "x"}).to_string(),
        json!({"id": "missing", "path": "/nowhere/x.zip", "sha256": "ab"}).to_string(),
        json!({"id": "hash", "path": zip, "sha256": "ab"}).to_string(),
        json!({"id": "minivet-test-abort", "path": zip}).to_string(),
        json!({"id": "minivet-test-hang", "path": zip, "limits": {"timeout_seconds": 2}}).to_string(),
        json!({"id": "minivet-test-hog", "path": zip}).to_string(),
        json!({"id": "again", "path": zip}).to_string(),
    ];
    let mut child = minivet(&["worker", "--memory", "1500", "--timeout", "60"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut answers: Vec<Value> = Vec::new();
    for line in &lines {
        writeln!(input, "{line}").unwrap();
        // Flushed: the answer comes before the next line is written.
        let mut answer = String::new();
        output.read_line(&mut answer).unwrap();
        answers.push(serde_json::from_str(&answer).unwrap());
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    let ids: Vec<&str> = answers.iter().map(|answer| answer["id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        [
            "folder",
            "zip",
            "",
            "field",
            "missing",
            "hash",
            "minivet-test-abort",
            "minivet-test-hang",
            "minivet-test-hog",
            "again"
        ]
    );
    let error = |at: usize| answers[at]["engine_error"].as_str().unwrap_or("");
    assert_eq!((error(0), error(1), error(9)), ("", "", ""));
    for (at, part) in [
        (2, "job: "),
        (3, "unknown field `sha`"),
        (4, "No such file"),
        (5, "the job says ab"),
        (6, "ended by signal 6"),
        (7, "timeout"),
        (8, "the worker died"),
    ] {
        assert!(error(at).contains(part), "{part}: {}", answers[at]);
        assert_eq!(answers[at]["verdict"], "manual-review");
        assert!(at < 4 || !answers[at]["sha256"].as_str().unwrap().is_empty());
    }
    for answer in &answers {
        for key in ["tool", "rules_digest", "config_digest", "findings", "capabilities", "coverage"] {
            assert!(!answer[key].is_null(), "{key}: {answer}");
        }
    }
    assert_eq!(answers[1]["sha256"], answers[9]["sha256"]);
    assert_eq!(answers[1]["sha256"], answers[6]["sha256"]);
    assert!(answers[1]["capabilities"]["apis"].as_array().is_some_and(|apis| !apis.is_empty()));
}

#[test]
fn a_policy_decides_and_a_result_can_be_reproduced() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("in");
    std::fs::create_dir(&input).unwrap();
    let bad = fixtures().join("privacy/log-exposure/bad");
    std::fs::write(input.join("bad.zip"), zip_of(&files(&bad))).unwrap();
    let out = dir.path().join("out");
    let (input, out) = (input.to_str().unwrap(), out.to_str().unwrap());
    let toml = dir.path().join("gate.toml");
    let gate = |extra: &[&str]| {
        let mut args = vec!["gate", "--jobs", "1", "--out", out];
        args.extend(extra);
        minivet(&args).output().unwrap()
    };
    let results = || std::fs::read_to_string(Path::new(out).join("results.jsonl")).unwrap();
    let last = || serde_json::from_str::<Value>(results().lines().last().unwrap()).unwrap();
    assert_eq!(gate(&[]).status.code(), Some(2), "nothing to vet");
    assert_eq!(gate(&[input]).status.code(), Some(1));
    assert_eq!(last()["verdict"], "manual-review");
    assert_eq!(gate(&[input]).status.code(), Some(2), "the folder holds results");
    // Nothing changed: nothing is vetted.
    assert_eq!(gate(&[input, "--resume"]).status.code(), Some(1));
    assert_eq!(results().lines().count(), 1);
    // Another policy: another result.
    std::fs::write(&toml, "[[decide]]\nverdict = \"pass\"\n").unwrap();
    let toml = toml.to_str().unwrap();
    assert_eq!(gate(&[input, "--resume", "--policy", toml]).status.code(), Some(0));
    assert_eq!((last()["verdict"].as_str(), results().lines().count()), (Some("pass"), 2));
    let id = format!("{input}/bad.zip");
    let again = gate(&["--reproduce", &id, "--policy", toml]);
    assert_eq!(again.status.code(), Some(0), "{}", String::from_utf8_lossy(&again.stdout));
    let other = gate(&["--reproduce", &id]);
    let text = String::from_utf8_lossy(&other.stdout).into_owned();
    assert!(other.status.code() == Some(1) && text.contains("verdict: \"pass\" -> \"manual-review\""), "{text}");
    assert_eq!(gate(&["--verify"]).status.code(), Some(0));
    std::fs::write(toml, "[[decide]]\nverdict = \"pas\"\n").unwrap();
    let wrong = gate(&[input, "--resume", "--policy", toml]);
    assert!(wrong.status.code() == Some(2) && String::from_utf8_lossy(&wrong.stderr).contains("unknown value `pas`"));
    let text = results().replacen("\"verdict\":\"manual-review\"", "\"verdict\":\"pass\"", 1);
    std::fs::write(Path::new(out).join("results.jsonl"), text).unwrap();
    assert_eq!(gate(&["--verify"]).status.code(), Some(1), "a changed result is told");
}

/// Findings of an answer that go by a list of terms, without those in the list itself.
fn terms_told(answer: &Value) -> usize {
    let findings = answer["findings"].as_array().unwrap();
    let told = |one: &&Value| one["rule"] == "content/custom-term" && one["file"] == "pages/a/a.swan";
    findings.iter().filter(told).count()
}

#[test]
fn lexicons_of_the_operator_count_and_those_of_a_package_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("in");
    std::fs::create_dir(&input).unwrap();
    let mut package: Vec<(String, Vec<u8>)> = [
        ("app.json", r#"{"pages": ["pages/a/a"]}"#),
        ("app.js", "App({});\n"),
        ("pages/a/a.js", "Page({});\n"),
        ("pages/a/a.swan", "<view>加入星尘计划，月影礼包等你拿</view>\n"),
    ]
    .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
    .to_vec();
    std::fs::write(input.join("plain.zip"), zip_of(&package)).unwrap();
    let own = "[check]\nvetted-lexicons = [\"words.txt\"]\nexclude = [\"words.txt\"]\n";
    package.push(("minivet.toml".to_owned(), own.as_bytes().to_vec()));
    package.push(("words.txt".to_owned(), "星尘计划\n".as_bytes().to_vec()));
    let brings = dir.path().join("brings.zip");
    std::fs::write(&brings, zip_of(&package)).unwrap();
    // The operator's configuration with its list beside it.
    let (config, words) = (dir.path().join("operator.toml"), dir.path().join("words.txt"));
    std::fs::write(&config, "[check]\nvetted-lexicons = [\"words.txt\"]\n").unwrap();
    std::fs::write(&words, "星尘计划\n").unwrap();
    let config = config.to_str().unwrap();

    let out = dir.path().join("out");
    let results = || -> Vec<Value> {
        let text = std::fs::read_to_string(out.join("results.jsonl")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let gate = |more: &[&str]| {
        let mut command = minivet(&["gate", "--jobs", "1", "--config", config]);
        command.arg("--out").arg(&out).arg(&input).args(more).output().unwrap()
    };
    let first = gate(&[]);
    assert!(first.status.code().is_some_and(|code| code < 2), "{}", String::from_utf8_lossy(&first.stderr));
    assert_eq!(results().iter().map(terms_told).collect::<Vec<_>>(), [1]);
    gate(&["--resume"]);
    assert_eq!(results().len(), 1, "nothing changed");
    // Other words are another configuration: everything is vetted anew.
    std::fs::write(&words, "月影礼包\n").unwrap();
    gate(&["--resume"]);
    let told = results();
    assert_eq!(told.iter().map(terms_told).collect::<Vec<_>>(), [1, 1]);
    assert_ne!(told[0]["config_digest"], told[1]["config_digest"]);
    std::fs::write(&words, "别的词\n").unwrap();
    gate(&["--resume"]);
    assert_eq!(results().iter().map(terms_told).collect::<Vec<_>>(), [1, 1, 0]);
    std::fs::write(&words, "# 空\n").unwrap();
    let wrong = gate(&["--resume"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("holds no term"));
    std::fs::write(&words, "星尘计划\n").unwrap();

    for (more, told) in [(&["--config", config][..], [1, 1]), (&[], [0, 0])] {
        let mut child = minivet(&["worker"]).args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        for path in [&input.join("plain.zip"), &brings] {
            writeln!(pipe, "{}", json!({"id": "x", "path": path})).unwrap();
        }
        drop(pipe);
        let output = child.wait_with_output().unwrap();
        let answers = String::from_utf8(output.stdout).unwrap();
        let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.iter().map(terms_told).collect::<Vec<_>>(), told, "{more:?}");
    }
}

#[test]
fn a_manifest_of_standard_input() {
    let dir = tempfile::tempdir().unwrap();
    let zip = dir.path().join("x.zip");
    std::fs::write(&zip, zip_of(&files(&fixtures().join("privacy/log-exposure/bad")))).unwrap();
    let lines = [
        json!({"id": "1", "path": zip}).to_string(),
        json!({"id": "2", "path": zip}).to_string(),
        json!({"id": "1", "path": "/another"}).to_string(),
        "{\"id\": \"4\"}".to_owned(),
    ];
    let mut child = minivet(&["gate", "--manifest", "-", "--jobs", "2"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(lines.join("\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let ids: BTreeSet<String> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), ["1", "2", "4"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("an id that was there before: 1"));
}

/// Kills a gate without warning once it has kept that many results.
fn kill_at(mut gate: Child, out: &Path, results: usize) {
    let start = Instant::now();
    loop {
        let count = std::fs::read(out.join("results.jsonl"))
            .map(|bytes| bytes.iter().filter(|byte| **byte == b'\n').count())
            .unwrap_or(0);
        if count >= results || gate.try_wait().unwrap().is_some() || start.elapsed() > Duration::from_secs(300) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    gate.kill().unwrap();
    gate.wait().unwrap();
    if cfg!(target_os = "linux") {
        let orphan = || {
            std::fs::read_dir("/proc").unwrap().filter_map(Result::ok).any(|entry| {
                let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                String::from_utf8_lossy(&line).contains(&format!("--child\0{}\0", gate.id()))
            })
        };
        let start = Instant::now();
        while orphan() {
            assert!(start.elapsed() < Duration::from_secs(20), "a worker outlives its gate");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

#[test]
fn the_drill() {
    const PACKAGES: usize = 2_000;
    const DIFFERENT: usize = 120;
    let policy = policy();
    let dir = tempfile::tempdir().unwrap();
    let input = dir.path().join("in");
    let out = dir.path().join("out");
    std::fs::create_dir(&input).unwrap();
    let mut cases: Vec<(u64, PathBuf)> = markers::cases(&fixtures())
        .unwrap()
        .into_iter()
        .map(|case| (files(&case).iter().map(|(_, bytes)| bytes.len() as u64).sum(), case))
        .collect();
    cases.sort();
    cases.truncate(DIFFERENT);
    let options = Options { profile: Some(Profile::Gate), no_config: true, ..Options::default() };
    let pool = rayon::ThreadPoolBuilder::new().stack_size(64 << 20).build().unwrap();
    let mut expected: HashMap<String, (String, Vec<String>)> = HashMap::new();
    let archives: Vec<Vec<u8>> = cases.iter().map(|(_, case)| zip_of(&files(case))).collect();
    let wanted: Vec<(String, Vec<String>)> = pool.install(|| {
        cases
            .iter()
            .map(|(_, case)| {
                let outcome = engine::vet(std::slice::from_ref(case), &policy, &options);
                let verdict = outcome.packages.iter().map(|vetted| vetted.verdict).max().unwrap();
                let mut rules: Vec<String> = outcome
                    .packages
                    .iter()
                    .flat_map(|vetted| &vetted.hits)
                    .map(|hit| hit.finding.rule.to_owned())
                    .collect();
                rules.sort();
                (serde_json::to_value(verdict).unwrap().as_str().unwrap().to_owned(), rules)
            })
            .collect()
    });
    for index in 0..PACKAGES {
        let path = input.join(format!("p{index:04}.zip"));
        std::fs::write(&path, &archives[index % DIFFERENT]).unwrap();
        expected.insert(path.to_string_lossy().into_owned(), wanted[index % DIFFERENT].clone());
    }
    let app = ("app.json".to_owned(), br#"{"pages": []}"#.to_vec());
    let bomb = zip_of(&[app.clone(), ("a.js".to_owned(), vec![b' '; 8 << 20])]);
    let special = |name: &str, bytes: &[u8]| {
        let path = input.join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    };
    let own = |text: &str| zip_of(&[app.clone(), ("app.js".to_owned(), text.as_bytes().to_vec())]);
    let abort = special("p0050-minivet-test-abort.zip", &own("App({a: 1})"));
    let hang = special("p0400-minivet-test-hang.zip", &own("App({a: 2})"));
    let bomb = special("p0500-bomb.zip", &bomb);
    let cut = special("p0600-cut.zip", &archives[0][..archives[0].len() - 40]);

    let (from, to) = (input.to_str().unwrap(), out.to_str().unwrap());
    let gate = || {
        let mut command = minivet(&["gate", from, "--out", to, "--resume", "--jobs", "2", "--timeout", "15"]);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    kill_at(gate(), &out, 70);
    kill_at(gate(), &out, 450);
    let last = gate().wait_with_output().unwrap();
    assert_eq!(last.status.code(), Some(3), "{}", String::from_utf8_lossy(&last.stdout));

    let mut results: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in std::fs::read_to_string(out.join("results.jsonl")).unwrap().lines() {
        let result: Value = serde_json::from_str(line).unwrap();
        results.entry(result["id"].as_str().unwrap().to_owned()).or_default().push(result);
    }
    assert_eq!(results.len(), PACKAGES + 4);
    for (id, found) in &results {
        assert_eq!(found.len(), 1, "{id}");
        let result = &found[0];
        assert_eq!(result["sha256"].as_str().unwrap().len(), 64, "{id}");
        if let Some((verdict, rules)) = expected.get(id) {
            let mut told: Vec<&str> = result["findings"]
                .as_array()
                .unwrap()
                .iter()
                .map(|finding| finding["rule"].as_str().unwrap())
                .collect();
            told.sort_unstable();
            assert_eq!(
                (result["verdict"].as_str().unwrap(), &told),
                (verdict.as_str(), &rules.iter().map(String::as_str).collect()),
                "{id}"
            );
            assert!(result["engine_error"].is_null(), "{id}");
        } else {
            assert_ne!(result["verdict"], "pass", "{id}");
        }
    }
    let error = |id: &str| results[id][0]["engine_error"].as_str().unwrap_or("").to_owned();
    assert!(error(&abort).contains("signal 6"), "{}", error(&abort));
    assert!(error(&hang).contains("timeout"), "{}", error(&hang));
    assert!(error(&cut).contains("broken"), "{}", error(&cut));
    assert_eq!(results[&bomb][0]["unseen"], json!(["a.js: ratio"]));
    // Same bytes are vetted once.
    let vetted = results.values().filter(|found| found[0]["same_as"].is_null()).count();
    assert!(vetted <= DIFFERENT + 4, "{vetted} vetted");
    assert!(minivet(&["gate", "--verify", "--out", to]).output().unwrap().status.success());
}

// ---- compiled packages ----

/// A package as its author wrote it: a module that sends, an app, a page, a page of a sub-package, a component.
const WRITTEN: [(&str, &str); 12] = [
    (
        "app.json",
        r#"{"pages": ["pages/index/index"], "subPackages": [{"root": "orders", "pages": ["pages/list/list"]}], "window": {"navigationBarTitleText": "街角书店"}}"#,
    ),
    (
        "app.js",
        "App({\n  onLaunch() {\n    HOST.getLocation({ success: (res) => { console.log(res.latitude); }, fail() {} });\n  }\n});\n",
    ),
    (
        "utils/api.js",
        "function send(path, data) {\n  HOST.request({ url: 'http://shop.example.com/' + path, data });\n}\nmodule.exports = { send };\n",
    ),
    (
        "pages/index/index.js",
        "const api = require('../../utils/api');\nPage({\n  choose() {\n    HOST.chooseAddress({ success: (res) => { api.send('address', { tel: res.telNumber }); }, fail() {} });\n  }\n});\n",
    ),
    ("pages/index/index.TEMPLATE", "<view bindtap=\"choose\">收货地址</view>\n<card/>\n"),
    ("pages/index/index.json", r#"{"usingComponents": {"card": "/components/card/card"}}"#),
    (
        "components/card/card.js",
        "Component({\n  methods: {\n    keep() {\n      HOST.chooseAddress({ success: (res) => { HOST.setStorageSync('收货电话', res.telNumber); }, fail() {} });\n    }\n  }\n});\n",
    ),
    ("components/card/card.TEMPLATE", "<view bindtap=\"keep\">保存</view>\n"),
    ("components/card/card.json", r#"{"component": true}"#),
    (
        "orders/pages/list/list.js",
        "const api = require('../../../utils/api.js');\nPage({\n  onLoad() {\n    this.where();\n  },\n  where() {\n    HOST.getLocation({ success: (res) => { api.send('near', { lat: res.latitude }); }, fail() {} });\n  }\n});\n",
    ),
    ("orders/pages/list/list.TEMPLATE", "<view>订单</view>\n"),
    ("orders/pages/list/list.json", "{}"),
];

fn written(host: &str, template: &str) -> Vec<(String, String)> {
    let said = |text: &str| text.replace("HOST", host).replace("TEMPLATE", template);
    WRITTEN.iter().map(|(path, text)| (said(path), said(text))).collect()
}

/// One module of a bundle, with the names that a minifier gives to the parameters.
fn module(name: &str, body: &str, short: bool, host: &str) -> String {
    let swan = host == "swan";
    let long = if swan {
        "require, module, exports, define, swan, getApp, window"
    } else {
        "require, module, exports, window, document"
    };
    let (parameters, body) = match short {
        false => (long, body.to_owned()),
        true => {
            let body = body.replace("require(", "t(").replace("module.exports", "e.exports");
            ("t, e, n, o, a, i, s", if swan { body.replace("swan.", "a.") } else { body })
        }
    };
    format!("define(\"{name}\", function({parameters}){{\n{body}}});\n")
}

/// The package as WeChat's compiler leaves it: one bundle for each sub-package, templates turned to code.
fn weapp_compiled(short: bool) -> Vec<(String, Vec<u8>)> {
    let config = json!({
        "pages": ["pages/index/index", "orders/pages/list/list"], "entryPagePath": "pages/index/index.html",
        "page": { "pages/index/index.html": { "window": { "usingComponents": { "card": "/components/card/card" } } } },
        "global": { "window": { "navigationBarTitleText": "街角书店" } },
        "subPackages": [{ "root": "/orders/", "pages": ["orders/pages/list/list"] }],
    });
    let mut bundles =
        [String::from("var __wxAppData = {};\nvar __wxRoute;\nvar __wxRouteBegin;\nvar global = {};\n"), String::new()];
    for (path, text) in written("wx", "wxml").iter().filter(|(path, _)| path.ends_with(".js")) {
        let bundle = &mut bundles[usize::from(path.starts_with("orders/"))];
        let route = path.trim_end_matches(".js");
        let run = !path.starts_with("utils/");
        if run {
            bundle
                .push_str(&format!("__wxRoute = \"{route}\";__wxRouteBegin = true;__wxAppCurrentFile__ = \"{path}\";"));
        }
        bundle.push_str(&module(path, text, short, "wx"));
        if run {
            bundle.push_str(&format!("require(\"{path}\");\n"));
        }
    }
    let [main, orders] = bundles;
    vec![
        ("app-config.json".to_owned(), config.to_string().into_bytes()),
        ("app-service.js".to_owned(), main.into_bytes()),
        ("orders/app-service.js".to_owned(), orders.into_bytes()),
        (
            "page-frame.html".to_owned(),
            b"<script>var $gwx = function(path, global) {}; var z = [[3, 'choose']];</script>".to_vec(),
        ),
    ]
}

/// The package as the Smart Program compiler leaves it: modules by number, the page's name told before it runs.
fn swan_compiled(short: bool) -> Vec<(String, Vec<u8>)> {
    let files = written("swan", "swan");
    let scripts: Vec<&(String, String)> = files.iter().filter(|(path, _)| path.ends_with(".js")).collect();
    let number = |path: &str| scripts.iter().position(|(known, _)| known == path).unwrap() + 190;
    let mut bundle = String::new();
    for (path, text) in &scripts {
        let text = text
            .replace("'../../utils/api'", &format!("\"{}\"", number("utils/api.js")))
            .replace("'../../../utils/api.js'", &format!("\"{}\"", number("utils/api.js")));
        bundle.push_str(&format!("window.{}", module(&number(path).to_string(), &text, short, "swan")));
    }
    for (path, _) in scripts.iter().filter(|(path, _)| !path.starts_with("utils/")) {
        let route = path.trim_end_matches(".js");
        bundle.push_str(&format!(
            "window.__swanRoute=\"{route}\";window.usingComponents=[];require(\"{}\");\n",
            number(path)
        ));
    }
    let app = files.iter().find(|(path, _)| path == "app.json").unwrap();
    vec![(app.0.clone(), app.1.clone().into_bytes()), ("app.js".to_owned(), bundle.into_bytes())]
}

fn wxapkg_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let table: usize = 4 + files.iter().map(|(path, _)| 13 + path.len()).sum::<usize>();
    let mut rows = (files.len() as u32).to_be_bytes().to_vec();
    let mut bodies = Vec::new();
    for (path, bytes) in files {
        rows.extend((path.len() as u32 + 1).to_be_bytes());
        rows.extend(format!("/{path}").bytes());
        rows.extend(((14 + table + bodies.len()) as u32).to_be_bytes());
        rows.extend((bytes.len() as u32).to_be_bytes());
        bodies.extend_from_slice(bytes);
    }
    let mut out = vec![0xbe, 0, 0, 0, 0];
    out.extend((table as u32).to_be_bytes());
    out.extend((bodies.len() as u32).to_be_bytes());
    out.push(0xed);
    out.extend(rows);
    out.extend(bodies);
    out
}

fn report_of(path: &Path, bytes: &[u8], policy: &Policy) -> Value {
    let options = Options { no_config: true, profile: Some(Profile::Gate), ..Options::default() };
    let outcome = engine::vet_archive(path, bytes, policy, &options).unwrap();
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
    let shape =
        minivet::report::Shape { lang: minivet::policy::catalogue::Lang::En, unmasked: true, ..Default::default() };
    serde_json::to_value(minivet::report::build(&outcome, policy, shape)).unwrap()["packages"][0].clone()
}

/// Rule and code of the findings that rest on flows, sorted.
fn flows_of(package: &Value) -> Vec<(String, String)> {
    const RULES: [&str; 4] = [
        "privacy/plaintext-storage",
        "privacy/plaintext-transport",
        "privacy/log-exposure",
        "privacy/collection-on-launch",
    ];
    let mut out: Vec<(String, String)> = package["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| RULES.contains(&finding["rule"].as_str().unwrap()))
        .map(|finding| {
            let code = finding["snippet"].as_str().unwrap().replace("swan.", "wx.").replace("a.", "wx.");
            (finding["rule"].as_str().unwrap().to_owned(), code)
        })
        .collect();
    out.sort();
    out
}

#[test]
fn a_compiled_package_is_mapped_back_to_its_pages() {
    let policy = policy();
    for (host, template) in [("wx", "wxml"), ("swan", "swan")] {
        let source: Vec<(String, Vec<u8>)> =
            written(host, template).into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
        let expected = report_of(Path::new("source.zip"), &zip_of(&source), &policy);
        assert!(flows_of(&expected).len() >= 4, "{:#?}", flows_of(&expected));
        for short in [false, true] {
            let files = if host == "wx" { weapp_compiled(short) } else { swan_compiled(short) };
            let bytes = if host == "wx" { wxapkg_of(&files) } else { zip_of(&files) };
            let package = report_of(Path::new("compiled"), &bytes, &policy);
            assert_eq!(package["host"], expected["host"]);
            assert_eq!(package["files"], files.len());
            assert_eq!(flows_of(&package), flows_of(&expected), "{host}, short names: {short}");
            // Every place is one of a file that ships.
            let text = |name: &str| {
                let (_, bytes) =
                    files.iter().find(|(path, _)| path == name).unwrap_or_else(|| panic!("{name} does not ship"));
                std::str::from_utf8(bytes).unwrap()
            };
            let mut places = 0;
            for finding in package["findings"].as_array().unwrap() {
                let at = |range: &Value, end: &str| range[end]["offset"].as_u64().unwrap() as usize;
                let range = &finding["range"];
                let code = &text(finding["file"].as_str().unwrap())[at(range, "start")..at(range, "end")];
                let lines: Vec<&str> = code.split_whitespace().collect();
                assert_eq!(
                    lines.join(" "),
                    finding["snippet"].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
                );
                let before = &text(finding["file"].as_str().unwrap())[..at(range, "start")];
                assert_eq!(range["start"]["line"], before.matches('\n').count() + 1, "{finding:#}");
                for step in finding["trace"].as_array().unwrap() {
                    text(step["file"].as_str().unwrap());
                    places += 1;
                }
            }
            assert!(places > 6);
            // What a compiler left nothing of is no mistake of the package; what was not seen is told, and not passed.
            let rules: Vec<&str> =
                package["findings"].as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap()).collect();
            assert!(
                rules.iter().all(|rule| !rule.starts_with("package/missing") && *rule != "package/unreachable-page"),
                "{rules:?}"
            );
            assert!(host != "wx" || !rules.contains(&"package/invalid-config"), "{rules:?}");
            let unseen: Vec<&str> = package["skipped"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|item| item["reason"] == "compiled")
                .map(|item| item["path"].as_str().unwrap())
                .collect();
            assert!(unseen.contains(&"pages/index/index") && unseen.contains(&"orders/pages/list/list"), "{unseen:?}");
            assert!(host != "wx" || unseen.contains(&"page-frame.html"), "{unseen:?}");
        }
    }
}

#[test]
fn a_compiled_package_without_findings_still_goes_to_a_person() {
    let clean = module("pages/a/a.js", "Page({});\n", true, "wx");
    let bundle = format!("__wxRoute = 'pages/a/a';{clean}require('pages/a/a.js');\n");
    let files = vec![
        ("app-config.json".to_owned(), br#"{"pages": ["pages/a/a"], "page": {}}"#.to_vec()),
        ("app-service.js".to_owned(), bundle.clone().into_bytes()),
    ];
    let package = report_of(Path::new("clean.wxapkg"), &wxapkg_of(&files), &policy());
    assert_eq!(package["verdict"], "manual-review", "{package:#}");
    // Code between the modules runs, too; a module under a name that was there before is told and not lost in silence.
    let hidden = "wx.getLocation({ success: (res) => { wx.setStorageSync('where', res); }, fail() {} });\n";
    let twice = format!("{bundle}{hidden}{}", module("pages/a/a.js", "Page({ a: 1 });\n", false, "wx"));
    let files = vec![
        files[0].clone(),
        ("app-service.js".to_owned(), twice.into_bytes()),
        // Where pages are loaded late, another bundle carries the same module: nothing is lost with it.
        ("late.app.js".to_owned(), bundle.into_bytes()),
    ];
    let package = report_of(Path::new("odd.wxapkg"), &wxapkg_of(&files), &policy());
    assert!(package.to_string().contains("privacy/plaintext-storage"), "{package:#}");
    let skipped = package["skipped"].as_array().unwrap();
    assert_eq!(skipped.iter().filter(|item| item["reason"] == "duplicate").count(), 1, "{skipped:?}");
    assert!(
        skipped.iter().any(|item| item["reason"] == "duplicate" && item["path"] == "app-service.js: pages/a/a.js"),
        "{skipped:?}"
    );
}
