//! A compiled lexicon as one piece of bytes: what a matcher reads in place. The build script makes the one of the packs, a start
//! with other terms makes its own.

use std::borrow::Cow;
use std::ops::Range;

use super::bytes::{long, longs, short};
use super::lexicon::{Evasions, Reach, Strength};

/// Parts of an image, in their order.
#[derive(Clone, Copy, Debug)]
pub enum Part {
    /// Words that may start an entry.
    Plain,
    /// Words that only keep company: looked for where one of the others was found.
    Partners,
    /// Words by their sound.
    Sounds,
    /// Cues of contexts, by index in [`Part::CueOf`].
    Cues,
    /// Phrases that contain a cue and mean something else.
    Deaf,
    /// Phrases that contain a term and mean something else.
    Allow,
    /// Context and side of each cue.
    CueOf,
    /// Words: text, units, groups, how they may be written.
    Words,
    /// Groups of words.
    WordGroups,
    /// Word and spelling of each pattern.
    Patterns,
    /// Words that are looked for by sound.
    SoundWords,
    /// Halves and the characters they make, sorted.
    Halves,
    /// Which units are the first of two halves.
    LeftHalves,
    /// For each group, where its entries stand; one more than there are groups.
    EntriesOf,
    /// Entries by first slot.
    ByGroup,
    /// Entries.
    Entries,
    /// Slots of entries.
    Slots,
    /// Names of classes.
    Classes,
    /// Contexts.
    Contexts,
    /// Named lists of words.
    Lists,
    /// Units of words.
    Units,
    /// Texts.
    Text,
}

/// How many parts there are.
const PARTS: usize = Part::Text as usize + 1;
const WORD: usize = 7;
const ENTRY: usize = 12;
const CONTEXT: usize = 12;
const LIST: usize = 4;

/// How a pattern spells its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As it is.
    Plain,
    /// With first letters of readings.
    Initials,
    /// As its readings.
    Pinyin,
}

/// On which side of a term a cue must stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CueSide {
    /// Before it.
    Before,
    /// After it.
    After,
    /// On either side.
    Around,
    /// On either side of the quotation marks that hold it.
    Quoted,
}

/// A word.
#[derive(Clone, Copy, Debug)]
pub struct Word<'i> {
    /// As the lexicon writes it.
    pub text: &'i str,
    /// Its units, two bytes each.
    units: &'i [u8],
    /// Its groups, four bytes each.
    groups: &'i [u8],
    /// How it may be written.
    pub evade: Evasions,
    /// Whether an exact hit must stand on word boundaries.
    pub boundary: bool,
}

impl<'i> Word<'i> {
    /// Number of units.
    pub fn len(&self) -> usize {
        self.units.len() / 2
    }

    /// Its units.
    pub fn units(&self) -> impl Iterator<Item = u16> + use<'i> {
        self.units.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit))
    }

    /// The groups that hold it.
    pub fn groups(&self) -> impl Iterator<Item = u32> + use<'i> {
        self.groups.as_chunks().0.iter().map(|group| u32::from_le_bytes(*group))
    }
}

/// An entry: what fires, and how.
#[derive(Clone, Copy, Debug)]
pub struct Compiled<'i> {
    /// Index of its class.
    pub class: usize,
    /// How much it says.
    pub strength: Strength,
    /// Groups that must all be there, the main one first; four bytes each.
    slots: &'i [u8],
    /// How many units may lie between two of them.
    pub window: usize,
    /// Whether they must come in that order.
    pub ordered: bool,
    /// Contexts that hold it back.
    pub quench: u64,
    /// Clause, where it is narrower than the rule's.
    pub clause: Option<&'i str>,
    /// Key of a variant of the rule's wording.
    pub variant: Option<&'i str>,
    /// Whether the rule's finding is a warning only.
    pub mild: bool,
    /// Whether it is strong in a game.
    pub game: bool,
    /// Whether it says enough where no context shows that something is offered.
    pub complete: bool,
    /// In texts of at most so many units it is strong.
    pub brief: usize,
    /// A text of at most so many units is the name of a choice.
    pub label: usize,
    /// Whether it comes from an imported list that nobody has vetted.
    pub imported: bool,
}

