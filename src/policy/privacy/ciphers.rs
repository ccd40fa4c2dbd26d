//! What protects a value.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::Deserialize;

use crate::policy::packs::{PackError, Packs};

/// How well a function protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CipherClass {
    /// A standard cipher.
    Strong,
    /// A cipher or mode that is broken.
    Weak,
    /// A hash: protects only what cannot be enumerated, or with a secret salt.
    Hash,
    /// A keyed hash.
    Mac,
    /// An encoding: protects nothing.
    Encoding,
    /// Encryption with a public key.
    Envelope,
    /// Leaves too little to identify anybody.
    Mask,
}

/// A protecting function.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cipher {
    /// Name of the algorithm.
    pub name: Arc<str>,
    /// How well it protects.
    pub class: CipherClass,
    chains: Vec<Arc<str>>,
    /// In lower case.
    #[serde(default)]
    modules: Vec<Arc<str>>,
    /// Where the data stands.
    #[serde(default = "first")]
    pub data: Arc<str>,
    /// Where the key stands.
    #[serde(default)]
    pub key: Option<Arc<str>>,
    /// Where the initialisation vector stands.
    #[serde(default)]
    pub iv: Option<Arc<str>>,
    /// Where the mode stands.
    #[serde(default)]
    pub mode: Option<Arc<str>>,
    /// Whether it runs in ECB without a mode argument.
    #[serde(default)]
    pub options_required: bool,
    /// Whether the name of a function is all there is: to be used only where its body cannot be followed.
    #[serde(default)]
    pub by_name: bool,
}

fn first() -> Arc<str> {
    Arc::from("0")
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cipher: Vec<Cipher>,
}

/// `ciphers.toml`.
#[derive(Debug, Default)]
pub struct Table {
    ciphers: Vec<Cipher>,
    /// Last name of a chain, in lower case, to (cipher, chain in lower case).
    by_last: FxHashMap<String, Vec<(usize, Vec<String>)>>,
}

impl Table {
    pub(super) fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        let file: File = packs.parse("privacy/ciphers.toml", errors).unwrap_or_default();
        let mut by_last: FxHashMap<String, Vec<(usize, Vec<String>)>> = FxHashMap::default();
        let mut file = file;
        for cipher in &mut file.cipher {
            for module in &mut cipher.modules {
                *module = module.to_ascii_lowercase().into();
            }
        }
        for (index, cipher) in file.cipher.iter().enumerate() {
            for chain in &cipher.chains {
                let parts: Vec<String> = chain.split('.').map(str::to_ascii_lowercase).collect();
                if let Some(last) = parts.last() {
                    by_last.entry(last.clone()).or_default().push((index, parts));
                }
            }
        }
        Self { ciphers: file.cipher, by_last }
    }

    /// Whether a module or file of that name gives protecting functions.
    pub(super) fn is_module(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.ciphers.iter().any(|cipher| cipher.class != CipherClass::Encoding && from(cipher, &name))
    }

    /// The same, encodings included.
    pub(super) fn has_module(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.ciphers.iter().any(|cipher| from(cipher, &name))
    }

    pub(super) fn find(&self, chain: &[&str], module: Option<&str>) -> Option<&Cipher> {
        let last = chain.last()?.to_ascii_lowercase();
        if module.is_none() && !self.by_last.contains_key(&last) {
            return None;
        }
        let module = module.map(|module| module.trim_start_matches("./").to_ascii_lowercase());
        let mut best: Option<(usize, usize)> = None;
        if let Some(candidates) = self.by_last.get(&last) {
            for (index, parts) in candidates {
                let cipher = &self.ciphers[*index];
                let matched = parts
                    .iter()
                    .rev()
                    .zip(chain.iter().rev())
                    .take_while(|(known, given)| known.eq_ignore_ascii_case(given))
                    .count();
                let whole = matched == parts.len();
                // `const { encrypt } = require("crypto-js/aes")`: the module stands for the front of the chain.
                let by_module = matched == chain.len() && module.as_deref().is_some_and(|module| from(cipher, module));
                if !(whole || by_module) {
                    continue;
                }
                // Longer chains are surer; names alone come last.
                let score = matched * 4 + usize::from(by_module) * 3 + usize::from(!cipher.by_name);
                if best.is_none_or(|(_, have)| score > have) {
                    best = Some((*index, score));
                }
            }
        }
        if best.is_none()
            && let Some(module) = &module
        {
            // The module is the function itself, under any local name.
            best = self
                .ciphers
                .iter()
                .position(|cipher| {
                    cipher.class != CipherClass::Encoding
                        && from(cipher, module)
                        && (chain.len() == 1 || matches!(last.as_str(), "encrypt" | "hash" | "hex" | "default"))
                        && cipher.modules.iter().any(|known| {
                            let name = known.rsplit('/').next().unwrap_or(known);
                            name.contains("md5")
                                || name.contains("sha")
                                || name == "aes"
                                || name == "des"
                                || name == "sm3"
                        })
                })
                .map(|index| (index, 0));
        }
        best.map(|(index, _)| &self.ciphers[index])
    }
}

/// Whether a request names one of the cipher's modules, or a copy of it in the package.
fn from(cipher: &Cipher, module: &str) -> bool {
    let file = module.rsplit('/').next().unwrap_or(module).trim_end_matches(".js").trim_end_matches(".min");
    cipher.modules.iter().any(|known| {
        module == &**known
            || (!known.contains('/') && file == &**known)
            || module.strip_suffix(&**known).is_some_and(|folder| folder.ends_with('/'))
    })
}
