//! `privacy/location-misuse`

use std::collections::BTreeMap;

use super::evidence::{counted, entry_step, flows_of, is_live_unit, text_of, unit_of_route};
use crate::flow::{Place, SinkKind};
use crate::rules::{Confidence, Context, Finding, Rule};

/// Location feeds vehicle control, dispatch, fleet or emergency functions, or is shown to other users.
pub struct LocationMisuse;

const ID: &str = "privacy/location-misuse";

impl Rule for LocationMisuse {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut found: BTreeMap<Place, Finding> = BTreeMap::new();
        for (index, collection) in cx.solution.collections.iter().enumerate() {
            let kinds: Vec<_> = counted(cx, collection)
                .into_iter()
                .filter(|kind| matches!(&**kind, "location" | "track" | "fuzzy-location" | "chosen-location"))
                .collect();
            if kinds.is_empty() {
                continue;
            }
            let display = flows_of(cx, index).find(|flow| flow.sink == SinkKind::Display);
            let page = collection.reaches.iter().find_map(|reach| {
                let unit = unit_of_route(cx, &reach.entry.route).filter(|unit| is_live_unit(unit))?;
                let mut text: String = unit.templates.iter().map(|file| text_of(cx.program, *file, 0)).collect();
                let title = unit
                    .config
                    .and_then(|config| cx.package.files[config.index()].json.as_ref())
                    .and_then(|json| json.get("navigationBarTitleText"))
                    .and_then(|title| title.as_str())
                    .unwrap_or("");
                text.push_str(title);
                let words = cx.policy.privacy.location();
                let mut told =
                    words.functions.iter().map(|word| (word, false)).chain(words.shown.iter().map(|word| (word, true)));
                told.find(|(word, _)| text.contains(&***word)).map(|(word, shown)| (word, shown, reach))
            });
            let finding = match (page, display) {
                (Some((word, shown, reach)), _) => {
                    let sent = flows_of(cx, index).any(|flow| matches!(flow.sink, SinkKind::Network | SinkKind::Cloud));
                    if shown && !sent {
                        continue;
                    }
                    let finding = Finding::new(ID, collection.place)
                        .text("word", &**word)
                        .confidence(Confidence::Medium)
                        .steps([entry_step(&reach.entry)]);
                    if shown { finding.variant("shown") } else { finding }
                }
                (None, Some(flow)) => Finding::new(ID, collection.place)
                    .variant("shown")
                    .text("word", &*flow.api)
                    .step(flow.place, "privacy-sent", flow.api.clone()),
                (None, None) => continue,
            };
            found.entry(collection.place).or_insert_with(|| finding.kinds(&kinds));
        }
        out.extend(found.into_values());
    }
}
