//! One file an output. A report never decides.

mod json;
pub mod mask;
pub mod model;
mod terminal;

pub use json::render as json;
pub use model::{Report, Shape, build};
pub use terminal::{Style, config_failure, pack_errors, render as terminal};
