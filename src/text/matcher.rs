//! From a text to matches: words are found in the folded view, in its sound view where terms opt in, judged by how they are
//! written, combined, and held against what stands around them.

use std::ops::Range;
use std::sync::Arc;

use super::compile::compile;
use super::finder::Finder;
use super::fold::{View, is_han};
use super::hear::{Join, Sounds, around, merged};
use super::image::{Compiled, Image, Part};
use super::lexicon::{Evasions, Lexicon};

/// At most this many hits of words are weighed in one text.
const MAX_HITS: usize = 4096;

/// Set in a situation: the texts are those of a game, where some topics are forbidden outright.
pub const GAME: u64 = 1 << 63;

/// At most this many joined pairs of a text are read alone.
const MAX_JOINS: usize = 128;

/// How sure a match is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Certainty {
    /// A hint.
    Low,
    /// Likely.
    Medium,
    /// Shown.
    High,
}

/// What spoke for or against a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The term is strong: it says enough alone.
    Strong,
    /// The term is weak.
    Weak,
    /// It stands together with another word: where, and which.
    Company(Range<usize>, Arc<str>),
    /// So many other weak terms of the class stand near.
    Crowd(usize),
    /// It is written evasively.
    Evasive(Evasions),
    /// A cue of a context stands near: where, and the context's id.
    Context(Range<usize>, Arc<str>),
    /// Nothing shows the context that such a term needs in a text of this length: the context's id.
    Without(Arc<str>),
    /// Terms of several classes are listed, as rules do.
    Enumeration,
    /// The declared category is about the matter: the context's id.
    Category(Arc<str>),
    /// The term comes from a list that nobody has vetted.
    Imported,
}

/// A term in a text, judged.
#[derive(Clone, Debug)]
pub struct Match {
    /// Class id.
    pub class: Arc<str>,
    /// Index of the entry in the lexicon.
    pub entry: u32,
    /// The term as the lexicon writes it.
    pub term: Arc<str>,
    /// Where it stands: bytes of the text, whole characters.
    pub span: Range<usize>,
    /// What was undone to see it.
    pub evasions: Evasions,
    /// What speaks for it.
    pub pros: Vec<Reason>,
    /// What speaks against it.
    pub cons: Vec<Reason>,
    /// The sum.
    pub score: i32,
    /// How sure it is.
    pub certainty: Certainty,
    /// Whether it fires; else something holds it back.
    pub fires: bool,
}

/// A word where it stands.
#[derive(Clone)]
pub struct Hit {
    /// Index of the word.
    pub word: u32,
    /// The units it covers.
    pub units: Range<usize>,
    /// What was undone to see it.
    pub evasions: Evasions,
    /// Whether it may be an accident across the boundaries of words: looked at only where it decides.
    pub unsure: bool,
}

/// Finds the terms of a lexicon in texts.
pub struct Matcher {
    pub(super) image: Image,
    pub(super) classes: Vec<Arc<str>>,
    /// Ids of contexts.
    pub(super) contexts: Vec<Arc<str>>,
}

/// Buffers to reuse between texts.
#[derive(Default)]
pub struct Scratch {
    view: View,
    sounds: Sounds,
    hits: Vec<Hit>,
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (patterns, words) = self.size();
        write!(f, "Matcher({words} words, {patterns} patterns)")
    }
}

impl Matcher {
    /// Compiles a lexicon.
    ///
    /// # Panics
    /// Never: what the compiler writes can be read.
    pub fn new(lexicon: &Lexicon) -> Self {
        Image::new(compile(lexicon)).map_or_else(|| unreachable!("an image is whole"), Self::of)
    }

    /// Takes a lexicon that was compiled before; `None` when the bytes are none.
    pub fn compiled(bytes: &'static [u8]) -> Option<Self> {
        Image::new(bytes).map(Self::of)
    }

