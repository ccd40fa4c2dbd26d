//! The same through the program, as a pipeline calls it: exit code, verdict and message.

use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use zip::write::SimpleFileOptions;

use super::{Files, package, write};

fn minivet(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_minivet"));
    command.args(args).env("LC_ALL", "C");
    command
}

/// Vets a path for a gate; the output, and the report when there is one.
fn vet(path: &Path, more: &[&str]) -> (Output, Option<Value>) {
    let mut command = minivet(&["check", "--profile", "gate", "--lang", "en", "--format", "json"]);
    let output = command.args(more).arg(path).output().unwrap();
    let report = serde_json::from_slice(&output.stdout).ok();
    (output, report)
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("ended by a signal")
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or("")
}

/// `path reason` of everything that was left out.
fn skipped(report: &Value) -> BTreeSet<String> {
    let packages = report["packages"].as_array().unwrap();
    let items = packages.iter().flat_map(|package| package["skipped"].as_array().unwrap());
    items.map(|item| format!("{} {}", text(item, "path"), text(item, "reason"))).collect()
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        writer.start_file(*path, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar_of(files: &[(tar::EntryType, &str, &str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (kind, path, link, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_entry_type(*kind);
        // By hand: the builder refuses paths that lead out.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Every occurrence of a name in an archive under another of the same length.
fn renamed(mut bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut found = 0;
    for at in 0..bytes.len() - from.len() {
        if bytes[at..].starts_with(from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            found += 1;
        }
    }
    assert!(found > 0);
    bytes
}

const APP: &[u8] = br#"{"pages": ["a/a"]}"#;

#[test]
fn archives_made_to_harm_never_pass() {
    use tar::EntryType;
    let folder = tempfile::tempdir().unwrap();
    let zeros = vec![0u8; 8 << 20];
    let calm: &[(&str, &[u8])] = &[("app.json", APP), ("app.js", b"App({})"), ("a/a.js", b"Page({})")];
    let with = |path, bytes| zip_of(&[calm, &[(path, bytes)]].concat());
    let tar_with =
        |kind, path, link, bytes| tar_of(&[(EntryType::Regular, "app.json", "", APP), (kind, path, link, bytes)]);
    let pair = with("b/b.js", b"Page({})");
    let rows: Vec<usize> = (0..pair.len() - 4).filter(|at| pair[*at..].starts_with(b"PK\x01\x02")).collect();
    let mut shared = renamed(pair, "b/b.js", "a/a.js");
    // The last row of the directory points at the entry of the row before.
    let (last, before) = (rows[rows.len() - 1], rows[rows.len() - 2]);
    shared.copy_within(before + 42..before + 46, last + 42);
    let mut linked = zip::ZipWriter::new(Cursor::new(Vec::new()));
    linked.start_file("app.json", SimpleFileOptions::default()).unwrap();
    linked.write_all(APP).unwrap();
    linked.add_symlink("a.js", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let linked = linked.finish().unwrap().into_inner();
    let whole = zip_of(calm);
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("bomb.zip", with("b.js", &zeros), &["b.js ratio"]),
        ("bomb.tar.gz", gz(&tar_with(EntryType::Regular, "b.js", "", &zeros)), &["ratio"]),
        ("nested.zip", zip_of(&[("main.zip", with("b.js", &zeros).as_slice())]), &["b.js ratio"]),
        ("up.zip", renamed(with("xx/c.js", b"1"), "xx/c.js", "../c.js"), &["../c.js outside"]),
        ("deep.zip", renamed(with("a/xx/xx/c.js", b"1"), "a/xx/xx/c.js", "a/../../c.js"), &["outside"]),
        ("root.zip", renamed(with("x/c.js", b"1"), "x/c.js", "//c.js"), &["outside"]),
        ("back.zip", renamed(with("xx/c.js", b"1"), "xx/c.js", "..\\c.js"), &["outside"]),
        ("drive.zip", renamed(with("xx/c.js", b"1"), "xx/c.js", "C:/c.js"), &["outside"]),
        ("up.tar", tar_with(EntryType::Regular, "../c.js", "", b"1"), &["../c.js outside"]),
        ("root.tar", tar_with(EntryType::Regular, "/etc/c.js", "", b"1"), &["outside"]),
        ("link.zip", linked, &["a.js link"]),
        ("link.tar", tar_with(EntryType::Symlink, "c.js", "/etc/passwd", b""), &["c.js link"]),
        ("hard.tar", tar_with(EntryType::Link, "c.js", "../c.js", b""), &["c.js link"]),
        ("overlap.zip", shared, &["a/a.js "]),
        ("twice.zip", renamed(with("a/b.js", b"Page({ a: 1 })"), "a/b.js", "a/a.js"), &["a/a.js duplicate"]),
        ("cut.zip", whole[..whole.len() - 30].to_vec(), &[]),
        ("cut.tar.gz", gz(&tar_with(EntryType::Regular, "c.js", "", &[b';'; 4000]))[..90].to_vec(), &[]),
        ("locked.wxapkg", b"V1MMWX0123456789abcdef".to_vec(), &[]),
    ];
    for (name, bytes, expected) in cases {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let start = Instant::now();
        let (output, report) = vet(&path, &[]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!error.contains("panicked") && start.elapsed() < Duration::from_secs(30), "{name}: {error}");
        let packages = report.as_ref().and_then(|report| report["packages"].as_array()).filter(|list| !list.is_empty());
        match packages {
            Some(packages) => {
                assert!(matches!(code(&output), 0 | 1 | 3), "{name}: {output:?}");
                let report = report.as_ref().unwrap();
                for package in packages {
                    assert_ne!(text(package, "verdict"), "pass", "{name}: {:?}", skipped(report));
                }
                for expected in expected {
                    assert!(
                        skipped(report).iter().any(|item| item.contains(expected)),
                        "{name}: {:?}",
                        skipped(report)
                    );
                }
                if !name.starts_with("bomb.zip") {
                    continue;
                }
                // A person is told as well.
                let shown = minivet(&["check", "--profile", "gate", "--lang", "en"]).arg(&path).output().unwrap();
                let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
                assert!(shown.contains("manual review") || shown.contains("reject"), "{name}: {shown}");
            }
            None => {
                assert_eq!(code(&output), 3, "{name}: {output:?}");
                assert!(error.contains(name), "{name}: {error}");
            }
        }
    }
    // Nothing was unpacked anywhere.
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 18);
    assert!(!folder.path().parent().unwrap().join("c.js").exists());
}

#[test]
fn names_that_differ_by_case_are_both_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.zip");
    let files: &[(&str, &[u8])] = &[
        ("app.json", APP),
        ("app.js", b"App({})"),
        ("a/a.js", b"Page({})"),
        ("A/a.js", b"eval(x)"),
        ("a/A.js", b"eval(y)"),
    ];
    std::fs::write(&path, zip_of(files)).unwrap();
    let (output, report) = vet(&path, &[]);
    let report = report.unwrap();
    let found: BTreeSet<&str> = report["packages"][0]["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["rule"] == "security/dynamic-code")
        .map(|finding| text(finding, "file"))
        .collect();
    assert_eq!((code(&output), found), (1, BTreeSet::from(["A/a.js", "a/A.js"])));
}

#[test]
fn a_package_cannot_speak_for_itself_at_a_gate() {
    let folder = tempfile::tempdir().unwrap();
    let script = "// minivet-ignore-file security/dynamic-code -- reviewed\nPage({ onLoad() { eval(x) } })";
    let config = "[check]\nprofile = \"developer\"\nexclude = [\"pages/**\"]\n[rules.\"security/dynamic-code\"]\nseverity = \"off\"\n";
    let root = folder.path().join("p");
    write(&root, package(&[("pages/a/a.js", script), ("minivet.toml", config)]));
    let out = folder.path().join("out");
    let output = minivet(&["gate", "--lang", "en", "--out"]).arg(&out).arg(&root).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned()
        + &walkdir::WalkDir::new(&out)
            .into_iter()
            .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok())
            .collect::<String>();
    assert!(told.contains("security/dynamic-code") && !told.contains("\"verdict\":\"pass\""), "{output:?}\n{told}");
    // Without the configuration, a comment alone hides nothing from the gate's profile.
    std::fs::remove_file(root.join("minivet.toml")).unwrap();
    let (output, report) = vet(&root, &[]);
    assert_eq!((code(&output), text(&report.unwrap()["packages"][0], "verdict")), (1, "reject"));
}

#[test]
fn a_slow_package_stops_near_its_limit() {
    const PAGES: usize = 400;
    let folder = tempfile::tempdir().unwrap();
    let routes: Vec<String> = (0..PAGES).map(|at| format!("\"p/{at}\"")).collect();
    let mut files: Files = vec![("app.json".to_owned(), format!("{{\"pages\": [{}]}}", routes.join(",")).into_bytes())];
    // Every page sends what it collects through a chain that all of them share.
    let chain: String =
        (0..30).map(|at| format!("exports.f{at} = (a, b) => exports.f{}({{ ...a, k{at}: b }}, a)\n", at + 1)).collect();
    let end = "exports.f30 = (a, b) => swan.request({ url: 'https://a.example.com', data: [a, b] })\n";
    files.push(("lib/chain.js".to_owned(), (chain + end).into_bytes()));
    for at in 0..PAGES {
        let calls: String = (0..12)
            .map(|call| format!("m{call}() {{ swan.getLocation({{ success: r => c.f{call}({{ p: r, d: this.data }}, r.latitude) }}) }},\n"))
            .collect();
        let script = format!(
            "const c = require('../lib/chain.js');\nPage({{ data: {{ x: {at} }}, {calls} onLoad() {{ this.m0() }} }})"
        );
        files.push((format!("p/{at}.js"), script.into_bytes()));
        files.push((format!("p/{at}.swan"), "<view bindtap=\"m1\">每日账目</view>".into()));
    }
    files.push(("minivet.toml".to_owned(), b"[limits]\nseconds = 1\n".to_vec()));
    write(folder.path(), files);
    let start = Instant::now();
    let output = minivet(&["check", "--lang", "en", "--format", "json"]).arg(folder.path()).output().unwrap();
    let took = start.elapsed();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let told =
        report.to_string().contains("time limit") || String::from_utf8_lossy(&output.stderr).contains("time limit");
    // Others may have had the processor for most of that.
    assert!(told || took < Duration::from_secs(5), "{took:?} {}", String::from_utf8_lossy(&output.stderr));
    assert_ne!(text(&report["packages"][0], "verdict"), "pass");
    assert!(took < Duration::from_secs(40), "{took:?}");
}

#[test]
fn files_that_change_while_they_are_read_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let files: Files = package(&[("pages/a/b.js", &"function f() { return [1, 2, 3] }\n".repeat(2_000))]);
    write(folder.path(), files);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let path = folder.path().join("pages/a/b.js");
            let other = folder.path().join("pages/a/c.json");
            let mut round = 0usize;
            while !done.load(Ordering::Relaxed) {
                round += 1;
                let text = "var a = '长';\n".repeat(round % 7 * 3_000);
                match round % 3 {
                    0 => std::fs::write(&path, text).unwrap(),
                    1 => drop(std::fs::remove_file(&path)),
                    _ => {
                        std::fs::write(&other, "{").unwrap();
                        std::fs::OpenOptions::new()
                            .append(true)
                            .create(true)
                            .open(&path)
                            .unwrap()
                            .write_all(b"}}")
                            .unwrap();
                    }
                }
            }
        });
        for _ in 0..6 {
            let (output, report) = vet(folder.path(), &[]);
            assert!(matches!(code(&output), 0 | 1), "{output:?}");
            assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
            assert_eq!(report.unwrap()["packages"].as_array().unwrap().len(), 1);
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[cfg(unix)]
#[test]
fn a_cache_or_home_that_cannot_be_written_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("p");
    let long: String = (0..300).map(|at| format!("function f{at}(a) {{ return a + {at} }}\n")).collect();
    write(&root, package(&[("pages/a/b.js", &long)]));
    let (plain, _) = vet(&root, &[]);
    let cache = folder.path().join("cache");
    let cached = ["--cache-dir", cache.to_str().unwrap()];
    // A disk that is full: a write fails after the first 1024 bytes.
    let program = format!(
        "trap '' XFSZ; ulimit -f 1; exec '{}' check --profile gate --lang en --format json --cache-dir '{}' '{}'",
        env!("CARGO_BIN_EXE_minivet"),
        cache.display(),
        root.display()
    );
    let full = Command::new("bash").args(["-c", &program]).env("LC_ALL", "C").output().unwrap();
    assert_eq!((full.status.code(), &full.stdout), (plain.status.code(), &plain.stdout), "{full:?}");
    let left: Vec<_> = walkdir::WalkDir::new(&cache)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file() && entry.file_name().to_string_lossy().starts_with('.'))
        .map(|entry| (entry.path().to_owned(), entry.metadata().unwrap().len()))
        .collect();
    assert!(left.is_empty(), "drafts stay behind: {left:?}");
    // The same cache, once there is room, then warm; then places where no folder can be made.
    for folder in [cached[1], cached[1], "/dev/null/cache", "/proc/cache"] {
        let (output, _) = vet(&root, &["--cache-dir", folder]);
        assert_eq!((code(&output), &output.stdout), (code(&plain), &plain.stdout), "{folder}");
    }
    for home in ["/proc", "/dev/null", "/nowhere", ""] {
        let mut command = minivet(&["check", "--profile", "gate", "--lang", "en", "--format", "json"]);
        let output = command.arg(&root).env("HOME", home).env_remove("XDG_CACHE_HOME").output().unwrap();
        assert_eq!((code(&output), &output.stdout), (code(&plain), &plain.stdout), "HOME={home}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), package(&[]));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = minivet(&["check", "--format", "json"]).arg(folder.path()).stdout(full).output().unwrap();
    assert!(code(&output) >= 2 && !output.stderr.is_empty(), "{output:?}");
    let output = minivet(&["check", "--format", "json", "-o", "/dev/full"]).arg(folder.path()).output().unwrap();
    assert!(code(&output) >= 2 && !output.stderr.is_empty(), "{output:?}");
}
