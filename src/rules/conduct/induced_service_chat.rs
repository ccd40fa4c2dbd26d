//! Rewards that lure users into customer-service chat.

use super::support::{Lure, beside_triggers, told, triggers};
use crate::rules::{Context, Finding, Rule};

/// `conduct/induced-service-chat`
#[derive(Debug)]
pub struct InducedServiceChat;

const TOPIC: &str = "induced-service-chat";

impl Rule for InducedServiceChat {
    fn id(&self) -> &'static str {
        "conduct/induced-service-chat"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let places = told(cx, self.id(), TOPIC, &["induced-sharing", "induced-following"], out);
        let triggers = triggers(cx, &["contact", "service-chat"]);
        beside_triggers(
            cx,
            &Lure { rule: self.id(), topic: TOPIC, note: "conduct-chat-trigger", page: false },
            &triggers,
            &places,
            out,
        );
    }
}
