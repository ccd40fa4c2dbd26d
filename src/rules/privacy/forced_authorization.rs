//! `privacy/forced-authorization`

use std::collections::BTreeMap;

use super::evidence::{api, dialog_text, element, entry_step, literal, live_units, refuses_terms, short_text_of};
use crate::flow::{EntryKind, Fact, HostCall, Place};
use crate::policy::host::Api;
use crate::rules::{Context, Finding, Rule};

/// Refusal leads back to the prompt, to a dialog without a way out, or out of the program.
pub struct ForcedAuthorization;

const ID: &str = "privacy/forced-authorization";

impl Rule for ForcedAuthorization {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let prompts: BTreeMap<Place, &HostCall> = cx
            .solution
            .calls
            .iter()
            .filter(|call| {
                // A login that asks nobody is not refused where it fails.
                api(cx, call).is_some_and(|api| api.scope.is_some() || api.prompt || api.has_role("authorize"))
            })
            .map(|call| (call.place, call))
            .collect();
        // Prompts by the scopes that they ask for.
        let mut scopes: BTreeMap<String, Place> = BTreeMap::new();
        for (place, prompt) in &prompts {
            let Some(api) = api(cx, prompt) else { continue };
            let named = super::evidence::param_text(prompt, api, "scope");
            let both = api.scope.iter().map(ToString::to_string).chain(Some(named));
            for scope in both.filter(|scope| !scope.is_empty()) {
                scopes.entry(scope).or_insert(*place);
            }
        }
        let asked = Asked { prompts, scopes, buttons: buttons(cx), dialogs: dialogs(cx) };
        let prompts = &asked.prompts;
        let mut found: BTreeMap<Place, Finding> = BTreeMap::new();
        for call in &cx.solution.calls {
            let Some(refused) = refusal(cx, call, &asked) else { continue };
            let Some(api) = api(cx, call) else { continue };
            if chosen(call, &asked) || granted(cx, call, &asked) || opened_by_tap(cx, call, refused, &asked) {
                continue;
            }
            let variant = if api.has_role("dialog") {
                let no_way_out = no_way_out(call, api);
                let text = dialog_text(call, api);
                let leads_back = cx.solution.calls_after(call.place).any(|next| {
                    [Fact::DialogConfirmed(call.place), Fact::Succeeded(call.place)]
                        .iter()
                        .any(|fact| next.facts.contains(fact))
                        && self::api(cx, next).is_some_and(|api| {
                            ["authorize", "settings-open", "exit", "login"].iter().any(|role| api.has_role(role))
                                || prompts.contains_key(&next.place)
                        })
                });
                if !no_way_out || !(leads_back || cx.policy.privacy.insists(&text)) {
                    // The consent dialog again, right after it was refused.
                    if refused != call.place {
                        continue;
                    }
                    "again"
                } else {
                    "dialog"
                }
            } else if api.has_role("exit") || api.has_role("program-back") {
                "exit"
            } else if api.has_role("settings-open") {
                "settings"
            } else if prompts.contains_key(&call.place)
                && failed(call, &asked)
                && (refused == call.place || same_scope(cx, call, refused, prompts))
            {
                "again"
            } else {
                continue;
            };
            let place = if variant == "again" { branch_call(call, refused) } else { call.place };
            found.entry(call.place).or_insert_with(|| {
                Finding::new(ID, place)
                    .text("call", &*call.api)
                    .variant(variant)
                    .steps([entry_step(&call.entry)])
                    .step(refused, "privacy-refused", asked.source(refused))
                    .steps(call.path.iter().cloned())
            });
        }
        leaves(cx, &mut found);
        let mut told = std::collections::BTreeSet::new();
        out.extend(found.into_values().filter(|finding| told.insert(finding.place)));
    }
}

/// What asks the user: calls of the host, and host buttons by what they are.
struct Asked<'a> {
    prompts: BTreeMap<Place, &'a HostCall>,
    /// Calls by the scopes that they ask for.
    scopes: BTreeMap<String, Place>,
    buttons: BTreeMap<Place, &'a str>,
    dialogs: BTreeMap<Place, Dialog>,
}

/// A dialog of the host, over all ways to it.
#[derive(Clone, Copy, Debug, Default)]
struct Dialog {
    /// Asks for consent.
    asks: bool,
    /// Opened after a refusal.
    refused: bool,
    /// Can be answered with no.
    open: bool,
}

