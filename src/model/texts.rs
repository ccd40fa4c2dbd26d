//! Text runs: every piece of text in the package that a user may read, joined as it is shown, with the way back to its source.

mod borrowed;
mod constants;
mod markup;
mod names;
mod plain;
mod scripts;
mod templates;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use self::borrowed::Borrowed;
use self::names::is_filter_name;
use self::plain::{json_texts, style_texts, text_lines};
use self::scripts::{Place, Walker};
use self::templates::template_texts;
use super::Program;
use crate::package::{FileKind, Origin, Package, PackageFile};
use crate::source::{FileId, SourceFile, Span};
use crate::syntax::template::NodeId;
use crate::text::{Mapped, Match, Matcher, Scratch, unescape};

/// What a text is to the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Stands on the screen.
    Visible,
    /// An attribute that is shown or read aloud.
    Attribute,
    /// A page title or tab text.
    Title,
    /// May reach the screen: a string constant, an entry of a data file.
    Data,
    /// Goes to a log or an error.
    Log,
    /// Is compared, looked up or filtered by, never shown.
    Key,
    /// A comment.
    Comment,
    /// An address.
    Url,
    /// Is in the package and made invisible.
    Hidden,
}

impl Role {
    /// Whether content rules judge texts of this role.
    pub const fn is_judged(self) -> bool {
        matches!(self, Self::Visible | Self::Attribute | Self::Title | Self::Data | Self::Hidden)
    }

    /// Whether the user surely sees it.
    pub const fn is_shown(self) -> bool {
        matches!(self, Self::Visible | Self::Attribute | Self::Title)
    }
}

/// A piece of text.
#[derive(Clone, Debug)]
pub struct TextRun {
    /// The file.
    pub file: FileId,
    /// Where it stands; of joined constants, where the first one stands.
    pub span: Span,
    /// What it is to the user.
    pub role: Role,
    /// The text with its map.
    pub text: Mapped,
    /// The element that holds it, in a template.
    pub element: Option<NodeId>,
    /// Attribute, property or configuration key that holds it.
    pub name: Option<Arc<str>>,
    /// Parts of the text that stand as they are in another file, and are judged there.
    pub borrowed: Vec<Range<usize>>,
}

/// All text runs of a package, and what the content matcher finds in them.
#[derive(Debug, Default)]
pub struct TextIndex {
    /// By file and place.
    pub runs: Vec<TextRun>,
    found: OnceLock<Vec<(u32, Vec<Match>)>>,
}

impl TextIndex {
    /// Matches in runs whose role is judged: index of the run, and what fires in it. Computed once.
    pub fn matches(&self, matcher: &Matcher, situation: u64) -> &[(u32, Vec<Match>)] {
        self.found.get_or_init(|| {
            let judged: Vec<u32> =
                (0..self.runs.len() as u32).filter(|index| self.runs[*index as usize].role.is_judged()).collect();
            judged
                .par_chunks(256)
                .map_init(Scratch::default, |scratch, chunk| {
                    let mut out = Vec::new();
                    for index in chunk {
                        let mut found = matcher.find_with(&self.runs[*index as usize].text.text, situation, scratch);
                        let lent = &self.runs[*index as usize].borrowed;
                        let inside = |one: &Match| {
                            lent.iter().any(|part| part.start <= one.span.start && one.span.end <= part.end)
                        };
                        found.retain(|one| one.fires && !inside(one));
                        if !found.is_empty() {
                            out.push((*index, found));
                        }
                    }
                    out
                })
                .flatten_iter()
                .collect()
        })
    }

    /// Runs of one file.
    pub fn of_file(&self, file: FileId) -> &[TextRun] {
        let from = self.runs.partition_point(|run| run.file < file);
        let to = self.runs.partition_point(|run| run.file <= file);
        &self.runs[from..to]
    }
}

impl TextRun {
    /// A text that stands on its own.
    pub fn new(file: FileId, role: Role, text: Mapped) -> Self {
        let span = templates::trimmed(&text);
        Self { file, span, role, text, element: None, name: None, borrowed: Vec::new() }
    }
}

/// Collects the text runs of a package.
pub fn texts(package: &Package, program: &Program) -> TextIndex {
    let per_file: Vec<Vec<TextRun>> = package
        .files
        .par_iter()
        .enumerate()
        .map(|(index, file)| {
            let id = FileId(index as u32);
            let mut runs = file_texts(id, file, program, package.uploads(&file.source.path));
            if Some(id) == package.app || is_page_config(package, file) {
                for run in &mut runs {
                    if run.name.as_deref().is_some_and(|name| TITLE_KEYS.contains(&name)) {
                        run.role = Role::Title;
                    }
                }
            }
            runs.sort_by_key(|run| (run.span.start, run.span.end));
            runs
        })
        .collect();
    TextIndex { runs: per_file.into_iter().flatten().collect(), found: OnceLock::new() }
}

/// Keys of configuration whose texts are titles or tabs.
const TITLE_KEYS: [&str; 3] = ["navigationBarTitleText", "text", "title"];

