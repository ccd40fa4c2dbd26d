//! Text to trees with spans: scripts, templates, JSON.

pub mod json;
pub mod script;
pub mod template;