fn dialogs(cx: &Context<'_>) -> BTreeMap<Place, Dialog> {
    let mut out: BTreeMap<Place, Dialog> = BTreeMap::new();
    let mut weighed: BTreeMap<String, bool> = BTreeMap::new();
    for (call, api) in super::evidence::calls(cx, "dialog") {
        let text = dialog_text(call, api);
        let consent = |text: &String| cx.policy.privacy.consent_text(text).asks_consent();
        let asks = match weighed.get(&text) {
            Some(&asks) => asks,
            None => {
                let asks = consent(&text);
                weighed.insert(text, asks);
                asks
            }
        };
        let dialog = out.entry(call.place).or_default();
        dialog.asks |= asks;
        dialog.open |= api.param("cancel-text").is_some() && !no_way_out(call, api);
        dialog.refused |=
            call.facts.iter().any(|fact| matches!(fact, Fact::Failed(_) | Fact::Refused(_) | Fact::DialogRefused(_)));
    }
    out
}

impl Asked<'_> {
    fn holds(&self, place: Place) -> bool {
        self.prompts.contains_key(&place) || self.buttons.contains_key(&place)
    }

    /// A dialog, where it asks for consent.
    fn consent_dialog(&self, place: Place) -> Option<Place> {
        self.dialogs.get(&place).is_some_and(|dialog| dialog.asks).then_some(place)
    }

    /// The API or button at a place.
    fn source(&self, place: Place) -> &str {
        let button = self.buttons.get(&place).copied();
        self.prompts.get(&place).map(|call| &*call.api).or(button).unwrap_or("")
    }
}

/// Buttons at whose tap the host asks.
fn buttons<'a>(cx: &Context<'a>) -> BTreeMap<Place, &'a str> {
    let asks = |collection: &&crate::flow::Collection| collection.element.is_some() && collection.host_prompt;
    cx.solution.collections.iter().filter(asks).map(|collection| (collection.place, &*collection.source)).collect()
}

/// Leaving the program by the control that refuses in a dialog of the package's own, or a dialog without a way out then.
fn leaves(cx: &Context<'_>, found: &mut BTreeMap<Place, Finding>) {
    for (role, variant) in [("exit", "exit"), ("program-back", "exit"), ("dialog", "dialog")] {
        for (call, api) in super::evidence::calls(cx, role) {
            if role == "dialog" && !(no_way_out(call, api) && cx.policy.privacy.shuts_out(&dialog_text(call, api))) {
                continue;
            }
            let refused = call.facts.iter().find_map(|fact| match fact {
                Fact::Acted(file, node) if refuses_terms(cx, *file, *node) => Some((*file, *node)),
                _ => None,
            });
            let Some((file, node)) = refused else { continue };
            let Some(element) = element(cx.program, file, node) else { continue };
            found.entry(call.place).or_insert_with(|| {
                Finding::new(ID, call.place)
                    .text("call", &*call.api)
                    .variant(variant)
                    .steps([entry_step(&call.entry)])
                    .step(Place { file, span: element.open }, "privacy-refused", element.name.clone())
                    .steps(call.path.iter().cloned())
            });
        }
    }
    let Some(host) = cx.policy.host(&cx.package.host) else { return };
    for unit in live_units(cx) {
        for file in &unit.templates {
            for (node, element) in cx.program.elements(*file) {
                let Some(open) = literal(element, "open-type") else { continue };
                let leaves = host
                    .components
                    .get(&element.name)
                    .and_then(|component| component.open_types.get(open.as_str()))
                    .is_some_and(|open| open.roles.iter().any(|role| &**role == "exit"));
                if leaves && refuses_terms(cx, *file, node) {
                    let place = Place { file: *file, span: element.open };
                    let finding = Finding::new(ID, place).text("call", open).variant("exit");
                    found.entry(place).or_insert(finding);
                }
            }
        }
    }
}

/// Whether a dialog has one button only.
fn no_way_out(call: &HostCall, api: &Api) -> bool {
    let show = api.param("show-cancel").and_then(|path| call.arg(path)).and_then(|value| value.boolean);
    show == Some(false)
}

/// What the refusal branch calls to come back to a prompt: the prompt itself, or the function that asks.
fn branch_call(call: &HostCall, refused: Place) -> Place {
    let mut after = call.path.iter().rev().take_while(|step| step.place != refused).peekable();
    if after.peek().is_none() || !call.path.iter().any(|step| step.place == refused) {
        return call.place;
    }
    after.last().map_or(call.place, |step| step.place)
}

