//! Packages made to crash, stall, blind or leave: each has an outcome, and none passes in silence.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test may fail the test")]

#[path = "hostile/outside.rs"]
mod outside;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use minivet::engine::config::{Config, Profile};
use minivet::engine::{self, Options, Verdict, Vetted};
use minivet::package::{Limits, ReadError, ReadOptions, SkipReason};
use minivet::policy::Policy;

fn policy() -> &'static Policy {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    POLICY.get_or_init(|| Policy::embedded().map_err(|(_, errors)| errors).unwrap())
}

/// Deep code needs deep stacks, as the program has them.
fn deep<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().stack_size(64 << 20).build().unwrap().install(work)
}

fn gate() -> Options {
    Options { profile: Some(Profile::Gate), no_config: true, ..Options::default() }
}

type Files = Vec<(String, Vec<u8>)>;

/// A page that is nothing but a page, and more files.
fn package(more: &[(&str, &str)]) -> Files {
    let mut files: Vec<(&str, &str)> = vec![
        ("app.json", r#"{"pages": ["pages/a/a"], "window": {"navigationBarTitleText": "拾光记账"}}"#),
        ("app.js", "App({})"),
        ("pages/a/a.js", "Page({})"),
        ("pages/a/a.json", "{}"),
        ("pages/a/a.swan", "<view>每日账目</view>"),
    ];
    files.retain(|(path, _)| more.iter().all(|(other, _)| other != path));
    files.extend(more);
    files.into_iter().map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())).collect()
}

fn vet_with(files: Files, options: &Options) -> Vetted {
    deep(|| {
        let read = options.read.clone().unwrap_or_default();
        let mut packages =
            minivet::package::from_memory(Path::new("hostile"), files, &engine::layouts(policy()), &read).unwrap();
        assert_eq!(packages.len(), 1);
        engine::vet_package(packages.remove(0), policy(), &Config::default(), options)
    })
}

fn vet(more: &[(&str, &str)]) -> Vetted {
    vet_with(package(more), &gate())
}

fn rules(vetted: &Vetted) -> Vec<&'static str> {
    let mut rules: Vec<&str> = vetted.hits.iter().map(|hit| hit.finding.rule).collect();
    rules.dedup();
    rules
}

fn notes(vetted: &Vetted) -> Vec<&'static str> {
    vetted.solution.blind_spots.iter().map(|spot| spot.note).collect()
}

fn skipped(vetted: &Vetted, path: &str) -> Option<SkipReason> {
    vetted.package.skipped.iter().find(|item| &*item.path == path).map(|item| item.reason)
}

#[test]
fn the_plain_package_is_calm() {
    let vetted = vet(&[]);
    assert!(notes(&vetted).is_empty() && vetted.engine_errors.is_empty());
    assert!(vetted.package.skipped.is_empty(), "{:?}", vetted.package.skipped);
    // Else no test below would say anything by a verdict that is no pass.
    assert_eq!(vetted.verdict, Verdict::Pass, "{:?}", rules(&vetted));
}

#[test]
fn deep_scripts_end_and_are_told() {
    const N: usize = 10_000;
    let long = |piece: &str| piece.repeat(N);
    for script in [
        format!("{}{}", long("{"), long("}")),
        format!("x={}{}", long("["), long("]")),
        format!("x={}1{}", long("{a:"), long("}")),
        format!("{}{}", long("function f(){"), long("}")),
        format!("x={}1", long("a=>")),
        format!("{}x", long("(")),
        long("if(a){"),
        long("`${"),
        long("[a,"),
        format!("{}{}", long("f("), long(")")),
        long("class A{b(){"),
    ] {
        let start = Instant::now();
        let vetted = vet(&[("pages/a/a.js", &script)]);
        let name: String = script.chars().take(16).collect();
        assert!(vetted.engine_errors.is_empty(), "{name}: {:?}", vetted.engine_errors);
        assert!(notes(&vetted).contains(&"unread-code"), "{name}: {:?}", notes(&vetted));
        assert!(rules(&vetted).contains(&"package/broken-script"), "{name}: {:?}", rules(&vetted));
        assert_ne!(vetted.verdict, Verdict::Pass, "{name}");
        assert!(start.elapsed() < Duration::from_secs(20), "{name} took {:?}", start.elapsed());
    }
}

