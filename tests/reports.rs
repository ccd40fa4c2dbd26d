//! What reports say: snapshots of every format in both languages, the strict form of SARIF, origins, comparisons.
//!
//! `INSTA_UPDATE=always cargo test --test reports` writes the snapshots anew; read the difference before it is kept.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test may fail the test")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use minivet::engine::baseline::Baseline;
use minivet::engine::{self, Options, Outcome};
use minivet::policy::Policy;
use minivet::policy::catalogue::Lang;
use minivet::report::{self, Report, Shape, Style};
use serde_json::Value;
use tempfile::TempDir;

const SHOP: &str = "fixtures/packages/corner-shop";
const CLUB: &str = "fixtures/packages/book-club";

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::embedded().map_err(|(_, errors)| errors).unwrap());

/// Deep code needs deep stacks.
fn vet(path: &str, options: &Options) -> Outcome {
    let pool = rayon::ThreadPoolBuilder::new().stack_size(64 << 20).num_threads(2).build().unwrap();
    pool.install(|| engine::vet(&[PathBuf::from(path)], &POLICY, options))
}

fn shape(lang: Lang, coverage: bool) -> Shape {
    Shape { lang, unmasked: false, flows: false, coverage, lines: true }
}

fn style(lang: Lang) -> Style {
    Style { lang, color: false, quiet: false, verbose: false }
}

fn build(outcome: &Outcome, lang: Lang) -> Report {
    report::build(outcome, &POLICY, shape(lang, false))
}

fn sarif(report: &Report, lang: Lang) -> Value {
    serde_json::from_str(&report::sarif(report, &POLICY, lang)).unwrap()
}

/// What changes with every edit of a rule pack is no part of a snapshot.
fn stable(text: &str) -> String {
    let digest = POLICY.digest();
    text.replace(digest, "DIGEST").replace(&digest[..12], "DIGEST").replace(env!("CARGO_PKG_VERSION"), "VERSION")
}

#[test]
fn formats_look_as_before() {
    let outcome = vet(SHOP, &Options::default());
    for (lang, suffix) in [(Lang::Zh, "zh"), (Lang::En, "en")] {
        let built = build(&outcome, lang);
        // The pages of the rules have a test of their own.
        let mut sarif = sarif(&built, lang);
        for rule in sarif["runs"][0]["tool"]["driver"]["rules"].as_array_mut().unwrap() {
            rule["help"].as_object_mut().unwrap().remove("markdown");
        }
        // The inventory has tests of its own.
        let mut json: Value = serde_json::from_str(&report::json(&built)).unwrap();
        json["packages"][0].as_object_mut().unwrap().remove("inventory");
        let style = style(lang);
        let all = [
            ("terminal", report::terminal(&built, style)),
            ("json", format!("{json:#}")),
            ("sarif", format!("{sarif:#}")),
            ("markdown", report::markdown(&built, style)),
            ("junit", report::junit(&built)),
            ("gitlab", report::gitlab(&built)),
            ("gitlab-sast", report::gitlab_sast(&built)),
            ("github", report::github(&built)),
            ("letter", report::letter(&built, &POLICY, style)),
        ];
        for (name, text) in all {
            insta::assert_snapshot!(format!("{name}-{suffix}"), stable(&text));
        }
        // Style and script of the page are looked at in a browser.
        let html = report::html(&built, style);
        let body = html.split_once("<body").unwrap().1.split_once("<h2 id=\"flows").unwrap().0.trim_end();
        insta::assert_snapshot!(format!("html-{suffix}"), stable(body));
    }
}

