//! Text to trees with spans: scripts, templates, JSON.

pub mod bundle;
mod depth;
pub mod entities;
pub mod json;
pub mod repair;
pub mod script;
pub mod style;
pub mod template;
