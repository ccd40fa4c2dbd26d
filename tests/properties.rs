//! Properties of the readers: nothing panics, nothing is lost without a word.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper of a test may fail the test")]

use std::collections::{BTreeMap, BTreeSet};

use minivet::model::ir::*;
use minivet::model::lower;
use minivet::source::Span;
use minivet::syntax::script::ScriptKind;
use proptest::prelude::*;

mod grown;
use grown::*;

/// What a function says: names that it calls and strings that it holds, with their places.
type Facts = BTreeSet<(String, u32)>;

/// Facts by the start of the function.
fn facts_by_function(script: &Script) -> BTreeMap<u32, (Span, Facts)> {
    let mut walk = Walk { script, found: script.functions.iter().map(|_| Facts::new()).collect(), current: 0 };
    for (id, function) in script.functions.iter().enumerate() {
        walk.current = id;
        function.params.iter().for_each(|param| walk.pattern(&param.pattern));
        walk.stmts(&function.body);
    }
    let mut out = BTreeMap::new();
    for (function, facts) in script.functions.iter().zip(walk.found) {
        out.entry(function.span.start).or_insert((function.span, Facts::new())).1.extend(facts);
    }
    out
}

struct Walk<'s> {
    script: &'s Script,
    found: Vec<Facts>,
    current: usize,
}

impl Walk<'_> {
    fn add(&mut self, text: &str, at: u32) {
        self.found[self.current].insert((text.to_owned(), at));
    }

    fn stmts(&mut self, list: &[Stmt]) {
        for stmt in list {
            match &stmt.kind {
                StmtKind::Expr(expr) | StmtKind::Throw(expr) => self.expr(expr),
                StmtKind::Let(pattern, init) => {
                    self.pattern(pattern);
                    init.iter().for_each(|init| self.expr(init));
                }
                StmtKind::Return(value) => value.iter().for_each(|value| self.expr(value)),
                StmtKind::If(test, then, other) => {
                    self.expr(test);
                    self.stmts(then);
                    self.stmts(other);
                }
                StmtKind::Loop { test, update, body, .. } => {
                    test.iter().chain(update).for_each(|expr| self.expr(expr));
                    self.stmts(body);
                }
                StmtKind::ForEach { target, iterable, body, .. } => {
                    self.pattern(target);
                    self.expr(iterable);
                    self.stmts(body);
                }
                StmtKind::Switch(value, cases) => {
                    self.expr(value);
                    for (test, body) in cases {
                        test.iter().for_each(|test| self.expr(test));
                        self.stmts(body);
                    }
                }
                StmtKind::Try { block, handler, finalizer } => {
                    self.stmts(block);
                    handler.iter().for_each(|handler| self.stmts(&handler.1));
                    self.stmts(finalizer);
                }
                StmtKind::Block(_, body) => self.stmts(body),
                StmtKind::Break(_) | StmtKind::Continue(_) => {}
            }
        }
    }

    fn pattern(&mut self, pattern: &Pattern) {
        match pattern {
            Pattern::Member(member) => self.expr(member),
            Pattern::Object { properties, rest } => {
                properties.iter().for_each(|(_, pattern)| self.pattern(pattern));
                rest.iter().for_each(|pattern| self.pattern(pattern));
            }
            Pattern::Array { items, rest } => {
                items.iter().flatten().for_each(|pattern| self.pattern(pattern));
                rest.iter().for_each(|pattern| self.pattern(pattern));
            }
            Pattern::Default(inner, value) => {
                self.pattern(inner);
                self.expr(value);
            }
            Pattern::Var(..) | Pattern::Global(..) => {}
        }
    }

    fn key(&mut self, key: &Key) {
        if let Key::Computed(expr) = key {
            self.expr(expr);
        }
    }

    fn property(&mut self, property: &Property) {
        match property {
            Property::Value(key, value) => {
                self.key(key);
                self.expr(value);
            }
            Property::Getter(key, _) | Property::Setter(key, _) => self.key(key),
            Property::Spread(value) => self.expr(value),
        }
    }

    fn args(&mut self, args: &[Arg]) {
        args.iter().for_each(|arg| self.expr(&arg.value));
    }

    fn call(&mut self, callee: &Expr) {
        match &callee.kind {
            ExprKind::Member { key: Key::Static(name, span), .. } => self.add(&format!("{name}()"), span.start),
            ExprKind::Global(name) => self.add(&format!("{name}()"), callee.span.start),
            ExprKind::Var(var) => {
                self.add(&format!("{}()", self.script.variables[*var as usize].name), callee.span.start)
            }
            _ => {}
        }
        self.expr(callee);
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::String(text) => self.add(text, expr.span.start),
            ExprKind::Template(_, values) | ExprKind::Sequence(values) => {
                values.iter().for_each(|value| self.expr(value))
            }
            ExprKind::Tagged(parts) => {
                let (tag, _, values) = &**parts;
                self.expr(tag);
                values.iter().for_each(|value| self.expr(value));
            }
            ExprKind::Array(items) => items.iter().flatten().for_each(|item| self.expr(&item.value)),
            ExprKind::Object(properties) => properties.iter().for_each(|property| self.property(property)),
            ExprKind::Class(class) => {
                class.parent.iter().for_each(|parent| self.expr(parent));
                class.members.iter().for_each(|(_, property)| self.property(property));
            }
            ExprKind::Member { object, key, .. } => {
                self.expr(object);
                self.key(key);
            }
            ExprKind::Call { callee, args, .. } | ExprKind::New { callee, args } => {
                self.call(callee);
                self.args(args);
            }
            ExprKind::Assign { target, value, .. } => {
                self.pattern(target);
                self.expr(value);
            }
            ExprKind::Update(pattern) => self.pattern(pattern),
            ExprKind::Not(inner)
            | ExprKind::Typeof(inner)
            | ExprKind::Delete(inner)
            | ExprKind::Unary(_, inner)
            | ExprKind::Await(inner)
            | ExprKind::Import(inner) => self.expr(inner),
            ExprKind::Yield(inner) => inner.iter().for_each(|inner| self.expr(inner)),
            ExprKind::Binary(_, left, right) | ExprKind::Logical(_, left, right) => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Conditional(test, then, other) => {
                self.expr(test);
                self.expr(then);
                self.expr(other);
            }
            ExprKind::Jsx(parts) => {
                let (tag, properties, children) = &**parts;
                self.expr(tag);
                properties.iter().for_each(|property| self.property(property));
                children.iter().for_each(|child| self.expr(child));
            }
            ExprKind::Undefined
            | ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Number(_)
            | ExprKind::Regex(_)
            | ExprKind::Function(_)
            | ExprKind::This
            | ExprKind::Super
            | ExprKind::Var(_)
            | ExprKind::Global(_)
            | ExprKind::Arguments
            | ExprKind::Unknown => {}
        }
    }
}

