//! The lexicons of the content matcher, compiled at first use.

use std::sync::OnceLock;

use super::packs::{PackError, Packs};
use crate::text::{Lexicon, LexiconError, Matcher};

/// Terms and contexts of `rules/content`.
#[derive(Debug, Default)]
pub struct Content {
    matcher: OnceLock<Matcher>,
}

/// The lexicon of the embedded packs, compiled by the build script.
static COMPILED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lexicon.bin"));

const FOLDER: &str = "content/";
const CONTEXTS: &str = "content/contexts.toml";

/// Reads all terms, telling every mistake.
fn read(packs: &Packs, errors: &mut Vec<PackError>) -> Lexicon {
    let mut lexicon = Lexicon::default();
    let mut found: Vec<LexiconError> = Vec::new();
    let tell = |file: &str, found: &mut Vec<LexiconError>, errors: &mut Vec<PackError>| {
        errors.extend(found.drain(..).map(|error| PackError::new(file, error.span, error.message)));
    };
    if let Some(file) = packs.parse(CONTEXTS, errors) {
        lexicon.add_contexts(file, &mut found);
        tell(CONTEXTS, &mut found, errors);
    }
    for (path, _) in packs.list(FOLDER) {
        let Some(class) = path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".toml")) else { continue };
        if path != CONTEXTS
            && let Some(file) = packs.parse(path, errors)
        {
            lexicon.add_class(class, file, &mut found);
            tell(path, &mut found, errors);
        }
    }
    lexicon
}

/// The matcher of the embedded packs.
pub(super) fn embedded() -> Matcher {
    Matcher::compiled(COMPILED).unwrap_or_else(|| Matcher::new(&Lexicon::default()))
}

/// The matcher of packs that an overlay changes; `None` where none does.
pub(super) fn overlaid(packs: &Packs) -> Option<Matcher> {
    packs.overlays(FOLDER).then(|| Matcher::new(&read(packs, &mut Vec::new())))
}

impl Content {
    /// Only an overlay is read at once: what stands in the program is known to be sound.
    pub fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        if packs.overlays(FOLDER) {
            read(packs, errors);
        }
        Self::default()
    }

    /// Reads all terms, telling every mistake.
    pub fn lexicon(&self, packs: &Packs, errors: &mut Vec<PackError>) -> Lexicon {
        read(packs, errors)
    }

    /// The matcher over all classes.
    pub fn matcher(&self, packs: &Packs) -> &Matcher {
        self.matcher.get_or_init(|| {
            let ready = if packs.overlays(FOLDER) { None } else { Matcher::compiled(COMPILED) };
            ready.unwrap_or_else(|| Matcher::new(&read(packs, &mut Vec::new())))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_lexicon_is_that_of_the_packs() {
        let packs = Packs::embedded();
        let mut errors = Vec::new();
        let made = Matcher::new(&read(&packs, &mut errors));
        assert_eq!(errors, []);
        assert!(!COMPILED.is_empty() && made.bytes() == COMPILED);
    }
}
