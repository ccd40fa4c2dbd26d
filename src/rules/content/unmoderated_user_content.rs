//! Finds publishing of what users write where neither text nor image review comes before it.

use std::collections::{BTreeMap, HashSet};

use crate::flow::{ArgValue, Fact, HostCall, Origin, Place};
use crate::model::Unit;
use crate::policy::host::Host;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::FileId;
use crate::syntax::template::NodeId;

/// `content/unmoderated-user-content`
pub struct UnmoderatedUserContent;

/// Roles of APIs that can publish, and of those that review.
const PUBLISHING: [&str; 4] = ["request", "cloud-write", "cloud-function", "socket-send"];
const UPLOADING: [&str; 1] = ["upload"];
const REVIEWING: [&str; 2] = ["text-moderation", "image-moderation"];

impl Rule for UnmoderatedUserContent {
    fn id(&self) -> &'static str {
        "content/unmoderated-user-content"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        let words = Words::of(cx);
        let reviews: HashSet<Place> = cx
            .solution
            .calls
            .iter()
            .filter(|call| has_role(host, call, &REVIEWING) || reviews_by_address(host, call, &words))
            .map(|call| call.place)
            .collect();
        let mut found: BTreeMap<Place, Finding> = BTreeMap::new();
        for call in &cx.solution.calls {
            if !has_role(host, call, &PUBLISHING) || reviews.contains(&call.place) || found.contains_key(&call.place) {
                continue;
            }
            let sent = ["data", "url"].into_iter().filter_map(|name| param(host, call, name));
            if !sent.into_iter().any(|value| from_user(value, 0)) || reviewed(call, &reviews) {
                continue;
            }
            let Some(unit) = cx.program.units.iter().find(|unit| unit.route == call.entry.route) else { continue };
            let Some(input) = writing(cx, host, unit, &words) else { continue };
            let (strong, input) = input;
            let by_address =
                addresses(host, call).any(|url| words.publish_address.iter().any(|word| url.contains(word)));
            let by_name = words
                .publish_address
                .iter()
                .any(|word| word.len() > 3 && call.entry.method.to_ascii_lowercase().contains(word));
            if !(by_address || by_name || strong) {
                continue;
            }
            let address = addresses(host, call).next().unwrap_or_default();
            let mut finding = Finding::new(self.id(), call.place)
                .confidence(if by_address && strong { Confidence::High } else { Confidence::Medium })
                .text("api", format!("{}.{}", call.namespace, call.api))
                .text("address", address);
            if let Some((file, node)) = input
                && let Some(element) = cx.program.template(file).and_then(|template| template.document.element(node))
            {
                finding = finding.step(Place { file, span: element.open }, "content-user-input", element.name.clone());
            }
            found.insert(call.place, finding.steps(call.path.iter().cloned()));
        }
        // Pictures that are published alone; where a text goes with them, its request tells both.
        for call in &cx.solution.calls {
            if !has_role(host, call, &UPLOADING) || found.contains_key(&call.place) || reviewed(call, &reviews) {
                continue;
            }
            let Some(unit) = cx.program.units.iter().find(|unit| unit.route == call.entry.route) else { continue };
            let address = addresses(host, call).find(|url| words.publish_address.iter().any(|word| url.contains(word)));
            let told = found.values().any(|finding| finding.place.file == call.place.file);
            let (publishes, private) = speaks(cx, unit, &words);
            if let Some(address) = address
                && (publishes || !private)
                && !told
            {
                let finding = Finding::new(self.id(), call.place)
                    .confidence(Confidence::Medium)
                    .text("api", format!("{}.{}", call.namespace, call.api))
                    .text("address", address);
                found.insert(call.place, finding.steps(call.path.iter().cloned()));
            }
        }
        out.extend(found.into_values());
    }
}

struct Words<'a> {
    publish_address: Vec<&'a str>,
    publish_text: Vec<&'a str>,
    private_text: Vec<&'a str>,
    review_address: Vec<&'a str>,
}

impl<'a> Words<'a> {
    fn of(cx: &Context<'a>) -> Self {
        let matcher = cx.matcher();
        Self {
            publish_address: matcher.list_words("publish-address"),
            publish_text: matcher.list_words("publish-text"),
            private_text: matcher.list_words("private-text"),
            review_address: matcher.list_words("review-address"),
        }
    }
}

fn has_role(host: &Host, call: &HostCall, roles: &[&str]) -> bool {
    host.apis.get(&call.api).is_some_and(|api| api.roles.iter().any(|role| roles.contains(&&**role)))
}

fn param<'c>(host: &Host, call: &'c HostCall, name: &str) -> Option<&'c ArgValue> {
    call.arg(host.apis.get(&call.api)?.params.get(name)?)
}

/// Known parts of the address or function name that a call goes to, lower case.
fn addresses<'c>(host: &'c Host, call: &'c HostCall) -> impl Iterator<Item = String> + 'c {
    ["url", "name"].into_iter().filter_map(|name| param(host, call, name)).flat_map(|value| {
        value
            .strings
            .iter()
            .map(|text| text.pieces.iter().map(|piece| piece.to_ascii_lowercase()).collect::<Vec<_>>().join("…"))
    })
}

fn reviews_by_address(host: &Host, call: &HostCall, words: &Words<'_>) -> bool {
    addresses(host, call).any(|url| words.review_address.iter().any(|word| url.contains(word)))
}

/// Whether a review was answered on the way here.
fn reviewed(call: &HostCall, reviews: &HashSet<Place>) -> bool {
    call.facts.iter().any(|fact| matches!(fact, Fact::Succeeded(place) if reviews.contains(place)))
        || call.path.iter().any(|step| reviews.contains(&step.place))
}

fn from_user(value: &ArgValue, depth: u32) -> bool {
    value.origins.contains(&Origin::Input)
        || depth < 6 && value.fields.iter().any(|(_, field)| from_user(field, depth + 1))
}

/// Whether users write texts for others on the page: whether its texts say so, and the field.
#[allow(clippy::type_complexity)]
fn writing(cx: &Context<'_>, host: &Host, unit: &Unit, words: &Words<'_>) -> Option<(bool, Option<(FileId, NodeId)>)> {
    let mut field = None;
    let mut area = false;
    let mut hosted = false;
    for file in &unit.templates {
        for (node, element) in cx.program.elements(*file) {
            let Some(component) = host.components.get(&element.name) else { continue };
            let role = |name: &str| component.roles.iter().any(|role| &**role == name);
            hosted |= role("comment");
            if role("textarea") || role("editor") {
                area = true;
                field = Some((*file, node));
            } else if role("input") && field.is_none() {
                field = Some((*file, node));
            }
        }
    }
    let (publishes, private) = speaks(cx, unit, words);
    if field.is_none() && !publishes || hosted && !area {
        return None;
    }
    if private && !publishes {
        return None;
    }
    // A single line is written for others only where the page says so.
    (area || publishes).then_some((publishes, field))
}

/// Whether the page's texts speak of publishing, and of what is meant for the operator alone.
fn speaks(cx: &Context<'_>, unit: &Unit, words: &Words<'_>) -> (bool, bool) {
    let index = cx.program.texts(cx.package);
    let holds = |list: &[&str], text: &str| list.iter().any(|word| text.contains(word));
    let (mut publishes, mut private) = (false, false);
    for run in unit.templates.iter().chain(&unit.config).flat_map(|file| index.of_file(*file)) {
        publishes |= holds(&words.publish_text, &run.text.text);
        private |= holds(&words.private_text, &run.text.text);
    }
    (publishes, private)
}
