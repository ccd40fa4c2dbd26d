//! `host/unchecked-capability`: APIs, components and host buttons newer than the declared minimum version.

use std::collections::BTreeSet;

use crate::flow::Place;
use crate::policy::host::compare_versions;
use crate::rules::package::is_own;
use crate::rules::{Context, Finding, Rule};
use crate::source::FileId;
use crate::syntax::json::Json;

use super::Checked;

/// Compares versions of the host's tables with the minimum that the package declares; silent without one.
pub struct UncheckedCapability;

const ID: &str = "host/unchecked-capability";

/// Keys of a project file that declare the least base-library version.
const MINIMUM: [&str; 4] = ["minSwanVersion", "min-swan-version", "libVersion", "minLibVersion"];

/// The declared minimum: a version of at least two numbers.
fn minimum(cx: &Context<'_>) -> Option<String> {
    let is_version = |text: &str| text.contains('.') && text.split('.').all(|part| part.trim().parse::<u32>().is_ok());
    if let Some(version) = cx.package.submission.min_version.as_deref().filter(|version| is_version(version)) {
        return Some(version.to_owned());
    }
    let project = cx.package.files[cx.package.project?.index()].json.as_ref()?;
    let version = MINIMUM.iter().find_map(|key| project.get(key).and_then(Json::as_str))?;
    is_version(version).then(|| version.to_owned())
}

impl Rule for UncheckedCapability {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let (Some(host), Some(minimum)) = (cx.policy.host(&cx.package.host), minimum(cx)) else { return };
        let newer = |since: &Option<std::sync::Arc<str>>| {
            since.clone().filter(|since| compare_versions(since, &minimum).is_gt())
        };
        let finding = |place, name: String, since: &str| {
            Finding::new(ID, place).text("name", name).text("since", since).text("minimum", minimum.clone())
        };
        let mut checked = None;
        let mut told = BTreeSet::new();
        for call in &cx.solution.calls {
            if !host.info.namespaces.contains(&call.namespace) || !is_own(cx, call.place.file) {
                continue;
            }
            let Some(since) = host.apis.get(&call.api).and_then(|api| newer(&api.since)) else { continue };
            let checked = checked.get_or_insert_with(|| Checked::new(cx, &host.info.namespaces));
            // A method is as old as the object that has it.
            let base = call.api.split('.').next().unwrap_or(&call.api);
            if !checked.has(&call.api) && !checked.has(base) && told.insert(call.place) {
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
