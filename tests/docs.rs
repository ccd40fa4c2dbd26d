//! Documents say what is true. The examples on the rule pages run: every bad one has a finding of its rule, no good one
//! has; `PAGE=privacy/` runs some. What the README holds of generated text and pictures is up to date; `UPDATE=1` writes
//! it anew.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test may fail the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use minivet::engine::{self, Options};
use minivet::policy::Policy;
use minivet::policy::catalogue::{Lang, Severity};
use minivet::report::{self, Shape, Style};
use rayon::prelude::*;

/// Rules whose bad example is told in words: it would have to hold megabytes, pictures or broken bytes.
const IN_WORDS: &[&str] = &["package/oversized"];

type Files = BTreeMap<String, String>;

/// The packages of a section: blocks with a file name; a name that comes again begins another package.
fn examples(page: &str, headings: [&str; 2]) -> Vec<Files> {
    let mut out: Vec<Files> = Vec::new();
    let mut inside = false;
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            inside = headings.contains(&heading.trim());
        }
        let Some(info) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        let Some((_, file)) = info.split_once("file=").filter(|_| inside) else { continue };
        let file = file.trim().to_owned();
        if out.last().is_none_or(|files| files.contains_key(&file)) {
            out.push(Files::new());
        }
        if let Some(files) = out.last_mut() {
            files.insert(file, format!("{}\n", body.join("\n")));
        }
    }
    out
}

/// Adds what a package needs and an example leaves out.
fn complete(files: &mut Files) {
    let stems = |extensions: &[&str]| -> BTreeSet<String> {
        files
            .keys()
            .filter_map(|path| path.rsplit_once('.').filter(|(_, extension)| extensions.contains(extension)))
            .map(|(stem, _)| stem.to_owned())
            .filter(|stem| !matches!(stem.as_str(), "app" | "game"))
            .collect()
    };
    let templates = stems(&["swan", "wxml"]);
    if files.contains_key("game.json") || files.contains_key("game.js") {
        return;
    }
    for page in &templates {
        files.entry(format!("{page}.js")).or_insert_with(|| "Page({});\n".to_owned());
    }
    let pages = if templates.is_empty() { BTreeSet::from(["pages/a/a".to_owned()]) } else { templates };
    for page in &pages {
        let known = ["swan", "wxml"].iter().any(|extension| files.contains_key(&format!("{page}.{extension}")));
        if !known {
            files.insert(format!("{page}.swan"), "<view>示例</view>\n".to_owned());
        }
    }
    files.entry("app.js".to_owned()).or_insert_with(|| "App({});\n".to_owned());
    let pages: Vec<&String> = pages.iter().collect();
    let app = serde_json::json!({ "pages": pages }).to_string();
    files.entry("app.json".to_owned()).or_insert(app);
}

/// The rules that fire on a package when one of them is opted for.
fn fired(files: &Files, id: &str, policy: &Policy) -> BTreeSet<&'static str> {
    let groups = policy.catalogue.ids().filter_map(|id| id.split('/').next()).chain([id]);
    let options = Options { select: groups.map(str::to_owned).collect(), ..Options::default() };
    let dir = tempfile::TempDir::new().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let outcome = engine::vet(&[dir.path().to_owned()], policy, &options);
    let broken: Vec<String> = outcome.failures.iter().map(|failure| format!("{failure:?}")).collect();
    assert!(broken.is_empty(), "{files:?}: {broken:?}");
    let hits = outcome.packages.iter().flat_map(|vetted| &vetted.hits);
    hits.filter(|hit| hit.suppressed.is_none()).map(|hit| hit.finding.rule).collect()
}

