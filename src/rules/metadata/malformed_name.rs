//! The name does not fit the form: length, characters, words of form.

use std::collections::HashSet;
use std::sync::OnceLock;

use super::name;
use crate::rules::{Context, Finding, Rule};
use crate::text;

/// `metadata/malformed-name`
pub struct MalformedName;

/// Fewest and most characters of a name.
const LENGTH: (usize, usize) = (3, 30);

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3134f}')
}

/// Whether a character is only written in traditional Chinese.
fn is_traditional(c: char) -> bool {
    static TRADITIONAL: OnceLock<HashSet<char>> = OnceLock::new();
    TRADITIONAL
        .get_or_init(|| text::simplified().filter(|(from, to)| from != to).map(|(from, _)| from).collect())
        .contains(&c)
}

impl Rule for MalformedName {
    fn id(&self) -> &'static str {
        "metadata/malformed-name"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(name) = name(cx) else { return };
        let finding = Finding::new(self.id(), name.place).confidence(name.confidence()).text("name", name.text);
        if let Some(word) = cx.policy.naming().malformed.find(name.text) {
            out.push(finding.variant("word").text("part", word));
            return;
        }
        if !name.given {
            // A title may be short, and hold marks.
            return;
        }
        let length = name.text.chars().count();
        // A common word is told as one.
        let generic = cx.policy.naming().is_generic(name.text) || cx.policy.category_table().is_industry(name.text);
        if (length < LENGTH.0 && !generic) || length > LENGTH.1 {
            out.push(finding.variant("length"));
        } else if let Some(c) = name.text.chars().find(|c| is_traditional(*c)) {
            out.push(finding.variant("traditional").text("part", c.to_string()));
        } else if let Some(c) = odd_character(name.text) {
            out.push(finding.text("part", c.to_string()));
        } else if meaningless(name.text) {
            out.push(finding.variant("meaningless"));
        }
    }
}

/// A character that is neither Chinese, a digit nor a letter; single spaces between letters are allowed.
fn odd_character(name: &str) -> Option<char> {
    let chars: Vec<char> = name.chars().collect();
    chars.iter().enumerate().find_map(|(index, c)| {
        let between = || {
            let letter = |at: Option<usize>| at.and_then(|at| chars.get(at)).is_some_and(char::is_ascii_alphanumeric);
            letter(index.checked_sub(1)) && letter(Some(index + 1))
        };
        let fine = is_han(*c) || c.is_ascii_alphanumeric() || (*c == ' ' && between());
        (!fine).then_some(*c)
    })
}

/// Digits alone, one character again and again, or letters without a vowel.
fn meaningless(name: &str) -> bool {
    let chars: Vec<char> = name.chars().filter(|c| *c != ' ').collect();
    let digits = chars.iter().all(char::is_ascii_digit);
    let same = chars.len() >= 3 && chars.windows(2).all(|pair| pair.first() == pair.get(1));
    let consonants = chars.len() >= 5
        && chars.iter().all(char::is_ascii_lowercase)
        && !chars.iter().any(|c| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y'));
    digits || same || consonants
}

#[cfg(test)]
mod tests {
    use super::{is_traditional, meaningless, odd_character};

    #[test]
    fn forms() {
        assert_eq!(odd_character("拾光★记账"), Some('★'));
        assert_eq!(odd_character("拾光记账2"), None);
        assert_eq!(odd_character("Happy Day"), None);
        assert!(meaningless("123456") && meaningless("哈哈哈") && !meaningless("快递100"));
        assert!(is_traditional('買') && !is_traditional('买'));
    }
}
