//! Analyses over the program: one bounded abstract execution gives host calls, collections, flows and consent.

mod solution;

pub use solution::*;
