//! Finds publishing of what users write where neither text nor image review comes before it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::flow::{ArgValue, EntryKind, Fact, HostCall, Origin, Place};
use crate::model::Unit;
use crate::model::texts::Role;
use crate::policy::conduct::name_words;
use crate::policy::host::Host;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::FileId;
use crate::syntax::template::{Element, NodeId};

/// `content/unmoderated-user-content`
pub struct UnmoderatedUserContent;

/// Roles of APIs that can publish, and of those that review.
const PUBLISHING: [&str; 4] = ["request", "cloud-write", "cloud-function", "socket-send"];
const UPLOADING: [&str; 1] = ["upload"];
const EDITING: [&str; 1] = ["community-editor"];
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
        let editors: HashSet<Place> =
            cx.solution.calls.iter().filter(|call| has_role(host, call, &EDITING)).map(|call| call.place).collect();
        let mut found: BTreeMap<Place, Finding> = BTreeMap::new();
        for call in &cx.solution.calls {
            // A text may go along with a picture.
            if !(has_role(host, call, &PUBLISHING) || has_role(host, call, &UPLOADING))
                || reviews.contains(&call.place)
                || found.contains_key(&call.place)
                || !by_user(call)
            {
                continue;
            }
            let sent: Vec<&ArgValue> = ["data", "url"].into_iter().filter_map(|name| param(host, call, name)).collect();
            // What the host's own editor gives back was written by the user, too.
            let editor = edited(call, &editors).filter(|_| sent.iter().any(|value| !value.fields.is_empty()));
            if reviewed(call, &reviews) {
                continue;
            }
            if let Some(editor) = editor {
                let address = addresses(host, call).next().unwrap_or_default();
                if words.publish_address.iter().any(|word| path_of(&address).contains(word))
                    && !is_private(host, call, &words, true)
                {
                    let finding = Finding::new(self.id(), call.place)
                        .text("api", format!("{}.{}", call.namespace, call.api))
                        .text("address", address)
                        .step(editor, "content-user-input", "");
                    found.insert(call.place, finding.steps(call.path.iter().cloned()));
                    continue;
                }
            }
            if !sent.iter().any(|value| from_user(value, 0)) {
                continue;
            }
            let mut keys = Vec::new();
            sent.iter().for_each(|value| keys_from_user(value, "", 0, &mut keys));
            if keys.iter().all(|key| words.private_key.contains(&&**key)) && !keys.is_empty() {
                continue;
            }
            let Some(unit) = cx.program.units.iter().find(|unit| unit.route == call.entry.route) else { continue };
            let Some(input) = writing(cx, host, unit, &words) else { continue };
            let (strong, input) = input;
            let by_address =
                addresses(host, call).any(|url| words.publish_address.iter().any(|word| path_of(&url).contains(word)));
            let by_name = words
                .publish_address
                .iter()
                .any(|word| word.len() > 3 && call.entry.method.to_ascii_lowercase().contains(word));
            let meant = by_address || by_name;
            // What the host calls by itself loads, and what is sent at each stroke is not published by it.
            if host.info.page_events.contains_key(&call.entry.method) || typed(cx, call) && !meant {
                continue;
            }
            if !(meant || strong && says_so(cx, call, unit, input, &words))
                || is_private(host, call, &words, meant)
                || told_reviewed(cx, call, unit, &words)
            {
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
            let address =
                addresses(host, call).find(|url| words.publish_address.iter().any(|word| path_of(url).contains(word)));
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
        let reviews = review_interfaces(host);
        out.extend(found.into_values().map(|finding| {
            if reviews.is_empty() { finding.variant("own-review") } else { finding.text("reviews", reviews.clone()) }
        }));
    }
}

/// Names of the host's own interfaces that review texts and pictures, for the help.
fn review_interfaces(host: &Host) -> String {
    let namespace = host.info.namespaces.first().map_or("", |name| name);
    let called = host.apis.values().filter(|api| api.roles.iter().any(|role| REVIEWING.contains(&&**role)));
    let mut names: Vec<String> = called.map(|api| format!("`{namespace}.{}`", api.name)).collect();
    names.sort_unstable();
    names.extend(host.info.server_reviews.iter().map(|name| format!("`{name}`")));
    names.truncate(2);
    names.join("、")
}

struct Words<'a> {
    publish_address: Vec<&'a str>,
    publish_text: Vec<&'a str>,
    private_text: Vec<&'a str>,
    review_address: Vec<&'a str>,
    private_address: Vec<&'a str>,
    account_address: Vec<&'a str>,
    private_key: Vec<&'a str>,
    private_field: Vec<&'a str>,
    review_told: Vec<&'a str>,
}

impl<'a> Words<'a> {
    fn of(cx: &Context<'a>) -> Self {
        let matcher = cx.matcher();
        Self {
            publish_address: matcher.list_words("publish-address"),
            publish_text: matcher.list_words("publish-text"),
            private_text: matcher.list_words("private-text"),
            review_address: matcher.list_words("review-address"),
            private_address: matcher.list_words("private-address"),
            account_address: matcher.list_words("account-address"),
            private_key: matcher.list_words("private-key"),
            private_field: matcher.list_words("private-field"),
            review_told: matcher.list_words("review-told"),
        }
    }
}

fn has_role(host: &Host, call: &HostCall, roles: &[&str]) -> bool {
    host.apis.get(&call.api).is_some_and(|api| api.roles.iter().any(|role| roles.contains(&&**role)))
}

fn param<'c>(host: &Host, call: &'c HostCall, name: &str) -> Option<&'c ArgValue> {
    call.arg(host.apis.get(&call.api)?.params.get(name)?)
}

