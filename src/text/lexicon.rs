//! Terms as data: what is looked for, how strong it is, in which company, and what holds it back.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

/// Ways of writing a word otherwise, as a set. The lossless ones (width, case, compatibility forms, traditional
/// characters, invisible characters) are always undone and are no members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Evasions(pub u16);

impl Evasions {
    /// Spaces, punctuation, symbols or emoji between the characters.
    pub const GAP: Self = Self(1);
    /// Characters written more than once.
    pub const REPEAT: Self = Self(2);
    /// Characters replaced by others that sound the same.
    pub const HOMOPHONE: Self = Self(4);
    /// Characters replaced by their spelling.
    pub const PINYIN: Self = Self(8);
    /// Characters replaced by the first letter of their spelling.
    pub const INITIALS: Self = Self(16);
    /// Numerals replaced by digits.
    pub const DIGITS: Self = Self(32);
    /// Characters written as their two halves.
    pub const SPLIT: Self = Self(64);
    /// Zero-width or combining characters inside; always undone.
    pub const INVISIBLE: Self = Self(128);
    /// Another width, case, compatibility form or traditional characters; always undone.
    pub const FORM: Self = Self(256);

    /// Names as they stand in packs, in order of the bits.
    pub const NAMES: [(&'static str, Self); 9] = [
        ("gap", Self::GAP),
        ("repeat", Self::REPEAT),
        ("homophone", Self::HOMOPHONE),
        ("pinyin", Self::PINYIN),
        ("initials", Self::INITIALS),
        ("digits", Self::DIGITS),
        ("split", Self::SPLIT),
        ("invisible", Self::INVISIBLE),
        ("form", Self::FORM),
    ];

    /// Everything a term can opt in to.
    pub const ALL: Self = Self(127);

    /// Whether all of `other` is in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both together.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Names of the members.
    pub fn names(self) -> Vec<&'static str> {
        Self::NAMES.iter().filter(|(_, one)| self.contains(*one)).map(|(name, _)| *name).collect()
    }

    /// Reads names divided by spaces.
    pub fn parse(names: &str) -> Result<Self, String> {
        let mut out = Self::default();
        for name in names.split_whitespace() {
            if name == "all" {
                out = out.with(Self::ALL);
                continue;
            }
            match Self::NAMES[..7].iter().find(|(known, _)| *known == name) {
                Some((_, one)) => out = out.with(*one),
                None => return Err(format!("unknown way of writing `{name}`")),
            }
        }
        Ok(out)
    }
}

/// How much a term says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Strength {
    /// Counts only with others of its class, in company, or when it is written evasively.
    Weak,
    /// Counts alone.
    Strong,
}

/// Words that are alternatives of each other.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// The words.
    pub words: Vec<Arc<str>>,
    /// How they may be written.
    pub evade: Evasions,
    /// Whether an exact hit must stand on word boundaries.
    pub boundary: bool,
}

/// What fires: one group alone, or several together.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Class id: the name of the rule under `content/`.
    pub class: Arc<str>,
    /// How much it says.
    pub strength: Strength,
    /// Groups that must all be there, the main one first.
    pub slots: Vec<u32>,
    /// How many units may lie between two of them.
    pub window: u32,
    /// Whether they must come in that order.
    pub ordered: bool,
    /// Contexts that hold it back, as a set of indices in [`Lexicon::contexts`].
    pub quench: u64,
    /// Clause, where it is narrower than the rule's.
    pub clause: Option<Arc<str>>,
    /// Key of a variant of the rule's wording.
    pub variant: Option<Arc<str>>,
    /// Why it is there.
    pub note: Option<Arc<str>>,
    /// Whether the rule's finding is a warning only.
    pub mild: bool,
    /// Whether it is strong in a game.
    pub game: bool,
    /// In texts of at most so many units it is strong: a slogan or a label says all it has to say.
    pub brief: u32,
    /// A text of at most so many units is the name of a choice, such as of an order of sorting.
    pub label: u32,
    /// Whether it comes from an imported list that nobody has vetted.
    pub imported: bool,
    /// Whether it says enough where no context shows that something is offered: a threat, a question for a code.
    pub complete: bool,
}