impl<'i> Compiled<'i> {
    /// Number of slots.
    pub fn slots(&self) -> usize {
        self.slots.len() / 4
    }

    /// The first slot.
    pub fn first(&self) -> u32 {
        long(self.slots, 0)
    }

    /// The slots behind the first.
    pub fn others(&self) -> impl Iterator<Item = u32> + use<'i> {
        self.slots.as_chunks().0.iter().skip(1).map(|slot| u32::from_le_bytes(*slot))
    }
}

/// A context, as far as matching asks.
#[derive(Clone, Copy, Debug)]
pub struct Quencher {
    /// How far cues before the term reach.
    pub reach: Reach,
    /// Units between a cue and the term at most.
    pub distance: usize,
    /// Whether it holds nothing back and makes matches hints.
    pub weakens: bool,
    /// Whether matches need it beside them.
    pub expected: bool,
    /// Whether its cues speak to a buyer.
    pub defies: bool,
    /// Whether such cues outweigh it from another clause.
    pub yields: bool,
    /// See [`Context::longer`](super::lexicon::Context::longer).
    pub longer: usize,
}

/// A compiled lexicon.
#[derive(Clone)]
pub struct Image {
    bytes: Cow<'static, [u8]>,
    parts: [Range<usize>; PARTS],
}

impl Image {
    /// Reads what [`Writer::finish`] wrote; `None` when it is nothing.
    pub fn new(bytes: impl Into<Cow<'static, [u8]>>) -> Option<Self> {
        let bytes = bytes.into();
        if bytes.len() < PARTS * 4 {
            return None;
        }
        let mut at = PARTS * 4;
        let parts = std::array::from_fn(|part| {
            let start = at;
            at += long(&bytes, part) as usize;
            start..at
        });
        (at == bytes.len()).then_some(Self { bytes, parts })
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of a part.
    pub fn part(&self, part: Part) -> &[u8] {
        self.bytes.get(self.parts[part as usize].clone()).unwrap_or_default()
    }

    /// A number of a part of numbers.
    pub fn number(&self, part: Part, at: usize) -> u32 {
        long(self.part(part), at)
    }

    /// How many numbers a part of numbers holds.
    pub fn count(&self, part: Part) -> usize {
        self.part(part).len() / 4
    }

    fn text(&self, start: u32, length: u32) -> &str {
        let bytes = self.part(Part::Text).get(start as usize..(start + length) as usize).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or("")
    }

    fn slice(&self, part: Part, start: u32, length: u32, width: usize) -> &[u8] {
        self.part(part).get(start as usize * width..(start + length) as usize * width).unwrap_or_default()
    }

    /// Number of words.
    pub fn words(&self) -> usize {
        self.count(Part::Words) / WORD
    }

    /// A word.
    pub fn word(&self, index: u32) -> Word<'_> {
        let field = |field: usize| self.number(Part::Words, index as usize * WORD + field);
        let flags = field(6);
        Word {
            text: self.text(field(0), field(1)),
            units: self.slice(Part::Units, field(2), field(3), 2),
            groups: self.slice(Part::WordGroups, field(4), field(5), 4),
            evade: Evasions(flags as u16),
            boundary: flags >> 16 != 0,
        }
    }

    /// Word and spelling of a pattern.
    pub fn pattern(&self, index: u32) -> (u32, Spelling) {
        let packed = self.number(Part::Patterns, index as usize);
        let spelling = [Spelling::Plain, Spelling::Initials, Spelling::Pinyin];
        (packed >> 2, spelling[(packed & 3).min(2) as usize])
    }

