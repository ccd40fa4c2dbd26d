//! Sums, shares and account names in texts: what no list of words holds.

use std::ops::Range;

/// What stands in a text without being a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// An amount of money: `5元`, `三十块`, `￥9.9`.
    Sum,
    /// A share: `20%`.
    Percent,
    /// What may be the name or number of an account: `lin_2020`, `123456789`.
    Account,
    /// A few or some: `3个`, `两位`.
    Count,
}

/// Units of money, and what counts people and things.
const MONEY: [&str; 8] = ["元", "块", "万元", "千元", "角", "毛", "分钱", "rmb"];
/// What makes a number of yuan something else: a place (`三元里`), a theory (`二元论`), an equation (`一元二次方程`).
const OTHERWISE: [&str; 12] =
    ["里站", "里街", "里村", "里大道", "里路", "桥", "论", "一次方程", "二次方程", "函数", "素", "化学"];
const COUNTED: [&str; 9] = ["个", "位", "名", "人", "次", "群", "条", "篇", "单"];

/// Finds them in a folded text (lower case, narrow forms, no blanks beside ideographs).
pub fn quantities(text: &str, found: &mut dyn FnMut(Quantity, Range<usize>)) {
    let mut characters = text.char_indices().peekable();
    while let Some((start, character)) = characters.next() {
        let same: fn(char) -> bool = if character.is_ascii_alphanumeric() {
            |next| next.is_ascii_alphanumeric() || matches!(next, '_' | '.' | ',' | '-')
        } else if numeral(character) {
            numeral
        } else {
            continue;
        };
        let mut end = start + character.len_utf8();
        while let Some((at, next)) = characters.next_if(|(_, next)| same(*next)) {
            end = at + next.len_utf8();
        }
        let run = text[start..end].trim_end_matches(['.', ',', '-', '_']);
        let end = start + run.len();
        let (before, after) = (&text[..start], &text[end..]);
        let digits = run.starts_with(|first: char| first.is_ascii_digit())
            && run.chars().all(|one| one.is_ascii_digit() || matches!(one, '.' | ','));
        if digits || numeral(character) {
            let unit =
                |units: &[&str]| units.iter().find(|unit| after.starts_with(**unit)).map(|unit| end + unit.len());
            if let Some(end) = unit(&MONEY) {
                let place = after.starts_with('元') && OTHERWISE.iter().any(|other| text[end..].starts_with(other));
                if !place {
                    found(Quantity::Sum, start..end);
                }
            } else if before.ends_with(['¥', '￥']) {
                found(Quantity::Sum, start..end);
            } else if after.starts_with('%') {
                found(Quantity::Percent, start..end + 1);
            } else if let Some(end) = unit(&COUNTED) {
                found(Quantity::Count, start..end);
            }
        }
        let joined = before.ends_with(['/', '@', '.', '=', '&', '?', '#', '%', '\\', '_', '-'])
            || after.starts_with(['/', '@', '=', '&', '(', '%']);
        let letters = run.starts_with(|first: char| first.is_ascii_alphabetic());
        let marked = run.contains('_') || run.chars().any(|one| one.is_ascii_digit());
        let name = letters && marked && !run.contains(['.', ',']) && (5..=20).contains(&run.len());
        let number = run.chars().all(|one| one.is_ascii_digit()) && (5..=12).contains(&run.len());
        if !joined && (name || number) {
            found(Quantity::Account, start..end);
        }
    }
}

fn numeral(character: char) -> bool {
    "一二两三四五六七八九十百千几".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<(Quantity, &str)> {
        let mut out = Vec::new();
        quantities(text, &mut |kind, range| out.push((kind, &text[range])));
        out
    }

    #[test]
    fn reads_sums_and_names() {
        assert_eq!(all("每单得5.5元"), [(Quantity::Sum, "5.5元")]);
        assert_eq!(all("奖励三十块"), [(Quantity::Sum, "三十块")]);
        assert_eq!(all("一次给五毛"), [(Quantity::Count, "一次"), (Quantity::Sum, "五毛")]);
        assert_eq!(all("返20%给你"), [(Quantity::Percent, "20%")]);
        assert_eq!(all("拉两位新人"), [(Quantity::Count, "两位")]);
        assert_eq!(all("微信lin_2020"), [(Quantity::Account, "lin_2020")]);
        assert_eq!(all("打开app看"), []);
        assert_eq!(all("https://a.example.com/x1234"), []);
    }
}
