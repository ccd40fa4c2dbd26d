//! The house keeps its rooms: imports go one way, public items are documented, and every rule has its entry, clauses,
//! pages and fixtures.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use minivet::policy::Policy;
use minivet::policy::catalogue::Lang;
use syn::visit::{self, Visit};

/// The rooms from left to right: a file imports from its own room and from those before it.
const ROOMS: [&str; 12] =
    ["source", "syntax", "text", "package", "policy", "model", "flow", "rules", "engine", "report", "lsp", "cli"];

/// Rooms that stand side by side at the end: `lsp` and `cli` both read `report`, and only `cli` starts the server.
fn may_import(from: &str, to: &str) -> bool {
    let place = |room: &str| ROOMS.iter().position(|known| *known == room);
    match (place(from), place(to)) {
        (Some(from), Some(to)) => to <= from,
        // `lib.rs` and `main.rs` see everything.
        (None, _) => true,
        (Some(_), None) => false,
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// Source files: path below `src/`, and the tree.
fn sources() -> Vec<(String, syn::File)> {
    let src = root().join("src");
    files(&src, "rs")
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(&src).unwrap().to_string_lossy().replace('\\', "/");
            let tree = syn::parse_file(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            (name, tree)
        })
        .collect()
}

fn room(name: &str) -> &str {
    let first = name.split('/').next().unwrap();
    first.strip_suffix(".rs").unwrap_or(first)
}

/// Collects the rooms that paths name, resolving `super` against the file's own place.
struct Imports<'a> {
    module: &'a [String],
    found: BTreeSet<String>,
}

impl Imports<'_> {
    fn see(&mut self, path: &[String]) {
        let absolute: Vec<String> = match path.first().map(String::as_str) {
            Some("crate" | "minivet") => path[1..].to_vec(),
            Some("super") => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                let kept = self.module.len().saturating_sub(ups);
                self.module[..kept].iter().chain(&path[ups..]).cloned().collect()
            }
            _ => return,
        };
        self.found.extend(absolute.into_iter().next());
    }

    fn see_tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |part: String| before.iter().cloned().chain([part]).collect::<Vec<_>>();
        match tree {
            syn::UseTree::Path(path) => self.see_tree(&with(path.ident.to_string()), &path.tree),
            syn::UseTree::Name(name) => self.see(&with(name.ident.to_string())),
            syn::UseTree::Rename(name) => self.see(&with(name.ident.to_string())),
            syn::UseTree::Glob(_) => self.see(before),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.see_tree(before, tree)),
        }
    }
}

impl<'ast> Visit<'ast> for Imports<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.see_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        // A single `super` or `crate` names a module, not a room.
        if parts.len() > 1 {
            self.see(&parts);
        }
        visit::visit_path(self, path);
    }
}

/// The tree is read once for all that is asked of it: parsing takes most of the time.
#[test]
fn the_house_is_in_order() {
    let sources = sources();
    every_folder_of_the_source_is_a_room(&sources);
    imports_go_to_the_left(&sources);
    public_items_are_documented(&sources);
    only_the_last_rooms_print(&sources);
    every_note_has_its_wording(&sources);
    analyses_name_no_host(&sources);
}

/// The module that a file is, as a path from the crate.
fn module(name: &str) -> Vec<String> {
    let mut parts: Vec<String> = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib" || last == "main") {
        parts.pop();
    }
    parts
}

fn imports_go_to_the_left(sources: &[(String, syn::File)]) {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (name, tree) in sources {
        let module = module(name);
        let mut imports = Imports { module: &module, found: BTreeSet::new() };
        imports.visit_file(tree);
        for to in imports.found {
            // Macros and re-exports at the crate's root are no room.
            if !ROOMS.contains(&to.as_str()) {
                continue;
            }
            seen += 1;
            if !may_import(room(name), &to) {
                wrong.push(format!("src/{name} imports from `{to}`"));
            }
        }
    }
    assert!(seen > 200, "only {seen} imports seen: the test looks past them");
    assert!(wrong.is_empty(), "imports to the right:\n{}", wrong.join("\n"));
}

fn every_folder_of_the_source_is_a_room(sources: &[(String, syn::File)]) {
    let found: BTreeSet<String> =
        sources.iter().map(|(name, _)| room(name).to_owned()).filter(|room| room != "lib" && room != "main").collect();
    assert_eq!(found, ROOMS.iter().map(|room| (*room).to_owned()).collect());
}

/// Public items that have no doc comment.
#[derive(Default)]
struct Undocumented {
    found: Vec<String>,
}

fn documented(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("doc"))
}

