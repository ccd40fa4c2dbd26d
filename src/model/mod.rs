//! Trees to facts a file, linked to one program.

pub mod conditions;
pub mod facts;
pub mod given;
mod idle;
pub mod ir;
mod link;
pub mod lower;
mod program;
mod settled;
pub mod sites;
pub mod surface;
pub mod texts;

pub use idle::is_idle;
pub use link::{link, normalize, resolve, uses};
pub use program::*;
pub use settled::{LeftOut, left_out};
