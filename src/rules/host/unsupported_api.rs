//! `host/unsupported-api`: APIs and components that this host, or a host app that was chosen, does not offer.

use std::collections::BTreeSet;

use crate::flow::Place;
use crate::policy::host::{Component, Host};
use crate::rules::package::is_own;
use crate::rules::{Context, Finding, Rule};
use crate::source::FileId;
use crate::syntax::template::{Attribute, Element};

use super::{Checked, is_known, offered_by, other_hosts};

/// Looks for calls that only other hosts answer, tags that only other hosts draw, and what chosen host apps lack.
pub struct UnsupportedApi;

const ID: &str = "host/unsupported-api";

impl Rule for UnsupportedApi {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        let targets: Vec<_> = cx
            .package
            .submission
            .target_hosts
            .iter()
            .filter_map(|id| host.info.target_hosts.get(id.as_str()))
            .collect();
        let mut checked = None;
        let mut told = BTreeSet::new();
        for call in &cx.solution.calls {
            if !host.info.namespaces.contains(&call.namespace) || !is_own(cx, call.place.file) {
                continue;
            }
            let name = format!("{}.{}", call.namespace, call.api);
            let lacking = targets.iter().find(|target| target.lacks_apis.contains(&call.api));
            let other = if is_known(host, &call.api) { None } else { offered_by(cx, &call.api) };
            let written = call.place.span.slice(&cx.package.source(call.place.file).text);
            let mapped = host.info.alias_mapped.contains(&call.api)
                && !host.info.namespaces.iter().any(|namespace| written.starts_with(&format!("{namespace}.")));
            if lacking.is_none() && (other.is_none() || mapped) {
                continue;
            }
            let checked = checked.get_or_insert_with(|| Checked::new(cx, &host.info.namespaces));
            if checked.has(&call.api) || !told.insert(call.place) {
                continue;
            }
            let finding = Finding::new(ID, call.place).text("name", name);
            out.push(match (lacking, other) {
                (Some(target), _) => finding.variant("target").text("host", target.name_zh.clone()),
                (None, Some(other)) => finding.text("host", other.name_zh.clone()),
                (None, None) => continue,
            });
        }
        for (index, unit_file) in cx.package.files.iter().enumerate() {
            let file = FileId(index as u32);
            if unit_file.kind != crate::package::FileKind::Template
                || !cx.program.live_files.contains(&file)
                || !is_own(cx, file)
            {
                continue;
            }
            let custom = |tag: &str| cx.program.units.iter().any(|unit| unit.components.contains_key(tag));
            for (_, element) in cx.program.elements(file) {
                let finding = Finding::new(ID, Place { file, span: element.name_span })
                    .text("name", format!("<{}>", element.name));
                if let Some(target) = targets.iter().find(|target| target.lacks_components.contains(&element.name)) {
                    out.push(finding.variant("target").text("host", target.name_zh.clone()));
                } else if !host.components.contains_key(&element.name) && !custom(&element.name) {
                    let other = other_hosts(cx).find(|other| other.components.contains_key(&element.name));
                    if let Some(other) = other {
                        out.push(finding.text("host", other.info.name_zh.clone()));
                    }
                }
                out.extend(open_type(cx, host, element, file));
            }
        }
    }
}

/// A button whose `open-type` only other hosts know, and that nothing else hears: a tap does nothing.
fn open_type(cx: &Context<'_>, host: &Host, element: &Element, file: FileId) -> Option<Finding> {
    let known = host.components.get(&element.name).filter(|component| !component.open_types.is_empty())?;
    let value = element.attribute("open-type")?.value.as_ref()?;
    let name = value.literal()?;
    let name = name.trim();
    let offers = |component: &Component| component.open_types.keys().any(|one| one.eq_ignore_ascii_case(name));
    let taps = |attribute: &Attribute| {
        let name = attribute.name.to_ascii_lowercase();
        (name.starts_with("bind") || name.starts_with("catch")) && (name.ends_with("tap") || name.ends_with("click"))
    };
    if name.is_empty() || offers(known) || element.attributes.iter().any(taps) {
        return None;
    }
    let other = other_hosts(cx).find(|other| other.components.get(&element.name).is_some_and(offers))?;
    Some(
        Finding::new(ID, Place { file, span: value.span })
            .text("name", format!("open-type=\"{name}\""))
            .text("host", other.info.name_zh.clone()),
    )
}