#[test]
fn deep_templates_end_and_are_told() {
    const N: usize = 10_000;
    for template in ["<view>".repeat(N), format!("{}{}", "<view>".repeat(N), "</view>".repeat(N)), "<".repeat(N)] {
        let vetted = vet(&[("pages/a/a.swan", &template)]);
        assert!(vetted.engine_errors.is_empty(), "{:?}", vetted.engine_errors);
        if template.len() > N {
            assert!(rules(&vetted).contains(&"package/broken-template"), "{:?}", rules(&vetted));
        }
    }
    let vetted = vet(&[("pages/a/a.swan", &format!("<view x=\"{{{{{}{}}}}}\"/>", "{a:".repeat(N), "}".repeat(N)))]);
    assert!(vetted.engine_errors.is_empty() && rules(&vetted).contains(&"package/broken-template"));
}

#[test]
fn deep_data_ends_and_is_told() {
    const N: usize = 10_000;
    for data in [
        format!("{}{}", "[".repeat(N), "]".repeat(N)),
        format!("{}1{}", "{\"a\":".repeat(N), "}".repeat(N)),
        "[".repeat(1_000_000),
        "/*".repeat(100_000),
    ] {
        let vetted = vet(&[("data/list.json", &data)]);
        assert!(vetted.engine_errors.is_empty(), "{:?}", vetted.engine_errors);
        assert!(notes(&vetted).contains(&"unread-data"));
        assert_ne!(vetted.verdict, Verdict::Pass);
    }
    let vetted = vet(&[("app.json", &format!("{{\"pages\": {}{}}}", "[".repeat(N), "]".repeat(N)))]);
    assert!(rules(&vetted).contains(&"package/invalid-config"), "{:?}", rules(&vetted));
}

#[test]
fn long_lines_are_read_in_time() {
    let start = Instant::now();
    for script in [
        format!("a{}b", "\n".repeat(2_000_000)),
        "(/[".repeat(200_000),
        format!("var s = '{}';", "长".repeat(600_000)),
        format!("var a = b{};", ".c".repeat(100_000)),
        ";".repeat(500_000),
        format!("/*{}", "/*".repeat(300_000)),
    ] {
        let vetted = vet(&[("pages/a/b.js", &script)]);
        assert!(vetted.engine_errors.is_empty(), "{:?}", vetted.engine_errors);
    }
    assert!(start.elapsed() < Duration::from_secs(90), "{:?}", start.elapsed());
    // Fifty million bytes on one line are past what is read of a file, and that is told.
    let mut files = package(&[]);
    files.push(("pages/a/b.js".to_owned(), vec![b'a'; 50 << 20]));
    let vetted = vet_with(files, &gate());
    assert_eq!(skipped(&vetted, "pages/a/b.js"), Some(SkipReason::TooLarge));
    assert_ne!(vetted.verdict, Verdict::Pass);
}

#[test]
fn masses_of_files_are_bounded() {
    let mut files = package(&[]);
    files.extend((0..100_000).map(|index| (format!("data/{}/{index}.txt", index % 500), b"x".to_vec())));
    let vetted = vet_with(files, &gate());
    let most = Limits::default().max_files;
    assert_eq!(vetted.package.files.len(), most);
    assert_eq!(vetted.package.skipped.iter().filter(|item| item.reason == SkipReason::TooMany).count(), 100_005 - most);
    assert_ne!(vetted.verdict, Verdict::Pass);
}

