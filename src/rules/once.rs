//! The same fact is told once: of two rules that read the same words, the one that says it more exactly.

use rustc_hash::FxHashMap;

use crate::flow::Place;
use crate::policy::catalogue::Severity;
use crate::rules::{Confidence, Context, Finding};
use crate::source::FileId;

/// Bytes between two matches that speak of one deed.
const NEAR: u32 = 60;

/// Drops what another finding tells more exactly.
pub fn once(cx: &Context<'_>, findings: &mut Vec<Finding>) {
    let severity = |finding: &Finding| {
        finding
            .severity
            .unwrap_or_else(|| cx.policy.entry(finding.rule).map_or(Severity::Warning, |entry| entry.severity))
    };
    let grave = |finding: &Finding| severity(finding) == Severity::Error;
    let overlap = |a: Place, b: Place| a.file == b.file && a.span.start < b.span.end && b.span.start < a.span.end;
    let same_words = |a: Place, b: Place| {
        let (start, end) = (a.span.end.min(b.span.end), a.span.start.max(b.span.start));
        a.file == b.file
            && (start >= end || {
                let between = cx.package.source(a.file).text.get(start as usize..end as usize).unwrap_or("\n");
                end - start <= NEAR && !between.contains(['\n', '<', '"', '\''])
            })
    };
    let order = &cx.policy.precedence;
    let names = |list: &[String], name: &str| list.iter().any(|known| known == name);
    let deed = |content: &Finding, conduct: &Finding| {
        order.deeds.get(content.rule).is_some_and(|rules| names(rules, conduct.rule))
            && same_words(content.place, conduct.place)
    };
    // Most findings are of groups that say nothing here.
    let mut others: FxHashMap<Option<FileId>, Vec<&Finding>> = FxHashMap::default();
    for finding in findings.iter() {
        match group(finding) {
            "conduct" | "content" | "metadata" => others.entry(Some(finding.place.file)).or_default().push(finding),
            // Its evidence may stand in any file.
            "category" => others.entry(None).or_default().push(finding),
            _ => {}
        }
    }
    let beside =
        |one: &Finding| [Some(one.place.file), None].into_iter().filter_map(|file| others.get(&file)).flatten();
    let drop: Vec<bool> = findings
        .iter()
        .map(|one| {
            matches!(group(one), "conduct" | "content" | "metadata")
                && beside(one).any(|other| match (group(one), group(other)) {
                    // Prying for money is a service; whom it wrongs is the lesser part.
                    ("content", "content") => {
                        one.rule == "content/insult"
                            && other.rule == "content/illicit-service"
                            && same_words(one.place, other.place)
                    }
                    ("content", "conduct") if other.rule == "conduct/induced-leaving" && grave(one) => false,
                    // Conduct names the act; content goes first only where it weighs more.
                    ("content", "conduct") => {
                        deed(one, other) || overlap(one.place, other.place) && (grave(other) || !grave(one))
                    }
                    // How to get at what is offered is part of the offer.
                    ("conduct", "content") if one.rule == "conduct/induced-leaving" => {
                        grave(other) && same_words(one.place, other.place)
                    }
                    ("conduct", "content") => {
                        overlap(one.place, other.place) && grave(other) && !grave(one) && !deed(other, one)
                    }
                    // A title that serves as the name is judged as one.
                    ("content", "metadata") => overlap(one.place, other.place),
                    // A tie with the platform says what the name claims by it, and that it is another's.
                    ("metadata", "metadata") => {
                        (one.rule == "metadata/unrelated-metadata"
                            || one.rule == "metadata/malformed-name"
                                && one.value("part").zip(other.value("word")).is_some_and(|(a, b)| b.contains(a))
                            || one.rule == "metadata/superlative-name"
                                && one.value("word").is_some_and(|word| names(&order.official, word)))
                            && other.rule == "metadata/affiliated-name"
                            && one.place == other.place
                    }
                    // A service that is not declared: what it lives on is no deed beside it.
                    ("conduct" | "content", "category") if other.rule == "category/undeclared-category" => {
                        names(&order.services, one.rule)
                            && one.confidence != Confidence::High
                            && std::iter::once(other.place)
                                .chain(other.trace.iter().map(|step| step.place))
                                .any(|place| overlap(one.place, place))
                    }
                    ("content", "category") => {
                        other.rule == "category/prohibited-industry"
                            && names(&order.goods, one.rule)
                            && (overlap(one.place, other.place)
                                || other.trace.iter().any(|step| overlap(one.place, step.place)))
                    }
                    _ => false,
                })
        })
        .collect();
    let mut drop = drop.into_iter();
    findings.retain(|_| !drop.next().unwrap_or(false));
}

fn group(finding: &Finding) -> &str {
    finding.rule.split('/').next().unwrap_or("")
}
