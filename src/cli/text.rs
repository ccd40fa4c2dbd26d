//! `minivet text`: the content matcher over plain text and over the texts of packages.

mod packages;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Exit, Session, output};
use crate::source::{SourceFile, Span, decode};
use crate::text::{Certainty, Doubt, LexiconError, Match, Matcher, Reason, Scratch, Term, audit, import};

/// Options of `minivet text`.
#[derive(Clone, Debug, Args)]
pub struct TextArgs {
    /// Files of plain text, each line matched alone, or folders of packages, each text matched as users read it; `-` is standard
    /// input
    #[arg(value_name = "FILE", default_value = "-")]
    files: Vec<PathBuf>,
    /// A list of terms: one a line with an optional class, CSV or JSON; its terms are weak unless --vetted
    #[arg(long, value_name = "FILE")]
    lexicon: Vec<PathBuf>,
    /// Terms of the lists count as the built-in strong ones
    #[arg(long, requires = "lexicon")]
    vetted: bool,
    /// Only the terms of the lists
    #[arg(long, requires = "lexicon")]
    only_lexicon: bool,
    /// Only these classes
    #[arg(long, value_name = "CLASS", value_delimiter = ',')]
    class: Vec<String>,
    /// List the classes and how many terms each has
    #[arg(long)]
    classes: bool,
    /// List the texts of packages and what each is to the user, instead of matching them
    #[arg(long, conflicts_with_all = ["classes", "audit", "lexicon"])]
    runs: bool,
    /// Tell which terms of a list are too short, too common or fire on clean text
    #[arg(long, value_name = "LEXICON", conflicts_with_all = ["classes", "lexicon"])]
    audit: Option<PathBuf>,
    /// How matches are told
    #[arg(long, value_name = "FORMAT", default_value = "terminal")]
    format: FormatArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    Terminal,
    Json,
}

/// Runs the command.
pub fn run(session: &Session, args: &TextArgs) -> Exit {
    if let Some(list) = &args.audit {
        return audit_list(session, list, args);
    }
    let started = Instant::now();
    let custom;
    let matcher = if args.lexicon.is_empty() {
        session.policy.matcher()
    } else {
        let mut lexicon = session.policy.content.lexicon(&session.policy.packs, &mut Vec::new());
        if args.only_lexicon {
            lexicon.entries.clear();
        }
        for list in &args.lexicon {
            match read_list(list) {
                Ok(terms) => lexicon.add_terms(&terms, args.vetted),
                Err(message) => return usage(list, &message),
            }
        }
        custom = Matcher::new(&lexicon);
        &custom
    };
    let loaded = started.elapsed();
    let known = matcher.classes();
    if let Some(class) = args.class.iter().find(|class| !known.iter().any(|known| **known == ***class)) {
        output::error(&format!("{} `{class}`", session.say("未知的类别", "unknown class")));
        return Exit::Usage;
    }
    if args.classes {
        return classes(matcher, args);
    }
    let mut told = String::new();
    let mut all = Vec::new();
    let mut exit = Exit::Clean;
    let mut scratch = Scratch::default();
    let (mut bytes, mut spent) = (0, std::time::Duration::ZERO);
    for path in &args.files {
        if args.runs || path.is_dir() {
            exit = exit.max(packages::read(session, args, matcher, path, &mut told, &mut all));
            continue;
        }
        let name = if path.as_os_str() == "-" { "<stdin>".to_owned() } else { path.display().to_string() };
        let text = match read(path) {
            Ok(text) => text,
            Err(error) => {
                output::error(&format!("{name}: {error}"));
                return Exit::Input;
            }
        };
        let file = SourceFile::from_text(name.as_str(), text);
        bytes += file.text.len();
        let mut offset = 0usize;
        for line in file.text.split_inclusive('\n') {
            let before = Instant::now();
            let found = matcher.find_with(line.trim_end_matches(['\n', '\r']), 0, &mut scratch);
            spent += before.elapsed();
            for one in found.into_iter().filter(|one| wanted(session, args, matcher, one)) {
                if one.fires {
                    exit = exit.max(Exit::Findings);
                }
                let span = Span::new((offset + one.span.start) as u32, (offset + one.span.end) as u32);
                match args.format {
                    FormatArg::Terminal => told.push_str(&tell(session, &file, span, line, &one)),
                    FormatArg::Json => all.push(as_json(&file, span, line, &one)),
                }
            }
            offset += line.len();
        }
    }
    if args.format == FormatArg::Json {
        let value = if args.runs {
            json!({ "schema_version": 1, "texts": all })
        } else {
            json!({ "schema_version": 1, "matches": all })
        };
        told = format!("{value:#}\n");
    }
    let printed = output::print(&told);
    if session.style.verbose {
        let (patterns, words) = matcher.size();
        output::error_text(&format!(
            "{words} words, {patterns} patterns in {:.1} ms; {bytes} bytes in {:.1} ms, {:.1} MB/s\n",
            loaded.as_secs_f64() * 1e3,
            spent.as_secs_f64() * 1e3,
            bytes as f64 / 1e6 / spent.as_secs_f64().max(1e-9),
        ));
    }
    exit.max(printed)
}

