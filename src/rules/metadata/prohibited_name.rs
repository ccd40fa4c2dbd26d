//! The name or the description holds content of the prohibited classes.

use super::{description, name};
use crate::rules::{Context, Finding, Rule};

/// `metadata/prohibited-name`
pub struct ProhibitedName;

/// The first prohibited word in a text: by the content matcher, or by the list of words that alone are too much for a name.
fn prohibited<'t>(cx: &Context<'_>, text: &'t str, in_name: bool) -> Option<&'t str> {
    let lists = cx.policy.naming();
    let matches = cx.matcher().find(text);
    let found = matches.iter().find(|found| found.fires && lists.is_prohibited_class(&found.class));
    found
        .and_then(|found| text.get(found.span.clone()))
        .or_else(|| if in_name { lists.prohibited.find(text) } else { None })
}

impl Rule for ProhibitedName {
    fn id(&self) -> &'static str {
        "metadata/prohibited-name"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if let Some(name) = name(cx)
            && let Some(word) = prohibited(cx, name.text, true)
        {
            out.push(
                Finding::new(self.id(), name.place)
                    .confidence(name.confidence())
                    .text("name", name.text)
                    .text("word", word),
            );
        }
        if let Some((text, place)) = description(cx)
            && let Some(word) = prohibited(cx, text, false)
        {
            out.push(Finding::new(self.id(), place).variant("description").text("word", word));
        }
    }
}
