//! What single characters are folded to. The build script writes the whole table, so that no start has to make it.

use unicode_normalization::UnicodeNormalization;

/// What is skipped and leaves a gap.
pub const GAP: u16 = 0;
/// What is skipped and leaves none: zero-width and combining characters, joiners, variation selectors.
pub const IGNORED: u16 = 1;
/// Codes from here on are indices of [`Table::expansions`].
pub const EXPANSION: u16 = 0xE000;

/// Codes of the characters of the basic plane, and what some of them expand to.
pub struct Table {
    /// By code point.
    pub codes: Vec<u16>,
    /// Several units for one character.
    pub expansions: Vec<Vec<u16>>,
}

/// Characters that look like a Latin letter or digit, and that one.
pub const LOOKALIKES: &str = "аaвbсcеeһhіiјjкkмmоoрpѕsтtуyхxѵvԁdԛqԝwΑaΒbΕeΖzΗhΙiΚkΜmΝnΟoΡpΤtΥyΧxαaνvοoρpυuχxıiʟlɡgℓl";

/// Simplified characters by traditional, variant and shinjitai ones.
pub fn simplified() -> impl Iterator<Item = (char, char)> {
    let mut lines = include_str!("../../rules/content/traditional.txt").lines().filter(|line| !line.starts_with('#'));
    std::iter::from_fn(move || Some((lines.next()?, lines.next()?))).flat_map(|(from, to)| from.chars().zip(to.chars()))
}

/// Characters written as their two halves: the halves and the whole.
pub fn splits() -> impl Iterator<Item = (char, char, char)> {
    include_str!("../../rules/content/split.txt").lines().filter(|line| !line.starts_with('#')).flat_map(|line| {
        line.split_whitespace().filter_map(|group| {
            let mut chars = group.chars();
            let (whole, left, right) = (chars.next()?, chars.next()?, chars.next()?);
            Some((left, right, whole))
        })
    })
}

/// Syllables without tones and the characters that are read so; a syllable's id is its place from 1.
pub fn syllables() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("../../rules/content/pinyin.txt").lines();
    lines.filter_map(|line| line.split_once(' ')).filter(|(syllable, _)| *syllable != "#")
}

/// Syllable ids of the characters of the basic plane; 0 for those that have none.
pub fn readings() -> Vec<u16> {
    let mut of = vec![0; 0x10000];
    let mut digits = [0; 10];
    for ((syllable, characters), id) in syllables().zip(1..) {
        for c in characters.chars().filter(|c| (*c as u32) < 0x10000) {
            of[c as usize] = id;
        }
        if let Some(digit) = DIGITS.iter().position(|digit| *digit == syllable) {
            digits[digit] = id;
        }
    }
    of[usize::from(b'0')..=usize::from(b'9')].copy_from_slice(&digits);
    of
}

/// How digits are read.
const DIGITS: [&str; 10] = ["ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu"];

/// Zero-width and combining characters, joiners, variation selectors.
pub const IGNORABLE: &[(u32, u32)] = &[
    (0xAD, 0xAD),
    (0x300, 0x36F),
    (0x483, 0x489),
    (0x591, 0x5BD),
    (0x610, 0x61A),
    (0x61C, 0x61C),
    (0x64B, 0x65F),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x20D0, 0x20FF),
    (0x302A, 0x302F),
    (0x3099, 0x309A),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFE20, 0xFE2F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0xE0000, 0xE0FFF),
];

/// Whether a code point is skipped without leaving a gap.
pub fn is_ignored(c: u32) -> bool {
    let at = IGNORABLE.partition_point(|(_, end)| *end < c);
    IGNORABLE.get(at).is_some_and(|(start, _)| *start <= c)
}

/// A letter or digit in its plainest form.
pub fn plain(c: char) -> Option<char> {
    c.is_alphanumeric().then(|| c.to_lowercase().next().unwrap_or(c))
}

/// Code points whose compatibility form is looked up.
pub fn has_form(c: u32) -> bool {
    matches!(c,
        0xA0..=0x24F | 0x1E00..=0x1EFF | 0x2070..=0x209F | 0x2100..=0x218F | 0x2460..=0x24FF | 0x2E80..=0x2FD5
        | 0x3200..=0x33FF | 0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFFEF)
}