/// Whether a match is told: those held back are with `-v` only.
fn wanted(session: &Session, args: &TextArgs, matcher: &Matcher, one: &Match) -> bool {
    let class = args.class.is_empty() || args.class.iter().any(|class| **class == *one.class);
    class && (one.fires || matcher.entry(one.entry).imported || session.style.verbose)
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(path)?;
    }
    Ok(decode(&bytes).text)
}

fn read_list(path: &Path) -> Result<Vec<Term>, String> {
    let text = read(path).map_err(|error| error.to_string())?;
    import(&text).map_err(|LexiconError { message, .. }| message)
}

fn usage(path: &Path, message: &str) -> Exit {
    output::error(&format!("{}: {message}", path.display()));
    Exit::Usage
}

const fn word(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Low => "low",
        Certainty::Medium => "medium",
        Certainty::High => "high",
    }
}

fn written<'l>(line: &'l str, one: &Match) -> &'l str {
    line.get(one.span.clone()).unwrap_or("")
}

/// One line: place, class, term, how sure, what was undone; with `-v` why.
fn tell(session: &Session, file: &SourceFile, span: Span, line: &str, one: &Match) -> String {
    let at = file.position(span.start);
    let mut out = format!("{}:{}:{}: {} {}", file.path, at.line, at.column, one.class, one.term);
    let held = session.say("（未触发）", " (held back)");
    if one.fires {
        out.push_str(&format!(" [{}]", word(one.certainty)));
    } else {
        out.push_str(held);
    }
    let raw = written(line, one);
    if raw != &*one.term {
        out.push_str(&format!(" ← {}", raw.escape_default_invisible()));
    }
    if !one.evasions.is_empty() {
        out.push_str(&format!(" ({})", one.evasions.names().join(", ")));
    }
    if session.style.verbose {
        for (sign, reasons) in [('+', &one.pros), ('-', &one.cons)] {
            for reason in reasons {
                out.push_str(&format!(" {sign}{}", reason_text(line, reason)));
            }
        }
        out.push_str(&format!(" = {}", one.score));
    }
    out.push('\n');
    out
}

trait Printable {
    /// Invisible characters as escapes.
    fn escape_default_invisible(&self) -> String;
}

impl Printable for str {
    fn escape_default_invisible(&self) -> String {
        let mut out = String::new();
        for c in self.chars() {
            if c.is_control() || crate::text::is_invisible(c) {
                out.extend(c.escape_unicode());
            } else {
                out.push(c);
            }
        }
        out
    }
}

