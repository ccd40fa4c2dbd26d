//! The binary from outside: commands, exit codes, bad input, masks.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test may fail the test")]

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use minivet::engine::{self, Options};
use minivet::policy::Policy;
use minivet::policy::catalogue::Lang;
use minivet::report::{self, Shape, Style};
use serde_json::Value;
use tempfile::TempDir;

const SHOP: &str = "fixtures/packages/corner-shop";

fn minivet(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("minivet").unwrap();
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("NO_COLOR")
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES")
        .env("LANG", "en_US.UTF-8")
        .timeout(std::time::Duration::from_secs(120))
        .args(args);
    command
}

fn run(args: &[&str]) -> Output {
    minivet(args).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {} {}", out(output), err(output)))
}

fn rules(report: &Value) -> Vec<&str> {
    report["packages"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|package| package["findings"].as_array().unwrap())
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect()
}

/// A small package with one page; more files may follow.
fn package(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "app.json", r#"{"pages": ["pages/a/a"], "window": {"navigationBarTitleText": "街角书店"}}"#);
    write(dir.path(), "app.js", "App({});\n");
    write(dir.path(), "project.swan.json", "{}");
    write(dir.path(), "pages/a/a.swan", "<view>街角书店</view>\n");
    write(dir.path(), "pages/a/a.js", "Page({});\n");
    for (path, text) in files {
        write(dir.path(), path, text);
    }
    dir
}