#[test]
fn requests_in_circles_end() {
    let mut files = package(&[("pages/a/a.js", "require('../../lib/0.js').f({}); Page({})")]);
    for index in 0..1_500 {
        let next = (index + 1) % 1_500;
        let text = format!("var n = require('./{next}.js'); module.exports = {{ f(x) {{ return n.f(x) }}, n: n }}");
        files.push((format!("lib/{index}.js"), text.into_bytes()));
    }
    let start = Instant::now();
    let vetted = vet_with(files, &gate());
    assert!(vetted.engine_errors.is_empty(), "{:?}", vetted.engine_errors);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn long_chains_of_requests_end() {
    const N: usize = 3_000;
    let mut files = package(&[("pages/a/a.js", "require('../../lib/0.js').f({}); Page({})")]);
    for index in 0..N {
        let text = match index + 1 {
            N => "module.exports = { f(x) { swan.getLocation(x) } }".to_owned(),
            next => format!("module.exports = {{ f: require('./{next}.js').f }}"),
        };
        files.push((format!("lib/{index}.js"), text.into_bytes()));
    }
    let start = Instant::now();
    let vetted = vet_with(files, &gate());
    assert!(vetted.engine_errors.is_empty(), "{:?}", vetted.engine_errors);
    assert_ne!(vetted.verdict, Verdict::Pass);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn marks_in_view_scripts_stand_where_they_are() {
    let vetted = vet(&[(
        "pages/a/a.wxml",
        "<wxs module=\"m\"><!-- minivet-ignore-file a/b -- c --><view wx:if='{{a && b}}'>电话</view>var a = }}1;",
    )]);
    assert!(vetted.engine_errors.is_empty(), "{:?}", vetted.engine_errors);
    let hit = vetted.hits.iter().find(|hit| hit.finding.rule == "suppression/unknown-rule").unwrap();
    let text = &vetted.package.files[hit.finding.place.file.index()].source.text;
    assert_eq!(hit.finding.place.span.slice(text), "a/b");
}

#[test]
fn a_mark_that_loses_its_end_is_none() {
    for (path, text) in [
        ("pages/a/a.swan", "<view>每日账目</view><!-- minivet-ignore-->"),
        ("pages/a/a.swan", "<view>每日账目</view><!--minivet-ignore--->"),
        ("pages/a/a.css", "/* minivet-ignore-*/ .a { color: red }"),
        ("pages/a/a.js", "Page({}) //minivet-ignore-->"),
        ("pages/a/a.js", "Page({}) // minivet-ignore-next-line-->"),
        ("readme.md", "<!-- minivet-ignore--"),
    ] {
        let vetted = vet(&[(path, text)]);
        assert!(vetted.engine_errors.is_empty(), "{text}: {:?}", vetted.engine_errors);
    }
}

#[test]
fn masses_of_suppressions_end() {
    const N: usize = 20_000;
    let start = Instant::now();
    for script in [
        // A run on lines of their own, one behind each call, all on one line, one name without end.
        "// minivet-ignore-next-line security/dynamic-code -- a\n".repeat(N),
        "eval('1') // minivet-ignore-next-line security/dynamic-code -- a\n".repeat(N / 10),
        "/* minivet-ignore-file a/b -- c */".repeat(N),
        format!("// minivet-ignore-file {} -- c", "a".repeat(1_000_000)),
        format!("// minivet-ignore-file {} -- c", "a/b, ".repeat(N)),
        "// minivet-ignore-file security/dynamic-cod -- a\n".repeat(N),
    ] {
        let vetted =
            vet_with(package(&[("pages/a/b.js", &script)]), &Options { profile: Some(Profile::Developer), ..gate() });
        assert!(vetted.engine_errors.is_empty(), "{:?}", vetted.engine_errors);
        assert!(rules(&vetted).iter().any(|rule| rule.starts_with("suppression/")), "{:?}", rules(&vetted));
    }
    assert!(start.elapsed() < Duration::from_secs(90), "{:?}", start.elapsed());
}

#[test]
fn masses_of_strings_end() {
    let list: Vec<String> = (0..20_000).map(|index| format!("\"s{index}\"")).collect();
    let script = format!("var a = [{}]; Page({{ data: {{ a }} }})", list.join(","));
    let start = Instant::now();
    let vetted = vet(&[("pages/a/a.js", &script)]);
    assert!(vetted.engine_errors.is_empty(), "{:?}", vetted.engine_errors);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn odd_characters_hide_no_call() {
    let cases = [
        // Escapes in names, computed keys, broken surrogates in strings, direction marks in comments.
        "sw\\u0061n.getLocation({ success() {} })",
        "swan['get' + 'Location']({ success() {} })",
        "swan['\\x67etLocation']({ success() {} })",
        "var s = '\\ud800'; swan.getLocation({ success() {} })",
        "/*\u{202e} } \u{2066}if (a)\u{2069} \u{2066} begin */ swan.getLocation({ success() {} })",
        "const \u{0455}wan = swan; \u{0455}wan.getLocation({ success() {} })",
        "var k = ['Location', 'get']; swan[k[1] + k[0]]({ success() {} })",
        // Names built at run time out of constants.
        "swan[['get', 'Location'].join('')]({ success() {} })",
        "swan['noitacoLteg'.split('').reverse().join('')]({ success() {} })",
        "swan[String.fromCharCode(103, 101, 116, 76, 111, 99, 97, 116, 105, 111, 110)]({ success() {} })",
        "swan[atob('Z2V0TG9jYXRpb24=')]({ success() {} })",
        "swan[decodeURIComponent('%67etLocation')]({ success() {} })",
        "swan['getXLocation'.replace('X', '')]({ success() {} })",
        "swan[require('../../data/op.json').api]({ success() {} })",
        "Reflect.get(swan, 'getLocation')({ success() {} })",
        "Reflect.apply(swan.getLocation, swan, [{ success() {} }])",
        "globalThis['sw' + 'an'].getLocation({ success() {} })",
        "var g = Function('return this')(); g['sw' + 'an'].getLocation({ success() {} })",
        "new Function('return this;')().swan.getLocation({ success() {} })",
        "const { getLocation: g } = swan; g({ success() {} })",
    ];
    for case in cases {
        let script = format!("Page({{ onLoad() {{ {case} }} }})");
        let vetted = vet(&[("pages/a/a.js", &script), ("data/op.json", r#"{"api": "getLocation"}"#)]);
        assert!(vetted.engine_errors.is_empty(), "{:?}", vetted.engine_errors);
        assert!(
            vetted.solution.calls.iter().any(|call| &*call.api == "getLocation"),
            "{case}: {:?}",
            vetted.solution.calls.iter().map(|call| call.api.clone()).collect::<Vec<_>>()
        );
        assert_ne!(vetted.verdict, Verdict::Pass, "{case}");
    }
    // Code that reads otherwise than it runs is told even where no call hides in it.
    let vetted = vet(&[("pages/a/a.js", "/*\u{202e} } \u{2066}if (a)\u{2069} */ Page({})")]);
    assert_eq!((notes(&vetted), vetted.verdict), (vec!["reordered-text"], Verdict::ManualReview));
    let vetted =
        vet(&[("data/a.json", r#"{"a": "\ud800", "b": "\udc00\ud800x"}"#), ("data/b.txt", "\u{202e}\u{feff}")]);
    assert!(vetted.engine_errors.is_empty(), "{:?}", vetted.engine_errors);
}

#[test]
fn code_made_at_run_time_is_told() {
    let cases = [
        "new Function(require('../../data/op.json').src)()",
        "require('../../data/op.json').list.forEach(op => swan[op.api + swan.x](op.args))",
        "var t = swan.getFileSystemManager().readFileSync('/code.txt', 'utf8'); require('../../lib/interpreter.js').run(t)",
        "var name = [103, 101, 116].map(c => String.fromCharCode(c)).join(''); swan[name + 'Location']({})",
        "var e = window.eval; e.call(null, 'swan.getLocation({})')",
        "globalThis['ev' + 'al']('swan.getLocation({})')",
        "new Function('a', 'return a')(1)",
        "var e = eval; e('swan.getLocation({})')",
        "setTimeout('swan.getLocation({})', 1)",
        "swan.request({ url: 'https://a.example.com', success: r => swan[r.data.name]({}) })",
        "(function(){}).constructor('return this')()",
        "var run = require('../../lib/vm.js'); swan.request({ url: 'https://a.example.com', success: r => run(r.data) })",
    ];
    let vm = "module.exports = function (text) { return new Function(text)() }";
    let interpreter = "exports.run = text => text.split('\\n').forEach(line => {
        var parts = line.split(' '); swan[parts[0]](JSON.parse(parts[1])) })";
    for case in cases {
        let script = format!("Page({{ onLoad() {{ {case} }} }})");
        let vetted = vet(&[
            ("pages/a/a.js", &script),
            ("lib/vm.js", vm),
            ("lib/interpreter.js", interpreter),
            ("data/op.json", r#"{"src": "swan.getLocation({})", "list": [{"api": "getLocation", "args": {}}]}"#),
            ("code.txt", "getLocation {}\n"),
        ]);
        let told = rules(&vetted).contains(&"security/dynamic-code")
            || notes(&vetted).iter().any(|note| note.starts_with("dynamic-"));
        assert!(told, "{case}: {:?}, {:?}", rules(&vetted), notes(&vetted));
        assert_ne!(vetted.verdict, Verdict::Pass, "{case}");
    }
}

#[test]
fn escapes_hide_no_words() {
    let values = [
        "'\\u5728\\u7ebf\\u8d4c\\u535a\\u5e73\\u53f0'",
        "'\\u{5728}\\u{7ebf}\\u{8d4c}\\u{535a}\\u{5e73}\\u{53f0}'",
        "decodeURIComponent('%E5%9C%A8%E7%BA%BF%E8%B5%8C%E5%8D%9A%E5%B9%B3%E5%8F%B0')",
        "unescape('%u5728%u7ebf%u8d4c%u535a%u5e73%u53f0')",
        "String.fromCharCode(0x5728, 0x7ebf, 0x8d4c, 0x535a, 0x5e73, 0x53f0)",
        "atob('5Zyo57q/6LWM5Y2a5bmz5Y+w')",
        "'<p>&#22312;&#32447;&#x8d4c;&#x535a;平台</p>'",
    ];
    for value in values {
        let script = format!("Page({{ onLoad() {{ this.setData({{ t: {value} }}) }} }})");
        let vetted = vet(&[("pages/a/a.js", &script), ("pages/a/a.swan", "<rich-text nodes=\"{{t}}\"/>")]);
        assert!(rules(&vetted).contains(&"content/gambling"), "{value}: {:?}", rules(&vetted));
    }
    for (path, text) in [
        ("pages/a/a.swan", "<view>&#22312;&#32447;&#x8d4c;&#x535a;平台</view>"),
        ("pages/a/a.swan", "<view>{{'\\u5728\\u7ebf\\u8d4c' + '\\u535a\\u5e73\\u53f0'}}</view>"),
        ("data/a.json", r#"{"title": "\u5728\u7ebf\u8d4c\u535a\u5e73\u53f0"}"#),
        ("data/a.json", r#"{"html": "&#22312;&#32447;&#36172;&#21338;&#24179;&#21488;"}"#),
        ("pages/a/a.css", r#".a::before { content: "\5728\7ebf \8d4c\00535a平台" }"#),
    ] {
        let vetted = vet(&[(path, text)]);
        assert!(rules(&vetted).contains(&"content/gambling"), "{text}: {:?}", rules(&vetted));
        for hit in vetted.hits.iter().filter(|hit| hit.finding.rule == "content/gambling") {
            let place = hit.finding.place;
            assert!(place.span.len() > 6 && place.span.end as usize <= text.len(), "{text}: {place:?}");
        }
    }
}

#[test]
fn suppressions_hide_nothing_from_a_gate() {
    let script = "// minivet-ignore-file security/dynamic-code -- smuggled in\nPage({ onLoad() { eval('1') } })";
    let hidden = |options: &Options| vet_with(package(&[("pages/a/a.js", script)]), options);
    let developer = hidden(&Options { profile: Some(Profile::Developer), ..gate() });
    let strict = hidden(&gate());
    assert!(developer.active().all(|hit| hit.finding.rule != "security/dynamic-code"));
    assert!(strict.active().any(|hit| hit.finding.rule == "security/dynamic-code"));
    assert_eq!(strict.suppressions, 1);
}

#[test]
fn limits_are_reported_and_nothing_passes() {
    let limited = |change: &dyn Fn(&mut Limits), profile| {
        let mut read = ReadOptions::default();
        change(&mut read.limits);
        let options = Options { read: Some(read), profile: Some(profile), no_config: true, ..Options::default() };
        let calm = "Page({ onLoad() { console.info('a') } })";
        vet_with(package(&[("pages/a/a.js", calm), ("lib/b/c/d.js", "module.exports = 1")]), &options)
    };
    for profile in [Profile::Developer, Profile::Gate] {
        for (change, reason) in [
            (&(|limits: &mut Limits| limits.max_time = Duration::ZERO) as &dyn Fn(&mut Limits), SkipReason::TimeLimit),
            (&|limits: &mut Limits| limits.max_files = 3, SkipReason::TooMany),
            (&|limits: &mut Limits| limits.max_file_bytes = 10, SkipReason::TooLarge),
            (&|limits: &mut Limits| limits.max_total_bytes = 120, SkipReason::TotalTooLarge),
            (&|limits: &mut Limits| limits.max_depth = 2, SkipReason::TooDeep),
        ] {
            let vetted = limited(change, profile);
            assert!(
                vetted.package.skipped.iter().any(|item| item.reason == reason),
                "{reason:?}: {:?}",
                vetted.package.skipped
            );
            assert_ne!(vetted.verdict, Verdict::Pass, "{reason:?}");
        }
    }
    if cfg!(target_os = "linux") {
        let vetted = limited(&|limits| limits.max_memory = Some(1), Profile::Developer);
        assert!(vetted.package.skipped.iter().any(|item| item.reason == SkipReason::MemoryLimit));
        assert!(!vetted.engine_errors.is_empty());
    }
}

#[test]
fn limits_come_from_the_configuration() {
    let text =
        "[limits]\nseconds = 0\nfiles = 7\nfile-mib = 1\ntotal-mib = 2\nmemory-mib = 3\narchive-mib = 4\ndepth = 5\n";
    let config = engine::config::parse(Path::new("minivet.toml"), text, policy()).unwrap();
    let mut limits = Limits::default();
    config.limit(&mut limits);
    assert_eq!((limits.max_time, limits.max_files, limits.max_depth), (Duration::ZERO, 7, 5));
    assert_eq!((limits.max_file_bytes, limits.max_total_bytes), (1 << 20, 2 << 20));
    assert_eq!((limits.max_memory, limits.max_archive_bytes), (Some(3 << 20), 4 << 20));
    let failure = engine::config::parse(Path::new("minivet.toml"), "[limits]\nsecond = 1\nfiles = -1\n", policy());
    assert_eq!(failure.unwrap_err().errors.len(), 2);
}

#[test]
fn long_chains_of_calls_are_not_passed_over() {
    let chain: String = (0..60).map(|at| format!("function f{at}(x) {{ return f{}(x) }}\n", at + 1)).collect();
    let script = format!("{chain}function f60(x) {{ swan.getLocation(x) }}\nPage({{ onLoad() {{ f0({{}}) }} }})");
    let vetted = vet(&[("pages/a/a.js", &script)]);
    let seen = vetted.solution.calls.iter().any(|call| &*call.api == "getLocation");
    assert!(seen || notes(&vetted).contains(&"budget-exhausted"), "{:?}", notes(&vetted));
    assert_ne!(vetted.verdict, Verdict::Pass);
}

/// Writes a package to a folder.
fn write(folder: &Path, files: Files) {
    for (path, bytes) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn vet_folder(folder: &Path) -> engine::Outcome {
    deep(|| engine::vet(&[PathBuf::from(folder)], policy(), &gate()))
}

#[cfg(unix)]
#[test]
fn links_never_leave_the_root() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret.js"), "swan.getLocation({})").unwrap();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), package(&[]));
    symlink(outside.path().join("secret.js"), folder.path().join("out.js")).unwrap();
    symlink(outside.path(), folder.path().join("outside")).unwrap();
    symlink(folder.path(), folder.path().join("pages/loop")).unwrap();
    symlink("b.js", folder.path().join("a.js")).unwrap();
    symlink("a.js", folder.path().join("b.js")).unwrap();
    symlink("/proc/self/mem", folder.path().join("mem.json")).unwrap();
    let outcome = vet_folder(folder.path());
    let vetted = &outcome.packages[0];
    for path in ["out.js", "outside", "pages/loop", "a.js", "b.js", "mem.json"] {
        assert_eq!(skipped(vetted, path), Some(SkipReason::Link), "{path}: {:?}", vetted.package.skipped);
    }
    assert!(vetted.solution.calls.is_empty());
    assert_ne!(vetted.verdict, Verdict::Pass);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_opened() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), package(&[]));
    // Opening a pipe would wait for ever.
    let pipe = folder.path().join("pages/a/b.js");
    if !std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
        return;
    }
    std::fs::create_dir(folder.path().join("c.js")).unwrap();
    let outcome = vet_folder(folder.path());
    assert_eq!(skipped(&outcome.packages[0], "pages/a/b.js"), Some(SkipReason::Unreadable));
    assert_ne!(outcome.packages[0].verdict, Verdict::Pass);
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_and_clashes_of_case_are_read() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), package(&[("pages/a/A.js", "eval('1')"), ("Pages/a/a.js", "eval('2')")]));
    std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"\xff\xfe.js")), "eval('3')").unwrap();
    let outcome = vet_folder(folder.path());
    let vetted = &outcome.packages[0];
    let files: Vec<&str> = vetted.package.files.iter().map(|file| &*file.source.path).collect();
    // Where names of both cases are one file there is one.
    let scripts = files.iter().filter(|path| path.ends_with(".js")).count();
    assert!(scripts >= 4, "{files:?}");
    assert!(vetted.engine_errors.is_empty());
}

#[test]
fn nothing_to_vet_is_no_pass() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = vet_folder(folder.path());
    assert!(outcome.packages.is_empty());
    assert!(matches!(outcome.failures[..], [engine::Failure::Read(ReadError::NothingToVet(_))]));
}