impl<'ast> Visit<'ast> for Undocumented {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let (visibility, attributes, name) = match item {
            syn::Item::Fn(item) => (&item.vis, &item.attrs, item.sig.ident.to_string()),
            syn::Item::Struct(item) => (&item.vis, &item.attrs, item.ident.to_string()),
            syn::Item::Enum(item) => (&item.vis, &item.attrs, item.ident.to_string()),
            syn::Item::Trait(item) => (&item.vis, &item.attrs, item.ident.to_string()),
            syn::Item::Const(item) => (&item.vis, &item.attrs, item.ident.to_string()),
            syn::Item::Type(item) => (&item.vis, &item.attrs, item.ident.to_string()),
            _ => return visit::visit_item(self, item),
        };
        if matches!(visibility, syn::Visibility::Public(_)) && !documented(attributes) {
            self.found.push(name);
        }
        visit::visit_item(self, item);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if matches!(field.vis, syn::Visibility::Public(_)) && !documented(&field.attrs) {
            self.found.extend(field.ident.as_ref().map(ToString::to_string));
        }
    }
}

fn public_items_are_documented(sources: &[(String, syn::File)]) {
    // What a private module holds is public to its neighbours only: the compiler's own lint knows the difference, so the
    // test asks for docs on items of rooms' front doors and on every file's head.
    let mut missing = Vec::new();
    for (name, tree) in sources {
        if !name.ends_with("tests.rs") && !documented(&tree.attrs) {
            missing.push(format!("src/{name} has no head"));
        }
        if name.ends_with("/mod.rs") || name.matches('/').count() == 0 {
            let mut visit = Undocumented::default();
            visit.visit_file(tree);
            missing.extend(visit.found.into_iter().map(|item| format!("src/{name}: {item}")));
        }
    }
    assert!(missing.is_empty(), "no doc comment:\n{}", missing.join("\n"));
    let manifest: toml::Table = toml::from_str(&std::fs::read_to_string(root().join("Cargo.toml")).unwrap()).unwrap();
    let lint = |tool: &str, name: &str| manifest["lints"][tool][name].as_str().map(str::to_owned);
    assert_eq!(lint("rust", "missing_docs").as_deref(), Some("warn"));
    assert_eq!(lint("rust", "unsafe_code").as_deref(), Some("forbid"));
    for name in ["unwrap_used", "expect_used", "print_stdout", "print_stderr", "todo", "unimplemented"] {
        assert!(lint("clippy", name).is_some(), "clippy::{name} is not watched");
    }
}

/// Lints that a file switches off.
#[derive(Default)]
struct Allowed(Vec<String>);

impl<'ast> Visit<'ast> for Allowed {
    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if (attribute.path().is_ident("allow") || attribute.path().is_ident("expect"))
            && let syn::Meta::List(list) = &attribute.meta
        {
            self.0.push(list.tokens.to_string());
        }
    }
}

