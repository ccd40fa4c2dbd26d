//! The `host/` rules.

use super::Rule;

/// All of them.
pub const RULES: &[&dyn Rule] = &[];