    /// An entry.
    pub fn entry(&self, index: u32) -> Compiled<'_> {
        let field = |field: usize| self.number(Part::Entries, index as usize * ENTRY + field);
        let flag = |flag: u32| field(1) & flag != 0;
        let optional = |at: usize| (field(at + 1) > 0).then(|| self.text(field(at), field(at + 1)));
        Compiled {
            class: field(0) as usize,
            strength: if flag(1) { Strength::Strong } else { Strength::Weak },
            slots: self.slice(Part::Slots, field(2), field(3), 4),
            window: field(4) as usize,
            ordered: flag(2),
            quench: u64::from(field(7)) << 32 | u64::from(field(6)),
            clause: optional(8),
            variant: optional(10),
            mild: flag(4),
            game: flag(8),
            brief: (field(5) & 0xFFFF) as usize,
            label: (field(5) >> 16) as usize,
            imported: flag(16),
            complete: flag(32),
        }
    }

    /// Entries whose first slot is a group.
    pub fn entries_of(&self, group: u32) -> impl Iterator<Item = u32> + use<'_> {
        let group = group as usize;
        let range = self.number(Part::EntriesOf, group)..self.number(Part::EntriesOf, group + 1);
        range.map(|at| self.number(Part::ByGroup, at as usize))
    }

    /// Names of classes, in order of first use.
    pub fn classes(&self) -> impl Iterator<Item = &str> {
        let part = self.part(Part::Classes);
        (0..part.len() / 8).map(move |at| self.text(long(part, at * 2), long(part, at * 2 + 1)))
    }

    /// Number of contexts.
    pub fn contexts(&self) -> usize {
        self.count(Part::Contexts) / CONTEXT
    }

    /// A context.
    pub fn context(&self, index: usize) -> Quencher {
        let field = |field: usize| self.number(Part::Contexts, index * CONTEXT + field);
        let reach = [Reach::Clause, Reach::Sentence, Reach::Text];
        Quencher {
            reach: reach[field(2).min(2) as usize],
            distance: field(3) as usize,
            weakens: field(8) & 1 != 0,
            expected: field(8) & 2 != 0,
            defies: field(8) & 4 != 0,
            yields: field(8) & 8 != 0,
            longer: field(11) as usize,
        }
    }

    /// The id of a context.
    pub fn context_id(&self, index: usize) -> &str {
        let at = index * CONTEXT;
        self.text(self.number(Part::Contexts, at), self.number(Part::Contexts, at + 1))
    }

    /// Words of declared categories that set a context for the whole package.
    pub fn context_categories(&self, index: usize) -> impl Iterator<Item = &str> {
        self.context_words(index * CONTEXT + 4)
    }

    /// Marks that set a context when the text holds one.
    pub fn context_marks(&self, index: usize) -> impl Iterator<Item = &str> {
        self.context_words(index * CONTEXT + 6)
    }

    /// Classes that a context leaves as they are.
    pub fn context_except(&self, index: usize) -> impl Iterator<Item = &str> {
        self.context_words(index * CONTEXT + 9)
    }

    fn context_words(&self, at: usize) -> impl Iterator<Item = &str> {
        let joined = self.text(self.number(Part::Contexts, at), self.number(Part::Contexts, at + 1));
        joined.split(' ').filter(|word| !word.is_empty())
    }

    /// Context and side of a cue.
    pub fn cue(&self, index: u32) -> (u32, CueSide) {
        let packed = self.number(Part::CueOf, index as usize);
        let sides = [CueSide::Before, CueSide::After, CueSide::Around, CueSide::Quoted];
        (packed >> 2, sides[(packed & 3) as usize])
    }

    /// Words of a named list; none when there is none of that name.
    pub fn list(&self, name: &str) -> Vec<&str> {
        let part = self.part(Part::Lists);
        let field = |at: usize, field: usize| long(part, at * LIST + field);
        (0..part.len() / (4 * LIST))
            .find(|at| self.text(field(*at, 0), field(*at, 1)) == name)
            .map_or_else(Vec::new, |at| self.text(field(at, 2), field(at, 3)).split(' ').collect())
    }

    /// The character that two halves make; [`Part::LeftHalves`] tells cheaply where there is none.
    pub fn whole(&self, first: u16, second: u16) -> Option<u16> {
        let key = u32::from(first) << 16 | u32::from(second);
        let rows = self.part(Part::Halves).as_chunks::<8>().0;
        let at = rows.partition_point(|row| long(row, 0) < key);
        rows.get(at).filter(|row| long(*row, 0) == key).map(|row| short(row, 2))
    }
}