/// Letters and digits that compatibility normalisation leaves alone.
pub fn dressed(c: u32) -> Option<char> {
    let (base, first) = match c {
        0x2776..=0x277E => (0x2776, '1'),
        0x2780..=0x2788 => (0x2780, '1'),
        0x278A..=0x2792 => (0x278A, '1'),
        0x24F5..=0x24FD => (0x24F5, '1'),
        0x24FF => return Some('0'),
        0x1F150..=0x1F169 => (0x1F150, 'a'),
        0x1F170..=0x1F189 => (0x1F170, 'a'),
        0x1F1E6..=0x1F1FF => (0x1F1E6, 'a'),
        0x1F100..=0x1F100 => return Some('0'),
        0x1F101..=0x1F10A => (0x1F101, '0'),
        _ => return None,
    };
    char::from_u32(first as u32 + c - base)
}

impl Table {
    /// Makes the table.
    pub fn new() -> Self {
        let mut table = Self { codes: vec![GAP; 0x10000], expansions: Vec::new() };
        for code in 2..0xD800u32 {
            // Ideographs and Hangul stand for themselves.
            if matches!(code, 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xAC00..=0xD7A3) {
                table.codes[code as usize] = code as u16;
                continue;
            }
            let Some(c) = char::from_u32(code) else { continue };
            // Scripts between these have no capitals, and asking for theirs takes most of the time.
            let cased = matches!(code, 0..=0x58F | 0x10A0..=0x10FF | 0x13A0..=0x13FF | 0x1C80..=0x1FFF
                | 0x2100..=0x2DFF | 0xA640..=0xA7FF | 0xAB30..=0xABBF);
            let unit = if cased { plain(c) } else { c.is_alphanumeric().then_some(c) };
            if let Some(c) = unit
                && (c as u32) < EXPANSION as u32
            {
                table.codes[code as usize] = c as u16;
            }
        }
        for (from, to) in simplified() {
            table.codes[from as usize] = to as u16;
        }
        let mut lookalikes = LOOKALIKES.chars();
        while let (Some(from), Some(to)) = (lookalikes.next(), lookalikes.next()) {
            table.codes[from as usize] = to as u16;
        }
        for code in 0xA0..0x10000u32 {
            if !has_form(code) || is_ignored(code) {
                continue;
            }
            let Some(c) = char::from_u32(code) else { continue };
            let units = if let Some(c) = dressed(code) {
                vec![c as u16]
            } else if code < 0x250 || (0x1E00..0x1F00).contains(&code) {
                c.nfkd().next().and_then(plain).map(|c| c as u16).into_iter().collect()
            } else {
                units_of(c.nfkc(), |code| table.codes[code])
            };
            table.codes[code as usize] = match units.as_slice() {
                [] => GAP,
                [one] => *one,
                _ => {
                    table.expansions.push(units);
                    EXPANSION + (table.expansions.len() - 1) as u16
                }
            };
        }
        for (start, end) in IGNORABLE.iter().filter(|(_, end)| *end < 0x10000) {
            table.codes[*start as usize..=*end as usize].fill(IGNORED);
        }
        for (from, to) in [('〇', '零'), ('○', '零'), ('➊', '1'), ('∨', 'v'), ('Ⅴ', 'v')] {
            table.codes[from as usize] = to as u16;
        }
        for code in 0x2776..0x2793u32 {
            if let Some(c) = dressed(code) {
                table.codes[code as usize] = c as u16;
            }
        }
        table
    }
}

/// Units of characters that are already in compatibility form.
pub fn units_of(chars: impl Iterator<Item = char>, code_of: impl Fn(usize) -> u16) -> Vec<u16> {
    chars
        .filter_map(plain)
        .filter(|c| (*c as u32) < EXPANSION as u32)
        .map(|c| match code_of(c as usize) {
            code if (2..EXPANSION).contains(&code) => code,
            _ => c as u16,
        })
        .collect()
}
