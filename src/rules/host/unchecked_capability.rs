//! `host/unchecked-capability`: APIs, components and host buttons newer than the declared minimum version.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::flow::{HostCall, Place};
use crate::policy::host::{HostInfo, compare_versions};
use crate::rules::package::is_own;
use crate::rules::{Context, Finding, Rule};
use crate::source::FileId;
use crate::syntax::json::Json;

use super::Checked;

/// Compares versions of the host's tables with the minimum that the package declares; silent without one.
pub struct UncheckedCapability;

const ID: &str = "host/unchecked-capability";

/// The declared minimum: a version of at least two numbers.
fn minimum(cx: &Context<'_>, info: &HostInfo) -> Option<String> {
    let is_version = |text: &str| text.contains('.') && text.split('.').all(|part| part.trim().parse::<u32>().is_ok());
    if let Some(version) = cx.package.submission.min_version.as_deref().filter(|version| is_version(version)) {
        return Some(version.to_owned());
    }
    let project = cx.package.files[cx.package.project?.index()].json.as_ref()?;
    let (key, version) = info.minimum_version.iter().find_map(|key| Some((key, project.get(key)?.as_str()?)))?;
    if !is_version(version) {
        return None;
    }
    let mut run = None;
    if info.carried_version.contains(key) {
        newest(project, &info.tool_version, &mut run);
    }
    let carried = run.filter(|run| compare_versions(run, version).is_gt());
    Some(carried.unwrap_or(version).to_owned())
}

/// The newest version under any of `keys`, at any depth.
fn newest<'j>(json: &'j Json, keys: &[Arc<str>], found: &mut Option<&'j str>) {
    for property in json.properties() {
        if keys.contains(&property.key)
            && let Some(version) = property.value.as_str()
            && found.is_none_or(|known| compare_versions(version, known).is_gt())
        {
            *found = Some(version);
        }
        newest(&property.value, keys, found);
    }
}

impl Rule for UncheckedCapability {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        let Some(minimum) = minimum(cx, &host.info) else { return };
        let newer = |since: &Option<Arc<str>>| since.clone().filter(|since| compare_versions(since, &minimum).is_gt());
        let finding = |place, name: String, since: &str| {
            Finding::new(ID, place).text("name", name).text("since", since).text("minimum", minimum.clone())
        };
        let mut checked = None;
        let mut told = BTreeSet::new();
        let own = |call: &&HostCall| host.info.namespaces.contains(&call.namespace) && is_own(cx, call.place.file);
        // A call that is as new as the methods of the object it returns says it all.
        let makers: Vec<(&Arc<str>, &Arc<str>)> = cx
            .solution
            .calls
            .iter()
            .filter(own)
            .filter_map(|call| {
                host.apis.get(&call.api).and_then(|api| Some((api.returns.as_ref()?, api.since.as_ref()?)))
            })
            .collect();
        for call in cx.solution.calls.iter().filter(own) {
            let Some(since) = host.apis.get(&call.api).and_then(|api| newer(&api.since)) else { continue };
            let object = call.api.split_once('.').map(|(object, _)| object);
            if makers.iter().any(|(made, from)| Some(&***made) == object && compare_versions(from, &since).is_ge()) {
                continue;
            }
            let checked = checked.get_or_insert_with(|| Checked::new(cx, &host.info.namespaces));
            // A method is as old as the object that has it.
            let base = call.api.split('.').next().unwrap_or(&call.api);
            if !checked.has(&call.api) && !checked.has(base) && told.insert((call.place.file, call.place.span.start)) {
                out.push(finding(call.place, format!("{}.{}", call.namespace, call.api), &since));
            }
        }
        for index in 0..cx.package.files.len() {
            let file = FileId(index as u32);
            if !cx.program.live_files.contains(&file) || !is_own(cx, file) {
                continue;
            }
            for (_, element) in cx.program.elements(file) {
                let Some(component) = host.components.get(&element.name) else { continue };
                let checked = checked.get_or_insert_with(|| Checked::new(cx, &host.info.namespaces));
                if let Some(since) = newer(&component.since)
                    && !checked.has(&element.name)
                {
                    let place = Place { file, span: element.name_span };
                    out.push(finding(place, format!("<{}>", element.name), &since));
                }
                let open = element.attribute("open-type").and_then(|attribute| attribute.value.as_ref());
                let Some((value, name)) = open.and_then(|value| Some((value, value.literal()?))) else { continue };
                let known = component.open_types.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
                if let Some((known, open)) = known
                    && let Some(since) = newer(&open.since)
                    && !checked.has(&format!("button.open-type.{known}"))
                {
                    out.push(finding(Place { file, span: value.span }, format!("open-type=\"{known}\""), &since));
                }
            }
        }
    }
}