fn only_the_last_rooms_print(sources: &[(String, syn::File)]) {
    let mut wrong = Vec::new();
    for (name, tree) in sources {
        let mut allowed = Allowed::default();
        allowed.visit_file(tree);
        for lint in allowed.0 {
            let prints = lint.contains("print_std");
            let unwraps = lint.contains("unwrap_used") || lint.contains("expect_used");
            if prints && !matches!(room(name), "cli" | "report" | "main") || unwraps && !name.ends_with("tests.rs") {
                wrong.push(format!("src/{name} allows {lint}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_dependency_says_why() {
    let text = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut inside = false;
    let mut explained = false;
    let mut silent = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line.contains("dependencies]");
            explained = false;
        } else if inside && line.starts_with('#') {
            explained = true;
        } else if inside && line.trim().is_empty() {
            explained = false;
        } else if inside && !explained {
            silent.push(line.to_owned());
        }
    }
    assert!(silent.is_empty(), "no reason stands above:\n{}", silent.join("\n"));
}

/// Rules that a fixture expects in a folder called `bad`, and rules that have a `good` one.
fn fixtures() -> (BTreeSet<String>, BTreeSet<String>) {
    let mut expected = BTreeSet::new();
    let mut good = BTreeSet::new();
    let fixtures = root().join("fixtures");
    let mut open = vec![fixtures.clone()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let below = path.strip_prefix(&fixtures).unwrap().to_string_lossy().replace('\\', "/");
            if path.is_dir() {
                let parts: Vec<&str> = below.split('/').collect();
                if let [group, rule, "good"] = parts[..] {
                    good.insert(format!("{group}/{rule}"));
                }
                open.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let marked = text.split("expect: ").skip(1).flat_map(|rest| {
                    let line = rest.lines().next().unwrap_or_default();
                    line.split([',', ' ']).map(|word| word.trim_end_matches("-->").trim_end_matches("*/").to_owned())
                });
                let listed =
                    text.split("rule = \"").skip(1).filter_map(|rest| rest.split('"').next().map(str::to_owned));
                expected.extend(marked.chain(listed).filter(|rule| rule.contains('/')));
            }
        }
    }
    (expected, good)
}

#[test]
fn every_rule_has_entry_clause_page_and_fixture() {
    let policy = Policy::embedded().map_err(|(_, errors)| errors).unwrap();
    let (expected, good) = fixtures();
    let mut wrong = Vec::new();
    let mut in_code: BTreeMap<&str, usize> = BTreeMap::new();
    // The matcher of structural rules finds what the packs say: its findings carry the rules' own ids.
    for rule in minivet::rules::all().into_iter().filter(|rule| rule.id() != "structure") {
        *in_code.entry(rule.id()).or_default() += 1;
    }
    for (id, times) in &in_code {
        if policy.entry(id).is_none() {
            wrong.push(format!("{id}: in code, not in the catalogue"));
        }
        if *times > 1 {
            wrong.push(format!("{id}: registered {times} times"));
        }
        let file = format!("src/rules/{}.rs", id.replace('-', "_"));
        if !root().join(&file).exists() && !id.starts_with("content/") {
            wrong.push(format!("{id}: has no {file}"));
        }
    }
    for id in policy.catalogue.ids() {
        let entry = policy.entry(id).unwrap();
        if entry.clauses.is_empty() {
            wrong.push(format!("{id}: rests on no clause"));
        }
        for clause in &entry.clauses {
            if policy.clause(clause).is_none() {
                wrong.push(format!("{id}: rests on `{clause}`, which the registry does not hold"));
            }
        }
        for lang in [Lang::Zh, Lang::En] {
            let page = root().join(format!("rules/catalogue/{id}.{}.md", lang.id()));
            if std::fs::metadata(&page).map_or(0, |data| data.len()) < 200 {
                wrong.push(format!("{id}: no page in {}", lang.id()));
            }
        }
        if !expected.contains(&**id) {
            wrong.push(format!("{id}: no fixture expects it"));
        }
        if !good.contains(&**id) {
            wrong.push(format!("{id}: no good fixture"));
        }
    }
    assert!(in_code.len() > 100, "{} rules in code", in_code.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Keys of notes that a file writes into traces and blind spots.
#[derive(Default)]
struct Notes(BTreeSet<String>);

impl Notes {
    fn see(&mut self, expression: &syn::Expr) {
        if let syn::Expr::Lit(literal) = expression
            && let syn::Lit::Str(text) = &literal.lit
        {
            self.0.insert(text.value());
        }
    }
}

impl<'ast> Visit<'ast> for Notes {
    fn visit_expr_struct(&mut self, item: &'ast syn::ExprStruct) {
        let name = item.path.segments.last().map(|segment| segment.ident.to_string());
        if matches!(name.as_deref(), Some("Step" | "BlindSpot")) {
            for field in &item.fields {
                if matches!(&field.member, syn::Member::Named(name) if name == "note") {
                    self.see(&field.expr);
                }
            }
        }
        visit::visit_expr_struct(self, item);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let place = match call.method.to_string().as_str() {
            "blind" | "step" => 1,
            "stepped" => 2,
            _ => usize::MAX,
        };
        call.args.iter().nth(place).into_iter().for_each(|note| self.see(note));
        visit::visit_expr_method_call(self, call);
    }
}

fn every_note_has_its_wording(sources: &[(String, syn::File)]) {
    let policy = Policy::embedded().map_err(|(_, errors)| errors).unwrap();
    let mut notes = Notes::default();
    for (name, tree) in sources {
        if matches!(room(name), "flow" | "rules") {
            notes.visit_file(tree);
        }
    }
    assert!(notes.0.len() > 35, "only {} notes seen: the test looks past them", notes.0.len());
    let silent: Vec<&String> = notes.0.iter().filter(|key| policy.note(key).is_none()).collect();
    assert!(silent.is_empty(), "not in rules/notes.toml: {silent:?}");
}

/// String literals of a file.
#[derive(Default)]
struct Literals(Vec<String>);

impl<'ast> Visit<'ast> for Literals {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.0.push(literal.value());
    }
}

fn analyses_name_no_host(sources: &[(String, syn::File)]) {
    let policy = Policy::embedded().map_err(|(_, errors)| errors).unwrap();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for id in policy.host_ids() {
        names.insert(id.to_string());
        names.extend(policy.host(id).into_iter().flat_map(|host| host.info.namespaces.iter().map(ToString::to_string)));
    }
    assert!(names.len() >= 6, "{names:?}");
    let mut wrong = Vec::new();
    for (name, tree) in sources {
        if !matches!(room(name), "model" | "flow" | "rules" | "engine") || name.ends_with("tests.rs") {
            continue;
        }
        let mut literals = Literals::default();
        literals.visit_file(tree);
        wrong.extend(
            literals
                .0
                .into_iter()
                .filter(|text| names.contains(text) || names.iter().any(|host| text.starts_with(&format!("{host}."))))
                .map(|text| format!("src/{name}: {text:?}")),
        );
    }
    assert!(wrong.is_empty(), "host names in analysis code:\n{}", wrong.join("\n"));
}
