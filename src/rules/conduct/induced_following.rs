//! Following, favourites and groups that a function or a reward hangs on.

use super::induced_sharing::results;
use super::support::{Lure, beside_triggers, told, triggers};
use crate::rules::{Context, Finding, Rule};

/// `conduct/induced-following`
#[derive(Debug)]
pub struct InducedFollowing;

const TOPIC: &str = "induced-following";
const ROLES: &[&str] = &["follow", "favorite"];

impl Rule for InducedFollowing {
    fn id(&self) -> &'static str {
        "conduct/induced-following"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut places = told(cx, self.id(), TOPIC, &["paid-forwarding", "induced-sharing"], out);
        let triggers = triggers(cx, ROLES);
        places.extend(beside_triggers(
            cx,
            &Lure { rule: self.id(), topic: TOPIC, note: "conduct-follow-trigger", page: true },
            &triggers,
            &places,
            out,
        ));
        results(self.id(), cx, ROLES, |_| false, &places, out);
    }
}
