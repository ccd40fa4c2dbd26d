//! minivet vets mini-program packages before a reviewer does.

pub mod cli;
pub mod engine;
pub mod flow;
pub mod lsp;
pub mod model;
pub mod package;
pub mod policy;
pub mod report;
pub mod rules;
pub mod source;
pub mod syntax;
pub mod text;