/// Names under which texts reach the screen.
const SHOWN_KEYS: [&str; 44] = [
    "title",
    "content",
    "text",
    "label",
    "placeholder",
    "desc",
    "description",
    "message",
    "msg",
    "tip",
    "tips",
    "name",
    "subtitle",
    "subTitle",
    "confirmText",
    "cancelText",
    "itemList",
    "summary",
    "notice",
    "slogan",
    "intro",
    "introduction",
    "detail",
    "remark",
    "hint",
    "caption",
    "header",
    "footer",
    "button",
    "btnText",
    "buttonText",
    "nodes",
    "badge",
    "tag",
    "tags",
    "value",
    "toast",
    "info",
    "keywords",
    "shareTitle",
    "navigationBarTitleText",
    "headline",
    "body",
    "answer",
];
fn file_texts(id: FileId, file: &PackageFile, program: &Program, uploaded: bool) -> Vec<TextRun> {
    let facts = program.facts.get(id.index());
    let mut runs = Vec::new();
    let own = file.origin == Origin::Own;
    match file.kind {
        FileKind::Text if !uploaded => {}
        FileKind::Template => {
            if let Some(template) = facts.and_then(|facts| facts.template.as_deref()) {
                template_texts(id, &file.source, &template.document, &mut runs);
                let mut spots: Vec<_> = template.expressions.iter().collect();
                spots.sort_by_key(|(start, _)| **start);
                for (_, expression) in spots {
                    let mut walker = Walker::new(id, &file.source.text, None, &mut runs);
                    walker.expr(expression, Place { role: Role::Visible, name: None });
                }
                for (_, script, _) in &template.inline_scripts {
                    Walker::new(id, &file.source.text, Some(script), &mut runs).script();
                }
            }
        }
        FileKind::Script | FileKind::ViewScript if own => {
            if let Some(script) = facts.and_then(|facts| facts.script.as_deref()) {
                let borrowed = Borrowed::of(program, id, script);
                Walker::new(id, &file.source.text, Some(script), &mut runs).borrowing(borrowed).script();
                // The scripts of views make nothing but what views show.
                if file.kind == FileKind::ViewScript {
                    runs.iter_mut().filter(|run| run.role == Role::Data).for_each(|run| run.role = Role::Visible);
                }
            }
        }
        FileKind::Json if own && !is_tool_config(file.source.name()) => {
            if let Some(json) = &file.json {
                json_texts(id, &file.source.text, json, None, &mut runs);
                if is_filter_name(stem(file.source.name())) {
                    runs.iter_mut().for_each(|run| run.role = Role::Key);
                }
            }
        }
        FileKind::Text if own && !is_readme(&file.source) => {
            text_lines(id, &file.source, &mut runs);
            if is_filter_name(stem(file.source.name())) {
                runs.iter_mut().for_each(|run| run.role = Role::Key);
            }
        }
        FileKind::Style => style_texts(id, &file.source.text, &mut runs),
        _ => {}
    }
    runs
}

fn is_page_config(package: &Package, file: &PackageFile) -> bool {
    file.source.path.strip_suffix(".json").is_some_and(|route| package.pages.iter().any(|page| &*page.route == route))
}

/// Whether a configuration is for tools alone, by its file's name: nothing of it is shown or requested.
pub fn is_tool_config(name: &str) -> bool {
    matches!(
        name,
        "package.json"
            | "package-lock.json"
            | "bower.json"
            | "sitemap.json"
            | "tsconfig.json"
            | "jsconfig.json"
            | "composer.json"
    ) || name.starts_with("project.")
        || name.starts_with(".")
}

/// A file's name without what follows its first point.
fn stem(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// Papers of those who make the program. Other texts in Markdown are shown where they lie among its data.
fn is_readme(source: &SourceFile) -> bool {
    let lower = source.name().to_ascii_lowercase();
    let data = source.folder().split('/').any(|folder| DATA_FOLDERS.contains(&folder));
    lower.ends_with(".md") && !lower.contains("privacy") && !data
        || ["readme", "license", "changelog", "contributing", "authors"].iter().any(|name| lower.starts_with(name))
        || lower.ends_with(".toml")
        || lower.ends_with(".yml")
        || lower.ends_with(".yaml")
        || lower.ends_with(".lock")
}

/// Folders whose files a program shows.
const DATA_FOLDERS: [&str; 6] = ["data", "content", "contents", "articles", "posts", "mock"];

fn has_text(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

fn is_url(text: &str) -> bool {
    let text = text.trim();
    text.contains("://")
        && !text.contains(char::is_whitespace)
        && !text.chars().any(|c| ('\u{3000}'..='\u{303f}').contains(&c))
        || text.starts_with("data:")
        || text.starts_with("//") && text.is_ascii()
}

/// A quoted literal as a mapped text.
fn literal(source: &str, span: Span, decoded: &str) -> Mapped {
    let raw = span.slice(source);
    let quoted = raw.len() >= 2 && raw.starts_with(['"', '\'', '`']);
    let (body, start) = if quoted { (&raw[1..raw.len() - 1], span.start + 1) } else { (raw, span.start) };
    if body == decoded {
        return Mapped::plain(body, start);
    }
    let mapped = unescape(body, start);
    if mapped.text == decoded {
        return mapped;
    }
    let mut whole = Mapped::default();
    whole.push(decoded, span);
    whole
}
