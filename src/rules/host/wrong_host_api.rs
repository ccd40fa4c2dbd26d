//! `host/wrong-host-api`: another host's global object, or its template directives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::flow::Place;
use crate::package::FileKind;
use crate::policy::host::HostInfo;
use crate::rules::package::is_own;
use crate::rules::{Context, Finding, Rule};
use crate::source::FileId;

use super::Checked;

/// Looks for calls on another host's object and for attributes with its prefix.
pub struct WrongHostApi;

const ID: &str = "host/wrong-host-api";
/// Directives of templates, without the host's prefix.
const DIRECTIVES: [&str; 7] = ["if", "elif", "else", "for", "for-item", "for-index", "key"];

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
                for attribute in &element.attributes {
                    let mut others = cx.policy.hosts.infos().filter(|info| {
                        !info.directive_prefix.is_empty() && info.directive_prefix != own.directive_prefix
                    });
                    let directive = |info: &&HostInfo| {
                        let name = attribute.name.strip_prefix(&*info.directive_prefix);
                        name.is_some_and(|name| DIRECTIVES.contains(&name))
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
