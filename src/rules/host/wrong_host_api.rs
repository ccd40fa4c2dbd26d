//! `host/wrong-host-api`: another host's global object, or its template directives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::flow::Place;
use crate::package::FileKind;
use crate::policy::host::HostInfo;
use crate::rules::package::is_own;
use crate::rules::{Context, Finding, Rule};
use crate::source::FileId;
use crate::syntax::template::Element;

use super::Checked;

/// Looks for calls on another host's object and for attributes with its prefix.
pub struct WrongHostApi;

const ID: &str = "host/wrong-host-api";
impl Rule for WrongHostApi {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(own) = cx.policy.hosts.info(&cx.package.host) else { return };
        let mut told = BTreeSet::new();
        let mut asked: BTreeMap<Arc<str>, bool> = BTreeMap::new();
        for call in &cx.solution.calls {
            if own.namespaces.contains(&call.namespace) || !is_own(cx, call.place.file) {
                continue;
            }
            let Some(other) = cx.policy.hosts.by_namespace(&call.namespace) else { continue };
            let known = cx.policy.host(&own.id).is_some_and(|host| host.apis.contains_key(&call.api));
            let asked = *asked
                .entry(call.namespace.clone())
                .or_insert_with(|| Checked::new(cx, std::slice::from_ref(&call.namespace)).existence);
            if asked || !told.insert(call.place) {
                continue;
            }
            let own_name = own.namespaces.first().map_or("", |name| name);
            let finding = Finding::new(ID, call.place)
                .text("name", format!("{}.{}", call.namespace, call.api))
                .text("host", other.name_zh.clone())
                .text("own", format!("{own_name}.{}", call.api));
            out.push(if known { finding } else { finding.variant("unknown") });
        }
        for (index, file) in cx.package.files.iter().enumerate() {
            let id = FileId(index as u32);
            if file.kind != FileKind::Template || !cx.program.live_files.contains(&id) || !is_own(cx, id) {
                continue;
            }
            for (_, element) in cx.program.elements(id) {
                events(cx, own, id, element, out);
                for attribute in &element.attributes {
                    let mut others = cx.policy.hosts.infos().filter(|info| {
                        !info.directive_prefix.is_empty() && info.directive_prefix != own.directive_prefix
                    });
                    let directive = |info: &&HostInfo| {
                        let name = attribute.name.strip_prefix(&*info.directive_prefix);
                        name.is_some_and(|name| info.directives.iter().any(|known| **known == *name))
                    };
                    let Some(other) = others.find(directive) else { continue };
                    let name = attribute.name.get(other.directive_prefix.len()..).unwrap_or_default();
                    // One finding an element: loops carry several.
                    let place = Place { file: id, span: attribute.name_span };
                    out.push(
                        Finding::new(ID, place)
                            .variant("directive")
                            .text("name", attribute.name.to_string())
                            .text("host", other.name_zh.clone())
                            .text("own", format!("{}{name}", own.directive_prefix)),
                    );
                    break;
                }
            }
        }
    }
}

/// Attributes of a host's own component that bind an event as another host does (`onTap`).
fn events(cx: &Context<'_>, own: &HostInfo, file: FileId, element: &Element, out: &mut Vec<Finding>) {
    let components = cx.policy.host(&own.id).map(|host| &host.components);
    if !components.is_some_and(|components| components.contains_key(&element.name)) {
        return;
    }
    for attribute in &element.attributes {
        if binds(own, own, &attribute.name).is_some() {
            continue;
        }
        let found = cx.policy.hosts.infos().find_map(|other| Some((other, binds(other, own, &attribute.name)?)));
        let (Some((other, event)), Some(prefix)) = (found, own.event_prefixes.first()) else { continue };
        let event = if &**prefix == "on" {
            format!("{}{}", event[..1].to_uppercase(), &event[1..])
        } else {
            event.to_lowercase()
        };
        out.push(
            Finding::new(ID, Place { file, span: attribute.name_span })
                .variant("event")
                .text("name", attribute.name.to_string())
                .text("host", other.name_zh.clone())
                .text("own", format!("{prefix}{event}")),
        );
    }
}

/// The event of `own` that an attribute binds where `host` reads it.
fn binds<'n>(host: &HostInfo, own: &HostInfo, attribute: &'n str) -> Option<&'n str> {
    host.event_prefixes.iter().find_map(|prefix| {
        let event = attribute.strip_prefix(&**prefix)?.trim_start_matches(':');
        own.user_events.iter().any(|known| known.eq_ignore_ascii_case(event)).then_some(event)
    })
}