/// How far a cue reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// To the next comma.
    Clause,
    /// To the end of the sentence.
    Sentence,
    /// Over the whole text.
    Text,
}

/// A context that holds terms back.
#[derive(Clone, Debug)]
pub struct Context {
    /// Its id.
    pub id: Arc<str>,
    /// Cues that stand before the term.
    pub before: Vec<Arc<str>>,
    /// Cues that stand after the term.
    pub after: Vec<Arc<str>>,
    /// Cues that may stand anywhere within reach.
    pub around: Vec<Arc<str>>,
    /// Cues that may stand anywhere in the sentence, outside the quotation marks that hold the term: who quotes a term and says
    /// what came of it does not offer it. Classes of [`except`](Self::except) mind none.
    pub quoted: Vec<Arc<str>>,
    /// How far cues before the term reach.
    pub reach: Reach,
    /// Units between a cue and the term at most.
    pub distance: u32,
    /// Words of declared categories that set this context for the whole package.
    pub categories: Vec<Arc<str>>,
    /// Marks that set it when the text holds one as it is, signs and all.
    pub marks: Vec<Arc<str>>,
    /// Whether it holds nothing back and makes every plainly written match of the text a hint: who tells of a thing does not
    /// offer it.
    pub weakens: bool,
    /// Whether it is what a plainly written match of one or two words needs beside it in a text of more than
    /// [`longer`](Self::longer) units: whoever offers a thing says so, and the match is a hint where nothing does.
    pub expected: bool,
    /// Set by texts of more units than this as well, unless 0: who writes at length tells more than he sells.
    pub longer: u32,
    /// Classes whose matches it leaves as they are: what they look for is told, not offered.
    pub except: Vec<Arc<str>>,
    /// Whether its cues speak to a buyer: where one stands in the clause of a term or behind it, contexts that
    /// [yield](Self::yields) hold nothing back from another clause.
    pub defies: bool,
    /// Whether it holds nothing back where a cue that [defies](Self::defies) it stands with the term.
    pub yields: bool,
}

/// Everything that is looked for.
#[derive(Clone, Debug, Default)]
pub struct Lexicon {
    /// What fires.
    pub entries: Vec<Entry>,
    /// Groups of words.
    pub groups: Vec<Group>,
    /// What holds back.
    pub contexts: Vec<Context>,
    /// Phrases that contain a term and mean something else.
    pub allow: Vec<Arc<str>>,
    /// Phrases that contain a cue of a context and mean something else.
    pub deaf: Vec<Arc<str>>,
    lists: HashMap<String, u32>,
}

/// A mistake in a lexicon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LexiconError {
    /// Where in the text, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
}

impl LexiconError {
    /// A mistake at a place.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }

    fn from_toml(error: &toml::de::Error) -> Self {
        Self::new(error.span().unwrap_or(0..0), error.message())
    }
}

/// A file of contexts, as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ContextsFile {
    #[serde(default)]
    allow: String,
    #[serde(default)]
    deaf: String,
    #[serde(default)]
    lists: HashMap<String, String>,
    contexts: Vec<ContextEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ContextEntry {
    id: String,
    #[serde(default)]
    before: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    around: String,
    #[serde(default)]
    quoted: String,
    reach: Reach,
    distance: u32,
    #[serde(default)]
    categories: String,
    #[serde(default)]
    marks: String,
    #[serde(default)]
    weakens: bool,
    #[serde(default)]
    expected: bool,
    #[serde(default)]
    longer: u32,
    #[serde(default)]
    except: String,
    #[serde(default)]
    defies: bool,
    #[serde(default)]
    yields: bool,
}

