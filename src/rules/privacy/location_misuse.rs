//! `privacy/location-misuse`

use std::collections::BTreeMap;

use super::evidence::{counted, entry_step, flows_of, is_live_unit, text_of, unit_of_route};
use crate::flow::{Place, SinkKind};
use crate::rules::{Confidence, Context, Finding, Rule};

/// Location feeds vehicle control, dispatch, fleet or emergency functions, or is shown to other users.
pub struct LocationMisuse;

const ID: &str = "privacy/location-misuse";

/// Functions that the norms rule out, as pages and buttons name them.
const FUNCTIONS: &[&str] = &[
    "车辆调度",
    "车队管理",
    "车队调度",
    "派单调度",
    "调度中心",
    "调度管理",
    "司机调度",
    "运力调度",
    "应急救援",
    "应急指挥",
    "紧急救援",
    "一键求助",
    "一键报警",
    "远程控车",
    "车辆控制",
    "远程启动",
    "自动驾驶",
    "无人驾驶",
    "无人机",
    "自动泊车",
    "急救调度",
    "救援调度",
    "应急调度",
    "紧急呼救",
    "消防调度",
    "远程锁车",
    "远程开锁车辆",
    "遥控驾驶",
    "航线控制",
    "车队监控",
    "车辆监控",
    "司机位置监控",
    "智能调度",
    "紧急求救",
    "SOS",
];

/// Texts by which others see where somebody is.
const SHOWN: &[&str] = &[
    "附近的人",
    "好友位置",
    "TA的位置",
    "ta的位置",
    "查看对方位置",
    "共享位置",
    "位置共享",
    "实时位置共享",
    "好友定位",
    "附近的用户",
];

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
                let word = FUNCTIONS.iter().map(|word| (word, false)).chain(SHOWN.iter().map(|word| (word, true)));
                word.into_iter().find(|(word, _)| text.contains(**word)).map(|(word, shown)| (*word, shown, reach))
            });
            let finding = match (page, display) {
                (Some((word, shown, reach)), _) => {
                    let sent = flows_of(cx, index).any(|flow| matches!(flow.sink, SinkKind::Network | SinkKind::Cloud));
                    if shown && !sent {
                        continue;
                    }
                    let finding = Finding::new(ID, collection.place)
                        .text("word", word)
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
