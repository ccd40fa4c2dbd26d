//! Questions to the privacy packs, in the shape that the machine needs.

use crate::policy::Policy;
use crate::policy::privacy::Cipher;
pub(super) use crate::policy::privacy::CipherClass;

/// The protecting function that a chain of names reaches.
pub(super) fn cipher<'p>(policy: &'p Policy, chain: &[&str], module: Option<&str>) -> Option<&'p Cipher> {
    if chain.is_empty() {
        return policy.privacy.protection(&["default"], module).filter(|_| module.is_some());
    }
    policy.privacy.protection(chain, module)
}