fn write(dir: &Path, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = dir.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A page that keeps a phone number in plain text when it is tapped, in a small package; more files may follow.
fn storing(files: &[(&str, &str)]) -> TempDir {
    let mut all = vec![("pages/a/a.js", STORES), ("pages/a/a.swan", TAPPED)];
    all.extend(files);
    package(&all)
}

const TAPPED: &str = "<view bindtap=\"onTap\">街角书店</view>\n";
const STORES: &str = "Page({\n  onTap() {\n    swan.chooseAddress({\n      success: res => swan.setStorageSync('tel', res.telNumber)\n    });\n  }\n});\n";

#[test]
fn exit_codes_follow_the_findings() {
    let clean = package(&[]);
    assert_eq!(code(&run(&["check", text(clean.path())])), 0);
    let dirty = storing(&[]);
    let dirty = text(dirty.path());
    assert_eq!(code(&run(&["check", dirty])), 1);
    assert_eq!(code(&run(&["check", dirty, "--fail-on", "never"])), 0);
    assert_eq!(code(&run(&["check", dirty, "--ignore", "privacy"])), 0);
    for severity in ["note", "warning", "error"] {
        assert_eq!(code(&run(&["check", dirty, "--fail-on", severity])), 1, "{severity}");
    }
    // Notes count only where they are asked to.
    let notes = ["check", text(clean.path()), "--fail-on", "note"];
    assert_eq!(code(&run(&notes)), i32::from(!rules(&json(&run(&["check", notes[1], "--format", "json"]))).is_empty()));
}

#[test]
fn exit_codes_are_the_same_for_every_format() {
    let dirty = storing(&[]);
    for format in
        ["terminal", "json", "sarif", "html", "markdown", "junit", "gitlab", "gitlab-sast", "github", "letter"]
    {
        let output = run(&["check", text(dirty.path()), "--format", format]);
        assert_eq!(code(&output), 1, "{format}");
        assert!(!output.stdout.is_empty(), "{format}");
    }
}

#[test]
fn a_path_that_does_not_exist() {
    let output = run(&["check", "no/such/path"]);
    assert_eq!(code(&output), 3);
    assert_eq!(err(&output), "minivet: no/such/path: no such file or folder\n");
    let output = run(&["check", "no/such/path", "--lang", "zh"]);
    assert!(err(&output).contains("没有这个文件或目录"), "{}", err(&output));
    // The rest is still vetted.
    let dirty = storing(&[]);
    let output = run(&["check", "no/such/path", text(dirty.path()), "--format", "json"]);
    assert_eq!(code(&output), 3);
    assert!(rules(&json(&output)).contains(&"privacy/plaintext-storage"));
}

#[test]
fn an_empty_folder() {
    let dir = TempDir::new().unwrap();
    let output = run(&["check", text(dir.path())]);
    assert_eq!(code(&output), 3);
    assert!(err(&output).contains("no mini-program found"), "{}", err(&output));
    assert_eq!(out(&output), "");
}

#[test]
fn a_broken_app_json() {
    let dir = storing(&[("app.json", "{\"pages\": [\"pages/a/a\"\n")]);
    let output = run(&["check", text(dir.path()), "--format", "json"]);
    assert_eq!(code(&output), 1);
    let report = json(&output);
    let finding = report["packages"][0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["rule"] == "package/invalid-config" && finding["file"] == "app.json")
        .expect("the mistake is told");
    assert!(finding["range"]["start"]["line"].as_u64().unwrap() >= 1);
    // The script is vetted all the same.
    assert!(rules(&report).contains(&"privacy/plaintext-storage"), "{:?}", rules(&report));
}

#[test]
fn a_binary_named_js() {
    let dir = storing(&[]);
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.extend((0..4096u32).map(|index| (index * 7 % 256) as u8));
    write(dir.path(), "lib/native.js", bytes);
    let output = run(&["check", text(dir.path()), "--format", "json"]);
    assert_eq!(code(&output), 1);
    let report = json(&output);
    let skipped = report["packages"][0]["skipped"].as_array().unwrap();
    let binary = skipped.iter().find(|item| item["path"] == "lib/native.js").expect("it is listed");
    assert_eq!(binary["reason"], "binary");
    assert_eq!(binary["hides_code"], true);
    assert!(rules(&report).contains(&"privacy/plaintext-storage"));
    let output = run(&["check", text(dir.path()), "-q"]);
    assert!(out(&output).contains("lib/native.js: binary data"), "{}", out(&output));
}

#[cfg(unix)]
#[test]
fn links_that_loop_or_lead_out() {
    let dir = storing(&[]);
    let outside = TempDir::new().unwrap();
    write(outside.path(), "secret.js", "swan.setStorageSync('a', 1);");
    std::os::unix::fs::symlink(dir.path(), dir.path().join("pages/loop")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret.js"), dir.path().join("out.js")).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("dangling.js")).unwrap();
    let output = run(&["check", text(dir.path()), "--format", "json"]);
    assert_eq!(code(&output), 1);
    let report = json(&output);
    let skipped = report["packages"][0]["skipped"].as_array().unwrap();
    for path in ["pages/loop", "out.js", "dangling.js"] {
        let item = skipped.iter().find(|item| item["path"] == path).unwrap_or_else(|| panic!("{path} is listed"));
        assert_eq!(item["reason"], "link", "{path}");
    }
    assert_eq!(report["packages"][0]["files"], 5);
    assert!(rules(&report).contains(&"privacy/plaintext-storage"));
}

#[test]
fn a_file_of_fifty_megabytes() {
    let dir = storing(&[]);
    let line = "var filler = 'the quick brown fox jumps over the lazy dog';\n";
    write(dir.path(), "pages/a/huge.js", line.repeat((50 << 20) / line.len() + 1));
    let start = std::time::Instant::now();
    let output = run(&["check", text(dir.path()), "--format", "json"]);
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
    assert_eq!(code(&output), 1);
    let report = json(&output);
    let skipped = report["packages"][0]["skipped"].as_array().unwrap();
    let huge = skipped.iter().find(|item| item["path"] == "pages/a/huge.js").expect("it is listed");
    assert_eq!(huge["reason"], "too-large");
    assert!(huge["bytes"].as_u64().unwrap() > 50 << 20);
    assert!(rules(&report).contains(&"privacy/plaintext-storage"));
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let dir = storing(&[]);
    // What is no regular file cannot be read, whoever asks.
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("pages/a/b.js")).unwrap();
    // Permissions bind everyone but the superuser.
    let locked = write(dir.path(), "pages/a/c.js", "var a = 1;\n");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
    let binds = std::fs::read(&locked).is_err();
    let output = run(&["check", text(dir.path()), "--format", "json"]);
    assert_eq!(code(&output), 1);
    let report = json(&output);
    let unreadable: Vec<&str> = report["packages"][0]["skipped"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["reason"] == "unreadable")
        .map(|item| item["path"].as_str().unwrap())
        .collect();
    if binds {
        assert_eq!(unreadable, ["pages/a/b.js", "pages/a/c.js"]);
    } else {
        assert_eq!(unreadable, ["pages/a/b.js"]);
        assert_eq!(report["packages"][0]["files"], 6, "the superuser reads it");
    }
    assert!(rules(&report).contains(&"privacy/plaintext-storage"));
}

#[test]
fn mistakes_in_the_configuration_come_with_place_and_suggestion() {
    let dir = package(&[(
        "minivet.toml",
        "[package]\ncategoris = [\"工具/信息查询\"]\n\n[rules.\"privacy/plaintext-storag\"]\nseverity = \"warning\"\n",
    )]);
    let output = run(&["check", text(dir.path())]);
    assert_eq!(code(&output), 2);
    let message = err(&output);
    for part in [
        "unknown key `categoris`",
        "minivet.toml:2:1",
        "did you mean `categories`?",
        "unknown rule `privacy/plaintext-storag`",
        "minivet.toml:4:8",
        "did you mean `privacy/plaintext-storage`?",
    ] {
        assert!(message.contains(part), "{part} in {message}");
    }
    let output = run(&["check", text(dir.path()), "--lang", "zh"]);
    assert!(err(&output).contains("是否想写 `categories`？"), "{}", err(&output));
    // Broken TOML, and a configuration that is not there.
    write(dir.path(), "minivet.toml", "[package\nname = 1\n");
    let output = run(&["check", text(dir.path())]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("TOML syntax"), "{}", err(&output));
    let output = run(&["check", SHOP, "--config", "no/such.toml"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("cannot be read"), "{}", err(&output));
}

#[test]
fn unknown_rules_hosts_and_flags_are_usage_errors() {
    for flag in ["--select", "--ignore"] {
        let output = run(&["check", SHOP, flag, "privacy/plaintext-storag"]);
        assert_eq!(code(&output), 2, "{flag}");
        assert!(err(&output).contains("did you mean `privacy/plaintext-storage`?"), "{}", err(&output));
    }
    let output = run(&["check", SHOP, "--host", "wechat"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("known hosts:"), "{}", err(&output));
    assert_eq!(code(&run(&["check", SHOP, "--no-such-flag"])), 2);
    assert_eq!(code(&run(&["explain", "no-such-rule"])), 2);
    assert_eq!(code(&run(&[])), 2);
    let output = run(&["check", SHOP, "--rules", "no/such/folder"]);
    assert_eq!(code(&output), 2);
}

#[test]
fn a_broken_submission_is_a_usage_error() {
    let dir = TempDir::new().unwrap();
    let file = write(dir.path(), "submission.json", "{\"categories\": 1}");
    assert_eq!(code(&run(&["check", SHOP, "--submission", text(&file)])), 2);
    write(dir.path(), "submission.json", "{\"categories\": [\"工具/信息查询\"]}");
    let report = json(&run(&["check", SHOP, "--submission", text(&file), "--format", "json"]));
    assert_eq!(report["packages"][0]["categories"], serde_json::json!(["工具/信息查询"]));
    let output = run(&["check", SHOP, "--category", "电商/综合性电商平台", "--format", "json"]);
    assert_eq!(json(&output)["packages"][0]["categories"], serde_json::json!(["电商/综合性电商平台"]));
}

#[test]
fn rules_are_selected_ignored_and_filtered() {
    let select = |args: &[&str]| -> Vec<String> {
        let mut all = vec!["check", SHOP, "--format", "json", "--fail-on", "never"];
        all.extend(args);
        let output = run(&all);
        assert_eq!(code(&output), 0, "{}", err(&output));
        rules(&json(&output)).into_iter().map(str::to_owned).collect()
    };
    let all = select(&[]);
    assert!(
        all.iter().any(|rule| rule.starts_with("privacy/")) && all.iter().any(|rule| rule.starts_with("category/"))
    );
    assert_eq!(select(&["--select", "privacy/plaintext-storage"]), ["privacy/plaintext-storage"]);
    assert!(select(&["--select", "privacy"]).iter().all(|rule| rule.starts_with("privacy/")));
    assert!(select(&["--ignore", "privacy,category"]).iter().all(|rule| !rule.starts_with("privacy/")));
    let two = select(&["--select", "privacy/plaintext-storage", "--select", "privacy/plaintext-transport"]);
    assert_eq!(two, ["privacy/plaintext-storage", "privacy/plaintext-transport"]);
    let sure = run(&["check", SHOP, "--format", "json", "--min-confidence", "high"]);
    for finding in json(&sure)["packages"][0]["findings"].as_array().unwrap() {
        assert_eq!(finding["confidence"], "high");
    }
}

#[test]
fn the_configuration_sets_severities_and_bounds() {
    let dir = storing(&[(
        "minivet.toml",
        "[check]\nfail-on = \"never\"\n[rules.\"privacy/plaintext-storage\"]\nseverity = \"note\"\n",
    )]);
    let output = run(&["check", text(dir.path()), "--format", "json", "--select", "privacy/plaintext-storage"]);
    assert_eq!(code(&output), 0);
    assert_eq!(json(&output)["packages"][0]["findings"][0]["severity"], "note");
    assert_eq!(code(&run(&["check", text(dir.path()), "--fail-on", "note"])), 1);
    write(dir.path(), "minivet.toml", "[check]\nexclude = [\"pages/**\"]\n");
    let output = run(&["check", text(dir.path()), "--format", "json", "--select", "privacy/plaintext-storage"]);
    assert_eq!(rules(&json(&output)), [] as [&str; 0]);
    write(dir.path(), "minivet.toml", "[rules.\"privacy/plaintext-storage\"]\nseverity = \"off\"\n");
    let output = run(&["check", text(dir.path()), "--format", "json", "--select", "privacy/plaintext-storage"]);
    assert_eq!(rules(&json(&output)), [] as [&str; 0]);
}

#[test]
fn standard_input_stands_for_a_file() {
    let dir = package(&[("pages/a/a.swan", TAPPED)]);
    let file = dir.path().join("pages/a/a.js");
    let args = ["check", "-", "--stdin-filename", text(&file), "--format", "json"];
    let output = minivet(&args).write_stdin(STORES).output().unwrap();
    assert_eq!(code(&output), 1);
    let report = json(&output);
    assert!(rules(&report).contains(&"privacy/plaintext-storage"));
    for finding in report["packages"][0]["findings"].as_array().unwrap() {
        assert_eq!(finding["file"], "pages/a/a.js", "only that file's");
    }
    // What is on disk is clean; nothing was written there.
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "Page({});\n");
    // The file need not be there, nor a package around it.
    let alone = TempDir::new().unwrap();
    let file = alone.path().join("a.js");
    let args = ["check", "-", "--stdin-filename", text(&file), "--format", "json", "--host", "swan"];
    let output = minivet(&args).write_stdin("swan.setStorageSync('k', 'sk_live_4eC39HqLyjWDarjtT1zdp7dc');\n").output();
    assert!(matches!(code(&output.unwrap()), 0 | 1));
    // Text without a name is nothing.
    let output = minivet(&["check", "-"]).write_stdin(STORES).output().unwrap();
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("--stdin-filename"), "{}", err(&output));
    assert_eq!(code(&run(&["check", SHOP, "--stdin-filename", "a.js"])), 2);
}

#[test]
fn an_archive_on_standard_input_is_vetted_as_on_disk() {
    let dir = storing(&[]);
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for entry in walkdir::WalkDir::new(dir.path()).sort_by_file_name().into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            let name = entry.path().strip_prefix(dir.path()).unwrap();
            writer.start_file_from_path(name, zip::write::SimpleFileOptions::default()).unwrap();
            std::io::Write::write_all(&mut writer, &std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
    let zip = writer.finish().unwrap().into_inner();
    let file = write(dir.path(), "upload.zip", &zip);
    let mut fed = json(&minivet(&["check", "-", "--format", "json"]).write_stdin(zip.clone()).output().unwrap());
    let mut stored = json(&run(&["check", text(&file), "--format", "json"]));
    assert!(rules(&fed).contains(&"privacy/plaintext-storage"));
    assert_eq!(fed["packages"][0]["root"], "-");
    for report in [&mut fed, &mut stored] {
        report["packages"][0]["root"] = Value::Null;
    }
    assert_eq!(fed, stored);
    // The same limits: what is broken or inflates beyond measure is an input error.
    let output = minivet(&["check", "-"]).write_stdin(&zip[..zip.len() / 2]).output().unwrap();
    assert_eq!(code(&output), 3, "{}", err(&output));
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..4 {
        std::io::Write::write_all(&mut bomb, &[0u8; 1 << 20]).unwrap();
    }
    let output = minivet(&["check", "-"]).write_stdin(bomb.finish().unwrap()).output().unwrap();
    assert_eq!(code(&output), 3, "{}", err(&output));
    // A name does not turn an archive into text.
    let args = ["check", "-", "--stdin-filename", "upload.zip", "--format", "json"];
    let named = json(&minivet(&args).write_stdin(zip).output().unwrap());
    assert_eq!(named["packages"][0]["root"], "upload.zip");
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_fault() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("minivet"))
        .args(["rules", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn languages() {
    let zh = out(&run(&["check", SHOP, "--lang", "zh", "-q"]));
    let en = out(&run(&["check", SHOP, "--lang", "en", "-q"]));
    assert!(zh.starts_with("不通过：") && en.starts_with("reject:"), "{zh}{en}");
    let locale = |name: &str| out(&minivet(&["check", SHOP, "-q"]).env("LANG", name).output().unwrap());
    assert_eq!(locale("en_GB.UTF-8"), en);
    assert_eq!(locale("zh_CN.UTF-8"), zh);
    assert_eq!(locale("C.UTF-8"), zh);
    let both = minivet(&["check", SHOP, "-q"]).env("LANG", "zh_CN.UTF-8").env("LC_ALL", "en_US").output().unwrap();
    assert_eq!(out(&both), en);
}

#[test]
fn more_words_and_fewer() {
    let plain = out(&run(&["check", SHOP]));
    let quiet = out(&run(&["check", SHOP, "-q"]));
    let verbose = out(&run(&["check", SHOP, "-v"]));
    assert_eq!(quiet.lines().count(), 1, "{quiet}");
    assert!(plain.ends_with(&quiet));
    assert!(verbose.len() >= plain.len());
    let dir = storing(&[(".hidden/x.js", "var a;")]);
    let verbose = out(&run(&["check", text(dir.path()), "-v"]));
    assert!(verbose.contains(".hidden"), "{verbose}");
    assert!(!out(&run(&["check", text(dir.path())])).contains(".hidden"));
}

#[test]
fn colours() {
    let escape = '\u{1b}';
    assert!(!out(&run(&["check", SHOP])).contains(escape), "no terminal, no colours");
    assert!(out(&run(&["check", SHOP, "--color", "always"])).contains(escape));
    assert!(!out(&run(&["check", SHOP, "--color", "never"])).contains(escape));
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("report.txt");
    let output = run(&["check", SHOP, "--color", "always", "--output", text(&file)]);
    assert_eq!(code(&output), 1);
    assert_eq!(out(&output), "");
    assert!(!std::fs::read_to_string(&file).unwrap().contains(escape), "a file has none");
    let output = run(&["check", SHOP, "--output", text(&dir.path().join("no/such/folder/x"))]);
    assert_eq!(code(&output), 2);
}

#[test]
fn personal_information_and_secrets_appear_in_no_output() {
    let hidden = ["13671829405", "330106198407124635", "9f86d081884c7d659a2feaa0c55ad015"];
    let dir = package(&[
        (
            "pages/a/a.js",
            "const appSecret = '9f86d081884c7d659a2feaa0c55ad015';\nPage({\n  data: { tel: '13671829405', id: '330106198407124635' },\n  onLoad() {\n    swan.request({ url: 'http://api.example.com/u?tel=13671829405', data: { id: '330106198407124635' }, header: { appSecret } });\n    // 13671829405\n    console.log('13671829405');\n    swan.getLocation({ success: res => swan.setStorageSync('13671829405', res.latitude) });\n  }\n});\n",
        ),
        ("pages/a/a.swan", "<view>联系人 13671829405，身份证 330106198407124635</view>\n"),
    ]);
    // In one process, for the price of one run.
    let policy = Policy::embedded().map_err(|(_, errors)| errors).unwrap();
    let outcome = engine::vet(&[dir.path().to_owned()], &policy, &Options::default());
    let mut outputs = Vec::new();
    for lang in [Lang::Zh, Lang::En] {
        let shape = Shape { lang, unmasked: false, flows: true, coverage: true, lines: true };
        let style = Style { lang, color: false, quiet: false, verbose: true };
        let mut built = report::build(&outcome, &policy, shape);
        report::compare(&mut built, &report::build(&engine::Outcome::default(), &policy, shape));
        assert!(built.packages[0].findings.len() > 3);
        outputs.extend([
            ("terminal", report::terminal(&built, style)),
            ("json", report::json(&built)),
            ("sarif", report::sarif(&built, &policy, lang)),
            ("html", report::html(&built, style)),
            ("markdown", report::markdown(&built, style)),
            ("junit", report::junit(&built)),
            ("gitlab", report::gitlab(&built)),
            ("gitlab-sast", report::gitlab_sast(&built)),
            ("github", report::github(&built)),
            ("letter", report::letter(&built, &policy, style)),
            ("flows", report::flows(&built, style)),
            ("inventory", report::inventory_markdown(&built, style)),
            ("inventory page", report::inventory_html(&built, style)),
        ]);
    }
    outputs.push(("baseline", engine::baseline::Baseline::of(&outcome.packages).render()));
    for (name, output) in &outputs {
        for secret in &hidden {
            assert!(!output.contains(secret), "{name} shows {secret}: {output}");
        }
    }
    let shown = out(&run(&["check", text(dir.path()), "--format", "json", "--unmasked"]));
    for secret in hidden {
        assert!(shown.contains(secret), "--unmasked shows {secret}");
    }
    let masked = out(&run(&["check", text(dir.path()), "--format", "json"]));
    assert!(hidden.iter().all(|secret| !masked.contains(secret)));
}

#[test]
fn explain() {
    let page = out(&run(&["explain", "privacy/plaintext-storage"]));
    assert!(page.starts_with("# privacy/plaintext-storage") && page.contains("## Bad"), "{page}");
    assert!(page.contains("agreement-4.3"));
    assert_eq!(out(&run(&["explain", "plaintext-storage"])), page);
    let zh = out(&run(&["explain", "privacy/plaintext-storage", "--lang", "zh"]));
    assert_ne!(zh, page);
    let clause = out(&run(&["explain", "agreement-4.3"]));
    assert!(clause.contains("privacy/plaintext-storage"), "{clause}");
    let output = run(&["explain", "plaintext-storag"]);
    assert!(err(&output).contains("did you mean"), "{}", err(&output));
}

#[test]
fn rules_in_every_form() {
    let list = json(&run(&["rules", "--format", "json"]));
    let ids: Vec<&str> = list["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert!(ids.len() > 100);
    let plain = out(&run(&["rules"]));
    assert!(ids.iter().all(|id| plain.contains(id)));
    assert!(out(&run(&["rules", "--format", "markdown"])).starts_with("| rule |"));
    let clauses = json(&run(&["rules", "--by", "clause", "--format", "json"]));
    assert!(clauses["clauses"].as_array().unwrap().iter().any(|clause| clause["clause"] == "agreement-4.3"));
    let output = run(&["rules", "test", "fixtures/privacy/log-exposure"]);
    assert_eq!(code(&output), 0, "{}", out(&output));
    let wrong = package(&[("pages/a/a.js", "Page({}); // expect: privacy/log-exposure\n")]);
    let output = run(&["rules", "test", text(wrong.path())]);
    assert_eq!(code(&output), 1);
    assert!(out(&output).contains("missed"), "{}", out(&output));
}

#[test]
fn init_writes_a_configuration_that_is_read() {
    let dir = storing(&[]);
    let output = run(&["init", text(dir.path())]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let written = std::fs::read_to_string(dir.path().join("minivet.toml")).unwrap();
    assert!(written.contains("[package]") && written.contains("[check]"));
    assert_eq!(code(&run(&["check", text(dir.path())])), 1, "it is valid");
    assert_eq!(code(&run(&["init", text(dir.path())])), 2, "it is not overwritten");
    assert_eq!(code(&run(&["init", text(dir.path()), "--force"])), 0);
    assert!(out(&run(&["init", text(dir.path()), "--stdout"])).contains("[package]"));
}

/// A package with a kind for each thing that a column of the inventory can tell.
fn collecting() -> TempDir {
    package(&[
        (
            "minivet.toml",
            r##"[package]
first-party = ["*.shop.example"]
"##,
        ),
        (
            "app.json",
            r##"{"pages": ["pages/a/a", "pages/privacy/privacy"]}
"##,
        ),
        (
            "pages/a/a.js",
            r##"const CryptoJS = require('crypto-js');
Page({
  locate() {
    swan.showModal({
      title: '位置', content: '位置用于推荐附近门店，详见隐私政策',
      success: r => {
        if (!r.confirm) return;
        swan.getLocation({ success: at => swan.request({ url: 'https://api.shop.example/near', data: { lat: at.latitude } }) });
      }
    });
  },
  paste() {
    swan.getClipboardData({ success: r => swan.request({ url: 'https://collect.partner.example/c', data: { v: r.data } }) });
  },
  phone(e) {
    swan.request({
      url: 'https://api.shop.example/key',
      success: r => swan.setStorageSync('p', CryptoJS.AES.encrypt(e.detail.value, r.data.key).toString())
    });
  }
});
"##,
        ),
        (
            "pages/a/a.swan",
            r##"<view bindtap="locate">附近</view>
<view bindtap="paste">粘贴</view>
<input placeholder="手机号" bindinput="phone">
"##,
        ),
        (
            "pages/privacy/privacy.js",
            r##"Page({});
"##,
        ),
        (
            "pages/privacy/privacy.swan",
            r##"<view>隐私政策</view>
<view>我们会收集您的位置信息，用于推荐附近门店；您可以在设置中关闭授权，关闭后仍可浏览全部门店。我们会在法律要求的期限内保存您的信息，到期删除。如有疑问请联系客服。</view>
<view>本政策适用于本程序的全部功能。我们不会把信息用于其他目的，更新时会在首页公布。</view>
"##,
        ),
    ])
}

#[test]
fn inventory_tells_each_column() {
    let dir = collecting();
    let path = text(dir.path());
    let report = json(&run(&["inventory", path, "--format", "json"]));
    let kinds = report["packages"][0]["inventory"].as_array().unwrap();
    let kind = |id: &str| kinds.iter().find(|kind| kind["kind"] == id).unwrap_or_else(|| panic!("{id} in {kinds:?}"));
    let (location, clipboard, phone) = (kind("location"), kind("clipboard"), kind("phone-number"));
    assert_eq!(location["sensitive"], true);
    assert_eq!(clipboard["sensitive"], false);
    assert_eq!(location["sources"][0]["source"], "getLocation");
    assert_eq!(phone["sources"][0]["source"], "input");
    assert_eq!(phone["sources"][0]["file"], "pages/a/a.swan");
    assert_eq!(phone["sources"][0]["range"]["start"]["line"], 3);
    assert_eq!(location["sources"][0]["page"], "pages/a/a");
    assert_eq!(location["sources"][0]["consent"], "notice-and-consent");
    assert_eq!(clipboard["sources"][0]["consent"], "none");
    assert_eq!(location["purposes"], serde_json::json!(["用于推荐附近门店"]));
    assert_eq!(clipboard["purposes"], serde_json::json!([]));
    assert_eq!(location["sinks"][0]["kind"], "network");
    assert_eq!(location["sinks"][0]["host"], "api.shop.example");
    assert_eq!(phone["sinks"][0]["kind"], "storage");
    assert_eq!(phone["sinks"][0]["protection"], serde_json::json!(["strong:AES"]));
    assert_eq!([&location["encrypted"], &phone["encrypted"]], [false, true]);
    assert_eq!(clipboard["third_parties"], serde_json::json!(["collect.partner.example"]));
    assert_eq!(location["third_parties"], serde_json::json!([]));
    assert_eq!([&location["in_policy"], &phone["in_policy"]], [true, false]);

    let table = out(&run(&["inventory", path]));
    let row = |word: &str| {
        let line =
            table.lines().find(|line| line.starts_with(&format!("| {word}"))).unwrap_or_else(|| panic!("{table}"));
        line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        row("location"),
        [
            "location (sensitive)",
            "getLocation (pages/a/a.js:8)",
            "pages/a/a",
            "用于推荐附近门店",
            "notice and consent",
            "network: api.shop.example (pages/a/a.js:8)",
            "no",
            "none",
            "named",
        ]
    );
    assert_eq!(
        row("clipboard")[4..],
        [
            "neither notice nor consent",
            "network: collect.partner.example (pages/a/a.js:13)",
            "no",
            "collect.partner.example",
            "not named"
        ]
    );
    assert_eq!(row("phone number")[6], "yes<br>strong:AES");
    let zh = out(&run(&["inventory", path, "--lang", "zh"]));
    assert!(
        zh.contains("| 位置（敏感） | getLocation (pages/a/a.js:8) | pages/a/a | 用于推荐附近门店 | 已告知并同意 |"),
        "{zh}"
    );
    let page = out(&run(&["inventory", path, "--format", "html"]));
    assert!(page.contains("<td>collect.partner.example</td><td>not named</td>"), "{page}");
    assert_eq!(page.matches("<th>").count(), 9);
    assert_eq!(page.matches("<tr>").count(), 1 + kinds.len());
}

#[test]
fn flows_tell_source_sink_and_sanitizers() {
    let dir = collecting();
    let path = text(dir.path());
    let report = json(&run(&["flows", path, "--format", "json"]));
    let flows = report["packages"][0]["flows"].as_array().unwrap();
    assert_eq!(flows.len(), 3, "{flows:?}");
    let of = |kind: &str| flows.iter().find(|flow| flow["source"]["personal_information"][0] == kind).unwrap();
    let (location, phone) = (of("location"), of("phone-number"));
    assert_eq!(location["source"]["api"], "getLocation");
    assert!(location["source"].get("element").is_none());
    assert_eq!(phone["source"]["element"], "input");
    assert!(phone["source"].get("api").is_none());
    assert_eq!(
        (&phone["source"]["file"], &phone["source"]["range"]["start"]["line"]),
        (&Value::from("pages/a/a.swan"), &Value::from(3))
    );
    assert_eq!(
        (&location["sink"]["api"], &location["sink"]["kind"]),
        (&Value::from("request"), &Value::from("network"))
    );
    assert_eq!(
        (&location["sink"]["host"], &location["sink"]["range"]["start"]["line"]),
        (&Value::from("api.shop.example"), &Value::from(8))
    );
    assert_eq!(location["sanitizers"], serde_json::json!([]));
    assert_eq!(phone["sanitizers"], serde_json::json!(["strong:AES"]));
    assert_eq!(phone["sink"]["kind"], "storage");
    assert_eq!((&location["consent"], &phone["consent"]), (&Value::from("notice-and-consent"), &Value::from("none")));
    for flow in flows {
        let hops = flow["hops"].as_array().unwrap();
        assert!(hops.len() >= 2, "{flow}");
        assert_eq!(hops[0]["file"], flow["source"]["file"]);
        assert_eq!(hops[hops.len() - 1]["range"], flow["sink"]["range"]);
        assert!(hops.iter().all(|hop| hop["note"].as_str().is_some_and(|note| !note.is_empty())));
    }
    let table = out(&run(&["flows", path]));
    assert!(
        table.contains("location: getLocation pages/a/a.js:8 → network request (api.shop.example) pages/a/a.js:8"),
        "{table}"
    );
    assert!(
        table.contains("phone-number: input pages/a/a.swan:3 → storage setStorageSync pages/a/a.js:18 [strong:AES]"),
        "{table}"
    );
}

#[test]
fn flows_and_inventory() {
    let report = json(&run(&["flows", SHOP, "--format", "json"]));
    let flows = report["packages"][0]["flows"].as_array().unwrap();
    let kept = flows.iter().find(|flow| flow["sink"]["api"] == "setStorageSync").expect("the stored position");
    assert_eq!(kept["source"]["api"], "getLocation");
    assert_eq!(kept["sink"]["kind"], "storage");
    let table = out(&run(&["flows", SHOP]));
    assert!(table.contains("getLocation") && table.contains("setStorageSync"), "{table}");
    let inventory = out(&run(&["inventory", SHOP]));
    assert!(inventory.contains("api.corner-shop.example"), "{inventory}");
    assert!(out(&run(&["inventory", SHOP, "--format", "html"])).contains("<table>"));
    assert_eq!(code(&run(&["inventory", "no/such/path"])), 3);
    assert_eq!(code(&run(&["flows", "no/such/path"])), 3);
}

#[test]
fn completions_and_version() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = run(&["completions", shell]);
        assert_eq!(code(&output), 0);
        assert!(out(&output).contains("minivet"), "{shell}");
    }
    assert_eq!(out(&run(&["--version"])), format!("minivet {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(code(&run(&["check", "--help"])), 0);
}

#[test]
fn the_same_package_gives_the_same_bytes() {
    for format in ["json", "sarif", "html", "terminal"] {
        let first = run(&["check", SHOP, "--format", format]);
        let second = run(&["check", SHOP, "--format", format]);
        assert_eq!(first.stdout, second.stdout, "{format}");
    }
}

#[test]
fn several_packages_under_one_path() {
    let dir = TempDir::new().unwrap();
    for name in ["one", "two"] {
        write(dir.path(), &format!("{name}/app.json"), r#"{"pages": ["pages/a/a"]}"#);
        write(dir.path(), &format!("{name}/app.js"), "App({});\n");
        write(dir.path(), &format!("{name}/pages/a/a.swan"), TAPPED);
        write(dir.path(), &format!("{name}/pages/a/a.js"), STORES);
    }
    // A configuration nearer to one of them is its own.
    write(dir.path(), "two/minivet.toml", "[rules.\"privacy/plaintext-storage\"]\nseverity = \"off\"\n");
    let report = json(&run(&["check", text(dir.path()), "--format", "json"]));
    let packages = report["packages"].as_array().unwrap();
    assert_eq!(packages.len(), 2);
    let of = |index: usize| {
        packages[index]["findings"].as_array().unwrap().iter().any(|one| one["rule"] == "privacy/plaintext-storage")
    };
    assert!(of(0) && !of(1));
}

#[test]
fn a_baseline_hides_what_is_known() {
    let dir = storing(&[]);
    let root = text(dir.path());
    let list = TempDir::new().unwrap();
    let file = list.path().join("known.json");
    let file = text(&file);
    let output = run(&["baseline", root, "--output", file]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("known findings"), "{}", out(&output));
    assert_eq!(code(&run(&["check", root])), 1);
    let output = run(&["check", root, "--baseline", file, "--format", "json"]);
    assert_eq!(code(&output), 0);
    let report = json(&output);
    assert_eq!(report["packages"][0]["verdict"], "pass");
    for finding in report["packages"][0]["findings"].as_array().unwrap() {
        assert_eq!(finding["suppressed"]["by"], "baseline");
        assert_eq!(finding["baseline_state"], "unchanged");
    }
    assert!(!out(&run(&["check", root, "--baseline", file])).contains("plaintext-storage"));
    // One more fault is new; the old one stays hidden although its line has moved. A configuration may name the baseline.
    std::fs::copy(file, dir.path().join("known.json")).unwrap();
    write(dir.path(), "minivet.toml", "[check]\nbaseline = \"known.json\"\n");
    let more = format!(
        "// one line more\n{}",
        STORES.replace(
            "  }\n});",
            "    swan.chooseAddress({ success: res => swan.setStorageSync('who', res.userName) });\n  }\n});"
        )
    );
    write(dir.path(), "pages/a/a.js", more);
    let output =
        run(&["check", root, "--format", "json", "--select", "privacy/plaintext-storage", "--fail-on", "note"]);
    assert_eq!(code(&output), 1);
    let report = json(&output);
    let states: Vec<&str> = report["packages"][0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["baseline_state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["unchanged", "new"]);
    write(dir.path(), "minivet.toml", "[check]\nbaseline = \"gone.json\"\n");
    let output = run(&["check", root]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("minivet.toml:2:12"), "{}", err(&output));
    assert_eq!(code(&run(&["check", root, "--baseline", "README.md"])), 2);
}

#[test]
fn a_comparison_with_an_older_version() {
    let old = storing(&[]);
    let new = storing(&[("pages/a/a.swan", "<view bindtap=\"onTap\">百家乐真人视讯，注册即送</view>\n")]);
    let (old, new) = (text(old.path()), text(new.path()));
    let output = run(&["check", new, "--diff-from", old, "--format", "json"]);
    assert_eq!(code(&output), 1, "what is unchanged still counts");
    let report = json(&output);
    let package = &report["packages"][0];
    let state = |rule: &str| {
        let findings = package["findings"].as_array().unwrap();
        findings.iter().find(|one| one["rule"] == rule).map(|one| one["baseline_state"].as_str().unwrap().to_owned())
    };
    assert_eq!(state("privacy/plaintext-storage").as_deref(), Some("unchanged"));
    assert_eq!(state("content/gambling").as_deref(), Some("new"));
    assert_eq!(package["fixed"].as_array().unwrap().len(), 0);
    let back = json(&run(&["check", old, "--diff-from", new, "--format", "json"]));
    assert!(back["packages"][0]["fixed"].as_array().unwrap().iter().any(|one| one["rule"] == "content/gambling"));
    let words = out(&run(&["check", old, "--diff-from", new]));
    assert!(words.contains("since the old version: 0 new, "), "{words}");
    assert_eq!(code(&run(&["check", new, "--diff-from", "no/such/path"])), 3);
}

#[test]
fn why_something_is_there() {
    let club = "fixtures/packages/book-club";
    let answer = out(&run(&["why", "utils/tidy-text.js", club]));
    assert_eq!(answer, "utils/tidy-text.js [tidy-text 1.2.0]\n    club/event/event.js → utils/tidy-text.js\n");
    for name in ["getLocation", "wx.getLocation"] {
        let answer = out(&run(&["why", name, club]));
        assert!(answer.contains("wx.getLocation components/where/where.js:4:5"), "{answer}");
        assert!(
            answer.contains("miniprogram_npm/tiny-kit/map.js → miniprogram_npm/tiny-kit/locate.js"),
            "through the component: {answer}"
        );
    }
    let answer = out(&run(&["why", "miniprogram_npm/tiny-kit/unused.js", club]));
    assert!(answer.contains("[tiny-kit 2.3.0]") && answer.contains("no page leads here"), "{answer}");
    assert_eq!(code(&run(&["why", "noSuchApi", club])), 3);
}

#[test]
fn a_declared_and_clean_package_prints_the_verdict_alone() {
    for (lang, verdict) in [("en", "pass: "), ("zh", "通过：")] {
        for profile in ["developer", "gate"] {
            let output = run(&["check", "--lang", lang, "--profile", profile, "fixtures/packages/memo"]);
            assert_eq!(code(&output), 0, "{}", out(&output));
            let text = out(&output);
            assert_eq!(text.trim_end().lines().count(), 1, "{text}");
            assert!(text.starts_with(verdict), "{text}");
            assert_eq!(err(&output), "");
        }
    }
    // Not for want of anything to vet: personal information is taken there.
    assert!(out(&run(&["inventory", "--lang", "en", "fixtures/packages/memo"])).contains("pages/index/index"));
}

/// How clauses fared, by id.
fn coverage(args: &[&str]) -> std::collections::BTreeMap<String, Value> {
    let mut all = vec!["check", "--format", "json"];
    all.extend(args);
    let report = json(&run(&all));
    let items = report["packages"][0]["coverage"].as_array().unwrap();
    items.iter().map(|item| (item["clause"].as_str().unwrap().to_owned(), item.clone())).collect()
}

#[test]
fn a_service_is_named_by_all_that_a_package_says_of_itself() {
    let named = |files: &[(&str, &str)]| {
        let dir = package(files);
        let output =
            run(&["check", text(dir.path()), "--lang", "zh", "--select", "category", "--format", "json", "--no-cache"]);
        let report = json(&output);
        let findings = report["packages"][0]["findings"].as_array().unwrap().clone();
        let found = findings.iter().find(|finding| finding["rule"] == "category/undeclared").unwrap();
        found["message"].as_str().unwrap().to_owned()
    };
    let titled =
        |title: &str| format!(r#"{{"pages": ["pages/a/a"], "window": {{"navigationBarTitleText": "{title}"}}}}"#);
    // A word in front, one that users read, and the names of the data shown.
    let reader = [
        ("app.json", titled("晨间头条")),
        ("pages/a/a.swan", "<view s-for=\"item in newsList\">{{ item.newsId }}<text>作者</text></view>\n".to_owned()),
        (
            "pages/a/a.js",
            "Page({ onLoad() { swan.request({ url: 'https://api.example.com/news/list' }); } });\n".to_owned(),
        ),
    ];
    let reader: Vec<(&str, &str)> = reader.iter().map(|(path, text)| (*path, text.as_str())).collect();
    assert!(named(&reader).contains("资讯"), "{}", named(&reader));
    // One word in front names nothing, nor do words that stand in every program, nor a search in an address.
    let mood = [("app.json", titled("心情银行"))];
    let shared = [
        ("app.json", titled("小小家谱")),
        ("pages/a/a.swan", "<view>作者</view><view>分享</view><view>编辑</view><view>来源</view>\n".to_owned()),
    ];
    let searched = [
        ("app.json", titled("演示")),
        ("pages/a/a.swan", "<view>查询</view>\n".to_owned()),
        (
            "pages/a/a.js",
            "Page({ onLoad() { swan.request({ url: 'https://api.example.com/query' }); } });\n".to_owned(),
        ),
    ];
    for files in [&mood[..], &shared, &searched] {
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        assert!(named(&files).contains("看不出"), "{}", named(&files));
    }
}

#[test]
fn a_clause_whose_rules_did_not_run_has_not_passed() {
    let dir = package(&[("minivet.toml", "[package]\ncategories = [\"效率/备忘录\"]\n")]);
    let path = text(dir.path());
    let status =
        |items: &std::collections::BTreeMap<String, Value>, id: &str| items[id]["status"].as_str().unwrap().to_owned();
    let all = coverage(&[path]);
    assert_eq!(status(&all, "norms-5.1.2"), "passed");
    assert_eq!(all["norms-5.1.2"]["extent"], "part");
    assert!(all["norms-5.1.2"]["reason"].is_string(), "what is not seen is told");
    assert_eq!((status(&all, "norms-12.4.3"), &all["norms-12.4.3"]["extent"]), ("passed".to_owned(), &"whole".into()));
    assert_eq!(status(&all, "norms-5.3"), "not-applicable");
    assert_eq!(status(&all, "norms-2.1"), "not-checkable");
    // Rules that must be asked for, and what was not submitted.
    assert_eq!(status(&all, "norms-12.6.2"), "not-checked");
    assert_eq!(all["norms-12.6.2"]["idle"], serde_json::json!(["package/unasked-download"]));
    assert_eq!(status(&all, "norms-3.3"), "not-checked");
    assert_eq!(status(&coverage(&["--select", "package/unasked-download", path]), "norms-12.6.2"), "passed");

    let selected = coverage(&["--select", "conduct/autoplay-media", path]);
    for (id, item) in &selected {
        let rules = item["rules"].as_array().unwrap();
        let ran = rules.iter().any(|rule| rule == "conduct/autoplay-media");
        assert!(ran || item["status"] != "passed", "{id}: {item}");
    }
    assert_eq!(status(&selected, "norms-12.4.3"), "passed");
    for ignored in ["conduct/induced-sharing", "conduct"] {
        let items = coverage(&["--ignore", ignored, path]);
        assert_eq!(status(&items, "norms-5.1.2"), "not-checked");
        let idle = items["norms-5.1.2"]["idle"].as_array().unwrap();
        assert!(idle.iter().any(|rule| rule == "conduct/induced-sharing"), "{idle:?}");
    }
    write(dir.path(), "minivet.toml", "[rules.\"conduct/induced-sharing\"]\nseverity = \"off\"\n");
    assert_eq!(status(&coverage(&[path]), "norms-5.1.2"), "not-checked");
    write(dir.path(), "minivet.toml", "[rules.\"package/unasked-download\"]\nseverity = \"note\"\n");
    assert_eq!(status(&coverage(&[path]), "norms-12.6.2"), "passed");
    let sure = coverage(&["--min-confidence", "high", path]);
    assert_eq!(sure["norms-12.4.3"]["extent"], "part", "findings of less confidence were dropped");
}

#[test]
fn a_hidden_breach_is_no_passed_clause() {
    let video = "<!-- minivet-ignore-next-line conduct/autoplay-media -- 首页宣传片 -->\n<video src=\"{{src}}\" autoplay></video>\n";
    let dir = package(&[("pages/a/a.swan", video)]);
    let items = coverage(&[text(dir.path())]);
    assert_eq!(items["norms-12.4.3"]["status"], "findings");
}

#[test]
fn how_far_a_clause_is_checked_is_told() {
    assert!(out(&run(&["explain", "--lang", "en", "norms-5.1.2"])).contains("Checked in part; the rest: "));
    assert!(out(&run(&["explain", "--lang", "zh", "norms-12.4.3"])).contains("整条检查"));
    assert!(
        out(&run(&["explain", "--lang", "en", "norms-12.6.2"]))
            .contains("package/unasked-download Downloading without asking for the network (must be asked for)")
    );
    let list = json(&run(&["rules", "--by", "clause", "--format", "json"]));
    let extents: Vec<&str> =
        list["clauses"].as_array().unwrap().iter().map(|clause| clause["extent"].as_str().unwrap()).collect();
    for extent in ["whole", "part", "none"] {
        assert!(extents.contains(&extent), "{extent}");
    }
    assert!(out(&run(&["rules", "--by", "clause", "--lang", "en"])).contains("    in part: conduct/"));
}

#[test]
fn a_configuration_brings_lists_of_terms() {
    let page = [("pages/a/a.swan", "<view>加入星尘计划</view>\n")];
    let dir = package(&page);
    let root = text(dir.path());
    let told_by = |output: &Output| -> Vec<String> {
        let report = json(output);
        let all = report["packages"][0]["findings"].as_array().unwrap().clone();
        all.iter()
            .map(|one| one["rule"].as_str().unwrap().to_owned())
            .filter(|rule| rule.contains("content/"))
            .collect()
    };
    let check = |toml: &str| {
        write(dir.path(), "minivet.toml", toml);
        run(&["check", root, "--format", "json"])
    };
    for (name, list) in [
        ("words.txt", "# 说明\n星尘计划\n"),
        ("words.csv", "word,class\n星尘计划,custom\n"),
        ("words.json", "{\"own\": [\"星尘计划\"]}"),
        ("words/deep.json", "[{\"word\": \"星尘计划\"}]"),
    ] {
        write(dir.path(), name, list);
        let output = check(&format!("[check]\nexclude = [\"words*\", \"words/**\"]\nvetted-lexicons = [\"{name}\"]\n"));
        assert_eq!(told_by(&output), ["content/custom-term"], "{name}: {}", err(&output));
        let output = check(&format!("[check]\nexclude = [\"words*\", \"words/**\"]\nlexicons = [\"{name}\"]\n"));
        assert_eq!(told_by(&output), [""; 0], "a term that nobody vetted is weak");
    }
    // Another text is another list, although the configuration stays as it was.
    let toml = "[check]\nexclude = [\"words*\"]\nvetted-lexicons = [\"words.txt\"]\n";
    write(dir.path(), "words.txt", "月影礼包\n");
    assert_eq!(told_by(&check(toml)), [""; 0]);
    write(dir.path(), "words.json", "[\"月影礼包\",");
    write(dir.path(), "empty.txt", "# 还没有\n");
    let outside = TempDir::new().unwrap();
    write(outside.path(), "words.txt", "星尘计划\n");
    for (file, told) in [
        ("gone.txt", "cannot be read"),
        ("words.json", "malformed at line 1"),
        ("empty.txt", "holds no term"),
        ("../words.txt", "outside of"),
        ("/etc/hosts", "outside of"),
        (".", "is no file"),
    ] {
        write(dir.path(), "minivet.toml", format!("[check]\nlexicons = [\"{file}\"]\n"));
        let output = run(&["check", root, "--lang", "en"]);
        assert_eq!(code(&output), 2, "{file}");
        let told_at = err(&output);
        assert!(told_at.contains("minivet.toml:2:13") && told_at.contains(told), "{file}: {told_at}");
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(outside.path().join("words.txt"), dir.path().join("link.txt")).unwrap();
        let output = check("[check]\nlexicons = [\"link.txt\"]\n");
        assert_eq!(code(&output), 2);
    }
}

#[test]
fn texts_of_packages_are_listed_and_matched_with_their_roles() {
    let dir = package(&[
        ("pages/a/a.swan", "<view title=\"门店\">代开<b>增值税</b>发票</view>\n<view class=\"x\">营业中</view>\n"),
        ("pages/a/a.js", "Page({ data: { word: '请稍候' }, onLoad() { console.log('已打开'); } });\n"),
    ]);
    let path = dir.path().to_str().unwrap();
    let listed = json(&run(&["text", "--runs", "--format", "json", path]));
    let roles: Vec<(&str, &str)> = listed["texts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| (text["role"].as_str().unwrap(), text["text"].as_str().unwrap()))
        .collect();
    for wanted in
        [("title", "街角书店"), ("attribute", "门店"), ("visible", "营业中"), ("data", "请稍候"), ("log", "已打开")]
    {
        assert!(roles.contains(&wanted), "{wanted:?} {roles:?}");
    }
    let found = run(&["text", "--format", "json", path]);
    assert_eq!(code(&found), 1);
    let found = json(&found);
    let one = &found["matches"][0];
    assert_eq!((one["class"].as_str(), one["role"].as_str()), (Some("illegal-trade"), Some("visible")));
    assert_eq!((&one["file"], &one["range"]["start"]["line"]), (&"pages/a/a.swan".into(), &1.into()));
}