/// Tokens of a script, comments left out; strings and templates are one each.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut out: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        let byte = bytes[at];
        if byte.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        if text[at..].starts_with("//") {
            at += text[at..].find('\n').unwrap_or(text.len() - at);
            continue;
        }
        let after_operator = out.last().is_none_or(|(from, _)| b"(,=:?".contains(&bytes[*from]));
        if matches!(byte, b'"' | b'\'' | b'`') || byte == b'/' && after_operator {
            at += 1;
            while bytes[at] != byte {
                at += if bytes[at] == b'\\' { 2 } else { 1 };
            }
            at += 1;
            while byte == b'/' && bytes[at].is_ascii_alphabetic() {
                at += 1;
            }
        } else if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') {
            while at < bytes.len() && (bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'_' | b'$')) {
                at += 1;
            }
        } else {
            let long = ["...", "===", "!==", "=>", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "++", "--", "+="];
            at += long.iter().find(|token| text[at..].starts_with(**token)).map_or(1, |token| token.len());
        }
        out.push((start, at));
    }
    out
}

/// Whether every function that the deletion of `start..end` did not touch still yields its facts.
fn survives(text: &str, whole: &BTreeMap<u32, (Span, Facts)>, start: usize, end: usize) -> Result<(), String> {
    let cut = format!("{}{}", &text[..start], &text[end..]);
    let gone = (end - start) as u32;
    let back = |at: u32| if at >= start as u32 { at + gone } else { at };
    let after: BTreeMap<u32, Facts> = facts_by_function(&lower::script(&cut, ScriptKind::JavaScript))
        .into_iter()
        .map(|(at, (_, facts))| (back(at), facts.into_iter().map(|(text, at)| (text, back(at))).collect()))
        .collect();
    for (at, (span, facts)) in whole {
        let touched = span.start <= end as u32 && start as u32 <= span.end;
        if touched {
            continue;
        }
        let name = || span.slice(text).lines().next().unwrap_or("").to_owned();
        let Some(found) = after.get(at) else { return Err(format!("all of {:?}", name())) };
        if let Some(missing) = facts.iter().find(|fact| !found.contains(*fact)) {
            return Err(format!("{missing:?} of {:?}", name()));
        }
    }
    Ok(())
}

