//! `package/deprecated-api`: APIs, components and host buttons that went or will go.

use std::collections::BTreeSet;

use crate::flow::Place;
use crate::policy::host::Deprecation;
use crate::rules::{Context, Finding, Rule};
use crate::source::FileId;

use super::is_own;

/// Looks for what the host's table marks as deprecated or removed.
pub struct DeprecatedApi;

fn finding(place: Place, name: String, deprecation: &Deprecation) -> Finding {
    let variant = match (deprecation.removed, &deprecation.since, &deprecation.replacement) {
        (true, Some(_), Some(_)) => "removed-since",
        (true, None, Some(_)) => "removed",
        (true, ..) => "removed-without",
        (false, Some(_), Some(_)) => "since",
        (false, None, Some(_)) => return base(place, name, deprecation),
        (false, ..) => "without",
    };
    base(place, name, deprecation).variant(variant)
}

fn base(place: Place, name: String, deprecation: &Deprecation) -> Finding {
    Finding::new("package/deprecated-api", place)
        .text("name", name)
        .text("since", deprecation.since.clone().unwrap_or_default())
        .text("replacement", deprecation.replacement.clone().unwrap_or_default())
}

impl Rule for DeprecatedApi {
    fn id(&self) -> &'static str {
        "package/deprecated-api"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        let mut told = BTreeSet::new();
        for call in &cx.solution.calls {
            if !host.info.namespaces.contains(&call.namespace) || !is_own(cx, call.place.file) {
                continue;
            }
            let Some(deprecation) = host.apis.get(&call.api).and_then(|api| api.deprecated.as_ref()) else { continue };
            if told.insert(call.place) {
                out.push(finding(call.place, format!("{}.{}", call.namespace, call.api), deprecation));
            }
        }
        for index in 0..cx.program.facts.len() {
            let file = FileId(index as u32);
            if !is_own(cx, file) || !cx.program.live_files.contains(&file) {
                continue;
            }
            for (_, element) in cx.program.elements(file) {
                let Some(component) = host.components.get(&element.name) else { continue };
                let at = |span| Place { file, span };
                match &component.deprecated {
                    // Removed tags break the template: another rule tells them.
                    Some(deprecation) if !deprecation.removed => {
                        out.push(finding(at(element.name_span), format!("<{}>", element.name), deprecation));
                    }
                    _ => {}
                }
                let Some(value) = element.attribute("open-type").and_then(|attribute| attribute.value.as_ref()) else {
                    continue;
                };
                let Some(name) = value.literal() else { continue };
                for name in name.split('|') {
                    let open = component.open_types.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
                    if let Some(deprecation) = open.and_then(|(_, open)| open.deprecated.as_ref()) {
                        out.push(finding(at(value.span), format!("open-type=\"{}\"", name.trim()), deprecation));
                    }
                }
            }
        }
    }
}
