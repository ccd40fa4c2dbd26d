//! `security/unverified-referrer`

use crate::flow::Place;
use crate::package::{FileKind, Origin};
use crate::rules::{Context, Finding, Rule};
use crate::source::{FileId, Span};

/// Data from another mini-program is used with no check of its sender.
pub struct UnverifiedReferrer;

const ID: &str = "security/unverified-referrer";

impl Rule for UnverifiedReferrer {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            if file.kind != FileKind::Script || file.origin != Origin::Own || !cx.program.live_files.contains(&id) {
                continue;
            }
            if cx.policy.privacy.sdk_by_file(&file.source.path).is_some() {
                continue;
            }
            let text = &file.source.text;
            if !text.contains("extraData") || !text.contains("referrerInfo") {
                continue;
            }
            let Some(script) = cx.program.script(id) else { continue };
            for (at, found) in text.match_indices("extraData") {
                let span = Span::new(at as u32, (at + found.len()) as u32);
                if script.comments.iter().any(|comment| comment.contains(span)) {
                    continue;
                }
                // The innermost function that holds the read.
                let function = script
                    .functions
                    .iter()
                    .filter(|function| function.span.contains(span))
                    .min_by_key(|function| function.span.len());
                let scope = function.map_or(&**text, |function| function.span.slice(text));
                let Some(read) = read(text, at, scope) else { continue };
                if verified(scope)
                    || function.is_some_and(|function| {
                        // A check in the function that calls this one by an inner callback.
                        script
                            .functions
                            .get(function.parent as usize)
                            .is_some_and(|parent| function.parent != 0 && verified(parent.span.slice(text)))
                    })
                {
                    continue;
                }
                out.push(Finding::new(ID, Place { file: id, span: read }));
                // One finding a function.
                break;
            }
        }
    }
}

/// The read (`options.referrerInfo.extraData`, `const { extraData } = options.referrerInfo`), if it is one.
fn read(text: &str, at: usize, scope: &str) -> Option<Span> {
    let before = &text[..at];
    let trimmed = before.trim_end();
    let end = at + "extraData".len();
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '?');
    if trimmed.ends_with('.') {
        let start =
            trimmed.rfind(|c: char| !word(c)).map_or(0, |i| i + trimmed[i..].chars().next().map_or(1, char::len_utf8));
        let chain = &text[start..end];
        let from_referrer = chain.contains("referrerInfo") || {
            let root = chain.split(['.', '?']).next().unwrap_or("");
            !root.is_empty() && scope.contains("referrerInfo") && {
                let mut sources = scope.match_indices(root).map(|(at, found)| scope[at + found.len()..].trim_start());
                sources.any(|rest| {
                    rest.strip_prefix('=')
                        .is_some_and(|rest| rest.split([';', '\n']).next().unwrap_or("").contains("referrerInfo"))
                }) || root == "referrerInfo"
            }
        };
        return from_referrer.then(|| Span::new(start as u32, end as u32));
    }
    // A destructured field.
    let after = text[end..].trim_start();
    let braces = trimmed.ends_with(['{', ',']) && after.starts_with(['}', ',', ':', '=']);
    let statement = text[end..].split([';', '\n']).next().unwrap_or("");
    (braces && statement.contains("referrerInfo")).then(|| Span::new(at as u32, end as u32))
}

/// Whether a function compares the sender.
fn verified(scope: &str) -> bool {
    let names = ["appId", "appKey", "srcAppId", "sourceAppId", "fromAppId", "scene"];
    scope.contains("referrerInfo")
        && names.iter().filter(|name| **name != "scene").any(|name| {
            scope.match_indices(name).any(|(at, found)| {
                let after = scope[at + found.len()..].trim_start_matches([')', ' ']);
                let before =
                    scope[..at].trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '?'));
                let before = before.trim_end();
                after.starts_with("===")
                    || after.starts_with("!==")
                    || after.starts_with("==")
                    || after.starts_with("!=")
                    || before.ends_with("===")
                    || before.ends_with("!==")
                    || before.ends_with("==")
                    || before.ends_with("!=")
                    || before.ends_with("includes(")
                    || before.ends_with("indexOf(")
                    || before.ends_with("has(")
                    || before.ends_with('[')
                    || before.ends_with("switch (")
                    || before.ends_with("switch(")
                    || before.ends_with("test(")
            })
        })
}
