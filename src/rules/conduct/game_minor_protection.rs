//! Games without an age hint, anti-addiction or real-name checks.

use super::support::{absence, all_runs, calls, is_game};
use crate::rules::{Confidence, Context, Finding, Rule};

/// `conduct/game-minor-protection`
#[derive(Debug)]
pub struct GameMinorProtection;

impl Rule for GameMinorProtection {
    fn id(&self) -> &'static str {
        "conduct/game-minor-protection"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if !is_game(cx) || !calls(cx, &["face"]).is_empty() {
            return;
        }
        let Some(place) = absence(cx) else { return };
        let conduct = &cx.policy.conduct;
        if !all_runs(cx).iter().any(|run| conduct.fires("game-minor", &run.scan(cx)).is_some()) {
            out.push(Finding::new(self.id(), place).confidence(Confidence::Medium));
        }
    }
}
