//! A finding as a rule makes it: it knows nothing of languages or renderers.

use std::sync::Arc;

use crate::flow::{Kind, Place, Step};
pub use crate::policy::catalogue::Severity;

/// How sure the rule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A hint.
    Low,
    /// Likely.
    Medium,
    /// Shown.
    High,
}

/// What fills a placeholder of a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// Text of the package or a name, as it is.
    Text(String),
    /// Kinds of personal information, told by their names in the report's language.
    Kinds(Vec<Kind>),
    /// A number.
    Number(u64),
    /// A key of `rules/words.toml`, told in the report's language.
    Word(&'static str),
}

/// An edit of a file's text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Edit {
    /// What is replaced.
    pub place: Place,
    /// By what.
    pub text: String,
}

/// A repair.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Fix {
    /// Key of the title in the rule's entry (`[fixes]`).
    pub title: &'static str,
    /// Whether it keeps behaviour apart from the fault.
    pub safe: bool,
    /// The edits.
    pub edits: Vec<Edit>,
}

/// One hit of one rule.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Rule id.
    pub rule: &'static str,
    /// Primary range.
    pub place: Place,
    /// Severity other than the rule's default.
    pub severity: Option<Severity>,
    /// How sure.
    pub confidence: Confidence,
    /// Which wording of the rule's entry (`message` by default, else `message-<variant>`).
    pub variant: Option<&'static str>,
    /// What fills the wording's placeholders.
    pub values: Vec<(&'static str, Value)>,
    /// Kinds of personal information concerned.
    pub kinds: Vec<Kind>,
    /// Clauses that matter for this one; empty for all of the rule's.
    pub clauses: Vec<Arc<str>>,
    /// The evidence, step by step.
    pub trace: Vec<Step>,
    /// Repairs.
    pub fixes: Vec<Fix>,
}

impl Finding {
    /// A finding with high confidence and the rule's default severity.
    pub fn new(rule: &'static str, place: Place) -> Self {
        Self {
            rule,
            place,
            severity: None,
            confidence: Confidence::High,
            variant: None,
            values: Vec::new(),
            kinds: Vec::new(),
            clauses: Vec::new(),
            trace: Vec::new(),
            fixes: Vec::new(),
        }
    }

    /// Another severity.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// Another confidence.
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Another wording.
    pub fn variant(mut self, variant: &'static str) -> Self {
        self.variant = Some(variant);
        self
    }

    /// The text that fills a hole of the message.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find_map(|(known, value)| match value {
            Value::Text(text) if *known == name => Some(text.as_str()),
            _ => None,
        })
    }

    /// Fills a placeholder with text.
    pub fn text(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.values.push((name, Value::Text(text.into())));
        self
    }

    /// Fills a placeholder with a number.
    pub fn number(mut self, name: &'static str, number: u64) -> Self {
        self.values.push((name, Value::Number(number)));
        self
    }

    /// Fills a placeholder with a translated word.
    pub fn word(mut self, name: &'static str, key: &'static str) -> Self {
        self.values.push((name, Value::Word(key)));
        self
    }

    /// Fills `{kinds}` and says which personal information is concerned.
    pub fn kinds<'k>(mut self, kinds: impl IntoIterator<Item = &'k Kind>) -> Self {
        let kinds: Vec<Kind> = kinds.into_iter().cloned().collect();
        self.values.push(("kinds", Value::Kinds(kinds.clone())));
        self.kinds = kinds;
        self
    }

    /// Only these clauses.
    pub fn clauses(mut self, clauses: impl IntoIterator<Item = impl Into<Arc<str>>>) -> Self {
        self.clauses = clauses.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a step of evidence.
    pub fn step(mut self, place: Place, note: &'static str, name: impl Into<Arc<str>>) -> Self {
        self.trace.push(Step { place, note, name: name.into() });
        self
    }

    /// Adds steps of evidence. The entry and the source of a path are told once where an earlier step said it more exactly.
    pub fn steps(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        for step in steps {
            let told = matches!(step.note, "entry" | "source")
                && self.trace.last().is_some_and(|last| last.place == step.place && last.note != step.note);
            if !told {
                self.trace.push(step);
            }
        }
        self
    }

    /// Adds a repair.
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fixes.push(fix);
        self
    }
}