/// Writes an image.
#[derive(Default)]
pub struct Writer {
    parts: [Vec<u8>; PARTS],
}

impl Writer {
    /// Sets a part.
    pub fn set(&mut self, part: Part, bytes: Vec<u8>) {
        self.parts[part as usize] = bytes;
    }

    /// Appends numbers to a part of numbers.
    pub fn longs(&mut self, part: Part, numbers: impl IntoIterator<Item = u32>) {
        longs(numbers, &mut self.parts[part as usize]);
    }

    /// How many numbers a part of numbers holds.
    pub fn count(&self, part: Part) -> u32 {
        self.parts[part as usize].len() as u32 / 4
    }

    /// Adds a text: where it stands and its length.
    pub fn text(&mut self, text: &str) -> [u32; 2] {
        let all = &mut self.parts[Part::Text as usize];
        let start = all.len() as u32;
        all.extend_from_slice(text.as_bytes());
        [start, text.len() as u32]
    }

    /// Adds a word with its groups.
    pub fn word(&mut self, text: &str, units: &[u16], groups: &[u32], evade: Evasions, boundary: bool) {
        let [start, length] = self.text(text);
        let pool = &mut self.parts[Part::Units as usize];
        let at = pool.len() as u32 / 2;
        pool.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        let of = self.count(Part::WordGroups);
        self.longs(Part::WordGroups, groups.iter().copied());
        let flags = u32::from(evade.0) | u32::from(boundary) << 16;
        self.longs(Part::Words, [start, length, at, units.len() as u32, of, groups.len() as u32, flags]);
    }

    /// Adds an entry of a class.
    pub fn entry(&mut self, class: u32, entry: &super::lexicon::Entry) {
        let flags = [
            (entry.strength == Strength::Strong, 1),
            (entry.ordered, 2),
            (entry.mild, 4),
            (entry.game, 8),
            (entry.imported, 16),
            (entry.complete, 32),
        ];
        let flags = flags.iter().filter(|(set, _)| *set).map(|(_, flag)| flag).sum();
        let of = self.count(Part::Slots);
        self.longs(Part::Slots, entry.slots.iter().copied());
        let clause = self.text(entry.clause.as_deref().unwrap_or(""));
        let variant = self.text(entry.variant.as_deref().unwrap_or(""));
        let brief = entry.brief.min(0xFFFF) | entry.label.min(0xFFFF) << 16;
        self.longs(Part::Entries, [class, flags, of, entry.slots.len() as u32, entry.window, brief]);
        self.longs(Part::Entries, [entry.quench as u32, (entry.quench >> 32) as u32]);
        self.longs(Part::Entries, clause.into_iter().chain(variant));
    }

    /// Adds a context.
    pub fn context(&mut self, context: &super::lexicon::Context) {
        let id = self.text(&context.id);
        let categories = self.text(&context.categories.join(" "));
        let reach = match context.reach {
            Reach::Clause => 0,
            Reach::Sentence => 1,
            Reach::Text => 2,
        };
        let marks = self.text(&context.marks.join(" "));
        let except = self.text(&context.except.join(" "));
        self.longs(Part::Contexts, [id[0], id[1], reach, context.distance, categories[0], categories[1]]);
        let kinds = [context.weakens, context.expected, context.defies, context.yields];
        let kind = kinds.iter().enumerate().map(|(bit, set)| u32::from(*set) << bit).sum();
        self.longs(Part::Contexts, [marks[0], marks[1], kind, except[0], except[1], context.longer]);
    }

    /// The image.
    pub fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(PARTS * 4 + self.parts.iter().map(Vec::len).sum::<usize>());
        longs(self.parts.iter().map(|part| part.len() as u32), &mut out);
        self.parts.iter().for_each(|part| out.extend_from_slice(part));
        out
    }
}
