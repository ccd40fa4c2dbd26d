//! The content matcher: folded views with offset maps, word sets, contexts, decisions. It knows nothing of packages and is fit
//! to be used alone.
//!
//! ```
//! use minivet::text::{Lexicon, Matcher};
//!
//! let mut errors = Vec::new();
//! let mut lexicon = Lexicon::default();
//! lexicon.read_class("spam", "evade = \"gap\"\n[[terms]]\nwords = \"代开发票\"", &mut errors);
//! let matcher = Matcher::new(&lexicon);
//! let found = matcher.find("可代-开-发-票");
//! assert_eq!(&*found[0].term, "代开发票");
//! ```

mod bytes;
mod compile;
mod decode;
mod finder;
mod fold;
#[allow(dead_code, reason = "the tables themselves are made by the build script, and by a test")]
mod forms;
mod hear;
mod image;
mod lexicon;
mod lists;
mod mapped;
mod matcher;
mod readings;
mod segment;
mod tables;
mod weigh;
mod words;
mod written;

pub use decode::decode_by;
pub use fold::{View, fold, ignorable as is_invisible, plain, simple};
pub use forms::{simplified, splits};
pub use image::Compiled;
pub use lexicon::{
    ClassFile, Context, ContextsFile, Entry, Evasions, Group, Lexicon, LexiconError, Reach, Strength, Term,
};
pub use lists::{CUSTOM, Doubt, audit, import};
pub use mapped::{HOLE, Mapped, entities, unescape};
pub use matcher::{Certainty, GAME, Match, Matcher, Reason, Scratch};
pub use readings::Readings;
pub use words::{WordFound, Words, lower};
