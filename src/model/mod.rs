//! Trees to facts a file, linked to one program.

pub mod ir;
mod program;

pub use program::*;
