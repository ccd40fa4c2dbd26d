//! A declared category needs a licence that the submission does not list.

use super::{listed, submitted};
use crate::rules::{Context, Finding, Rule};

/// `category/missing-qualification`
pub struct MissingQualification;

/// The part of a licence's name that tells it from others: without brackets and the words that licences end in.
fn core(licence: &str) -> String {
    let head = licence.split(['（', '(', '《', '》']).find(|part| !part.is_empty()).unwrap_or(licence);
    let mut core: String = head.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    for ending in ["许可证", "许可", "证书", "证明", "批准文件", "文件", "备案", "证", "资质", "资格"]
    {
        if let Some(rest) = core.strip_suffix(ending)
            && rest.chars().count() >= 3
        {
            core = rest.to_owned();
        }
    }
    core
}

/// Whether what was handed in is that licence.
fn same(handed_in: &str, licence: &str) -> bool {
    let given = core(handed_in);
    let wanted = core(licence);
    let whole = handed_in.to_lowercase();
    given.contains(&wanted) || whole.contains(&wanted) || (given.chars().count() >= 4 && wanted.contains(&given))
}

impl Rule for MissingQualification {
    fn id(&self) -> &'static str {
        "category/missing-qualification"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        if !listed(cx) {
            return;
        }
        let table = cx.policy.category_table();
        let submission = &cx.package.submission;
        for (index, declared) in submission.categories.iter().enumerate() {
            let Some(category) = table.find(declared).and_then(|id| table.get(id)) else { continue };
            if category.qualifications.is_empty() {
                continue;
            }
            let has = |licence: &str| submission.qualifications.iter().any(|given| same(given, licence));
            if category.qualifications.iter().any(|set| set.iter().all(|licence| has(licence))) {
                continue;
            }
            // The set that lacks least is the one to complete.
            let lacking = |set: &&Vec<std::sync::Arc<str>>| set.iter().filter(|licence| !has(licence)).count();
            let partly = category.qualifications.iter().any(|set| set.iter().any(|licence| has(licence)));
            let Some(nearest) = category.qualifications.iter().min_by_key(lacking) else { continue };
            let Some(place) = submitted(cx, &format!("categories.{index}")) else { continue };
            let licences = if partly {
                nearest
                    .iter()
                    .filter(|licence| !has(licence))
                    .map(|licence| format!("《{licence}》"))
                    .collect::<Vec<_>>()
                    .join("、")
            } else {
                alternatives(&category.qualifications)
            };
            out.push(Finding::new(self.id(), place).text("category", &*category.name).text("licences", licences));
        }
    }
}

/// Sets of licences as one text.
pub fn alternatives(sets: &[Vec<std::sync::Arc<str>>]) -> String {
    sets.iter()
        .map(|set| set.iter().map(|licence| format!("《{licence}》")).collect::<Vec<_>>().join("+"))
        .collect::<Vec<_>>()
        .join(" / ")
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn licences_are_told_by_their_core() {
        assert!(same("食品经营许可证", "食品经营许可证"));
        assert!(same("增值电信业务经营许可证（京B2-20200001）", "增值电信业务经营许可证"));
        assert!(same("增值电信业务许可证", "增值电信业务许可证"));
        assert!(same("《网络文化经营许可证》", "网络文化经营许可证"));
        assert!(!same("营业执照", "网络文化经营许可证"));
        assert!(!same("食品经营许可证", "网络文化经营许可证"));
    }
}