#[test]
fn examples_on_rule_pages_run() {
    let policy = Policy::embedded().map_err(|(_, errors)| errors).unwrap();
    let only = std::env::var("PAGE").unwrap_or_default();
    let ids: Vec<&str> = policy.catalogue.ids().map(|id| &**id).filter(|id| id.contains(&only)).collect();
    assert!(!ids.is_empty(), "no rule matches `{only}`");
    let pool = rayon::ThreadPoolBuilder::new().stack_size(64 << 20).build().unwrap();
    let mistakes: Vec<String> = pool.install(|| {
        ids.par_iter()
            .flat_map_iter(|id| {
                let mut mistakes = Vec::new();
                let mut told: BTreeMap<Files, BTreeSet<&str>> = BTreeMap::new();
                for lang in [Lang::Zh, Lang::En] {
                    let Some(page) = policy.page(id, lang) else {
                        mistakes.push(format!("{id} has no page in {lang:?}"));
                        continue;
                    };
                    for (bad, headings) in [(true, ["Bad", "错误示例"]), (false, ["Good", "正确示例"])] {
                        let examples = examples(page, headings);
                        if examples.is_empty() && !(bad && IN_WORDS.contains(id)) {
                            mistakes.push(format!("{id} has no example under {headings:?}"));
                        }
                        for (index, mut files) in examples.into_iter().enumerate() {
                            complete(&mut files);
                            // Both languages mostly show the same code.
                            let rules = told.entry(files.clone()).or_insert_with(|| fired(&files, id, &policy));
                            if rules.contains(id) != bad {
                                let word = if bad { "is silent on its bad" } else { "fires on its good" };
                                mistakes
                                    .push(format!("{id} {word} example {} ({lang:?}); fired: {rules:?}", index + 1));
                            }
                        }
                    }
                }
                mistakes
            })
            .collect()
    });
    assert!(mistakes.is_empty(), "{} mistakes:\n{}", mistakes.len(), mistakes.join("\n"));
}

#[test]
fn pages_have_the_same_sections_in_both_languages() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/catalogue");
    let zh = ["是什么", "为什么", "错误示例", "正确示例", "配置", "局限"];
    let en = ["What it does", "Why is this bad", "Bad", "Good", "Configuration", "Limits"];
    let mut pages = 0;
    for entry in walkdir::WalkDir::new(root).into_iter().flatten() {
        let name = entry.file_name().to_string_lossy();
        let wanted = if name.ends_with(".zh.md") {
            zh
        } else if name.ends_with(".en.md") {
            en
        } else {
            continue;
        };
        pages += 1;
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let mut fenced = false;
        let found: Vec<&str> = text
            .lines()
            .filter(|line| {
                fenced ^= line.starts_with("```");
                !fenced
            })
            .filter_map(|line| line.strip_prefix("## "))
            .collect();
        assert_eq!(found, wanted, "{name}");
    }
    assert!(pages > 200, "{pages}");
}

/// A file of the repository.
fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares what a file holds with what it should hold, or writes that.
fn keep(path: &str, wanted: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file(path), wanted).unwrap();
    }
    let found = std::fs::read_to_string(file(path)).unwrap_or_default();
    let at = found.lines().zip(wanted.lines()).position(|(a, b)| a != b).unwrap_or(0);
    assert!(
        found == wanted,
        "{path} is not up to date at line {}: `UPDATE=1 cargo test --test docs` writes it anew",
        at + 1
    );
}

#[test]
fn the_table_of_rules_is_that_of_the_catalogue() {
    let policy = Policy::embedded().map_err(|(_, errors)| errors).unwrap();
    let readme = std::fs::read_to_string(file("README.md")).unwrap();
    let (before, rest) = readme.split_once("<!-- rules -->\n").expect("the table begins");
    let (_, after) = rest.split_once("<!-- end of rules -->").expect("the table ends");
    let mut table = String::from("| rule | severity | clauses | what |\n|---|---|---|---|\n");
    for id in policy.catalogue.ids() {
        let entry = policy.entry(id).unwrap();
        let severity = match entry.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let clauses: Vec<&str> = entry.clauses.iter().map(|clause| &**clause).collect();
        table += &format!(
            "| [`{id}`](rules/catalogue/{id}.en.md) | {severity}{} | {} | {} |\n",
            if entry.opt_in { ", opt-in" } else { "" },
            clauses.join(", "),
            entry.title.get(Lang::En)
        );
    }
    keep("README.md", &format!("{before}<!-- rules -->\n{table}<!-- end of rules -->{after}"));
}