/// Known parts of the address or function name that a call goes to.
fn written_addresses<'c>(host: &'c Host, call: &'c HostCall) -> impl Iterator<Item = String> + 'c {
    let values = ["url", "name"].into_iter().filter_map(|name| param(host, call, name));
    values.flat_map(|value| value.strings.iter().map(|text| text.pieces.join("…")))
}

/// The same in lower case.
fn addresses<'c>(host: &'c Host, call: &'c HostCall) -> impl Iterator<Item = String> + 'c {
    written_addresses(host, call).map(|address| address.to_ascii_lowercase())
}

/// An address without its host, which says nothing of what is done there.
fn path_of(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path))
}

fn reviews_by_address(host: &Host, call: &HostCall, words: &Words<'_>) -> bool {
    addresses(host, call).any(|url| words.review_address.iter().any(|word| url.contains(word)))
}

/// Whether a review was answered on the way here.
fn reviewed(call: &HostCall, reviews: &HashSet<Place>) -> bool {
    call.facts.iter().any(|fact| matches!(fact, Fact::Succeeded(place) if reviews.contains(place)))
        || call.path.iter().any(|step| reviews.contains(&step.place))
}

/// The host's editor that gave what is sent.
fn edited(call: &HostCall, editors: &HashSet<Place>) -> Option<Place> {
    call.facts.iter().find_map(|fact| match fact {
        Fact::Succeeded(place) if editors.contains(place) => Some(*place),
        _ => None,
    })
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
            if (role("textarea") || role("editor") || role("input")) && is_own_matter(element, words) {
                continue;
            }
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

/// Whether a user's own action is behind the call, and not a page that loads or reaches its end.
fn by_user(call: &HostCall) -> bool {
    matches!(call.entry.kind, EntryKind::User | EntryKind::Event)
        || call.facts.iter().any(|fact| matches!(fact, Fact::Acted(..) | Fact::DialogConfirmed(_)))
}

/// Whether the call is made while somebody types.
fn typed(cx: &Context<'_>, call: &HostCall) -> bool {
    call.entry.element.is_some_and(|(file, node)| {
        let bindings = cx.program.bindings.iter().filter(|one| one.template == file && one.node == node);
        let mut own = bindings
            .filter(|one| one.handler.as_deref().is_none_or(|handler| handler == &*call.entry.method))
            .peekable();
        own.peek().is_some() && own.all(|one| &*one.event == "input")
    })
}

/// Names, in lower case, under which what users wrote is sent.
fn keys_from_user(value: &ArgValue, key: &str, depth: u32, out: &mut Vec<String>) {
    if value.origins.contains(&Origin::Input) && !key.is_empty() {
        out.push(key.to_ascii_lowercase());
    }
    if depth < 6 {
        for (name, field) in &value.fields {
            keys_from_user(field, if &**name == "*" { key } else { name }, depth + 1, out);
        }
    }
}

/// Whether a field asks for a password, a search word, a name or a word to the operator.
fn is_own_matter(element: &Element, words: &Words<'_>) -> bool {
    element.attributes.iter().any(|attribute| {
        let text = attribute.value.as_ref().and_then(|value| value.literal());
        match &*attribute.name {
            "password" => text.as_deref() != Some("false"),
            "type" => matches!(
                text.as_deref(),
                Some("password" | "number" | "idcard" | "digit" | "nickname" | "safe-password")
            ),
            "confirm-type" => text.as_deref() == Some("search"),
            "placeholder" => text.is_some_and(|text| words.private_field.iter().any(|word| text.contains(word))),
            _ => false,
        }
    })
}

/// Whether the control that sends, the field or the page's title speaks of publishing.
fn says_so(cx: &Context<'_>, call: &HostCall, unit: &Unit, field: Option<(FileId, NodeId)>, words: &Words<'_>) -> bool {
    let speaks = |text: &str| words.publish_text.iter().any(|word| text.contains(word));
    let index = cx.program.texts(cx.package);
    call.entry.element.into_iter().chain(field).any(|(file, node)| {
        let document = cx.program.template(file).map(|template| &template.document);
        let whole = document.and_then(|document| document.nodes.get(node as usize)).map(|node| node.span);
        whole.is_some_and(|whole| speaks(whole.slice(&cx.package.source(file).text)))
    }) || unit.config.iter().flat_map(|file| index.of_file(*file)).any(|run| speaks(&run.text.text))
}

/// Whether the address, the page or the method is about what goes to the operator alone or changes nothing: a login, a search,
/// feedback, the operator's own administration. `meant` says that they speak of publishing.
fn is_private(host: &Host, call: &HostCall, words: &Words<'_>, meant: bool) -> bool {
    let holds = |list: &[&str], text: &str| {
        text.split('/').any(|part| {
            let parts = name_words(part);
            list.iter().any(|word| {
                parts.iter().any(|part| part == word) || parts.windows(2).any(|pair| pair.join("-") == *word)
            })
        })
    };
    let private = |text: &str| holds(&words.private_address, text) || !meant && holds(&words.account_address, text);
    private(&call.entry.route)
        || private(&call.entry.method)
        || written_addresses(host, call).any(|url| private(path_of(&url)))
}

/// Whether the page tells that what users write is looked at before others see it.
fn told_reviewed(cx: &Context<'_>, call: &HostCall, unit: &Unit, words: &Words<'_>) -> bool {
    let index = cx.program.texts(cx.package);
    let own = unit.templates.iter().chain(&unit.config).chain(&unit.script).copied();
    let passed = call.path.iter().map(|step| step.place.file);
    let files: BTreeSet<FileId> = own.chain(passed).collect();
    files.into_iter().flat_map(|file| index.of_file(file)).any(|run| {
        run.role.is_judged()
            && run.role != Role::Hidden
            && words.review_told.iter().any(|word| run.text.text.contains(word))
    })
}
