//! From the outcome of a run to what is told of it: findings, traces, and the rest of a package's report.

use std::collections::BTreeMap;

use crate::engine::{Hider, Hit};
use crate::flow::{Place, Protection, Step};
use crate::report::model::{
    BlindSpotReport, Builder, EditReport, FindingReport, FixReport, PackageReport, Position, Range, SkippedReport,
    SuppressedReport, TraceStep, fill, kind_list, reason_id,
};
use crate::report::origin::Chains;

/// Lines kept before and after a place.
const AROUND: u32 = 2;

impl Builder<'_> {
    pub(super) fn package(&self) -> PackageReport {
        let package = &self.vetted.package;
        let chains = Chains::new(self.vetted);
        let findings: Vec<FindingReport> = self.vetted.hits.iter().map(|hit| self.finding(hit, &chains)).collect();
        let lines = if self.shape.lines { self.lines() } else { BTreeMap::new() };
        PackageReport {
            root: package.root.to_string_lossy().replace('\\', "/"),
            below: package.below.clone(),
            name: package.submission.name.clone(),
            host: package.host.to_string(),
            categories: package.submission.categories.clone(),
            files: package.shipped(),
            bytes: package.bytes,
            verdict: self.vetted.verdict,
            inventory: self.inventory(),
            coverage: if self.shape.coverage { self.coverage() } else { Vec::new() },
            blind_spots: self
                .vetted
                .solution
                .blind_spots
                .iter()
                .map(|spot| BlindSpotReport {
                    file: self.path(spot.place),
                    range: self.range(spot.place),
                    note: self.note(spot.note, &spot.name),
                })
                .collect(),
            skipped: package
                .skipped
                .iter()
                .map(|skipped| SkippedReport {
                    path: skipped.path.to_string(),
                    reason: reason_id(skipped.reason),
                    bytes: skipped.bytes,
                    hides_code: skipped.reason.hides_code(),
                })
                .collect(),
            capabilities: self.capabilities(),
            flows: self.shape.flows.then(|| self.flows()),
            engine_errors: self.vetted.engine_errors.clone(),
            fixed: None,
            capability_changes: None,
            lines,
            findings,
        }
    }

    /// The lines around every place of every finding.
    pub(super) fn lines(&self) -> BTreeMap<String, BTreeMap<u32, String>> {
        let mut out: BTreeMap<String, BTreeMap<u32, String>> = BTreeMap::new();
        for hit in &self.vetted.hits {
            for place in hit.finding.trace.iter().map(|step| step.place).chain([hit.finding.place]) {
                let (source, span) = self.vetted.package.source(place.file).shown(place.span);
                let index = source.lines();
                let at = index.line(span.start);
                let first = at.saturating_sub(AROUND);
                let last = (at + AROUND).min(index.len() as u32 - 1);
                let shown = out.entry(source.path.to_string()).or_default();
                if (first..=last).all(|line| shown.contains_key(&(line + 1))) {
                    continue;
                }
                let whole: Vec<&str> = (first..=last).map(|line| index.line_text(&source.text, line)).collect();
                let masked = self.masker.text(&whole.join("\n"));
                for (line, text) in (first..).zip(masked.split('\n')) {
                    shown.insert(line + 1, text.to_owned());
                }
            }
        }
        out
    }

    pub(super) fn path(&self, place: Place) -> String {
        self.vetted.package.source(place.file).shown(place.span).0.path.to_string()
    }

    pub(super) fn range(&self, place: Place) -> Range {
        let (source, span) = self.vetted.package.source(place.file).shown(place.span);
        let at = |offset: u32| {
            let position = source.position(offset);
            Position { line: position.line, column: position.column, offset }
        };
        Range { start: at(span.start), end: at(span.end) }
    }

    pub(super) fn finding(&self, hit: &Hit, chains: &Chains) -> FindingReport {
        let finding = &hit.finding;
        let lang = self.shape.lang;
        let entry = self.policy.entry(finding.rule);
        let fill = |template: &str| self.masker.text(&fill(template, finding, self.policy, lang));
        let message = entry.map_or_else(|| finding.rule.to_owned(), |entry| fill(entry.message(finding.variant, lang)));
        let help = entry.map_or_else(String::new, |entry| fill(entry.help(finding.variant, lang)));
        let clauses: Vec<String> = if finding.clauses.is_empty() {
            entry.map(|entry| entry.clauses.iter().map(ToString::to_string).collect()).unwrap_or_default()
        } else {
            finding.clauses.iter().map(ToString::to_string).collect()
        };
        let clause_titles = clauses
            .iter()
            .map(|id| self.policy.clause_title(id).map(|title| title.get(lang).to_owned()).unwrap_or_default())
            .collect();
        let text = finding.place.span.slice(&self.vetted.package.source(finding.place.file).text);
        FindingReport {
            rule: finding.rule.to_owned(),
            severity: hit.severity,
            confidence: finding.confidence,
            message,
            help,
            clauses,
            clause_titles,
            personal_information: finding.kinds.iter().map(ToString::to_string).collect(),
            file: self.path(finding.place),
            range: self.range(finding.place),
            snippet: one_line(&self.masker.text(&cut(text, 400))),
            trace: finding.trace.iter().map(|step| self.step(step)).collect(),
            fixes: finding
                .fixes
                .iter()
                .map(|fix| FixReport {
                    title: entry
                        .and_then(|entry| entry.fixes.get(fix.title))
                        .map_or_else(|| fix.title.to_owned(), |title| fill(title.get(lang))),
                    safe: fix.safe,
                    edits: fix
                        .edits
                        .iter()
                        .map(|edit| EditReport {
                            file: self.path(edit.place),
                            range: self.range(edit.place),
                            text: edit.text.clone(),
                        })
                        .collect(),
                })
                .collect(),
            fingerprint: hit.fingerprint.clone(),
            content: hit.content.clone(),
            suppressed: hit
                .suppressed
                .as_ref()
                .map(|(by, reason)| SuppressedReport { by: *by, reason: self.reason(*by, reason) }),
            origin: chains.origin(self.vetted, finding.place),
            baseline_state: hit.known.map(|known| if known { "unchanged" } else { "new" }.to_owned()),
            title: entry.map(|entry| entry.title.get(lang).to_owned()).unwrap_or_default(),
            counts: match hit.suppressed {
                None => true,
                Some((Hider::InSource, _)) => !self.vetted.honors,
                Some(_) => false,
            },
        }
    }

    pub(super) fn reason(&self, by: Hider, reason: &str) -> String {
        match by {
            Hider::Baseline if reason.is_empty() => {
                self.shape.lang.pick("基线中已列出", "listed in the baseline").to_owned()
            }
            _ => self.masker.text(reason),
        }
    }

    pub(super) fn step(&self, step: &Step) -> TraceStep {
        TraceStep { file: self.path(step.place), range: self.range(step.place), note: self.note(step.note, &step.name) }
    }

    pub(super) fn note(&self, key: &str, name: &str) -> String {
        let lang = self.shape.lang;
        let name = kind_list(name, self.policy, lang);
        let text = match self.policy.note(key) {
            Some(wording) => wording.get(lang).replace("{name}", &name),
            None if name.is_empty() => key.to_owned(),
            None => format!("{key}: {name}"),
        };
        self.masker.text(&text)
    }
}

pub(super) fn protection_id(protection: &Protection) -> String {
    match protection {
        Protection::Strong(name) => format!("strong:{name}"),
        Protection::Weak(name, _) => format!("weak:{name}"),
        Protection::Masked => "masked".to_owned(),
        Protection::Hashed(name) => format!("hashed:{name}"),
        Protection::Encoded(name) => format!("encoded:{name}"),
        Protection::HostCiphertext => "host-ciphertext".to_owned(),
    }
}

fn cut(text: &str, limit: usize) -> String {
    if text.chars().nth(limit).is_none() {
        return text.to_owned();
    }
    text.chars().take(limit).chain(['…']).collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
