//! Scripts: oxc with semantics, repaired through tree-sitter where they do not parse.
