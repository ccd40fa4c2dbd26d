//! What the targets have in common.

use std::sync::OnceLock;

use minivet::policy::Policy;

#[path = "../../tests/grown/mod.rs"]
pub mod grown;

use grown::Choices;

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
