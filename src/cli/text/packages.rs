//! The texts of packages, as the content rules read them.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{FormatArg, TextArgs, as_json, range, tell, wanted};
use crate::cli::{Exit, Session, failures, output};
use crate::engine::{self, Options};
use crate::model::texts::Role;
use crate::text::{Matcher, Scratch};

/// Matches the texts of a package, or lists them.
pub(super) fn read(
    session: &Session,
    args: &TextArgs,
    matcher: &Matcher,
    path: &Path,
    told: &mut String,
    all: &mut Vec<serde_json::Value>,
) -> Exit {
    let options = Options { no_rules: true, ..Options::default() };
    let outcome = engine::vet(&[PathBuf::from(path)], &session.policy, &options);
    let mut exit = failures(session, &outcome.failures);
    let mut scratch = Scratch::default();
    for vetted in &outcome.packages {
        let categories = vetted.package.submission.categories.iter().map(String::as_str);
        let situation = matcher.situation(categories);
        let (mut texts, mut characters) = (0, 0);
        for run in &vetted.program.texts(&vetted.package).runs {
            let (file, span) = vetted.package.source(run.file).shown(run.span);
            // Seams of neighbouring elements are no text.
            let text = run.text.text.replace('\u{2060}', "");
            let text = text.trim();
            if run.role.is_judged() {
                texts += 1;
                characters += text.chars().filter(|c| !c.is_whitespace()).count();
            }
            if args.runs {
                match args.format {
                    FormatArg::Terminal => {
                        let at = file.position(span.start);
                        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
                        let role = name(run.role);
                        told.push_str(&format!("{}:{}:{}: {role}\t{line}\n", file.path, at.line, at.column));
                    }
                    FormatArg::Json => all.push(json!({
                        "file": &*file.path,
                        "range": range(file, span),
                        "role": name(run.role),
                        "name": run.name.as_deref(),
                        "text": text,
                    })),
                }
                continue;
            }
            if !run.role.is_judged() {
                continue;
            }
            let found = matcher.find_with(&run.text.text, situation, &mut scratch);
            for one in found.into_iter().filter(|one| wanted(session, args, matcher, one)) {
                if one.fires {
                    exit = exit.max(Exit::Findings);
                }
                let (file, span) = vetted.package.source(run.file).shown(run.text.source(one.span.clone()));
                match args.format {
                    FormatArg::Terminal => told.push_str(&tell(session, file, span, &run.text.text, &one)),
                    FormatArg::Json => {
                        let mut value = as_json(file, span, &run.text.text, &one);
                        value["role"] = json!(name(run.role));
                        all.push(value);
                    }
                }
            }
        }
        if session.style.verbose {
            output::error_text(&format!("{}: {texts} texts, {characters} characters\n", path.display()));
        }
    }
    exit
}

const fn name(role: Role) -> &'static str {
    match role {
        Role::Visible => "visible",
        Role::Attribute => "attribute",
        Role::Title => "title",
        Role::Data => "data",
        Role::Log => "log",
        Role::Key => "key",
        Role::Comment => "comment",
        Role::Url => "url",
        Role::Hidden => "hidden",
    }
}