/// What was refused on the way to a call: the prompt, or the consent dialog.
fn refusal(cx: &Context<'_>, call: &HostCall, asked: &Asked<'_>) -> Option<Place> {
    call.facts.iter().find_map(|fact| match fact {
        Fact::Failed(place) if asked.holds(*place) => Some(*place),
        Fact::Refused(scope) => asked.scopes.get(&**scope).copied().or_else(|| {
            // Asked at another time: the settings tell the answer.
            call.facts.iter().find_map(|fact| {
                let Fact::Succeeded(place) = fact else { return None };
                at(cx, *place, "settings-read").next().map(|_| *place)
            })
        }),
        Fact::DialogRefused(place) => asked.consent_dialog(*place),
        // Opened again by what closes it.
        Fact::Closed(place) if *place == call.place && !call.facts.contains(&Fact::DialogConfirmed(*place)) => {
            asked.consent_dialog(*place)
        }
        _ => None,
    })
}

/// The calls at a place of APIs with a role.
fn at<'a>(cx: &Context<'a>, place: Place, role: &str) -> impl Iterator<Item = &'a HostCall> {
    cx.solution.calls_at(place).filter(move |call| api(cx, call).is_some_and(|api| api.has_role(role)))
}

/// Whether it follows a dialog that was confirmed in the refusal branch: the user chose it, or the dialog without a way
/// out is what is told.
fn chosen(call: &HostCall, asked: &Asked<'_>) -> bool {
    call.facts.iter().any(|fact| {
        let (Fact::DialogConfirmed(place) | Fact::Succeeded(place)) = fact else { return false };
        // Of two buttons, the one that was tapped must matter.
        let confirmed = matches!(fact, Fact::DialogConfirmed(_));
        !call.facts.contains(&Fact::DialogRefused(*place))
            && asked.dialogs.get(place).is_some_and(|dialog| dialog.refused && (confirmed || !dialog.open))
    })
}

/// Whether the user taps what offers to open the settings, some time after the refusal (`开启录音权限`).
fn opened_by_tap(cx: &Context<'_>, call: &HostCall, refused: Place, asked: &Asked<'_>) -> bool {
    const CONTROL: usize = 24;
    let Some((file, node)) = call.entry.element.filter(|_| call.entry.kind == EntryKind::User) else { return false };
    asked.prompts.contains_key(&refused)
        && api(cx, call).is_some_and(|api| api.has_role("settings-open"))
        && cx.solution.calls_at(refused).all(|prompt| prompt.entry.element != call.entry.element)
        && short_text_of(cx.program, file, node, CONTROL).is_some_and(|text| cx.policy.privacy.offers_settings(&text))
}

/// Whether the scope was granted after all.
fn granted(cx: &Context<'_>, call: &HostCall, asked: &Asked<'_>) -> bool {
    // … unless what the prompt guards failed all the same.
    call.facts.iter().any(|fact| matches!(fact, Fact::Authorized(_)))
        && (!failed(call, asked) || settings_read_since(cx, call, asked))
}

/// Whether the settings were read after the prompt was answered with no: what they say then is newer.
fn settings_read_since(cx: &Context<'_>, call: &HostCall, asked: &Asked<'_>) -> bool {
    call.facts.iter().any(|fact| {
        let Fact::Succeeded(place) = fact else { return false };
        at(cx, *place, "settings-read").any(|read| failed(read, asked))
    })
}

/// Whether a prompt was answered with no on the way, and not only found to be unanswered in the settings.
fn failed(call: &HostCall, asked: &Asked<'_>) -> bool {
    // What was asked again and granted then was not refused.
    let since = |place: &Place| call.facts.contains(&Fact::Succeeded(*place));
    let granted = call.facts.iter().any(|fact| matches!(fact, Fact::Failed(at) if asked.holds(*at) && since(at)));
    call.facts.iter().any(|fact| match fact {
        Fact::Failed(place) => asked.holds(*place) && !since(place),
        Fact::DialogRefused(_) => !granted,
        _ => false,
    })
}

/// Whether an authorization call and what it guards are one prompt.
fn same_scope(cx: &Context<'_>, call: &HostCall, refused: Place, prompts: &BTreeMap<Place, &HostCall>) -> bool {
    let authorizes = |call: &HostCall| api(cx, call).is_some_and(|api| api.has_role("authorize"));
    if !(authorizes(call) || prompts.get(&refused).is_some_and(|prompt| authorizes(prompt))) {
        return false;
    }
    let scope = |call: &HostCall| {
        let api = api(cx, call)?;
        let named = super::evidence::param_text(call, api, "scope");
        if named.is_empty() { api.scope.as_ref().map(ToString::to_string) } else { Some(named) }
    };
    prompts.get(&refused).is_some_and(|prompt| scope(prompt).is_some() && scope(prompt) == scope(call))
}