/// A file of terms, as it is written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ClassFile {
    #[serde(default)]
    quench: Option<Spanned<String>>,
    #[serde(default)]
    evade: Option<Spanned<String>>,
    #[serde(default)]
    allow: String,
    #[serde(default)]
    lists: HashMap<String, String>,
    #[serde(default)]
    terms: Vec<TermsEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct TermsEntry {
    words: String,
    #[serde(default)]
    with: Option<Spanned<With>>,
    #[serde(default)]
    weak: bool,
    #[serde(default)]
    ordered: bool,
    #[serde(default)]
    window: Option<u32>,
    #[serde(default)]
    evade: Option<Spanned<String>>,
    #[serde(default)]
    quench: Option<Spanned<String>>,
    #[serde(default)]
    boundary: bool,
    #[serde(default)]
    mild: bool,
    #[serde(default)]
    game: bool,
    #[serde(default)]
    brief: u32,
    #[serde(default)]
    label: u32,
    #[serde(default)]
    complete: bool,
    #[serde(default)]
    allow: String,
    #[serde(default)]
    clause: Option<String>,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum With {
    One(String),
    Many(Vec<String>),
}

fn words(text: &str) -> Vec<Arc<str>> {
    text.split_whitespace().map(Arc::from).collect()
}

impl Lexicon {
    /// Units between two slots when an entry does not say.
    pub const WINDOW: u32 = 16;

    /// Reads the contexts: they come before the classes.
    pub fn read_contexts(&mut self, text: &str, errors: &mut Vec<LexiconError>) {
        match toml::from_str(text) {
            Ok(file) => self.add_contexts(file, errors),
            Err(error) => errors.push(LexiconError::from_toml(&error)),
        }
    }

    /// Adds contexts that have been read.
    pub fn add_contexts(&mut self, file: ContextsFile, errors: &mut Vec<LexiconError>) {
        self.allow.extend(words(&file.allow));
        self.deaf.extend(words(&file.deaf));
        let mut lists: Vec<_> = file.lists.into_iter().collect();
        lists.sort();
        for (name, list) in lists {
            self.list(name, &list);
        }
        for context in file.contexts {
            if self.contexts.len() == 63 {
                errors.push(LexiconError::new(0..0, "more than 63 contexts"));
                break;
            }
            self.contexts.push(Context {
                id: context.id.into(),
                before: words(&context.before),
                after: words(&context.after),
                around: words(&context.around),
                quoted: words(&context.quoted),
                reach: context.reach,
                distance: context.distance,
                categories: words(&context.categories),
                marks: words(&context.marks),
                weakens: context.weakens,
                expected: context.expected,
                longer: context.longer,
                except: words(&context.except),
                defies: context.defies,
                yields: context.yields,
            });
        }
    }

    fn list(&mut self, name: String, list: &str) {
        let evade = Evasions::GAP.with(Evasions::REPEAT);
        let group = self.group(words(list), evade, false);
        self.lists.insert(name, group);
    }

    fn group(&mut self, words: Vec<Arc<str>>, evade: Evasions, boundary: bool) -> u32 {
        self.groups.push(Group { words, evade, boundary });
        self.groups.len() as u32 - 1
    }

    /// Names of contexts as a set.
    fn contexts_named(&self, names: &Spanned<String>, errors: &mut Vec<LexiconError>) -> u64 {
        let mut set = 0;
        for name in names.get_ref().split_whitespace() {
            match self.contexts.iter().position(|context| &*context.id == name) {
                Some(index) => set |= 1 << index,
                None => errors.push(LexiconError::new(names.span(), format!("unknown context `{name}`"))),
            }
        }
        set
    }

    /// Reads the terms of a class.
    pub fn read_class(&mut self, class: &str, text: &str, errors: &mut Vec<LexiconError>) {
        match toml::from_str(text) {
            Ok(file) => self.add_class(class, file, errors),
            Err(error) => errors.push(LexiconError::from_toml(&error)),
        }
    }

    /// Adds the terms of a class that have been read.
    pub fn add_class(&mut self, class: &str, file: ClassFile, errors: &mut Vec<LexiconError>) {
        let evasions = |names: &Spanned<String>, errors: &mut Vec<LexiconError>| {
            Evasions::parse(names.get_ref()).unwrap_or_else(|message| {
                errors.push(LexiconError::new(names.span(), message));
                Evasions::default()
            })
        };
        let class: Arc<str> = class.into();
        let quench = file.quench.as_ref().map_or(0, |names| self.contexts_named(names, errors));
        let evade = file.evade.as_ref().map_or(Evasions::default(), |names| evasions(names, errors));
        self.allow.extend(words(&file.allow));
        let mut lists: Vec<_> = file.lists.into_iter().collect();
        lists.sort();
        for (name, list) in lists {
            self.list(format!("{class}.{name}"), &list);
        }
        for terms in file.terms {
            self.allow.extend(words(&terms.allow));
            let evade = terms.evade.as_ref().map_or(evade, |names| evasions(names, errors));
            let quench = terms.quench.as_ref().map_or(quench, |names| self.contexts_named(names, errors));
            let mut slots = vec![self.group(words(&terms.words), evade, terms.boundary)];
            if let Some(with) = terms.with {
                let span = with.span();
                let with = match with.into_inner() {
                    With::One(one) => vec![one],
                    With::Many(many) => many,
                };
                for slot in with {
                    let group = if let Some(name) = slot.strip_prefix('@') {
                        let own = self.lists.get(&format!("{class}.{name}")).or_else(|| self.lists.get(name));
                        let Some(group) = own.copied() else {
                            errors.push(LexiconError::new(span.clone(), format!("unknown list `{name}`")));
                            continue;
                        };
                        group
                    } else {
                        self.group(words(&slot), Evasions::GAP.with(Evasions::REPEAT), false)
                    };
                    slots.push(group);
                }
            }
            self.entries.push(Entry {
                class: class.clone(),
                strength: if terms.weak { Strength::Weak } else { Strength::Strong },
                slots,
                window: terms.window.unwrap_or(Self::WINDOW),
                ordered: terms.ordered,
                quench,
                clause: terms.clause.map(Into::into),
                variant: terms.variant.map(Into::into),
                note: terms.note.map(Into::into),
                mild: terms.mild,
                game: terms.game,
                brief: terms.brief,
                label: terms.label,
                imported: false,
                complete: terms.complete,
            });
        }
    }

    /// Adds single terms, such as those of an imported list: weak unless `vetted`.
    pub fn add_terms(&mut self, terms: &[Term], vetted: bool) {
        let holds = |context: &Context| !context.weakens && !context.expected && !context.defies;
        let held = self.contexts.iter().enumerate().filter(|(_, context)| holds(context));
        let quench = held.fold(0, |set, (index, _)| set | 1 << index);
        let mut by_class: Vec<(Arc<str>, Vec<Arc<str>>)> = Vec::new();
        for term in terms {
            match by_class.iter_mut().find(|(class, _)| *class == term.class) {
                Some((_, words)) => words.push(term.text.clone()),
                None => by_class.push((term.class.clone(), vec![term.text.clone()])),
            }
        }
        for (class, words) in by_class {
            let group = self.group(words, Evasions::GAP.with(Evasions::REPEAT), false);
            self.entries.push(Entry {
                class,
                strength: if vetted { Strength::Strong } else { Strength::Weak },
                slots: vec![group],
                window: Self::WINDOW,
                ordered: false,
                quench,
                clause: None,
                variant: None,
                note: None,
                mild: false,
                game: false,
                brief: 0,
                label: 0,
                imported: true,
                complete: false,
            });
        }
    }

    /// Lists of words that the contexts name.
    pub fn lists(&self) -> impl Iterator<Item = (&str, &[Arc<str>])> {
        let shared = self.lists.iter().filter(|(name, _)| !name.contains('.'));
        shared.filter_map(|(name, group)| Some((name.as_str(), self.groups.get(*group as usize)?.words.as_slice())))
    }

    /// Class ids, in order of first use.
    pub fn classes(&self) -> Vec<Arc<str>> {
        let mut out: Vec<Arc<str>> = Vec::new();
        for entry in &self.entries {
            if !out.contains(&entry.class) {
                out.push(entry.class.clone());
            }
        }
        out
    }
}

/// A term of an imported list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The term.
    pub text: Arc<str>,
    /// Its class; `custom` when the list has none.
    pub class: Arc<str>,
    /// Line in the list, from 1; 0 when the format has none.
    pub line: u32,
}