#[test]
fn sarif_holds_what_viewers_need() {
    let options = Options { honor_suppressions: Some(true), ..Options::default() };
    let outcome = vet(CLUB, &options);
    let log = sarif(&build(&outcome, Lang::En), Lang::En);
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["columnKind"], "unicodeCodePoints");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let taxa = run["taxonomies"][0]["taxa"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    let (mut flows, mut suppressed, mut sorted) = (0, 0, Vec::new());
    for result in results {
        let index = result["ruleIndex"].as_u64().unwrap() as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        assert!(!result["taxa"].as_array().unwrap().is_empty(), "every finding rests on a clause");
        for taxon in result["taxa"].as_array().unwrap() {
            assert_eq!(taxa[taxon["index"].as_u64().unwrap() as usize]["id"], taxon["id"]);
        }
        let place = &result["locations"][0]["physicalLocation"];
        let region = &place["region"];
        for key in ["startLine", "startColumn", "endLine", "endColumn"] {
            assert!(region[key].as_u64().unwrap() >= 1, "{key} counts from 1");
        }
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(uri).is_file(), "{uri}");
        sorted.push(result["partialFingerprints"]["minivet/v1"].as_str().unwrap());
        if let Some(flow) = result["codeFlows"][0]["threadFlows"][0]["locations"].as_array() {
            flows += 1;
            assert!(flow.len() > 1);
            assert!(flow.iter().all(|step| !step["location"]["message"]["text"].as_str().unwrap().is_empty()));
        }
        for suppression in result["suppressions"].as_array().into_iter().flatten() {
            suppressed += 1;
            assert_eq!(suppression["kind"], "inSource");
            assert_eq!(suppression["justification"], "上线前由构建脚本删除");
        }
        assert!(result["baselineState"].is_null(), "nothing to compare with");
    }
    assert!(flows >= 3 && suppressed == 1, "{flows} {suppressed}");
    sorted.sort_unstable();
    let all = sorted.len();
    sorted.dedup();
    assert_eq!(sorted.len(), all, "fingerprints are unique");
}

#[test]
fn sarif_tells_what_a_baseline_knows() {
    let outcome = vet(CLUB, &Options::default());
    let baseline = Baseline::parse(&Baseline::of(&outcome.packages).render()).unwrap();
    let outcome = vet(CLUB, &Options { baseline: Some(Arc::new(baseline)), ..Options::default() });
    let log = sarif(&build(&outcome, Lang::Zh), Lang::Zh);
    let mut external = 0;
    for result in log["runs"][0]["results"].as_array().unwrap() {
        if result["baselineState"] == "unchanged" {
            assert_eq!(result["suppressions"][0]["kind"], "external");
            assert_eq!(result["suppressions"][0]["justification"], "基线中已列出");
            external += 1;
        }
    }
    assert!(external > 5, "{external}");
    assert_eq!(outcome.packages[0].verdict, engine::Verdict::Pass);
}

#[test]
fn workflow_commands_are_escaped() {
    let dir = TempDir::new().unwrap();
    let name = "页,a:b%";
    write(dir.path(), "app.json", &format!("{{\"pages\": [\"{name}/a\"]}}"));
    write(dir.path(), "app.js", "App({});\n");
    write(dir.path(), &format!("{name}/a.swan"), "<view>百家乐真人视讯，\n注册即送</view>\n");
    write(dir.path(), &format!("{name}/a.js"), "Page({});\n");
    let outcome = vet(dir.path().to_str().unwrap(), &Options::default());
    let commands = report::github(&build(&outcome, Lang::En));
    let line = commands.lines().find(|line| line.contains("content/gambling")).expect("a finding of gambling");
    assert!(line.contains("页%2Ca%3Ab%25/a.swan,line=1,"), "{line}");
    for line in commands.lines() {
        assert!(
            line.starts_with("::error ") || line.starts_with("::warning ") || line.starts_with("::notice "),
            "{line}"
        );
        let (properties, message) = line[2..].split_once("::").unwrap();
        assert!(!message.is_empty() && !message.contains('\r'), "{line}");
        for property in properties.split_once(' ').unwrap().1.split(',') {
            let (key, value) = property.split_once('=').expect("key=value");
            assert!(["file", "line", "endLine", "col", "endColumn", "title"].contains(&key) && !value.is_empty());
        }
    }
}

#[test]
fn letters_are_exact_and_their_short_form_is_short() {
    for path in [SHOP, CLUB] {
        let outcome = vet(path, &Options::default());
        for lang in [Lang::Zh, Lang::En] {
            let letter = report::letter(&build(&outcome, lang), &POLICY, style(lang));
            let short = letter.trim_end().lines().last().unwrap();
            assert!(short.chars().count() <= 200, "{} characters: {short}", short.chars().count());
            assert!(short.chars().count() > 40, "{short}");
            let quote = POLICY.clauses().quote("agreement-4.3", lang);
            let head = lang.pick("《智能小程序平台服务协议》4.3（", "Platform service agreement 4.3 (");
            assert!(quote.starts_with(head), "{quote}");
            assert!(letter.contains(&quote), "{letter}");
            let article = lang.pick("《个人信息保护法》第51条（", "Personal Information Protection Law, article 51 (");
            assert!(letter.contains(article), "{letter}");
        }
    }
}

