//! Finds vulgar and baiting wording.

use super::lexical::report;
use crate::rules::{Context, Finding, Rule};

/// `content/vulgar-clickbait`
pub struct VulgarClickbait;

impl Rule for VulgarClickbait {
    fn id(&self) -> &'static str {
        "content/vulgar-clickbait"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        report(cx, self.id(), "vulgar-clickbait", out);
    }
}