fn reason_text(line: &str, reason: &Reason) -> String {
    match reason {
        Reason::Strong => "strong".to_owned(),
        Reason::Weak => "weak".to_owned(),
        Reason::Company(_, word) => format!("with {word}"),
        Reason::Crowd(count) => format!("crowd {count}"),
        Reason::Evasive(evasions) => evasions.names().join(","),
        Reason::Context(range, id) => format!("{id} “{}”", line.get(range.clone()).unwrap_or("")),
        Reason::Without(id) => format!("no {id}"),
        Reason::Enumeration => "enumeration".to_owned(),
        Reason::Category(id) => format!("category {id}"),
        Reason::Imported => "imported".to_owned(),
    }
}

/// A range of a file.
fn range(file: &SourceFile, span: Span) -> serde_json::Value {
    let place = |at: u32| {
        let place = file.position(at);
        json!({ "line": place.line, "column": place.column, "offset": at })
    };
    json!({ "start": place(span.start), "end": place(span.end) })
}

fn as_json(file: &SourceFile, span: Span, line: &str, one: &Match) -> serde_json::Value {
    let reasons = |reasons: &[Reason]| reasons.iter().map(|reason| reason_text(line, reason)).collect::<Vec<_>>();
    json!({
        "file": &*file.path,
        "range": range(file, span),
        "class": &*one.class,
        "term": &*one.term,
        "text": written(line, one),
        "evasions": one.evasions.names(),
        "confidence": word(one.certainty),
        "fires": one.fires,
        "score": one.score,
        "for": reasons(&one.pros),
        "against": reasons(&one.cons),
    })
}

fn classes(matcher: &Matcher, args: &TextArgs) -> Exit {
    let rows: Vec<_> = matcher.classes().iter().map(|class| (class.clone(), matcher.terms_of(class))).collect();
    let text = match args.format {
        FormatArg::Terminal => rows.iter().map(|(class, terms)| format!("{class}\t{terms}\n")).collect::<String>(),
        FormatArg::Json => {
            let rows: Vec<_> = rows.iter().map(|(class, terms)| json!({ "class": &**class, "terms": terms })).collect();
            format!("{:#}\n", json!({ "schema_version": 1, "classes": rows }))
        }
    };
    output::print(&text)
}

fn audit_list(session: &Session, list: &Path, args: &TextArgs) -> Exit {
    let terms = match read_list(list) {
        Ok(terms) => terms,
        Err(message) => return usage(list, &message),
    };
    let sample = session.policy.packs.get("content/clean.txt").unwrap_or("");
    let doubts = audit(&terms, sample);
    let reason = |doubt: &Doubt| match doubt {
        Doubt::TooShort => ("too-short", session.say("太短", "too short").to_owned()),
        Doubt::Empty => ("empty", session.say("没有文字", "holds no text").to_owned()),
        Doubt::Duplicate => ("duplicate", session.say("重复", "stands twice").to_owned()),
        Doubt::Address => ("address", session.say("是网址", "is an address").to_owned()),
        Doubt::Common(count) => {
            ("common", format!("{}: {count}", session.say("在正常文本中出现", "stands in clean text")))
        }
    };
    let text = match args.format {
        FormatArg::Terminal => {
            let mut text: String = doubts
                .iter()
                .map(|(index, doubt)| {
                    let term = &terms[*index];
                    format!("{}:{}: {} {}\n", list.display(), term.line, term.text, reason(doubt).1)
                })
                .collect();
            let doubtful = doubts.iter().map(|(index, _)| index).collect::<std::collections::BTreeSet<_>>().len();
            text.push_str(&format!(
                "{} {}, {doubtful} {}\n",
                terms.len(),
                session.say("个词", "terms"),
                session.say("个可疑", "doubtful")
            ));
            text
        }
        FormatArg::Json => {
            let rows: Vec<_> = doubts
                .iter()
                .map(|(index, doubt)| {
                    let term = &terms[*index];
                    json!({ "term": &*term.text, "class": &*term.class, "line": term.line, "doubt": reason(doubt).0 })
                })
                .collect();
            format!("{:#}\n", json!({ "schema_version": 1, "terms": terms.len(), "doubts": rows }))
        }
    };
    let printed = output::print(&text);
    if doubts.is_empty() { printed } else { printed.max(Exit::Findings) }
}