#[test]
fn the_readme_tells_every_command_and_its_configurations_are_valid() {
    let policy = Policy::embedded().map_err(|(_, errors)| errors).unwrap();
    let readme = std::fs::read_to_string(file("README.md")).unwrap();
    let help = assert_cmd::Command::cargo_bin("minivet").unwrap().arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help.split_once("Commands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    let names: Vec<&str> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() > 8, "{names:?}");
    for name in names {
        assert!(readme.contains(&format!("`minivet {name}")), "`minivet {name}` is not in the README");
    }
    let mut lines = readme.lines();
    let mut blocks = 0;
    while let Some(line) = lines.next() {
        if line == "```toml" {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let text = text.join("\n").replace("\nbaseline = ", "\n# baseline = ");
            let text = text
                .replace("\nlexicons = ", "\n# lexicons = ")
                .replace("\nvetted-lexicons = ", "\n# vetted-lexicons = ");
            engine::config::parse(&file("minivet.toml"), &text, &policy).unwrap();
            blocks += 1;
        }
    }
    assert!(blocks > 0);
}

/// What a terminal shows, as a picture: text with the colours and weights of its escapes.
fn svg(text: &str) -> String {
    const LINE: usize = 18;
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let width = 820;
    let height = text.lines().count() * LINE + 60;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"13\">\n<rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#15181d\"/>\n<circle cx=\"20\" cy=\"18\" r=\"6\" fill=\"#ff5f57\"/><circle cx=\"40\" cy=\"18\" r=\"6\" fill=\"#febc2e\"/><circle cx=\"60\" cy=\"18\" r=\"6\" fill=\"#28c840\"/>\n"
    );
    let (mut color, mut bold) = ("#e4e8ed", false);
    for (index, line) in text.lines().enumerate() {
        let y = 50 + index * LINE;
        out += &format!("<text x=\"16\" y=\"{y}\" xml:space=\"preserve\">");
        for (part, piece) in line.split('\u{1b}').enumerate() {
            let mut body = piece;
            if part > 0 {
                let (codes, rest) =
                    piece.strip_prefix('[').and_then(|piece| piece.split_once('m')).unwrap_or(("", piece));
                body = rest;
                // `38;5;n` names a colour of the palette.
                let codes = codes.replace("38;5;", "3");
                for code in codes.split(';') {
                    match code {
                        "0" | "" => (color, bold) = ("#e4e8ed", false),
                        "1" => bold = true,
                        "31" | "39" => color = "#ff8a80",
                        "32" | "310" => color = "#81c995",
                        "33" | "311" => color = "#ffb74d",
                        "34" | "36" | "312" | "314" => color = "#8ab4f8",
                        _ => {}
                    }
                }
            }
            if !body.is_empty() {
                let weight = if bold { " font-weight=\"bold\"" } else { "" };
                out += &format!("<tspan fill=\"{color}\"{weight}>{}</tspan>", escape(body));
            }
        }
        out += "</text>\n";
    }
    out + "</svg>\n"
}

#[test]
fn the_picture_of_the_terminal_is_up_to_date() {
    let policy = Policy::embedded().map_err(|(_, errors)| errors).unwrap();
    let shop = "fixtures/packages/corner-shop";
    let select = ["privacy/plaintext-storage", "privacy/plaintext-transport"];
    let options = Options { select: select.map(str::to_owned).to_vec(), ..Options::default() };
    let pool = rayon::ThreadPoolBuilder::new().stack_size(64 << 20).build().unwrap();
    let outcome = pool.install(|| engine::vet(&[PathBuf::from(shop)], &policy, &options));
    let shape = Shape { lang: Lang::En, unmasked: false, flows: false, coverage: false, lines: true };
    let built = report::build(&outcome, &policy, shape);
    let style = Style { lang: Lang::En, color: true, quiet: false, verbose: false };
    let command = format!("$ minivet check {shop} --select {}", select.join(","));
    let shown = format!("{command}\n\n{}", report::terminal(&built, style));
    // The columns that a reader of the README sees.
    let clipped: Vec<String> = shown.lines().map(|line| clip(line, 100)).collect();
    keep("docs/terminal.svg", &svg(&clipped.join("\n")));
}

