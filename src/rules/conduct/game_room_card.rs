//! Room cards, and leading players to gambling offline.

use super::support::{is_game, told};
use crate::rules::{Context, Finding, Rule};

/// `conduct/game-room-card`
#[derive(Debug)]
pub struct GameRoomCard;

impl Rule for GameRoomCard {
    fn id(&self) -> &'static str {
        "conduct/game-room-card"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if is_game(cx) {
            told(cx, self.id(), "game-room-card", &[], out);
        }
    }
}
