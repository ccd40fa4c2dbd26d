//! `security/leaked-secret`

use crate::flow::Place;
use crate::model::ir::{Expr, ExprKind, Operator, Script};
use crate::model::sites::expressions;
use crate::package::{FileKind, Origin};
use crate::policy::privacy::SdkUse;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::{FileId, Span};

/// A credential ships with the package.
pub struct LeakedSecret;

const ID: &str = "security/leaked-secret";

impl Rule for LeakedSecret {
    fn id(&self) -> &'static str {
        ID
    }

    fn reads_solution(&self) -> bool {
        false
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            if file.kind == FileKind::Style
                || cx.package.submission.file == Some(id)
                || matches!(file.origin, Origin::Npm { .. } | Origin::Vendored { .. })
                    && file.source.text.len() > 20_000
            {
                continue;
            }
            let quoted = match file.kind {
                FileKind::Text => false,
                FileKind::Foreign => matches!(
                    file.source.extension(),
                    "js" | "ts" | "mjs" | "cjs" | "json" | "php" | "py" | "java" | "go" | "rb" | "vue" | "jsx" | "tsx"
                ),
                _ => true,
            };
            let mut told: Vec<Span> = Vec::new();
            for hit in cx.policy.privacy.secrets(&file.source.text, quoted) {
                let span = Span::new(hit.range.start as u32, hit.range.end as u32);
                told.push(span);
                if hit.weak && starts_service(cx, &file.source.text[..hit.range.start]) {
                    continue;
                }
                let mut confidence = if hit.weak { Confidence::Medium } else { Confidence::High };
                if file.origin != Origin::Own {
                    if hit.weak {
                        continue;
                    }
                    confidence = Confidence::Medium;
                }
                out.push(
                    Finding::new(ID, Place { file: id, span })
                        .text("what-zh", hit.zh)
                        .text("what-en", hit.en)
                        .text("value", cx.policy.privacy.mask(span.slice(&file.source.text)))
                        .confidence(confidence),
                );
            }
            if file.origin == Origin::Own
                && let Some(script) = cx.program.script(id)
            {
                joined(cx, id, script, &told, out);
            }
        }
    }
}

/// Whether what follows a text is given to a service's SDK as it starts: the key of a project, made to stand in clients.
fn starts_service(cx: &Context<'_>, before: &str) -> bool {
    const FAR: usize = 300;
    let mut depth = 0;
    let open = before.char_indices().rev().take(FAR).find(|(_, c)| {
        match c {
            ')' => depth += 1,
            '(' => depth -= 1,
            _ => {}
        }
        depth < 0
    });
    let Some((open, _)) = open else { return false };
    let callee = before[..open].trim_end();
    let name = callee.rfind(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '.'))).map_or(0, |at| at + 1);
    let Some((object, method)) = callee[name..].rsplit_once('.') else { return false };
    let sdk = cx.policy.privacy.sdk_by_global(object);
    sdk.is_some_and(|sdk| sdk.is_analytics() && matches!(sdk.method(method), SdkUse::Start))
}

/// Secrets that are put together from constant pieces, found in what the pieces make. `told` are those that a text holds as one.
fn joined(cx: &Context<'_>, file: FileId, script: &Script, told: &[Span], out: &mut Vec<Finding>) {
    let text = &cx.package.source(file).text;
    let mut seen: Vec<Span> = Vec::new();
    let mut wholes: Vec<(Span, String)> = Vec::new();
    expressions(script, &mut |_, expr| {
        if matches!(expr.kind, ExprKind::Binary(Operator::Add, ..) | ExprKind::Template(..))
            && !seen.iter().any(|outer| outer.contains(expr.span))
        {
            let mut whole = String::new();
            if pieces(expr, &mut whole).is_some_and(|count| count > 1) && whole.len() >= SHORTEST {
                seen.push(expr.span);
                wholes.push((expr.span, whole));
            }
        }
    });
    for (span, whole) in wholes {
        if told.iter().any(|told| span.contains(*told) || told.start < span.end && span.start < told.end) {
            continue;
        }
        // What stands before it in its line says what it is.
        let start = span.start as usize;
        let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let shown = format!("{}\"{}\"", &text[line..start], whole.replace(['"', '\n'], " "));
        let Some(hit) = cx.policy.privacy.secrets(&shown, true).into_iter().find(|hit| hit.range.end > start - line)
        else {
            continue;
        };
        out.push(
            Finding::new(ID, Place { file, span })
                .text("what-zh", hit.zh)
                .text("what-en", hit.en)
                .text("value", cx.policy.privacy.mask(&shown[hit.range.clone()]))
                .confidence(if hit.weak { Confidence::Medium } else { Confidence::High }),
        );
    }
}

/// Shortest text that is put together and looked into, in bytes.
const SHORTEST: usize = 12;

/// Adds the constant pieces of a concatenation, and tells how many; `None` where one is not constant.
fn pieces(expr: &Expr, out: &mut String) -> Option<usize> {
    match &expr.kind {
        ExprKind::String(text) => {
            out.push_str(text);
            Some(1)
        }
        ExprKind::Binary(Operator::Add, left, right) => Some(pieces(left, out)? + pieces(right, out)?),
        ExprKind::Template(quasis, items) => {
            let mut count = 0;
            for (at, quasi) in quasis.iter().enumerate() {
                out.push_str(quasi);
                count += usize::from(!quasi.is_empty());
                if let Some(item) = items.get(at) {
                    count += pieces(item, out)?;
                }
            }
            Some(count)
        }
        _ => None,
    }
}
