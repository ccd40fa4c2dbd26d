//! Scripts: oxc with semantics, repaired through tree-sitter where they do not parse.

use std::sync::Arc;

use oxc_allocator::Allocator;
use oxc_ast::ast::{Expression, Program};
use oxc_parser::{ParseOptions, Parser};
use oxc_semantic::{Scoping, SemanticBuilder};
use oxc_span::SourceType;
use serde::{Deserialize, Serialize};

use super::depth;
use super::repair::{self, Repair};
use crate::source::Span;

/// Which grammar a script follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ScriptKind {
    /// JavaScript, with JSX where it is used.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
}

impl ScriptKind {
    /// By the extension of a path.
    pub fn of_path(path: &str) -> Self {
        match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "ts" | "mts" | "cts" => Self::TypeScript,
            "tsx" => Self::Tsx,
            _ => Self::JavaScript,
        }
    }

    /// Grammars to try, the likeliest first. JavaScript may turn out to be Flow, which reads as TypeScript.
    fn grammars(self) -> [SourceType; 2] {
        let javascript = SourceType::unambiguous().with_jsx(true);
        let typescript = SourceType::unambiguous().with_typescript(true);
        match self {
            Self::JavaScript => [javascript, typescript.with_jsx(true)],
            Self::TypeScript => [typescript.with_jsx(false), typescript.with_jsx(true)],
            Self::Tsx => [typescript.with_jsx(true), typescript.with_jsx(false)],
        }
    }
}

/// A parsed script, as long as the arena lives.
#[derive(Debug)]
pub struct Parsed<'p, 'a> {
    /// The tree. Its spans are those of the mended text: see [`Repair::span`].
    pub program: &'p Program<'a>,
    /// Scopes and symbols.
    pub scoping: &'p Scoping,
    /// What the parser said of the text as it was written.
    pub errors: &'p [(Span, Arc<str>)],
    /// How the text was mended, where it did not parse.
    pub repair: &'p Repair,
}

/// Parses a script, mends it where it does not parse, and hands it to `then`. `None` when it cannot be read at all: nested
/// deeper than is followed.
pub fn with_parsed<R: Send>(text: &str, kind: ScriptKind, then: impl FnOnce(&Parsed<'_, '_>) -> R + Send) -> Option<R> {
    depth::with_stack(text, move |levels| parsed(text, kind, levels, then))
}

fn parsed<R>(text: &str, kind: ScriptKind, levels: usize, then: impl FnOnce(&Parsed<'_, '_>) -> R) -> R {
    let grammars = kind.grammars();
    let mut errors = Vec::new();
    let mut complete = None;
    for grammar in grammars {
        let allocator = Allocator::default();
        let read = Parser::new(&allocator, text, grammar).with_options(options()).parse();
        if !read.panicked && !read.diagnostics.has_errors() {
            return finish(&read.program, &[], &Repair::default(), then);
        }
        if !read.panicked {
            complete = complete.or(Some(grammar));
        }
        if errors.is_empty() {
            errors = messages(&read, text);
        }
    }
    // Mistakes that the parser reads over leave nothing out.
    let repair = match complete {
        Some(_) => Repair::default(),
        None => repair::mend(text, kind, levels, &|text| probe(text, kind)),
    };
    let mended = repair.text.as_deref().unwrap_or(text);
    for grammar in complete.map_or(grammars, |grammar| [grammar, grammar]) {
        let allocator = Allocator::default();
        let read = Parser::new(&allocator, mended, grammar).with_options(options()).parse();
        if !read.panicked {
            return finish(&read.program, &errors, &repair, then);
        }
    }
    let repair = Repair::give_up(text);
    let allocator = Allocator::default();
    let read = Parser::new(&allocator, "", grammars[0]).parse();
    finish(&read.program, &errors, &repair, then)
}

fn options() -> ParseOptions {
    ParseOptions { allow_return_outside_function: true, preserve_parens: false, ..ParseOptions::default() }
}

fn finish<R>(
    program: &Program<'_>,
    errors: &[(Span, Arc<str>)],
    repair: &Repair,
    then: impl FnOnce(&Parsed<'_, '_>) -> R,
) -> R {
    let semantic = SemanticBuilder::new().build(program).semantic;
    then(&Parsed { program, scoping: semantic.scoping(), errors, repair })
}

fn messages(read: &oxc_parser::ParserReturn<'_>, text: &str) -> Vec<(Span, Arc<str>)> {
    let end = text.len() as u32;
    read.diagnostics
        .errors()
        .map(|diagnostic| {
            let span = diagnostic.labels.first().map_or(Span::at(0), |label| {
                let start = label.offset().min(end);
                Span::new(start, (start + label.len()).min(end))
            });
            (span, Arc::from(&*diagnostic.message))
        })
        .collect()
}

/// Where the parser stops: `None` when it reads everything.
fn probe(text: &str, kind: ScriptKind) -> Option<u32> {
    let mut furthest = 0;
    for grammar in kind.grammars() {
        let allocator = Allocator::default();
        let read = Parser::new(&allocator, text, grammar).with_options(options()).parse();
        if !read.panicked {
            return None;
        }
        // Nothing after the fatal mistake was read.
        let stop = messages(&read, text).iter().map(|(span, _)| span.start).max().unwrap_or(0);
        furthest = furthest.max(stop);
        if kind == ScriptKind::JavaScript {
            break;
        }
    }
    Some(furthest)
}

/// Parses one expression, as templates hold them, and hands it to `then`.
pub fn with_expression<R: Send>(text: &str, then: impl FnOnce(&Expression<'_>) -> R + Send) -> Option<R> {
    depth::with_stack(text, move |_| {
        let allocator = Allocator::default();
        let grammar = SourceType::script();
        let expression = Parser::new(&allocator, text, grammar).with_options(options()).parse_expression().ok()?;
        Some(then(&expression))
    })
    .flatten()
}
