//! Random results in games that money or virtual currency pays for.

use super::support::{all_runs, calls, is_game, told, unit, unit_texts};
use crate::rules::{Confidence, Context, Finding, Rule};

/// `conduct/game-chance-purchase`
#[derive(Debug)]
pub struct GameChancePurchase;

const TOPIC: &str = "game-chance-purchase";

impl Rule for GameChancePurchase {
    fn id(&self) -> &'static str {
        "conduct/game-chance-purchase"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if !is_game(cx) {
            return;
        }
        let places = told(cx, self.id(), TOPIC, &[], out);
        let payments = calls(cx, &["payment"]);
        if payments.is_empty() {
            return;
        }
        let conduct = &cx.policy.conduct;
        let runs = all_runs(cx);
        for (place, group) in payments {
            let told = |call: &&crate::flow::HostCall| {
                unit(cx, &call.entry.route).is_some_and(|unit| {
                    places.iter().any(|place| unit.templates.contains(&place.file) || unit.script == Some(place.file))
                })
            };
            let found = group.iter().find(|call| {
                let names = conduct.scan(&call.entry.method);
                let texts = unit(cx, &call.entry.route).map(|unit| unit_texts(runs, unit)).unwrap_or_default();
                !told(call)
                    && (conduct.near(TOPIC, &names).is_some() || conduct.near(TOPIC, &conduct.scan(&texts)).is_some())
            });
            if found.is_some() {
                out.push(Finding::new(self.id(), place).variant("call").confidence(Confidence::Medium));
            }
        }
    }
}