/// The first columns of a line; escapes take none.
fn clip(line: &str, columns: usize) -> String {
    let (mut out, mut used, mut escape) = (String::new(), 0, false);
    for c in line.chars() {
        match (c, escape) {
            ('\u{1b}', _) => escape = true,
            ('m', true) => {
                escape = false;
                out.push(c);
                continue;
            }
            (_, false) => used += 1,
            _ => {}
        }
        if escape || used <= columns {
            out.push(c);
        } else if used == columns + 1 {
            out.push('…');
        }
    }
    out
}

/// What the recipes for pipelines name is there: files that the image copies, the binary that it builds, the program's options.
#[test]
fn recipes_name_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let image = std::fs::read_to_string(root.join("ci/Dockerfile")).unwrap();
    let manifest: toml::Table = std::fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    let binary = manifest["bin"][0]["name"].as_str().unwrap();
    let version = manifest["package"]["rust-version"].as_str().unwrap().to_owned();
    let number = |text: &str| text.split('.').map(|part| part.parse::<u32>().unwrap()).collect::<Vec<_>>();
    let mut stage = 0;
    for line in image.replace("\\\n", " ").lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["FROM", base, ..] => {
                stage += 1;
                if let Some(rust) = base.strip_prefix("rust:") {
                    assert!(rust.contains("alpine"), "musl gives a static binary: {base}");
                    let rust = rust.split('-').next().unwrap();
                    assert!(number(rust) >= number(&version), "{base} is older than {version}");
                }
            }
            ["COPY", from @ .., _] if !from[0].starts_with("--from") => {
                for path in from {
                    assert!(root.join(path).exists(), "{path} does not exist");
                }
            }
            ["COPY", _, from, to] => assert!(from.ends_with(binary) && to.ends_with(binary), "{line}"),
            ["RUN", "cargo", "build", ..] => {
                assert!(words.windows(2).any(|pair| pair == ["--bin", binary]), "{line}");
                assert!(words.contains(&"--locked") && root.join("Cargo.lock").exists());
                assert!(line.contains(&format!("target/release/{binary}")), "{line}");
            }
            ["ENTRYPOINT", rest @ ..] => assert!(rest.concat().contains(binary)),
            _ => {}
        }
    }
    assert_eq!(stage, 2, "the toolchain stays behind");
    // Nothing that the build reads is left out of what the image is built from.
    let ignored = std::fs::read_to_string(root.join(".dockerignore")).unwrap();
    for needed in ["src", "rules", "build.rs", "Cargo.toml", "Cargo.lock", "benches"] {
        assert!(ignored.lines().all(|line| line.trim_matches('/') != needed), "{needed} is needed");
    }
    // Formats and options in the recipes are those of the program.
    let formats: BTreeSet<&str> =
        ["terminal", "json", "sarif", "html", "markdown", "junit", "gitlab", "gitlab-sast", "github", "letter"].into();
    for recipe in ["ci/gitlab.yml", "ci/action.sh", "action.yml", ".pre-commit-hooks.yaml"] {
        let text = std::fs::read_to_string(root.join(recipe)).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        for pair in words.windows(2).filter(|pair| pair[0] == "--format") {
            assert!(formats.contains(pair[1]), "{recipe}: {}", pair[1]);
        }
        for path in words.iter().filter_map(|word| word.trim_matches('"').strip_prefix("$GITHUB_ACTION_PATH/")) {
            assert!(root.join(path).exists(), "{recipe}: {path} does not exist");
        }
    }
}
