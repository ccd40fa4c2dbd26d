//! How inputs and keys show what they hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use crate::policy::packs::{PackError, Packs};

/// What is known of an input.
#[derive(Clone, Debug, Default)]
pub struct InputClues<'a> {
    /// `name`
    pub name: Option<&'a str>,
    /// `id`
    pub id: Option<&'a str>,
    /// `type` (or `mode` of a picker); `password` where the `password` attribute is set.
    pub input_type: Option<&'a str>,
    /// `placeholder`
    pub placeholder: Option<&'a str>,
    /// Texts beside it, nearest first.
    pub labels: Vec<&'a str>,
    /// Data key that it is bound to, as written (`form.phone`).
    pub model_key: Option<&'a str>,
    /// Key of the request body that its value ends in.
    pub request_key: Option<&'a str>,
    /// Method that takes its value.
    pub handler: Option<&'a str>,
    /// Titles of the page and of the blocks that it stands in.
    pub headings: Vec<&'a str>,
}

/// Which clue gave an input its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clue {
    /// `type`
    Type,
    /// `placeholder`
    Placeholder,
    /// A text beside it: index in `labels`.
    Label(usize),
    /// `name`
    Name,
    /// `id`
    Id,
    /// The bound data key.
    ModelKey,
    /// The request key.
    RequestKey,
    /// The method's name.
    Handler,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct KindWords {
    labels: Vec<Arc<str>>,
    soft_labels: Vec<Arc<str>>,
    ids: Vec<Arc<str>>,
    shared: Vec<Arc<str>>,
    weak: Vec<Arc<str>>,
    picture: Option<Arc<str>>,
    options: Vec<Vec<Arc<str>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Words {
    search: Vec<Arc<str>>,
    describe: Vec<Arc<str>>,
    free: Vec<Arc<str>>,
    things: Vec<Arc<str>>,
    business: Vec<Arc<str>>,
    person: Vec<Arc<str>>,
    noise: Vec<Arc<str>>,
    filler: Vec<Arc<str>>,
    of_people: Vec<Arc<str>>,
    fronts: Vec<Arc<str>>,
    minor: Vec<Arc<str>>,
    minor_heading: Vec<Arc<str>>,
    minor_heading_with: Vec<Arc<str>>,
    not_minor: Vec<Arc<str>>,
    guardian: Vec<Arc<str>>,
    guardians: Vec<Arc<str>>,
    guardian_agrees: Vec<Arc<str>>,
    person_picture: Vec<Arc<str>>,
    person_picture_words: Vec<Arc<str>>,
    beside_picture: Vec<Arc<str>>,
    search_box: Vec<Arc<str>>,
    searched: Vec<Arc<str>>,
    dates: Vec<Arc<str>>,
    date_picker: Vec<Arc<str>>,
    session: Vec<Arc<str>>,
    container: Vec<Arc<str>>,
    choice: Vec<Arc<str>>,
    few: Vec<Arc<str>>,
    public: Vec<Arc<str>>,
    record: Vec<Arc<str>>,
    record_with: Vec<Arc<str>>,
    uploader: Vec<Arc<str>>,
    chosen: Vec<Arc<str>>,
    letters: Vec<Arc<str>>,
    offered: Vec<Arc<str>>,
    written: Vec<Arc<str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kinds: BTreeMap<Arc<str>, KindWords>,
    decrypted: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    words: Words,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strength {
    Strong,
    Shared,
    Weak,
}

/// The vocabulary of `inputs.toml`.
#[derive(Debug, Default)]
pub struct Vocabulary {
    kinds: BTreeMap<Arc<str>, KindWords>,
    decrypted: BTreeMap<Arc<str>, Vec<Arc<str>>>,
    words: Words,
    /// Normalised label to kind and whether it is soft.
    labels: Vec<(String, Arc<str>, bool)>,
    ids: FxHashMap<Arc<str>, (Arc<str>, Strength)>,
}

/// What a text beside an input says.
enum Said {
    Kind(Arc<str>, u8),
    /// It speaks of something else.
    Other,
    Nothing,
}

/// The kind of a person's name, which words for people alone ask for, too.
const NAME: &str = "name";

/// Kinds that businesses have too.
const COMMON: &[&str] = &["phone-number", "landline", "address", "email", "account", "wechat-id", "qq-no", "name"];

impl Vocabulary {
    pub(super) fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let file: File = packs.parse("privacy/inputs.toml", errors).unwrap_or_default();
        let mut labels = Vec::new();
        let mut ids = FxHashMap::default();
        for (kind, words) in &file.kinds {
            labels.extend(words.labels.iter().map(|label| (normalise(label, &file.words.filler), kind.clone(), false)));
            labels.extend(
                words.soft_labels.iter().map(|label| (normalise(label, &file.words.filler), kind.clone(), true)),
            );
            for (list, strength) in
                [(&words.ids, Strength::Strong), (&words.shared, Strength::Shared), (&words.weak, Strength::Weak)]
            {
                for id in list {
                    ids.entry(id.clone()).or_insert((kind.clone(), strength));
                }
            }
        }
        labels.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
        Self { kinds: file.kinds, decrypted: file.decrypted, words: file.words, labels, ids }
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = &Arc<str>> {
        self.kinds.keys()
    }

    pub(super) fn picture(&self, kind: &str) -> Option<Arc<str>> {
        self.kinds.get(kind)?.picture.clone()
    }

    pub(super) fn labels(&self, kind: &str) -> &[Arc<str>] {
        self.kinds.get(kind).map_or(&[], |words| &words.labels)
    }

    pub(super) fn minor(&self, text: &str) -> bool {
        let text = normalise(text, &self.words.filler);
        any(&self.words.minor, &text) && !any(&self.words.not_minor, &text)
    }

    /// Whether a heading says that what stands under it is about a minor.
    fn heads_minor(&self, text: &str) -> bool {
        let text = normalise(text, &self.words.filler);
        any(&self.words.minor_heading, &text)
            && any(&self.words.minor_heading_with, &text)
            && !any(&self.words.not_minor, &text)
    }

    pub(super) fn guardian(&self, text: &str) -> bool {
        let text = normalise(text, &self.words.filler);
        any(&self.words.guardian, &text)
            || text
                .split(['。', '；', ';', '\n'])
                .any(|sentence| any(&self.words.guardians, sentence) && any(&self.words.guardian_agrees, sentence))
    }

    /// Whether a field of an answer holds all that was asked for.
    pub(super) fn container(&self, field: &str) -> bool {
        let joined = words(field).concat();
        self.words.container.iter().any(|word| **word == *joined)
    }

    /// Whether a field holds a kind in what a server makes of ciphertext.
    pub(super) fn decrypted(&self, kind: &str, field: &str) -> bool {
        let joined = words(field).concat();
        self.decrypted.get(kind).is_some_and(|fields| fields.iter().any(|known| **known == *joined))
    }

    pub(super) fn session(&self, key: &str) -> bool {
        let joined = words(key).concat();
        self.words.session.iter().any(|word| joined.contains(&**word))
    }

    pub(super) fn choice(&self, component: &str) -> bool {
        words(component).iter().any(|word| self.words.choice.iter().any(|choice| **choice == **word))
    }

    pub(super) fn for_few(&self, kind: &str) -> bool {
        self.words.few.iter().any(|known| **known == *kind)
    }

    pub(super) fn for_all(&self, kind: &str) -> bool {
        self.words.public.iter().any(|known| **known == *kind)
    }

    pub(super) fn record(&self, name: &str) -> bool {
        let known = |list: &[Arc<str>], word: &str| list.iter().any(|known| **known == *word);
        let mut person = false;
        // `userinfo` is as good as `userInfo`.
        let plain = words(name).into_iter().flat_map(|word| {
            let split = self.words.record.iter().find_map(|record| Some((record, word.strip_prefix(&**record)?)));
            match split {
                Some((record, rest)) => vec![record.to_string(), rest.to_owned()],
                None => vec![word],
            }
        });
        let all = plain.filter(|word| !word.is_empty()).all(|word| {
            let record = known(&self.words.record, &word);
            person |= record;
            record || known(&self.words.record_with, &word)
        });
        all && person
    }

    pub(super) fn hands_files(&self, component: &str, event: &str) -> bool {
        let event = words(event).concat();
        self.words.chosen.iter().any(|known| **known == *event)
            && words(component).iter().any(|word| self.words.uploader.iter().any(|known| **known == **word))
    }

    pub(super) fn person_picture(&self, text: &str) -> bool {
        any(&self.words.person_picture, &normalise(text, &self.words.filler))
            || has_name(&self.words.person_picture_words, text)
    }

    pub(super) fn beside_picture(&self) -> &[Arc<str>] {
        &self.words.beside_picture
    }

    pub(super) fn looks_for(&self, names: &str) -> bool {
        has_name(&self.words.search_box, names)
    }

    pub(super) fn searched(&self, kind: &str) -> bool {
        self.words.searched.iter().any(|known| **known == *kind)
    }

    pub(super) fn offered(&self, kind: &str) -> bool {
        self.words.offered.iter().any(|known| **known == *kind)
    }

    pub(super) fn written(&self, kind: &str) -> bool {
        self.words.written.iter().any(|known| **known == *kind)
    }

    pub(super) fn options(&self, options: &[&str]) -> Option<Arc<str>> {
        const MOST: usize = 4;
        let all = |wanted: &Vec<Arc<str>>| {
            wanted.iter().all(|word| options.iter().any(|option| option.trim().eq_ignore_ascii_case(word)))
        };
        let found = self.kinds.iter().find(|(_, words)| words.options.iter().any(all));
        found.filter(|_| options.len() <= MOST).map(|(kind, _)| kind.clone())
    }

    pub(super) fn day(&self, kind: &str) -> bool {
        self.words.dates.iter().any(|known| **known == *kind)
    }

    pub(super) fn date_picker(&self, component: &str) -> bool {
        has_name(&self.words.date_picker, component)
    }

    pub(super) fn input(&self, clues: &InputClues<'_>) -> Option<(Arc<str>, u8, Clue)> {
        let mut best: Option<(Arc<str>, u8, Clue)> = None;
        let mut other = false;
        let texts = clues
            .placeholder
            .iter()
            .map(|text| (*text, Clue::Placeholder))
            .chain(clues.labels.iter().enumerate().map(|(index, text)| (*text, Clue::Label(index))));
        for (text, clue) in texts {
            match self.text(text, clue == Clue::Placeholder) {
                Said::Kind(kind, certainty) => {
                    // The placeholder stands inside; labels come nearest first.
                    let certainty = certainty.saturating_sub(if let Clue::Label(index) = clue {
                        (index.min(5) * 3) as u8
                    } else {
                        0
                    });
                    if best.as_ref().is_none_or(|(_, have, _)| certainty > have.saturating_add(8)) {
                        best = Some((kind, certainty, clue));
                    }
                }
                Said::Other if clue == Clue::Placeholder || matches!(clue, Clue::Label(0)) => other = true,
                Said::Other | Said::Nothing => {}
            }
        }
        let keys = [
            (clues.request_key, Clue::RequestKey),
            (clues.name, Clue::Name),
            (clues.model_key, Clue::ModelKey),
            (clues.id, Clue::Id),
            (clues.handler, Clue::Handler),
        ];
        let mut by_key: Option<(Arc<str>, u8, Clue)> = None;
        for (key, clue) in keys {
            let Some((kind, strength, person)) = key.and_then(|key| self.identifier(key)) else { continue };
            if matches!(clues.input_type, Some("number" | "digit")) && self.words.letters.contains(&kind) {
                continue;
            }
            let certainty = match (strength, person) {
                (Strength::Strong, _) => 76,
                (Strength::Shared, true) => 74,
                (Strength::Shared, false) => 62,
                (Strength::Weak, _) => 30,
            } - if clue == Clue::Handler { 8 } else { 0 };
            if by_key.as_ref().is_none_or(|(_, have, _)| certainty > *have) {
                by_key = Some((kind, certainty, clue));
            }
        }
        let typed: Option<(&str, u8)> = match clues.input_type {
            Some("password" | "safe-password") => Some(("password", 95)),
            Some("idcard") => Some(("id-number", 96)),
            Some("nickname") => Some(("nickname", 96)),
            Some("email") => Some(("email", 80)),
            Some("tel") => Some(("phone-number", 66)),
            _ => None,
        };
        let said = match (best, by_key) {
            (Some((kind, certainty, clue)), Some((key_kind, key_certainty, _))) if kind == key_kind => {
                Some((kind, certainty.saturating_add(if key_certainty > 50 { 10 } else { 4 }).min(99), clue))
            }
            (Some(best), _) => Some(best),
            (None, Some(by_key)) if !other => Some(by_key),
            (None, _) => None,
        };
        let found = match (said, typed) {
            (Some((kind, certainty, clue)), Some(("password", _)))
                if &*kind == "pay-password" || &*kind == "password" =>
            {
                Some((kind, certainty.max(95), clue))
            }
            (_, Some((kind @ ("password" | "id-number" | "nickname"), certainty))) => {
                Some((Arc::from(kind), certainty, Clue::Type))
            }
            (None, Some((kind, certainty))) if !other => Some((Arc::from(kind), certainty, Clue::Type)),
            (said, _) => said,
        };
        let (kind, certainty, clue) = found.filter(|(_, certainty, _)| *certainty >= 50)?;
        if matches!(clues.input_type, Some("date" | "time")) && !self.words.dates.contains(&kind) {
            return None;
        }
        let minor = clues.placeholder.iter().copied().chain(clues.labels.first().copied()).any(|text| self.minor(text))
            || [clues.name, clues.request_key, clues.model_key].into_iter().flatten().any(|key| {
                words(key).iter().any(|word| matches!(word.as_str(), "child" | "children" | "baby" | "kid"))
            })
            || clues.headings.iter().any(|text| self.heads_minor(text));
        if minor
            && matches!(
                &*kind,
                "name"
                    | "birthday"
                    | "age"
                    | "gender"
                    | "phone-number"
                    | "id-number"
                    | "education"
                    | "address"
                    | "body-metrics"
                    | "nickname"
            )
        {
            return Some((Arc::from("minor-info"), certainty, clue));
        }
        Some((kind, certainty, clue))
    }

    /// Whether the texts say that an input takes something that is no personal information.
    pub(super) fn other(&self, clues: &InputClues<'_>) -> bool {
        let said = |text: Option<&str>, placeholder| text.map(|text| self.text(text, placeholder));
        let texts = [said(clues.placeholder, true), said(clues.labels.first().copied(), false)];
        texts.iter().flatten().any(|said| matches!(said, Said::Other))
            && !texts.iter().flatten().any(|said| matches!(said, Said::Kind(..)))
    }

    pub(super) fn key(&self, key: &str) -> Option<(Arc<str>, u8)> {
        let (kind, strength, person) = self.identifier(key)?;
        match (strength, person) {
            (Strength::Strong, _) => Some((kind, 75)),
            (Strength::Shared, true) => Some((kind, 70)),
            (Strength::Shared, false) => Some((kind, 45)),
            (Strength::Weak, _) => None,
        }
    }

    pub(super) fn label(&self, text: &str) -> Option<(Arc<str>, u8)> {
        match self.text(text, false) {
            Said::Kind(kind, certainty) => Some((kind, certainty)),
            _ => None,
        }
    }

    /// What a placeholder or label says.
    fn text(&self, text: &str, placeholder: bool) -> Said {
        let text = normalise(text, &self.words.filler);
        if text.is_empty() {
            return Said::Nothing;
        }
        let length = text.chars().count();
        if any(&self.words.search, &text) {
            return Said::Other;
        }
        if !placeholder && length > 18 {
            return Said::Nothing;
        }
        let found = self.labels.iter().filter(|(label, ..)| has_word(&text, label)).fold(
            None,
            |best: Option<&(String, Arc<str>, bool)>, item| match best {
                Some(have) if have.0.len() > item.0.len() => Some(have),
                Some(have) if have.0.len() == item.0.len() && text.find(&*have.0) <= text.find(&*item.0) => Some(have),
                _ => Some(item),
            },
        );
        // The last noun says what of somebody is asked for (`联系人电话`).
        let last = found.filter(|(_, kind, _)| &**kind == NAME).and_then(|(label, ..)| {
            let rest = text.split_once(label.as_str())?.1.trim_start_matches('的');
            self.labels.iter().find(|(label, kind, _)| label == rest && &**kind != NAME)
        });
        let Some((label, kind, soft)) = last.or(found) else {
            return if any(&self.words.free, &text) || any(&self.words.things, &text) {
                Said::Other
            } else {
                Said::Nothing
            };
        };
        let label_length = label.chars().count();
        let rest = length.saturating_sub(label_length);
        if COMMON.contains(&&**kind) {
            let before = text.split(label.as_str()).next().unwrap_or("");
            if !any(&self.words.of_people, label) && any(&self.words.things, before) {
                return Said::Other;
            }
        }
        // "Describe your symptoms" asks for them as "your symptoms" does.
        let asked = self.words.describe.iter().find_map(|verb| text.strip_prefix(&**verb)).unwrap_or(&text);
        if label_length * 2 < length && any(&self.words.free, &asked.replace(label.as_str(), "")) {
            return Said::Other;
        }
        let certainty = match rest {
            0 => 95,
            1..=4 => 90,
            5..=8 => 82,
            9..=14 => 70,
            _ => 58,
        };
        Said::Kind(kind.clone(), if *soft { certainty - 26 } else { certainty })
    }

    /// The kind that a name or key shows, and whether a person's word stands with it.
    fn identifier(&self, key: &str) -> Option<(Arc<str>, Strength, bool)> {
        let all: Vec<String> = words(key);
        let joined = all.concat();
        if let Some((kind, strength)) = self.ids.get(joined.as_str()) {
            return Some((kind.clone(), *strength, false));
        }
        let person = all.iter().any(|word| self.words.person.iter().any(|known| **known == **word));
        if all.iter().any(|word| self.words.business.iter().any(|known| **known == **word)) {
            return None;
        }
        let noise = |word: &String| self.words.noise.iter().any(|known| **known == **word);
        let mut end = all.len();
        while end > 1 && noise(&all[end - 1]) {
            end -= 1;
        }
        let mut start = 0;
        while start + 1 < end && noise(&all[start]) {
            start += 1;
        }
        let core = &all[start..end];
        // The longest tail wins: `contactPhone` before `phone`.
        for from in 0..core.len() {
            let tail: String = core[from..].concat();
            if let Some((kind, strength)) = self.ids.get(tail.as_str()) {
                let others = &core[..from];
                if *strength == Strength::Weak {
                    return None;
                }
                // `phoneList`, `hasPhone`, `showPhone`: the front says what is done, the tail what it is.
                if others.iter().any(|word| self.words.fronts.iter().any(|front| **front == **word)) {
                    return None;
                }
                return Some((kind.clone(), *strength, person));
            }
        }
        None
    }
}

/// Whether some name in a text holds one of the words between its borders: `head` in `user_head` and `headImg`, not in `header`.
fn has_name(list: &[Arc<str>], text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
        .filter(|name| !name.is_empty())
        .any(|name| words(name).iter().any(|word| list.iter().any(|known| **known == **word)))
}

fn any(list: &[Arc<str>], text: &str) -> bool {
    list.iter().any(|word| text.contains(&**word))
}

/// Whether `label` stands in `text`; Latin labels must be whole words.
fn has_word(text: &str, label: &str) -> bool {
    if !label.is_ascii() {
        return text.contains(label);
    }
    text.match_indices(label).any(|(at, found)| {
        let before = text[..at].chars().next_back();
        let after = text[at + found.len()..].chars().next();
        !before.is_some_and(|c| c.is_ascii_alphanumeric()) && !after.is_some_and(|c| c.is_ascii_alphanumeric())
    })
}

/// Lower case; blanks, marks and words of politeness left out.
fn normalise(text: &str, filler: &[Arc<str>]) -> String {
    let lower = text.to_lowercase();
    let mut out: String = lower
        .chars()
        .filter(|c| {
            !c.is_whitespace()
                && !matches!(
                    c,
                    ':' | '：'
                        | '*'
                        | '＊'
                        | '('
                        | ')'
                        | '（'
                        | '）'
                        | '【'
                        | '】'
                        | '、'
                        | '.'
                        | '…'
                        | '!'
                        | '！'
                        | '~'
                        | '“'
                        | '”'
                )
        })
        .collect();
    for word in filler {
        if out.contains(&**word) && out.len() > word.len() {
            out = out.replace(&**word, "");
        }
    }
    out
}

/// The words of the last part of a key or name, in lower case.
pub(super) fn words(key: &str) -> Vec<String> {
    let mut last = key.trim();
    if let Some((_, tail)) = last.rsplit_once(['.', '[', '\'', '"', ']']) {
        if !tail.is_empty() {
            last = tail;
        } else {
            last = last.trim_end_matches([']', '\'', '"']);
            last = last.rsplit(['.', '[', '\'', '"']).next().unwrap_or(last);
        }
    }
    let mut out: Vec<String> = Vec::new();
    let mut lower_before = false;
    let mut fresh = true;
    for c in last.chars() {
        if !c.is_alphanumeric() {
            fresh = true;
            lower_before = false;
            continue;
        }
        if fresh || (c.is_uppercase() && lower_before) {
            out.push(String::new());
        }
        fresh = false;
        lower_before = c.is_lowercase() || c.is_ascii_digit();
        if let Some(word) = out.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    out
}
