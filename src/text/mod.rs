//! The content matcher: folded views with offset maps, word sets, contexts, decisions. It knows nothing of packages and is fit
//! to be used alone.
//!
//! ```
//! use minivet::text::{Lexicon, Matcher};
//!
//! let mut errors = Vec::new();
//! let mut lexicon = Lexicon::default();
//! lexicon.read_class("spam", "evade = \"gap\"\n[[terms]]\nwords = \"代开发票\"", &mut errors);
//! let matcher = Matcher::new(lexicon);
//! let found = matcher.find("可代-开-发-票");
//! assert_eq!(&*found[0].term, "代开发票");
//! ```

mod decode;
mod finder;
mod fold;
#[allow(dead_code, reason = "the table itself is made by the build script, and by a test")]
mod forms;
mod lexicon;
mod mapped;
mod matcher;
mod segment;
mod words;

pub use decode::decode_by;
pub use finder::{Finder, Found};
pub use fold::{Readings, View, fold, ignorable as is_invisible, simplified, splits};
pub use lexicon::{
    CUSTOM, ClassFile, Context, ContextsFile, Doubt, Entry, Evasions, Group, Lexicon, LexiconError, Reach, Strength,
    Term, audit, import,
};
pub use mapped::{HOLE, Mapped, entities, unescape};
pub use matcher::{Certainty, GAME, Match, Matcher, Reason, Scratch};
pub use words::{WordFound, Words};
