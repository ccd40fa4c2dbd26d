//! Rule packs: what the platform, the law and the field say, loaded and validated.

pub mod host;

use std::collections::BTreeMap;
use std::sync::Arc;

use host::Host;

/// All packs.
#[derive(Debug, Default)]
pub struct Policy {
    /// Hosts by id.
    pub hosts: BTreeMap<Arc<str>, Arc<Host>>,
}

impl Policy {
    /// The host of that id.
    pub fn host(&self, id: &str) -> Option<&Host> {
        self.hosts.get(id).map(|host| &**host)
    }
}
