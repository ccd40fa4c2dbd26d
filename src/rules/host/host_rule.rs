//! `host/host-rule`: what a host app that was chosen adds to the rules.

use crate::flow::Place;
use crate::model::UnitKind;
use crate::rules::package::{app_start, is_own};
use crate::rules::{Context, Finding, Rule};
use crate::source::Span;

/// Checks the additions of `target-hosts`; each is a key of the host's description that this rule knows.
pub struct HostRule;

const ID: &str = "host/host-rule";

impl Rule for HostRule {
    fn id(&self) -> &'static str {
        ID
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        for id in &cx.package.submission.target_hosts {
            let Some(target) = host.info.target_hosts.get(id.as_str()) else {
                if let Some(place) = app_start(cx) {
                    let known = host.info.target_hosts.keys().map(|id| &**id).collect::<Vec<_>>().join("、");
                    out.push(Finding::new(ID, place).variant("unknown").text("host", id.clone()).text("known", known));
                }
                continue;
            };
            for (key, value) in &target.rules {
                let finding = |place, variant| {
                    Finding::new(ID, place)
                        .variant(variant)
                        .text("host", target.name_zh.clone())
                        .text("value", value.clone())
                };
                let called = |role: &str| {
                    cx.solution.calls.iter().find(|call| {
                        is_own(cx, call.place.file) && host.apis.get(&call.api).is_some_and(|api| api.has_role(role))
                    })
                };
                match &**key {
                    // The code of the first login comes through a method of the app.
                    "login-method" => {
                        let Some(call) = called("login") else { continue };
                        let app = cx.program.units.iter().find(|unit| unit.kind == UnitKind::App);
                        let script = app.and_then(|app| app.script).and_then(|file| cx.program.script(file));
                        let methods = script.map(crate::model::surface::methods).unwrap_or_default();
                        if !methods.names.contains(value.as_str()) {
                            out.push(finding(call.place, "login-method"));
                        }
                    }
                    // A call whose answer has to be handled, as it fails there.
                    "may-fail" => {
                        for api in value.split_whitespace() {
                            let calls = cx.solution.calls.iter().filter(|call| {
                                &*call.api == api && !call.handles_failure && is_own(cx, call.place.file)
                            });
                            for call in calls {
                                out.push(finding(call.place, "may-fail").text("name", api.to_owned()));
                            }
                        }
                    }
                    // An object of `app.json` that this host app reads.
                    "config-key" => {
                        let (Some(app), Some(file)) = (cx.package.app_json(), cx.package.app) else { continue };
                        if app.get(value).is_none() {
                            out.push(finding(Place { file, span: Span::at(0) }, "config-key"));
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}
