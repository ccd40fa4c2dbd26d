//! What the targets have in common.

use std::sync::OnceLock;

use minivet::policy::Policy;

/// The embedded packs.
pub fn policy() -> &'static Policy {
    static POLICY: OnceLock<Policy> = OnceLock::new();
    POLICY.get_or_init(|| Policy::embedded().unwrap_or_else(|(_, errors)| panic!("{errors:?}")))
}

/// Runs work with a stack as deep as the program's.
pub fn deep<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    static POOL: OnceLock<rayon::ThreadPool> = OnceLock::new();
    let pool = || rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(64 << 20).build().unwrap();
    POOL.get_or_init(pool).install(work)
}

/// Reads choices out of the bytes of an input; past their end every choice is the first.
pub struct Choices<'a>(std::slice::Iter<'a, u8>);

impl<'a> Choices<'a> {
    /// Choices out of `input`.
    pub fn new(input: &'a [u8]) -> Self {
        Self(input.iter())
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or(0)
    }

    /// A number below `most`; 0 when that is 0.
    pub fn below(&mut self, most: usize) -> usize {
        let wide = usize::from(self.byte()) << 8 | usize::from(self.byte());
        if most == 0 { 0 } else { wide % most }
    }

    /// One of a list.
    pub fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// The bytes that are left.
    pub fn rest(&self) -> &'a [u8] {
        self.0.as_slice()
    }

    /// Whether none is left.
    pub fn done(&self) -> bool {
        self.rest().is_empty()
    }

    /// The next bytes, at most `most`.
    pub fn take(&mut self, most: usize) -> &'a [u8] {
        let (head, rest) = self.rest().split_at(most.min(self.rest().len()));
        self.0 = rest.iter();
        head
    }
}

/// A seed with pieces of itself and of a list moved about, as the bytes of an input say: text that is nearly right reaches
/// further than noise.
pub fn grow(input: &[u8], seeds: &[&str], pieces: &[&str]) -> String {
    let mut choices = Choices::new(input);
    let mut text = choices.of(seeds).to_owned();
    for _ in 0..input.len() / 6 {
        let floor = |text: &str, mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let from = floor(&text, choices.below(text.len() + 1));
        match choices.below(4) {
            0 => {
                let end = floor(&text, (from + choices.below(60)).min(text.len())).max(from);
                text.replace_range(from..end, "");
            }
            1 => {
                let end = floor(&text, (from + choices.below(300)).min(text.len())).max(from);
                let piece = text[from..end].to_owned();
                text.insert_str(from, &piece);
            }
            _ => text.insert_str(from, choices.of(pieces)),
        }
    }
    text
}

/// Bytes with some of them set, moved, repeated and cut, and numbers in them set to their edges.
pub fn damage(choices: &mut Choices<'_>, bytes: &mut Vec<u8>) {
    for _ in 0..choices.below(12) {
        let at = choices.below(bytes.len() + 1);
        let end = (at + choices.below(64)).min(bytes.len());
        match choices.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                let to = choices.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            3 => {
                let edge = choices.of(&[0u32, 1, 0x7f, 0xff, 0xffff, 0x1_0000, 0x7fff_ffff, 0xffff_ffff]);
                let number = if choices.byte() % 2 == 0 { edge.to_le_bytes() } else { edge.to_be_bytes() };
                for (byte, new) in bytes[at..].iter_mut().zip(number) {
                    *byte = new;
                }
            }
            4 => {
                for byte in bytes.iter_mut().skip(at).take(4) {
                    *byte = byte.wrapping_add(choices.byte());
                }
            }
            _ => {
                let byte = choices.byte();
                bytes.iter_mut().skip(at).take(1).for_each(|old| *old = byte);
            }
        }
    }
}
