//! `security/test-endpoint`

use super::addresses;
use crate::policy::privacy::is_local;
use crate::rules::{Context, Finding, Rule};

/// A private, loopback or staging address ships.
pub struct TestEndpoint;

const ID: &str = "security/test-endpoint";

impl Rule for TestEndpoint {
    fn id(&self) -> &'static str {
        ID
    }

    fn reads_solution(&self) -> bool {
        false
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let words = cx.policy.privacy.security();
        for address in addresses::all(cx) {
            let Some(host) = address.host() else { continue };
            let local = is_local(host) && host != "0.0.0.0";
            if !local && !words.is_staging(host) {
                continue;
            }
            let finding = Finding::new(ID, address.place).text("host", host);
            out.push(if local { finding } else { finding.variant("staging") });
        }
    }
}
