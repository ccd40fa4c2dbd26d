//! What texts say about privacy and consent.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::Sdk;
use crate::policy::packs::{PackError, Packs};
use crate::text::{Words as Index, lower};

/// What a text says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsentText {
    /// It speaks of personal information.
    pub privacy: bool,
    /// It names a privacy policy.
    pub policy: bool,
    /// It names a use of what is asked for.
    pub purpose: bool,
    /// It names an agreement with the user.
    pub agreement: bool,
    /// It is about a contract or a disclaimer, and nothing else.
    pub contract_only: bool,
    /// It says that others get the data.
    pub third_party_sharing: bool,
    /// It asks to log in and says nothing more.
    pub login_only: bool,
}

impl ConsentText {
    /// Whether agreeing to it is agreeing to how personal information is handled.
    pub const fn asks_consent(self) -> bool {
        (self.privacy || self.policy || self.agreement || self.purpose) && !self.contract_only
    }

    /// Whether it tells purpose or policy.
    pub const fn informs(self) -> bool {
        (self.policy || self.purpose || self.agreement) && !self.contract_only
    }

    /// Both texts together.
    pub const fn and(self, other: Self) -> Self {
        let privacy = self.privacy || other.privacy;
        let policy = self.policy || other.policy;
        let purpose = self.purpose || other.purpose;
        let agreement = self.agreement || other.agreement;
        let told = privacy || policy || purpose || agreement;
        Self {
            privacy,
            policy,
            purpose,
            agreement,
            contract_only: (self.contract_only || other.contract_only) && !told,
            third_party_sharing: self.third_party_sharing || other.third_party_sharing,
            login_only: (self.login_only || other.login_only) && !told,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Negation {
    before: Vec<Arc<str>>,
    but: Vec<Arc<str>>,
    after_all: Vec<Arc<str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    again: Vec<Arc<str>>,
    demands: Vec<Arc<str>>,
    permissions: Vec<Arc<str>>,
    partly: Vec<Arc<str>>,
    settings: Vec<Arc<str>>,
}

/// `consent.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Words {
    privacy: Vec<Arc<str>>,
    policy: Vec<Arc<str>>,
    agreement: Vec<Arc<str>>,
    contract: Vec<Arc<str>>,
    agree: Vec<Arc<str>>,
    grant: Vec<Arc<str>>,
    flags: Vec<Arc<str>>,
    shared_flags: Vec<Arc<str>>,
    read: Vec<Arc<str>>,
    collecting: Vec<Arc<str>>,
    acting: Vec<Arc<str>>,
    disagree: Vec<Arc<str>>,
    disagree_not: Vec<Arc<str>>,
    whether: Vec<Arc<str>>,
    purpose: Vec<Arc<str>>,
    purpose_not: Vec<Arc<str>>,
    goal: Vec<Arc<str>>,
    goal_with: Vec<Arc<str>>,
    purpose_then: Vec<Arc<str>>,
    purpose_before: Vec<Arc<str>>,
    everything: Vec<Arc<str>>,
    vague: Vec<Arc<str>>,
    asks: Vec<Arc<str>>,
    requests: Vec<Arc<str>>,
    sharing: Vec<Arc<str>>,
    login: Vec<Arc<str>>,
    deletion: Vec<Arc<str>>,
    deletion_bare: Vec<Arc<str>>,
    deletion_of: Vec<Arc<str>>,
    deletion_not: Vec<Arc<str>>,
    deletion_told: Vec<Arc<str>>,
    closing: Vec<Arc<str>>,
    permitting: Vec<Arc<str>>,
    taking: Vec<Arc<str>>,
    document: Vec<Arc<str>>,
    policy_route: Vec<Arc<str>>,
    agreement_route: Vec<Arc<str>>,
    negation: Negation,
    refused: Refused,
    #[serde(skip)]
    index: OnceLock<(Index, Vec<Said>)>,
}

/// The lists that a text is read for at once, as bits.
type Said = u16;
const POLICY: Said = 1;
const PRIVACY: Said = 1 << 1;
const AGREEMENT: Said = 1 << 2;
const CONTRACT: Said = 1 << 3;
const SHARING: Said = 1 << 4;
const LOGIN: Said = 1 << 5;
const ASKS: Said = 1 << 6;
const GOAL: Said = 1 << 7;
const GOAL_WITH: Said = 1 << 8;
const PURPOSE: Said = 1 << 9;
const PURPOSE_THEN: Said = 1 << 10;
const PURPOSE_BEFORE: Said = 1 << 11;

/// Where the words stand.
const FILE: &str = "privacy/consent.toml";

/// A name as flags are compared.
fn plain_name(name: &str) -> String {
    name.to_lowercase().replace(['_', '-'], "")
}

fn any(list: &[Arc<str>], text: &str) -> bool {
    list.iter().any(|word| text.contains(&**word))
}

fn squeeze(text: &str) -> String {
    lower(text).chars().filter(|c| !c.is_whitespace()).collect()
}

/// Sentences; a blank beside a character that is written without blanks ends one, too: texts of elements are joined by it.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut before = ' ';
    let mut rest = text.char_indices().peekable();
    let mut start = 0;
    let mut out = Vec::new();
    while let Some((at, this)) = rest.next() {
        let next = rest.peek().map_or(' ', |(_, next)| *next);
        let blank = this.is_whitespace() && !(before.is_ascii() && next.is_ascii());
        if blank || matches!(this, '。' | '！' | '？' | '；' | '!' | '?' | ';' | '\n') {
            out.push(&text[start..at]);
            start = at + this.len_utf8();
        }
        before = this;
    }
    out.push(&text[start..]);
    out.into_iter().filter(|sentence| !sentence.trim().is_empty())
}

/// The texts of elements, which blanks join where words are written without them.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut before = ' ';
    let mut out = Vec::new();
    let mut start = 0;
    for (at, this) in text.char_indices() {
        let next = text[at + this.len_utf8()..].chars().next().unwrap_or(' ');
        if this == ' ' && !(before.is_ascii() && next.is_ascii()) {
            out.push(&text[start..at]);
            start = at + 1;
        }
        before = this;
    }
    out.push(&text[start..]);
    out.into_iter().filter(|part| !part.trim().is_empty())
}

