//! `privacy/consent-preselected`

use super::evidence::{ancestors, around, beside, continued, literal, live_units};
use crate::flow::Place;
use crate::model::sites::Initial;
use crate::model::{Unit, UnitKind, sites};
use crate::rules::{Context, Finding, Fix, Rule};
use crate::source::FileId;
use crate::syntax::template::{Element, NodeId, Part};

/// An agreement is on before the user acts.
pub struct ConsentPreselected;

const ID: &str = "privacy/consent-preselected";

impl Rule for ConsentPreselected {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        find(cx, &mut |_, finding| out.extend(finding));
    }
}

/// Calls `found` for each agreement that is on from the start, once a place; and without a finding for other units that read it.
pub fn find(cx: &Context<'_>, found: &mut dyn FnMut(&Unit, Option<Finding>)) {
    let mut seen = std::collections::BTreeSet::new();
    let mut shared: Vec<String> = Vec::new();
    let loads: Vec<_> = cx
        .policy
        .host(&cx.package.host)
        .map(|host| [&host.info.page_load, &host.info.component_load].into_iter().flatten().cloned().collect())
        .unwrap_or_default();
    let used = crate::model::uses(cx.program);
    let uses = |unit: &Unit| {
        let id = cx.program.units.iter().position(|known| std::ptr::eq(known, unit)).map(|at| at as u32);
        let users = id.and_then(|id| used.get(&id)).into_iter().flatten();
        users.filter_map(|(_, file, node)| super::evidence::element(cx.program, *file, *node))
    };
    for unit in live_units(cx) {
        let script = unit.script.and_then(|file| cx.program.script(file));
        let mut initial = script.map(sites::initial_data).unwrap_or_default();
        if let Some(script) = script {
            initial.extend(sites::loaded_data(script, &loads));
            if unit.kind == UnitKind::Component {
                // What every user gives another value for stands nowhere.
                let given = |key: &str| {
                    let mut users = uses(unit).peekable();
                    users.peek().is_some()
                        && users.all(|element| {
                            element.attributes.iter().any(|attribute| {
                                attribute.name.trim_start_matches("model:").replace('-', "").eq_ignore_ascii_case(key)
                            })
                        })
                };
                initial.extend(sites::property_defaults(script).into_iter().filter(|value| !given(&value.path)));
            }
        }
        let mut flag = |key: &str, unit: &Unit, step: Option<Place>| {
            let Some(file) = unit.script else { return };
            for value in initial.iter().filter(|value| value.path == key && value.boolean == Some(true)) {
                let place = Place { file, span: value.span };
                if seen.insert(place) {
                    let mut finding = Finding::new(ID, place).variant("flag").text("key", key);
                    if let Some(step) = step {
                        finding = finding.step(step, "privacy-agreement-here", "");
                    }
                    found(
                        unit,
                        Some(finding.fix(Fix {
                            title: "start-off",
                            safe: false,
                            edits: vec![crate::rules::Edit { place, text: "false".into() }],
                        })),
                    );
                }
            }
        };
        if unit.kind == UnitKind::App {
            for value in initial.iter().filter(|value| value.boolean == Some(true)) {
                if cx.policy.privacy.is_consent_flag(last(&value.path), true) {
                    flag(&value.path, unit, None);
                    shared.push(value.path.clone());
                }
            }
        }
        let mut literal_places = Vec::new();
        for file in &unit.templates {
            for (node, element) in cx.program.elements(*file) {
                let Some(on) = checked(element, &cx.package.source(*file).text) else { continue };
                let mut text = beside(cx.program, *file, node);
                if cx.policy.privacy.agrees(&text) || cx.policy.privacy.reads(&text) {
                    // "I have read and agree to", and the link that follows.
                    text.push_str(&continued(cx.program, *file, node));
                }
                let says = cx.policy.privacy.consent_text(&text);
                if !(says.policy || says.agreement || says.privacy && cx.policy.privacy.agrees(&text))
                    || says.contract_only
                {
                    continue;
                }
                let place = Place { file: *file, span: element.open };
                match on {
                    On::Always => literal_places.push((place, text)),
                    On::Key(key) => {
                        for key in keys(cx, *file, node, &key, &initial) {
                            flag(&key, unit, Some(place));
                        }
                    }
                }
            }
            // A picture or class that shows the state of a flag.
            {
                for value in initial.iter().filter(|value| value.boolean == Some(true)) {
                    let named = cx.policy.privacy.is_consent_flag(last(&value.path), false);
                    let used = cx.program.elements(*file).find(|(node, element)| {
                        let drawn = named || matches!(&*element.name, "icon" | "image");
                        drawn && mentions(cx, *file, element, &value.path) && {
                            let of = if named { around } else { beside };
                            let text = of(cx.program, *file, *node);
                            let privacy = &cx.policy.privacy;
                            let says = privacy.consent_text(&text);
                            // A flag of any name is one of consent where it draws the tick beside "I have read and agree to".
                            (says.policy || says.agreement || says.privacy)
                                && !says.contract_only
                                && (named || privacy.agrees(&text) && privacy.reads(&text))
                        }
                    });
                    if let Some((_, element)) = used {
                        flag(&value.path, unit, Some(Place { file: *file, span: element.open }));
                    }
                }
            }
        }
        for (place, text) in literal_places {
            if seen.insert(place) {
                let shown: String = text.trim().chars().take(40).collect();
                found(unit, Some(Finding::new(ID, place).text("text", shown)));
            }
        }
    }
    if shared.is_empty() {
        return;
    }
    for unit in live_units(cx).filter(|unit| unit.kind != UnitKind::App) {
        let text = unit.script.map_or("", |file| &*cx.package.source(file).text);
        if shared.iter().any(|key| has_word(&text.replace('.', " "), key)) {
            found(unit, None);
        }
    }
}

