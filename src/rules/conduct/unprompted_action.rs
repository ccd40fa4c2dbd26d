//! Things that are posted, shared, changed or deleted without a user action.

use super::support::{acted, api_name, calls, has_role};
use crate::flow::{ArgValue, EntryKind, HostCall};
use crate::policy::conduct::name_words;
use crate::rules::{Confidence, Context, Finding, Rule};

/// `conduct/unprompted-action`
#[derive(Debug)]
pub struct UnpromptedAction;

const ROLES: &[&str] = &["share", "follow", "favorite", "contact-write", "calendar", "save-album", "community-editor"];

impl Rule for UnpromptedAction {
    fn id(&self) -> &'static str {
        "conduct/unprompted-action"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        for (place, group) in calls(cx, ROLES) {
            // What only asks or shows does nothing on anybody's behalf.
            if let Some(call) = group.iter().find(|call| unprompted(call) && !has_role(cx, call, "ui")) {
                out.push(tell(self.id(), place, call, api_name(call)));
            }
        }
        for (place, group) in calls(cx, &["request", "cloud-function"]) {
            let found =
                group.iter().filter(|call| unprompted(call)).find_map(|call| Some((call, publishes(cx, call)?)));
            if let Some((call, what)) = found {
                out.push(tell(self.id(), place, call, what).confidence(Confidence::Medium));
            }
        }
    }
}

fn tell(rule: &'static str, place: crate::flow::Place, call: &HostCall, what: String) -> Finding {
    Finding::new(rule, place)
        .text("text", what)
        .step(call.entry.place, "conduct-entry", call.entry.method.clone())
        .steps(call.path.iter().cloned())
}

fn unprompted(call: &HostCall) -> bool {
    !acted(call) && matches!(call.entry.kind, EntryKind::Load | EntryKind::TopLevel | EntryKind::Host)
}

/// The address, when its words say that something is published or deleted.
fn publishes(cx: &Context<'_>, call: &HostCall) -> Option<String> {
    let conduct = &cx.policy.conduct;
    let method = ["0.method"].iter().find_map(|path| call.arg(path)?.text()).unwrap_or("").to_ascii_uppercase();
    let cloud = call.arg("0.name").is_some();
    call.arg("0.url").or_else(|| call.arg("0.name"))?.strings.iter().find_map(|text| {
        let joined = text.pieces.join("-");
        let path =
            joined.split_once("://").map_or(&*joined, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
        let path = path.split(['?', '#']).next().unwrap_or(path);
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
        let words = name_words(last);
        let strong = conduct.names("id-act-strong", last);
        // `follow/add`: the act is done to what the part before it names.
        let before = path.trim_end_matches('/').rsplit('/').nth(1).unwrap_or("");
        let acts = conduct.names("id-act", before) && name_words(before).len() == 1 && before != "report";
        let done = acts && (matches!(last, "add" | "create" | "submit") || last == "send" && before == "message");
        let weak = done || conduct.names("id-act", last) && words.len() <= 2;
        // What is cleared as a whole is not read.
        let whole = words.first().is_some_and(|word| matches!(word.as_str(), "delete" | "del" | "remove" | "clear"));
        let reading = words.iter().any(|word| !(whole && word == "all") && conduct.names("id-act-reading", word))
            || call.arg("0.data").is_some_and(asks_for_page);
        let writes = matches!(&*method, "POST" | "PUT" | "DELETE" | "PATCH") || cloud;
        (!reading
            && (method == "DELETE"
                || writes && strong
                || writes
                    && weak
                    && (done
                        || !matches!(
                            last,
                            "report" | "submit" | "send" | "message" | "join" | "post" | "subscribe" | "follow"
                        ))))
        .then(|| path.to_owned())
    })
}

/// Whether what is sent asks for a page of a list.
fn asks_for_page(data: &ArgValue) -> bool {
    let has = |names: &[&str]| data.fields.iter().any(|(name, _)| names.contains(&&*name.to_ascii_lowercase()));
    has(&["page", "pageno", "pagenum", "page_no", "pageindex", "page_index", "current", "offset"])
        && has(&["pagesize", "page_size", "limit", "size", "rows", "per_page", "perpage", "count"])
        || has(&["pagesize", "page_size"])
}