const ENDS: &[char] = &['，', '。', '；', '！', '？', ',', ';', '!', '?', '.', '、', '\n', '）', ')', '（', '('];

impl Words {
    pub(super) fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let mut words: Self = packs.parse(FILE, errors).unwrap_or_default();
        for name in words.flags.iter().chain(&words.shared_flags) {
            if plain_name(name) != **name {
                let message = format!("`{name}` is not written in small letters alone");
                errors.push(PackError::new(FILE, 0..0, message));
            }
        }
        for word in words.grant.iter().filter(|word| !words.agree.contains(word)) {
            errors.push(PackError::new(FILE, 0..0, format!("`{word}` does not stand among the words of `agree`")));
        }
        words.vague.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        words
    }

    /// Whether a text asks for a refused permission again, or makes it a condition.
    pub(super) fn insists(&self, text: &str) -> bool {
        let Refused { again, demands, permissions, .. } = &self.refused;
        any(again, text) || any(demands, text) && any(permissions, text)
    }

    /// Whether a text speaks of personal information only by asking for some ("获取您的位置").
    pub(super) fn only_asks(&self, text: &str) -> bool {
        let asks = |word: &Arc<str>| self.collecting.iter().any(|verb| word.contains(&**verb));
        let text = squeeze(text);
        let spoken = self.privacy.iter().filter(|word| text.contains(&***word));
        spoken.map(asks).reduce(|all, asks| all && asks).unwrap_or(false)
    }

    /// Whether a text makes agreeing a condition of the whole, and not of some functions only.
    pub(super) fn shuts_out(&self, text: &str) -> bool {
        self.insists(text) && !any(&self.refused.partly, text)
    }

    /// Whether the text of a control offers to open the settings.
    pub(super) fn offers_settings(&self, text: &str) -> bool {
        any(&self.refused.settings, text)
    }

    /// Of which lists words stand in a text.
    fn said(&self, text: &str) -> Said {
        let (index, lists) = self.index.get_or_init(|| {
            let lists = [
                (&self.policy, POLICY),
                (&self.privacy, PRIVACY),
                (&self.agreement, AGREEMENT),
                (&self.contract, CONTRACT),
                (&self.sharing, SHARING),
                (&self.login, LOGIN),
                (&self.asks, ASKS),
                (&self.goal, GOAL),
                (&self.goal_with, GOAL_WITH),
                (&self.purpose, PURPOSE),
                (&self.purpose_then, PURPOSE_THEN),
                (&self.purpose_before, PURPOSE_BEFORE),
            ];
            let words = || lists.iter().flat_map(|(words, list)| words.iter().map(|word| (word, *list)));
            (Index::new(words().map(|(word, _)| word)), words().map(|(_, list)| list).collect())
        });
        let mut said = 0;
        index.all(text, |found| said |= lists[found.id]);
        said
    }

    pub(super) fn read(&self, written: &str) -> ConsentText {
        let text = squeeze(written);
        let said = self.said(&text);
        if said == 0 {
            return ConsentText::default();
        }
        let policy = said & POLICY != 0;
        let privacy = policy || said & PRIVACY != 0;
        let agreement = said & AGREEMENT != 0;
        let purpose = !self.uses(&text, said).is_empty() && self.uses_in_one(written, &text, said);
        let contract = said & CONTRACT != 0;
        let told = privacy || agreement;
        ConsentText {
            privacy,
            policy,
            purpose,
            agreement,
            contract_only: contract && !told,
            third_party_sharing: said & SHARING != 0,
            login_only: said & LOGIN != 0 && !told && !purpose,
        }
    }

    /// Whether a use stands in the text of one element with what is asked for, or beside one that asks: labels of tabs that
    /// happen to follow each other (`为您推荐`, `店铺信息`) name none.
    fn uses_in_one(&self, written: &str, text: &str, said: Said) -> bool {
        if said & (GOAL | PURPOSE_THEN) == 0 || !self.uses(text, said & !(GOAL | PURPOSE_THEN)).is_empty() {
            return true;
        }
        let parts: Vec<String> = parts(written).map(squeeze).collect();
        let asks = |part: &&String| self.said(part) & ASKS != 0 && any(&self.requests, part);
        parts.iter().enumerate().any(|(at, part)| {
            if self.said(part) & (GOAL | PURPOSE_THEN) == 0 {
                return false;
            }
            let before = at.checked_sub(1).and_then(|at| parts.get(at)).filter(asks);
            let after = parts.get(at + 1).filter(asks);
            let joined: String = before.into_iter().chain([part]).chain(after).map(String::as_str).collect();
            !self.uses(&joined, self.said(&joined)).is_empty()
        })
    }

    /// Where uses are named, a cue with words that are more than "a better service": from the cue to the end of its clause.
    fn uses(&self, text: &str, said: Said) -> Vec<Range<usize>> {
        let mut out = Vec::new();
        let clause_of = |from: usize| text[from..].split(ENDS).next().unwrap_or("");
        let cues = if said & PURPOSE != 0 { &*self.purpose } else { &[] };
        let speaks = said & (ASKS | PRIVACY | GOAL_WITH) != 0;
        let goals = if speaks && said & GOAL != 0 { &*self.goal } else { &[] };
        for cue in cues.iter().chain(goals) {
            // A cue that is part of another word.
            let inside = |at: usize| {
                self.purpose_not.iter().any(|word| {
                    word.match_indices(&**cue).any(|(inner, _)| {
                        at.checked_sub(inner)
                            .and_then(|at| text.get(at..))
                            .is_some_and(|rest| rest.starts_with(&**word))
                    })
                })
            };
            for (at, found) in text.match_indices(&**cue).filter(|(at, _)| !inside(*at)) {
                let clause = clause_of(at + found.len());
                if self.names_use(clause) {
                    out.push(at..at + found.len() + clause.len());
                }
            }
        }
        if said & ASKS != 0 && said & PURPOSE_BEFORE != 0 {
            for cue in &self.purpose_before {
                for (at, _) in text.match_indices(&**cue) {
                    let clause = text[..at].rsplit(ENDS).next().unwrap_or("");
                    if self.names_use(clause) {
                        out.push(at - clause.len()..at);
                    }
                }
            }
        }
        if said & ASKS == 0 || said & PURPOSE_THEN == 0 {
            return out;
        }
        for cue in &self.purpose_then {
            for (at, found) in text.match_indices(&**cue) {
                let clause = clause_of(at + found.len());
                if any(&self.asks, &text[..at]) && any(&self.requests, &text[..at]) && self.names_use(clause) {
                    out.push(at..at + found.len() + clause.len());
                }
            }
        }
        out
    }

    /// What the sentences that name a use are about: each without the use itself.
    pub(super) fn purpose_subjects(&self, text: &str) -> Vec<String> {
        let mut out = Vec::new();
        for sentence in sentences(text) {
            let sentence = squeeze(sentence);
            let uses = self.uses(&sentence, self.said(&sentence));
            if uses.is_empty() {
                continue;
            }
            let used = |at: usize| uses.iter().any(|range| range.contains(&at));
            out.push(sentence.char_indices().filter(|(at, _)| !used(*at)).map(|(_, c)| c).collect());
        }
        out
    }

    /// Whether a text speaks of all that is asked for, without naming it.
    pub(super) fn speaks_of_all(&self, text: &str) -> bool {
        any(&self.everything, text)
    }

    /// The clause that names a use, from its cue to its end, as it is written.
    pub(super) fn purpose_clause(&self, text: &str) -> Option<String> {
        // Where words have no blanks between them, a blank is the end of a text.
        let clause_at = |at: usize| {
            let clause = text[at..].split(ENDS).next().unwrap_or("").trim();
            if clause.is_ascii() { clause } else { clause.split(' ').next().unwrap_or(clause) }.to_owned()
        };
        if self.said(text) & (PURPOSE | GOAL) == 0 {
            return None;
        }
        let mut best: Option<(usize, String)> = None;
        for cue in self.purpose.iter().chain(&self.goal) {
            for (at, found) in text.match_indices(&**cue) {
                let clause = clause_at(at);
                if self.names_use(&squeeze(&clause[found.len().min(clause.len())..]))
                    && best.as_ref().is_none_or(|(first, _)| at < *first)
                {
                    best = Some((at, clause));
                }
            }
        }
        best.map(|(_, clause)| clause.chars().take(60).collect())
    }

    pub(super) fn agrees_by_acting(&self, text: &str) -> bool {
        let text = squeeze(text);
        any(&self.acting, &text) && any(&self.agree, &text)
    }

    fn names_use(&self, clause: &str) -> bool {
        let mut rest = clause.to_owned();
        for word in &self.vague {
            if rest.contains(&**word) {
                rest = rest.replace(&**word, "");
            }
        }
        if rest.is_ascii() {
            return rest.chars().filter(|c| c.is_ascii_alphabetic()).count() >= 5;
        }
        rest.chars().filter(|c| c.is_alphanumeric()).count() >= 2
    }

    pub(super) fn tells_collecting(&self, text: &str) -> bool {
        any(&self.collecting, &squeeze(text))
    }

    pub(super) fn reads(&self, text: &str) -> bool {
        any(&self.read, &squeeze(text))
    }

    pub(super) fn agrees(&self, text: &str) -> bool {
        let text = squeeze(text);
        any(&self.agree, &text) && !self.refuses(&text)
    }

    pub(super) fn only_logs_in(&self, text: &str) -> bool {
        let text = squeeze(text);
        let agreed = |word: &&Arc<str>| text.contains(&***word);
        any(&self.login, &text)
            && !any(&self.policy, &text)
            && !any(&self.privacy, &text)
            && self.agree.iter().filter(agreed).all(|word| self.grant.contains(word))
    }

    pub(super) fn offers_choice(&self, text: &str) -> bool {
        let text = squeeze(text);
        let rest = self.disagree.iter().fold(text.clone(), |rest, word| rest.replace(&**word, ""));
        rest != text && any(&self.agree, &rest)
    }

    pub(super) fn is_flag(&self, name: &str, shared: bool) -> bool {
        let name = plain_name(name);
        let list = if shared { &self.shared_flags } else { &self.flags };
        list.iter().any(|known| **known == *name)
    }

    pub(super) fn refuses(&self, text: &str) -> bool {
        let text = squeeze(text);
        // A sentence that offers both ("不同意请退出") is none of a control.
        text.chars().count() <= 16
            && any(&self.disagree, &text)
            && !any(&self.disagree_not, &text)
            && !(any(&self.whether, &text) && any(&self.agree, &text))
    }

    pub(super) fn deletes(&self, text: &str) -> bool {
        let text = squeeze(text);
        text.chars().count() <= 24 && any(&self.deletion, &text) && !any(&self.deletion_not, &text)
    }

    /// Whether a text that deletes says no more than that (`删除`, `delete`): not what.
    pub(super) fn deletes_only(&self, text: &str) -> bool {
        const MORE: usize = 2;
        let text = squeeze(text);
        self.deletion_bare
            .iter()
            .any(|word| text.contains(&**word) && text.chars().count() <= word.chars().count() + MORE)
            && !any(&self.deletion_of, &text)
    }

    /// Whether a text asks about deleting, or tells how it ended, and is no item to choose.
    pub(super) fn deletion_told(&self, text: &str) -> bool {
        any(&self.deletion_told, &squeeze(text))
    }

    /// Whether a text speaks of closing the account.
    pub(super) fn closes_account(&self, text: &str) -> bool {
        any(&self.closing, &squeeze(text))
    }

    /// Whether a text speaks of permitting something.
    pub(super) fn permits(&self, text: &str) -> bool {
        // What it says of not agreeing asks for nothing.
        let rest = self.disagree.iter().fold(squeeze(text), |rest, word| rest.replace(&**word, ""));
        any(&self.permitting, &rest)
    }

    /// Whether a text speaks of taking something, or of a permission for it.
    pub(super) fn takes(&self, text: &str) -> bool {
        any(&self.taking, &squeeze(text))
    }

    /// Whether a text asks to read a document, or names one.
    pub(super) fn names_document(&self, text: &str) -> bool {
        any(&self.document, &squeeze(text))
    }

    /// Whether names or texts speak of what is a person's own.
    pub(super) fn of_person(&self, text: &str) -> bool {
        any(&self.deletion_of, &squeeze(text).replace(['-', '_'], ""))
    }

    pub(super) fn policy_route(&self, path: &str) -> Option<bool> {
        let path = squeeze(path).replace(['-', '_'], "");
        if any(&self.policy_route, &path) || any(&self.policy, &path) {
            return Some(true);
        }
        (any(&self.agreement_route, &path) || any(&self.agreement, &path)).then_some(false)
    }

    /// Whether a text names one of `words` other than to deny it.
    pub(super) fn mentions<'w>(&self, text: &str, words: impl Iterator<Item = &'w str>) -> bool {
        let text = squeeze(text);
        let mut found = false;
        for word in words {
            let word = squeeze(word);
            if word.is_empty() {
                continue;
            }
            for (at, _) in text.match_indices(&word) {
                let sentence = text[..at].rsplit(['。', '；', '！', '\n', ';', '!']).next().unwrap_or("");
                if !self.denied(sentence) {
                    found = true;
                }
            }
        }
        found
    }

    /// Whether the part of a sentence before a mention denies what follows.
    fn denied(&self, before: &str) -> bool {
        let Some(at) = self.negation.before.iter().filter_map(|word| before.rfind(&**word)).max() else { return false };
        let clause = &before[..at];
        let after = &before[at..];
        // A new clause that says what is collected after all ends the denial.
        let ended = any(&self.negation.after_all, after);
        !(ended || any(&self.negation.but, clause) || any(&self.negation.but, after))
    }

    pub(super) fn names_party(&self, text: &str, sdk: Option<&Sdk>, services: &[Arc<str>], host: Option<&str>) -> bool {
        let mut names: Vec<String> = Vec::new();
        if let Some(sdk) = sdk {
            names.push(sdk.zh.to_string());
            names.push(sdk.en.to_string());
            names.extend(sdk.zh.split(['、', ' ', '（']).map(str::to_owned));
            names.extend(sdk.names.iter().map(ToString::to_string));
        }
        if let Some(host) = host {
            names.push(host.to_owned());
            names.push(super::registrable(host).to_owned());
        }
        self.mentions(text, names.iter().map(String::as_str).filter(|name| name.chars().count() >= 2))
            || self.mentions(text, services.iter().map(|name| &**name))
    }
}