/// The keys of the data that a key of an element stands for: in a loop, that of each item (`boxes[0].on` for `item.on`), of which
/// those are left out that say by their own texts that they are something else.
fn keys(cx: &Context<'_>, file: FileId, node: NodeId, key: &str, initial: &[Initial]) -> Vec<String> {
    let loops = cx.program.template(file).map(|template| &template.loops);
    let around = std::iter::once(node).chain(ancestors(cx.program, file, node));
    let looped = around.filter_map(|node| loops?.get(&node)).find_map(|repeat| {
        let rest = key.strip_prefix(&*repeat.item)?.strip_prefix('.')?;
        Some((repeat.list.span.slice(&cx.package.source(file).text).trim(), rest))
    });
    let Some((list, rest)) = looped else { return vec![key.to_owned()] };
    let of_item = |path: &str| {
        let (index, rest) = path.strip_prefix(list)?.strip_prefix('[')?.split_once("].")?;
        Some((index.to_owned(), rest.to_owned()))
    };
    let privacy = &cx.policy.privacy;
    let other = |index: &str| {
        let texts = initial.iter().filter(|value| of_item(&value.path).is_some_and(|(at, _)| at == index));
        let texts: Vec<_> = texts.filter_map(|value| value.string.as_deref()).filter(|text| !text.is_ascii()).collect();
        !texts.is_empty()
            && !texts.iter().any(|text| {
                let says = privacy.consent_text(text);
                says.policy || says.agreement || says.privacy || privacy.agrees(text) || privacy.reads(text)
            })
    };
    let on = initial.iter().filter(|value| value.boolean == Some(true));
    let on = on.filter(|value| of_item(&value.path).is_some_and(|(at, name)| name == rest && !other(&at)));
    on.map(|value| value.path.clone()).collect()
}

/// The last key of a path.
fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or("")
}

enum On {
    Always,
    Key(String),
}

/// Whether a control is on: always, or by a data key.
fn checked(element: &Element, source: &str) -> Option<On> {
    if !matches!(&*element.name, "checkbox" | "switch" | "radio" | "van-checkbox" | "t-checkbox" | "u-checkbox") {
        return None;
    }
    let attribute =
        element.attribute("checked").or_else(|| element.attribute("value").filter(|_| element.name.contains('-')))?;
    let Some(value) = &attribute.value else { return Some(On::Always) };
    if let Some(text) = value.literal() {
        return (text.trim() != "false" && attribute.name.eq_ignore_ascii_case("checked")).then_some(On::Always);
    }
    let mut parts =
        value.parts.iter().filter(|part| !matches!(part, Part::Text { text, .. } if text.trim().is_empty()));
    let (Some(Part::Interpolation { expression, .. }), None) = (parts.next(), parts.next()) else { return None };
    match expression.slice(source).trim() {
        "true" | "!0" | "1" => Some(On::Always),
        key if key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '.')) && key != "false" => {
            Some(On::Key(key.to_owned()))
        }
        _ => None,
    }
}

fn mentions(cx: &Context<'_>, file: FileId, element: &Element, key: &str) -> bool {
    let source = &cx.package.source(file).text;
    element.attributes.iter().filter_map(|attribute| attribute.value.as_ref()).any(|value| {
        value.parts.iter().any(|part| match part {
            Part::Interpolation { expression, .. } => has_word(expression.slice(source), key),
            Part::Text { .. } => false,
        })
    }) && literal(element, "url").is_none()
}

fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, found)| {
        let word_char = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
        !text[..at].chars().next_back().is_some_and(|c| word_char(c) || c == '.')
            && !text[at + found.len()..].chars().next().is_some_and(word_char)
    })
}
