//! What the targets have in common.

use std::sync::OnceLock;

use minivet::policy::Policy;

/// The embedded packs.
pub fn policy() -> &'static Policy {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    POLICY.get_or_init(|| Policy::embedded().unwrap_or_else(|(_, errors)| panic!("{errors:?}")))
}

/// A seed with pieces of itself and of a list moved about, as the bytes of an input say: text that is nearly right reaches
/// further than noise.
pub fn grow(input: &[u8], seeds: &[&str], pieces: &[&str]) -> String {
    let mut bytes = input.iter().copied();
    let mut next = |most: usize| {
        let wide = usize::from(bytes.next().unwrap_or(0)) << 8 | usize::from(bytes.next().unwrap_or(0));
        if most == 0 { 0 } else { wide % most }
    };
    let mut text = seeds[next(seeds.len())].to_owned();
    for _ in 0..input.len() / 6 {
        let floor = |text: &str, mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let from = floor(&text, next(text.len() + 1));
        match next(4) {
            0 => {
                let end = floor(&text, (from + next(60)).min(text.len())).max(from);
                text.replace_range(from..end, "");
            }
            1 => {
                let end = floor(&text, (from + next(300)).min(text.len())).max(from);
                let piece = text[from..end].to_owned();
                text.insert_str(from, &piece);
            }
            _ => text.insert_str(from, pieces[next(pieces.len())]),
        }
    }
    text
}
