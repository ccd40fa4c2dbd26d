//! The lexicons of the content matcher, compiled at first use.

use std::sync::{Arc, OnceLock};

use super::packs::{PackError, Packs};
use crate::text::{Lexicon, LexiconError, Matcher};

/// Terms and contexts of `rules/content`.
#[derive(Debug, Default)]
pub struct Content {
    contexts: Arc<str>,
    classes: Vec<(Arc<str>, Arc<str>)>,
    matcher: OnceLock<Matcher>,
}

const FOLDER: &str = "content/";
const CONTEXTS: &str = "content/contexts.toml";

impl Content {
    /// Takes over the packs' texts. Only those of an overlay are read at once: the embedded ones are known to be sound.
    pub fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let mut content = Self { contexts: packs.get(CONTEXTS).unwrap_or("").into(), ..Self::default() };
        let mut overlaid = packs.is_overlay(CONTEXTS);
        for (path, text) in packs.list(FOLDER) {
            let Some(class) = path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".toml")) else { continue };
            if path != CONTEXTS {
                overlaid |= packs.is_overlay(path);
                content.classes.push((class.into(), text.into()));
            }
        }
        if overlaid {
            content.lexicon(errors);
        }
        content
    }

    /// Reads all terms, telling every mistake.
    pub fn lexicon(&self, errors: &mut Vec<PackError>) -> Lexicon {
        let mut lexicon = Lexicon::default();
        let mut found: Vec<LexiconError> = Vec::new();
        let mut tell = |file: String, found: &mut Vec<LexiconError>| {
            errors.extend(found.drain(..).map(|error| PackError::new(file.clone(), error.span, error.message)));
        };
        lexicon.read_contexts(&self.contexts, &mut found);
        tell(CONTEXTS.into(), &mut found);
        for (class, text) in &self.classes {
            lexicon.read_class(class, text, &mut found);
            tell(format!("{FOLDER}{class}.toml"), &mut found);
        }
        lexicon
    }

    /// The matcher over all classes.
    pub fn matcher(&self) -> &Matcher {
        self.matcher.get_or_init(|| Matcher::new(self.lexicon(&mut Vec::new())))
    }
}