#[test]
fn deleting_one_token_hides_only_what_it_touches() {
    use rayon::prelude::*;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/syntax");
    let mut total = 0;
    let mut lost = Vec::new();
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for path in files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "js")) {
        let text = std::fs::read_to_string(path).unwrap();
        let script = lower::script(&text, ScriptKind::JavaScript);
        assert!(script.errors.is_empty(), "{}: {:?}", path.display(), script.errors);
        let whole = facts_by_function(&script);
        let tokens = tokens(&text);
        total += tokens.len();
        lost.extend(
            tokens
                .par_iter()
                .filter_map(|(start, end)| {
                    let error = survives(&text, &whole, *start, *end).err()?;
                    let line = text[..*start].matches('\n').count() + 1;
                    Some(format!(
                        "{}:{line}: {:?} lost {error}",
                        path.file_name().unwrap().display(),
                        &text[*start..*end]
                    ))
                })
                .collect::<Vec<_>>(),
        );
    }
    let kept = 100.0 * (total - lost.len()) as f64 / total as f64;
    println!("{kept:.2} % of {total} deletions\n{}", lost.join("\n"));
    assert!(kept >= 97.0, "{kept:.2} % of {total} deletions\n{}", lost.join("\n"));
}

/// A text grown from seeds.
fn nearly(seeds: &'static [&'static str], pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(any::<u8>(), 0..50).prop_map(move |bytes| grow(&bytes, seeds, pieces))
}

fn spans(program: &Script, text: &str) -> bool {
    let inside = |span: Span| span.start <= span.end && span.end as usize <= text.len();
    program.functions.iter().all(|function| inside(function.span))
        && program.variables.iter().all(|variable| inside(variable.span))
        && program.damage.iter().all(|span| inside(*span))
        && program.errors.iter().all(|(span, _)| inside(*span))
}

mod readers {
    use std::path::Path;

    use minivet::engine::{self, Options};
    use minivet::model::facts::{FactsDialect, template_facts};
    use minivet::policy::Policy;
    use minivet::syntax::{json, template};
    use proptest::prelude::*;
    use proptest::test_runner::Config;

    use super::*;

    fn cases(cases: u32) -> Config {
        Config { failure_persistence: None, ..Config::with_cases(cases) }
    }

    fn policy() -> &'static Policy {
        static POLICY: std::sync::OnceLock<Policy> = std::sync::OnceLock::new();
        POLICY.get_or_init(|| Policy::embedded().map_err(|(_, errors)| errors).unwrap())
    }

    proptest! {
        #![proptest_config(cases(96))]

        #[test]
        fn any_script_is_lowered(text in nearly(SCRIPTS, SCRIPT_PIECES)) {
            for kind in [ScriptKind::JavaScript, ScriptKind::TypeScript] {
                let script = lower::script(&text, kind);
                prop_assert!(!script.functions.is_empty());
                prop_assert!(spans(&script, &text));
                facts_by_function(&script);
            }
        }

        #[test]
        fn any_bytes_are_decoded_and_lowered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = minivet::source::decode(&bytes).text;
            let script = lower::script(&text, ScriptKind::JavaScript);
            prop_assert!(spans(&script, &text));
            template_facts(&text, &FactsDialect::default());
            json::parse(&text);
        }

        #[test]
        fn text_is_decoded_to_itself(text in "\\PC{0,80}") {
            prop_assume!(!text.starts_with('\u{feff}'));
            prop_assert_eq!(minivet::source::decode(text.as_bytes()).text, text);
        }
    }

    proptest! {
        #![proptest_config(cases(512))]

        #[test]
        fn any_template_is_read_without_loss(text in nearly(TEMPLATES, TEMPLATE_PIECES)) {
            let document = template::parse(&text, &template::Dialect::default());
            prop_assert_eq!(document.reprint(&text), text.clone());
            for node in &document.nodes {
                prop_assert!(node.span.end as usize <= text.len() && text.get(node.span.start as usize..node.span.end as usize).is_some());
            }
            template_facts(&text, &FactsDialect::default());
        }

        #[test]
        fn json_is_what_a_strict_reader_reads(text in nearly(DATA, DATA_PIECES)) {
            let own = json::parse(&text);
            for (span, note) in &own.errors {
                prop_assert!(span.end as usize <= text.len() && json::NOTES.contains(&&**note));
            }
            if let Ok(strict) = serde_json::from_str::<serde_json::Value>(&text) {
                let value = own.value.as_ref().map(plain);
                prop_assert_eq!(value, Some(strict));
            }
        }

        #[test]
        fn any_configuration_is_judged(text in nearly(CONFIGURATIONS, CONFIGURATION_PIECES)) {
            if let Err(failure) = engine::config::parse(Path::new("minivet.toml"), &text, policy()) {
                prop_assert!(!failure.errors.is_empty());
                for error in failure.errors {
                    prop_assert!(error.span.start <= error.span.end && error.span.end <= text.len());
                }
            }
        }

        #[test]
        fn matches_stand_in_the_text(text in nearly(WORDS, WORD_PIECES)) {
            for found in policy().matcher().find(&text) {
                prop_assert!(text.get(found.span.clone()).is_some_and(|part| !part.is_empty()), "{:?}", found.span);
            }
        }
    }

    proptest! {
        #![proptest_config(cases(24))]

        #[test]
        fn any_package_is_vetted(
            script in nearly(SCRIPTS, SCRIPT_PIECES),
            template in nearly(TEMPLATES, TEMPLATE_PIECES),
            app in nearly(DATA, DATA_PIECES),
        ) {
            let files = vec![
                ("app.json".to_owned(), app.into_bytes()),
                ("a/b.js".to_owned(), script.into_bytes()),
                ("a/b.swan".to_owned(), template.into_bytes()),
            ];
            let layouts = engine::layouts(policy());
            let read = minivet::package::from_memory(Path::new("p"), files, &layouts, &Default::default());
            let pool = rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(64 << 20).build().unwrap();
            for package in read.unwrap_or_default() {
                let options = Options { no_config: true, ..Options::default() };
                let vetted = pool.install(|| engine::vet_package(package, policy(), &Default::default(), &options));
                prop_assert!(vetted.engine_errors.is_empty(), "{:?}", vetted.engine_errors);
                for hit in &vetted.hits {
                    let source = &vetted.package.files[hit.finding.place.file.index()].source;
                    prop_assert!(hit.finding.place.span.end as usize <= source.text.len());
                }
            }
        }
    }

    /// Numbers as a strict reader takes them; of two values of one key the last.
    fn plain(json: &json::Json) -> serde_json::Value {
        use serde_json::Value;
        match &json.value {
            json::JsonValue::Null => Value::Null,
            json::JsonValue::Bool(value) => Value::Bool(*value),
            json::JsonValue::Number(text) => serde_json::from_str(text).unwrap(),
            json::JsonValue::String(text) => Value::String(text.to_string()),
            json::JsonValue::Array(items) => items.iter().map(plain).collect(),
            json::JsonValue::Object(properties) => Value::Object(
                properties.iter().map(|property| (property.key.to_string(), plain(&property.value))).collect(),
            ),
        }
    }
}

