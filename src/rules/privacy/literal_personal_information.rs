//! `privacy/literal-personal-information`

use crate::flow::Place;
use crate::package::{FileKind, Origin};
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::{FileId, Span};

/// Somebody's identity number, bank card or the like stands in the package.
pub struct LiteralPersonalInformation;

const ID: &str = "privacy/literal-personal-information";

impl Rule for LiteralPersonalInformation {
    fn id(&self) -> &'static str {
        ID
    }

    fn reads_solution(&self) -> bool {
        false
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            if file.origin != Origin::Own || file.kind == FileKind::Foreign || cx.package.submission.file == Some(id) {
                continue;
            }
            let mut seen = std::collections::BTreeSet::new();
            for hit in cx.policy.privacy.literals(&file.source.path, &file.source.text) {
                let span = Span::new(hit.range.start as u32, hit.range.end as u32);
                let value = span.slice(&file.source.text);
                // The same value again is no news.
                if !seen.insert(value) {
                    continue;
                }
                out.push(
                    Finding::new(ID, Place { file: id, span })
                        .kinds([&hit.kind])
                        .text("value", cx.policy.privacy.mask(value))
                        .confidence(if hit.named { Confidence::High } else { Confidence::Medium }),
                );
            }
        }
    }
}
