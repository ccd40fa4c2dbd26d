//! The name consists of generic words.

use super::name;
use crate::rules::{Context, Finding, Rule};

/// `metadata/generic-name`
pub struct GenericName;

impl Rule for GenericName {
    fn id(&self) -> &'static str {
        "metadata/generic-name"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        // A row of search words is none of a page, either.
        if let Some(name) = name(cx).filter(|name| is_heap(name.text)) {
            out.push(
                Finding::new(self.id(), name.place)
                    .variant("keywords")
                    .confidence(name.confidence())
                    .text("name", name.text),
            );
            return;
        }
        // A page title may be generic; only a name may not.
        let Some(name) = name(cx).filter(|name| name.given) else { return };
        if cx.policy.naming().is_generic(name.text) || cx.policy.category_table().is_industry(name.text) {
            out.push(Finding::new(self.id(), name.place).text("name", name.text));
        }
    }
}

/// Fewest pieces, and characters of a piece, of a row of search words.
const PIECES: usize = 3;
const PIECE: usize = 3;

/// Whether a name is a row of search words (`A认定,A注册,A登记`).
fn is_heap(name: &str) -> bool {
    let pieces: Vec<&str> = name.split([',', '，', '、', '|', '｜', ';', '；']).map(str::trim).collect();
    pieces.len() >= PIECES && pieces.iter().all(|piece| piece.chars().count() >= PIECE)
}