/// Copies a folder, the files in another order, so that the file system lists them otherwise.
fn copy_backwards(from: &std::path::Path, to: &std::path::Path) {
    let mut entries: Vec<_> = std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    std::fs::create_dir_all(to).unwrap();
    for path in entries.iter().rev() {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_backwards(path, &target);
        } else {
            std::fs::copy(path, target).unwrap();
        }
    }
}

#[test]
fn the_same_package_gives_the_same_bytes() {
    let shop = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/packages/corner-shop");
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (folder.path().join("1/shop"), folder.path().join("2/shop"));
    copy_backwards(&shop, &there);
    copy_backwards(&there, &here);
    let cache = folder.path().join("cache");
    let run = |parent: &std::path::Path, format: &str, threads: &str, locale: &str, zone: &str, cached: bool| {
        let mut command = assert_cmd::Command::cargo_bin("minivet").unwrap();
        if cached {
            command.arg("check").arg("--cache-dir").arg(&cache);
        } else {
            command.args(["check", "--no-cache"]);
        }
        let output = command
            .args(["shop", "--lang", "zh", "--format", format])
            .current_dir(parent.parent().unwrap())
            .env("RAYON_NUM_THREADS", threads)
            .env("LC_ALL", locale)
            .env("TZ", zone)
            .output()
            .unwrap();
        assert!(output.status.code().is_some_and(|code| code <= 1), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    for format in ["json", "sarif", "html", "terminal", "markdown", "junit", "gitlab", "github", "letter"] {
        let first = run(&here, format, "1", "C", "UTC", false);
        assert!(first.len() > 200, "{format}");
        // The first run with the cache of all fills it.
        for (parent, threads, locale, zone, cached) in [
            (&there, "1", "zh_CN.UTF-8", "Asia/Shanghai", true),
            (&here, "2", "en_US.UTF-8", "America/New_York", true),
            (&there, "8", "tr_TR.UTF-8", "Pacific/Auckland", false),
        ] {
            let again = run(parent, format, threads, locale, zone, cached);
            assert!(first == again, "{format} differs with {threads} threads, {locale}, {zone}, cache {cached}");
        }
    }
    let kept =
        walkdir::WalkDir::new(&cache).into_iter().filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
    assert!(kept.count() > 0, "nothing was kept");
}
