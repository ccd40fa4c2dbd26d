//! What the security rules look for.

use std::sync::Arc;

use serde::Deserialize;

use crate::policy::packs::{PackError, Packs};

/// `security/words.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SecurityWords {
    /// Endpoints that only a server may call.
    pub server_endpoints: Vec<Arc<str>>,
    /// Modules that run code given as text.
    pub interpreters: Vec<Arc<str>>,
    /// Labels of hosts that are not the published service.
    pub staging: Vec<Arc<str>>,
    /// Hosts with such a label that are a published service.
    pub not_staging: Vec<Arc<str>>,
    /// Domains of tunnels to a developer's machine.
    pub tunnels: Vec<Arc<str>>,
    /// Parts of addresses that nobody requests.
    pub not_requested: Vec<Arc<str>>,
    /// Keys that switch debugging on.
    pub debug_keys: Vec<Arc<str>>,
    /// Modules that show debugging tools.
    pub debug_modules: Vec<Arc<str>>,
    /// Texts about the user's device.
    pub device: DeviceWords,
}

/// Texts that tell users to weaken their device.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DeviceWords {
    /// What they are told, in lower case.
    pub tells: Vec<Arc<str>>,
    /// What turns it into a warning, before it in the sentence.
    pub not: Vec<Arc<str>>,
    /// The same where it stands right before.
    pub not_before: Vec<Arc<str>>,
    /// The same right after it.
    pub not_after: Vec<Arc<str>>,
}

impl SecurityWords {
    pub(super) fn load(packs: &Packs, errors: &mut Vec<PackError>) -> Self {
        packs.parse("security/words.toml", errors).unwrap_or_default()
    }

    /// Whether a host is a test or staging one, or a tunnel.
    pub fn is_staging(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        if self.tunnels.iter().any(|tunnel| host == **tunnel || host.ends_with(&format!(".{tunnel}"))) {
            return true;
        }
        if self.not_staging.iter().any(|known| **known == *host) {
            return false;
        }
        let registered = super::registrable(&host);
        let Some(front) = host.strip_suffix(registered) else { return false };
        front.split(['.', '-', '_']).any(|label| {
            let plain = label.trim_end_matches(|c: char| c.is_ascii_digit());
            self.staging.iter().any(|word| **word == *label || (!plain.is_empty() && **word == *plain))
        })
    }
}
