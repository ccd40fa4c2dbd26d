//! `security/leaked-secret`

use crate::flow::Place;
use crate::package::{FileKind, Origin};
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
            for hit in cx.policy.privacy.secrets(&file.source.text, quoted) {
                let span = Span::new(hit.range.start as u32, hit.range.end as u32);
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
        }
    }
}
