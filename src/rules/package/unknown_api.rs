//! `package/unknown-api`: calls of APIs that no host offers.

use std::collections::BTreeSet;

use crate::flow::Place;
use crate::model::ir::{Expr, ExprKind, Key};
use crate::rules::host::{Checked, is_known, offered_by};
use crate::rules::{Confidence, Context, Finding, Rule};

use super::{is_own, nearest};

/// Looks for members of the host's object that no table knows and that the package does not ask about.
pub struct UnknownApi;

impl Rule for UnknownApi {
    fn id(&self) -> &'static str {
        "package/unknown-api"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        let mut checked = None;
        let mut told = BTreeSet::new();
        for call in &cx.solution.calls {
            if !host.info.namespaces.contains(&call.namespace)
                || !is_own(cx, call.place.file)
                || is_known(host, &call.api)
                || offered_by(cx, &call.api).is_some()
            {
                continue;
            }
            let checked = checked.get_or_insert_with(|| Checked::new(cx, &host.info.namespaces));
            if checked.has(&call.api) || asked(cx, call.place) || !told.insert(call.place) {
                continue;
            }
            let finding = Finding::new("package/unknown-api", call.place)
                .text("name", format!("{}.{}", call.namespace, call.api));
            out.push(match nearest(&call.api, host.apis.keys().map(|name| &**name)) {
                Some(near) => finding.variant("near").text("near", format!("{}.{near}", call.namespace)),
                None => finding.confidence(Confidence::Medium),
            });
        }
    }
}

/// Whether the script reads what it calls by a variable, too (`if (uni.report && …) uni.report(…)`).
fn asked(cx: &Context<'_>, place: Place) -> bool {
    let Some(script) = cx.program.script(place.file) else { return false };
    let member = |expr: &Expr| match &expr.kind {
        ExprKind::Member { object, key: Key::Static(name, _), .. } => match &object.kind {
            ExprKind::Var(variable) => Some((*variable, name.clone())),
            _ => None,
        },
        _ => None,
    };
    let mut wanted = None;
    let mut called: BTreeSet<u32> = BTreeSet::new();
    script.for_each_expr(&mut |expr| {
        if let ExprKind::Call { callee, .. } = &expr.kind {
            called.insert(callee.span.end);
            if expr.span == place.span {
                wanted = member(callee);
            }
        }
    });
    let Some(wanted) = wanted else { return false };
    let mut found = false;
    script.for_each_expr(&mut |expr| {
        found = found || !called.contains(&expr.span.end) && member(expr).as_ref() == Some(&wanted);
    });
    found
}
