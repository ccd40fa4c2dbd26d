//! Finds trade in what the law forbids: drugs, weapons, forged papers, organs, wildlife, accounts, invoices.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/illegal-trade`
pub struct IllegalTrade;

impl Rule for IllegalTrade {
    fn id(&self) -> &'static str {
        "content/illegal-trade"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "illegal-trade", out);
    }
}
