//! Finds illegal lending, pyramid funds, virtual coins, cash-out, wage fraud.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/financial-fraud`
pub struct FinancialFraud;

impl Rule for FinancialFraud {
    fn id(&self) -> &'static str {
        "content/financial-fraud"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "financial-fraud", out);
    }
}
