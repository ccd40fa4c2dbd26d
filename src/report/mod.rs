//! One file an output. A report never decides.

pub mod compare;
mod flows;
mod github;
mod gitlab;
mod html;
mod inventory;
mod json;
mod junit;
mod letter;
mod markdown;
pub mod mask;
pub mod model;
mod origin;
mod sarif;
mod terminal;

pub use compare::compare;
pub use flows::render as flows;
pub use github::render as github;
pub use gitlab::{code_quality as gitlab, sast as gitlab_sast};
pub use html::render as html;
pub use inventory::{
    consent_word as inventory_consent_word, html as inventory_html, markdown as inventory_markdown,
    sink_word as inventory_sink_word,
};
pub use json::render as json;
pub use junit::render as junit;
pub use letter::render as letter;
pub use markdown::render as markdown;
pub use model::{Report, Shape, build};
pub use origin::why;
pub use sarif::render as sarif;
pub use terminal::{Style, config_failure, pack_errors, render as terminal, skip_text};

/// A text for XML and HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not allowed in XML at all.
            c if c.is_control() && !matches!(c, '\n' | '\t' | '\r') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
