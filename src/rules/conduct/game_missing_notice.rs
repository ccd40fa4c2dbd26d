//! Games that show neither the healthy-gaming notice nor their approval numbers.

use super::support::{absence, all_runs, is_game};
use crate::rules::{Confidence, Context, Finding, Rule};

/// `conduct/game-missing-notice`
#[derive(Debug)]
pub struct GameMissingNotice;

/// Sentences of the notice that must be there for it to count as whole.
const PARTS: &[&str] = &["抵制不良游戏", "拒绝盗版游戏", "适度游戏益脑", "沉迷游戏伤身", "合理安排时间"];

impl Rule for GameMissingNotice {
    fn id(&self) -> &'static str {
        "conduct/game-missing-notice"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if !is_game(cx) {
            return;
        }
        let Some(place) = absence(cx) else { return };
        let runs = all_runs(cx);
        let conduct = &cx.policy.conduct;
        let notice = PARTS.iter().all(|part| runs.iter().any(|run| run.text.contains(part)));
        let number = runs.iter().any(|run| conduct.near("game-notice", &run.scan(cx)).is_some());
        let missing = match (notice, number) {
            (true, true) => return,
            (false, true) => "game-notice",
            (true, false) => "game-numbers",
            (false, false) => "game-notice-and-numbers",
        };
        let clauses = match (notice, number) {
            (false, true) => vec!["game-2.5", "game-2.5.2"],
            (true, _) => vec!["game-2.5", "game-2.5.1"],
            (false, false) => vec!["game-2.5", "game-2.5.1", "game-2.5.2"],
        };
        out.push(Finding::new(self.id(), place).word("text", missing).confidence(Confidence::Medium).clauses(clauses));
    }
}
