//! A declared category is not on the platform's list.

use super::{listed, submitted};
use crate::rules::{Context, Edit, Finding, Fix, Rule};

/// `category/unknown-category`
pub struct UnknownCategory;

impl Rule for UnknownCategory {
    fn id(&self) -> &'static str {
        "category/unknown-category"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if !listed(cx) {
            return;
        }
        let table = cx.policy.category_table();
        for (index, declared) in cx.package.submission.categories.iter().enumerate() {
            if table.find(declared).is_some() {
                continue;
            }
            let key = format!("categories.{index}");
            let Some(place) = submitted(cx, &key) else { continue };
            let mut finding = Finding::new(self.id(), place).text("category", declared.as_str());
            if let Some(near) = table.nearest(declared) {
                finding = finding.text("nearest", table.name(near));
                if cx.package.submission.file.is_some() && cx.package.submission.spans.contains_key(&key) {
                    let text = format!("\"{}\"", table.name(near));
                    finding = finding.fix(Fix { title: "use-nearest", safe: false, edits: vec![Edit { place, text }] });
                }
            } else {
                finding = finding.variant("no-nearest");
            }
            out.push(finding);
        }
    }
}