    fn of(image: Image) -> Self {
        Self {
            classes: image.classes().map(Arc::from).collect(),
            contexts: (0..image.contexts()).map(|index| image.context_id(index).into()).collect(),
            image,
        }
    }

    /// What it was compiled to.
    pub fn bytes(&self) -> &[u8] {
        self.image.bytes()
    }

    /// Classes, in order of first use.
    pub fn classes(&self) -> &[Arc<str>] {
        &self.classes
    }

    /// How many words start an entry of a class.
    pub fn terms_of(&self, class: &str) -> usize {
        let mine =
            |group| self.image.entries_of(group).any(|entry| &*self.classes[self.image.entry(entry).class] == class);
        (0..self.image.words())
            .map(|index| self.image.word(index as u32).groups().filter(|group| mine(*group)).count())
            .sum()
    }

    /// An entry by its index.
    pub fn entry(&self, index: u32) -> Compiled<'_> {
        self.image.entry(index)
    }

    /// Words of a list that the contexts name; none when there is none of that name.
    pub fn list_words(&self, name: &str) -> Vec<&str> {
        self.image.list(name)
    }

    /// Contexts that declared categories set for everything in the package.
    pub fn situation<'c>(&self, categories: impl IntoIterator<Item = &'c str>) -> u64 {
        let mut set = 0;
        for category in categories {
            for index in 0..self.contexts.len() {
                if self.image.context_categories(index).any(|word| category.contains(word)) {
                    set |= 1 << index;
                }
            }
        }
        set
    }

    /// Whether there is a context of that id.
    pub fn has_context(&self, id: &str) -> bool {
        self.contexts.iter().any(|context| &**context == id)
    }

    /// How many spellings of how many words are looked for.
    pub fn size(&self) -> (usize, usize) {
        let patterns = self.image.count(Part::Patterns) + self.image.count(Part::SoundWords);
        (patterns, self.image.words())
    }

    /// All matches in a text, fired and held back, by place.
    pub fn find(&self, text: &str) -> Vec<Match> {
        self.find_with(text, 0, &mut Scratch::default())
    }

    /// The same with contexts that hold for the whole package and buffers to reuse.
    pub fn find_with(&self, text: &str, situation: u64, scratch: &mut Scratch) -> Vec<Match> {
        scratch.view.refill(text);
        scratch.hits.clear();
        let Scratch { view, sounds, hits } = scratch;
        self.search(Part::Plain, text, view, hits);
        let heard = Finder::new(self.image.part(Part::Sounds));
        if !heard.is_empty() && view.units.iter().any(|unit| is_han(*unit)) {
            let mut hear = |sounds: &Sounds| {
                heard.find(&sounds.units, |found| {
                    if hits.len() < MAX_HITS
                        && let Some(hit) = self.accept_sound(text, view, sounds, found)
                    {
                        hits.push(hit);
                    }
                });
            };
            let whole = 0..view.units.len();
            let joined = self.listen(view, text, std::slice::from_ref(&whole), Join::First, sounds);
            hear(sounds);
            // Two characters that are halves by accident: around them, the other readings count, too.
            if !joined.is_empty() {
                self.listen(view, text, &merged(&joined, view.units.len()), Join::None, sounds);
                hear(sounds);
                for at in joined.iter().flat_map(|at| [*at, at + 1]).take(2 * MAX_JOINS) {
                    let around = around(at, view.units.len());
                    if !self.listen(view, text, &[around], Join::At(at), sounds).is_empty() {
                        hear(sounds);
                    }
                }
            }
        }
        if hits.is_empty() {
            return Vec::new();
        }
        self.search(Part::Partners, text, view, hits);
        self.decide(text, view, hits, situation)
    }

    fn search(&self, part: Part, text: &str, view: &View, hits: &mut Vec<Hit>) {
        Finder::new(self.image.part(part)).find(&view.units, |found| {
            if hits.len() < MAX_HITS
                && let Some(hit) = self.accept(text, view, found)
            {
                hits.push(hit);
            }
        });
    }
}