fn write(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn copy(from: &str, to: &Path) {
    for entry in walkdir::WalkDir::new(from).into_iter().flatten().filter(|entry| entry.file_type().is_file()) {
        let path = to.join(entry.path().strip_prefix(from).unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(entry.path(), path).unwrap();
    }
}

fn edit(path: &Path, change: impl Fn(&str) -> String) {
    let text = std::fs::read_to_string(path).unwrap();
    let changed = change(&text);
    assert_ne!(text, changed, "the edit does something");
    std::fs::write(path, changed).unwrap();
}

#[test]
fn every_finding_tells_whose_code_it_is_in() {
    let report = build(&vet(CLUB, &Options::default()), Lang::En);
    let findings = &report.packages[0].findings;
    let kit = findings.iter().find(|one| one.file == "miniprogram_npm/tiny-kit/locate.js").expect("the kit's call");
    assert_eq!((kit.origin.kind.as_str(), kit.origin.name.as_deref()), ("npm", Some("tiny-kit")));
    assert_eq!(kit.origin.version.as_deref(), Some("2.3.0"));
    assert!(kit.origin.reachable);
    assert_eq!(
        kit.origin.import_chain,
        ["pages/index/index.json", "miniprogram_npm/tiny-kit/map.js", "miniprogram_npm/tiny-kit/locate.js"]
    );
    let own = findings.iter().find(|one| one.file == "utils/report.js").expect("the helper's request");
    assert_eq!(own.origin.kind, "own");
    assert_eq!(own.origin.import_chain, ["pages/index/index.js", "utils/report.js"]);
    assert!(findings.iter().all(|one| one.origin.reachable != one.origin.import_chain.is_empty()));
    let vendored = report::why(&vet(CLUB, &Options::default()).packages[0], "utils/tidy-text.js");
    assert_eq!(vendored[0].library.as_deref(), Some("tidy-text 1.2.0"));
    assert_eq!(vendored[0].chain, ["club/event/event.js", "utils/tidy-text.js"]);
}

/// Rule, file and state of each finding, those that are gone last.
fn states(report: &Report) -> Vec<(String, String, String)> {
    let package = &report.packages[0];
    let all = package.findings.iter().chain(package.fixed.iter().flatten());
    all.map(|one| (one.rule.clone(), one.file.clone(), one.baseline_state.clone().unwrap_or_default())).collect()
}

#[test]
fn findings_are_known_again_after_edits_elsewhere() {
    let old = TempDir::new().unwrap();
    copy(CLUB, old.path());
    let new = TempDir::new().unwrap();
    copy(CLUB, new.path());
    // Lines move, names change where the finding is not, and the code is formatted anew.
    edit(&new.path().join("pages/join/join.js"), |text| {
        format!("// 报名\n'use strict';\n\n{}", text.replace("(e)", "(event)").replace("e.detail", "event.detail"))
    });
    edit(&new.path().join("utils/report.js"), |text| text.replace("  ", "\t"));
    edit(&new.path().join("components/where/where.js"), |text| {
        text.replace("'place'", "\"place\"")
            .replace("res.latitude + ',' + res.longitude", "[res.latitude, res.longitude].join()")
    });
    let mut report = build(&vet(new.path().to_str().unwrap(), &Options::default()), Lang::En);
    report::compare(&mut report, &build(&vet(old.path().to_str().unwrap(), &Options::default()), Lang::En));
    let states = states(&report);
    let changed: Vec<_> = states.iter().filter(|(_, _, state)| state != "unchanged").collect();
    assert!(changed.is_empty(), "{changed:?}");
    assert!(states.len() > 10, "{states:?}");
}

/// A page as bundlers put it: a module in a chunk, with short names.
fn bundle(dir: &Path, chunk: &str, names: [&str; 3], before: &str) {
    let [e, t, n] = names;
    write(dir, "app.json", "{\"pages\": [\"pages/a/a\"]}");
    write(dir, "app.js", &format!("require('./{chunk}');\nApp({{}});\n"));
    write(dir, "pages/a/a.wxml", "<button bindtap=\"go\">书店</button>\n");
    write(
        dir,
        "pages/a/a.js",
        &format!("require('../../{chunk}');Page({{go:function(){{require('../../{chunk}').keep()}}}});\n"),
    );
    write(
        dir,
        &format!("{chunk}.js"),
        &format!(
            "{before}exports.keep=function(){{var {e}=wx;{e}.chooseAddress({{success:function({t}){{var {n}={t};{e}.setStorageSync(\"tel\",{n}.telNumber)}}}})}};\n"
        ),
    );
}

#[test]
fn findings_are_known_again_after_bundling_anew() {
    let old = TempDir::new().unwrap();
    bundle(old.path(), "common/vendor.3f2a9c1e", ["e", "t", "n"], "");
    let new = TempDir::new().unwrap();
    bundle(new.path(), "common/vendor.77b0c2d4", ["o", "i", "a"], "exports.more=function(){return 1};");
    let moved = TempDir::new().unwrap();
    bundle(moved.path(), "chunks/main", ["o", "i", "a"], "\n\n");
    let run = |dir: &TempDir| build(&vet(dir.path().to_str().unwrap(), &Options::default()), Lang::En);
    for other in [&new, &moved] {
        let mut report = run(other);
        report::compare(&mut report, &run(&old));
        let stored: Vec<_> =
            states(&report).into_iter().filter(|(rule, ..)| rule == "privacy/plaintext-storage").collect();
        assert_eq!(stored.len(), 1, "{stored:?}");
        assert_eq!(stored[0].2, "unchanged", "{stored:?}");
    }
}

#[test]
fn a_comparison_tells_findings_and_capabilities() {
    let old = TempDir::new().unwrap();
    copy(CLUB, old.path());
    let new = TempDir::new().unwrap();
    copy(CLUB, new.path());
    edit(&new.path().join("components/where/where.js"), |text| {
        text.replace("        wx.setStorage({ key: 'place', data: res });\n", "")
    });
    edit(&new.path().join("pages/join/join.js"), |text| {
        text.replace("const form", "wx.setStorageSync('who', e.detail.value.idCard);\n    const form")
    });
    edit(&new.path().join("club/event/event.js"), |text| {
        text.replace(
            "  onShareAppMessage",
            "  onLoad() {\n    wx.request({ url: 'https://events.example.org/list', success: (res) => this.setData({ events: res.data }), fail() {} });\n  },\n  onShareAppMessage",
        )
    });
    edit(&new.path().join("utils/report.js"), |text| text.replace("http://stat", "https://stat"));
    edit(&new.path().join("minivet.toml"), |text| text.replace("教育/教育信息服务", "社交/社区"));
    let run = |dir: &TempDir, lang| build(&vet(dir.path().to_str().unwrap(), &Options::default()), lang);
    let mut report = run(&new, Lang::En);
    report::compare(&mut report, &run(&old, Lang::En));
    let states = states(&report);
    let has = |rule: &str, file: &str, state: &str| {
        states.iter().any(|one| (one.0.as_str(), one.1.as_str(), one.2.as_str()) == (rule, file, state))
    };
    assert!(has("privacy/plaintext-storage", "pages/join/join.js", "unchanged"), "{states:?}");
    assert!(has("privacy/plaintext-storage", "pages/join/join.js", "new"), "{states:?}");
    assert!(has("privacy/plaintext-storage", "components/where/where.js", "absent"), "{states:?}");
    assert!(has("privacy/plaintext-transport", "utils/report.js", "absent"), "{states:?}");
    let changes = report.packages[0].capability_changes.as_ref().unwrap();
    assert!(changes.gained.hosts.contains("events.example.org"), "{changes:?}");
    assert!(changes.lost.apis.contains("wx.setStorage"), "{changes:?}");
    assert!(changes.gained.categories.contains("社交/社区") && changes.lost.categories.contains("教育/教育信息服务"));
    // Every form of the report tells it.
    for lang in [Lang::Zh, Lang::En] {
        let mut report = run(&new, lang);
        report::compare(&mut report, &run(&old, lang));
        for (name, text) in [
            ("terminal", report::terminal(&report, style(lang))),
            ("json", report::json(&report)),
            ("html", report::html(&report, style(lang))),
            ("markdown", report::markdown(&report, style(lang))),
        ] {
            for part in ["events.example.org", "wx.setStorage", "社交/社区"] {
                assert!(text.contains(part) || text.contains(&part.replace('/', "&#x2f;")), "{name} lacks {part}");
            }
        }
        let gone = sarif(&report, lang);
        let gone = gone["runs"][0]["results"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["baselineState"] == "absent")
            .count();
        assert!(gone >= 2, "{gone}");
    }
}
