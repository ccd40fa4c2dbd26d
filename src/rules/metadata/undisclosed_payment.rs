//! Payments are taken, and the description does not say so.

use super::description;
use crate::rules::{Context, Finding, Rule};

/// `metadata/undisclosed-payment`
pub struct UndisclosedPayment;

impl Rule for UndisclosedPayment {
    fn id(&self) -> &'static str {
        "metadata/undisclosed-payment"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let Some((text, place)) = description(cx) else { return };
        if cx.policy.naming().tells_payment(text) {
            return;
        }
        let Some(host) = cx.policy.host(&cx.package.host) else { return };
        let payment =
            cx.solution.calls.iter().find(|call| host.apis.get(&call.api).is_some_and(|api| api.has_role("payment")));
        if let Some(call) = payment {
            out.push(Finding::new(self.id(), place).step(call.place, "metadata-payment", &*call.api));
        }
    }
}
