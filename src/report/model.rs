//! The report as data: owned, serialisable, in one language. Every output is made from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::mask::Masker;
use super::origin::Chains;
use crate::engine::{Hider, Hit, Outcome, Verdict, Vetted};
use crate::flow::{Consent, Flow, Place, Protection, SinkKind, Text};
use crate::package::SkipReason;
use crate::policy::Policy;
use crate::policy::catalogue::{Lang, Severity};
use crate::rules::coverage::{Extent, Fared, Fired, Ran, Status, coverage};
use crate::rules::{Confidence, Context, Finding, Options, Value};

/// Lines kept before and after a place.
const AROUND: u32 = 2;

/// Version of the JSON form.
pub const SCHEMA_VERSION: u32 = 1;

/// A report over packages.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Who made it.
    pub tool: Tool,
    /// The packages in order.
    pub packages: Vec<PackageReport>,
    /// Counts over all packages.
    pub summary: Summary,
}

/// The tool that made a report.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Tool {
    /// `minivet`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Digest of the rule packs.
    pub rules_digest: String,
}

/// Counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Packages.
    pub packages: usize,
    /// Files.
    pub files: usize,
    /// Findings that count, errors.
    pub errors: usize,
    /// Findings that count, warnings.
    pub warnings: usize,
    /// Findings that count, notes.
    pub notes: usize,
    /// Findings that are hidden.
    pub suppressed: usize,
}

/// A package's part.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PackageReport {
    /// Where it was found, as given.
    pub root: String,
    /// Its folder below the path that was vetted; empty when it is the path.
    #[serde(skip)]
    pub below: String,
    /// The program's name as declared.
    #[serde(skip)]
    pub name: Option<String>,
    /// Host id.
    pub host: String,
    /// Declared categories.
    pub categories: Vec<String>,
    /// Number of files.
    pub files: usize,
    /// Bytes that ship.
    pub bytes: u64,
    /// The verdict.
    pub verdict: Verdict,
    /// The findings in order of place.
    pub findings: Vec<FindingReport>,
    /// Personal information that the package handles.
    pub inventory: Vec<InventoryItem>,
    /// Clauses and how they fared.
    pub coverage: Vec<CoverageItem>,
    /// What could not be followed.
    pub blind_spots: Vec<BlindSpotReport>,
    /// What was not analysed.
    pub skipped: Vec<SkippedReport>,
    /// What it uses, for comparing versions.
    pub capabilities: Capabilities,
    /// Every flow of personal information; only where asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub flows: Option<Vec<FlowReport>>,
    /// What broke in the engine.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub engine_errors: Vec<String>,
    /// Findings of the older version that are gone; only with a comparison.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fixed: Option<Vec<FindingReport>>,
    /// Capabilities gained and lost; only with a comparison.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub capability_changes: Option<CapabilityChanges>,
    /// Masked lines (from 1) that findings point into, and those around them, by path.
    #[serde(skip)]
    pub lines: BTreeMap<String, BTreeMap<u32, String>>,
}

/// A place in lines and columns from 1; columns in Unicode scalar values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Line from 1.
    pub line: u32,
    /// Column from 1.
    pub column: u32,
    /// Byte offset.
    pub offset: u32,
}

/// A range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Range {
    /// First character.
    pub start: Position,
    /// One past the last character.
    pub end: Position,
}

/// A finding.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FindingReport {
    /// Rule id.
    pub rule: String,
    /// Severity after overrides.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Clauses it rests on.
    pub clauses: Vec<String>,
    /// Kinds of personal information.
    pub personal_information: Vec<String>,
    /// Path in the package.
    pub file: String,
    /// Primary range.
    pub range: Range,
    /// The code there, masked, on one line.
    pub snippet: String,
    /// The evidence.
    pub trace: Vec<TraceStep>,
    /// Repairs.
    pub fixes: Vec<FixReport>,
    /// Survives moved lines; unique in the package.
    pub fingerprint: String,
    /// Survives a move to another file too; not unique.
    #[serde(skip)]
    pub content: String,
    /// Who hides it, and why.
    pub suppressed: Option<SuppressedReport>,
    /// Whose code it is in and how that came in.
    pub origin: OriginReport,
    /// `new`, `unchanged`, or `absent` in [`PackageReport::fixed`]; only with a baseline or comparison.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub baseline_state: Option<String>,
    /// The rule's title.
    #[serde(skip)]
    pub title: String,
    /// Titles of the clauses, in their order.
    #[serde(skip)]
    pub clause_titles: Vec<String>,
    /// Whether it counts for the verdict.
    #[serde(skip)]
    pub counts: bool,
}

/// A step of evidence.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TraceStep {
    /// Path in the package.
    pub file: String,
    /// Where.
    pub range: Range,
    /// What happens there.
    pub note: String,
}

/// A repair.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FixReport {
    /// What it does.
    pub title: String,
    /// Whether it keeps behaviour.
    pub safe: bool,
    /// The edits.
    pub edits: Vec<EditReport>,
}

/// An edit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EditReport {
    /// Path in the package.
    pub file: String,
    /// What is replaced.
    pub range: Range,
    /// By what.
    pub text: String,
}

/// Who hides a finding.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SuppressedReport {
    /// By what.
    pub by: Hider,
    /// Why; empty when no reason was given.
    pub reason: String,
}

/// Whose code a finding is in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct OriginReport {
    /// `own`, `vendored` or `npm`.
    pub kind: String,
    /// Library or package name.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Its version, when known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// Whether a listed page or the app leads to the file.
    pub reachable: bool,
    /// The shortest way from the app or a page to the file, by imports; the file itself last.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub import_chain: Vec<String>,
}

/// One kind of personal information.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InventoryItem {
    /// Kind id.
    pub kind: String,
    /// Its name in the report's language.
    pub name: String,
    /// Whether the agreement calls it sensitive.
    pub sensitive: bool,
    /// Where it enters.
    pub sources: Vec<InventorySource>,
    /// Where it goes.
    pub sinks: Vec<InventorySink>,
    /// Uses that were named to the user, in the package's words.
    #[serde(default)]
    pub purposes: Vec<String>,
    /// Who else gets it.
    #[serde(default)]
    pub third_parties: Vec<String>,
    /// Whether the privacy policy names it; `null` where no policy can be read.
    #[serde(default)]
    pub in_policy: Option<bool>,
    /// Whether it is encrypted wherever it is kept or sent; `null` where it is neither.
    #[serde(default)]
    pub encrypted: Option<bool>,
}

/// Where personal information enters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InventorySource {
    /// API or element.
    pub source: String,
    /// Path in the package.
    pub file: String,
    /// Where.
    pub range: Range,
    /// Page or component that asks; empty for the app.
    pub page: String,
    /// How far the user was told and asked.
    pub consent: String,
    /// Scope that guards it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub scope: Option<String>,
}

/// Where personal information goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InventorySink {
    /// Kind of sink.
    pub kind: String,
    /// API.
    pub api: String,
    /// Server, when known.
    pub host: Option<String>,
    /// Path in the package.
    pub file: String,
    /// Where.
    pub range: Range,
    /// Protections on the way.
    pub protection: Vec<String>,
}

/// A clause and how it fared.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CoverageItem {
    /// Clause id.
    pub clause: String,
    /// Rules that check it.
    pub rules: Vec<String>,
    /// `findings`, `passed`, `not-applicable`, `not-checked` (a rule of it was not asked for, or the submission lacks what
    /// they need) or `not-checkable`.
    pub status: String,
    /// `whole` or `part`: how much of the clause was checked. Nothing when it was not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub extent: Option<String>,
    /// Rules that check it and did not run.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub idle: Vec<String>,
    /// Why a package cannot show it, or the rest of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The clause's title.
    pub title: String,
}

/// Something that could not be followed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BlindSpotReport {
    /// Path in the package.
    pub file: String,
    /// Where.
    pub range: Range,
    /// What.
    pub note: String,
}

/// Something that was not analysed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SkippedReport {
    /// Path in the package.
    pub path: String,
    /// Why.
    pub reason: String,
    /// Size in bytes when known.
    pub bytes: u64,
    /// Whether client code may have gone unseen.
    pub hides_code: bool,
}

/// What a package uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Host APIs.
    pub apis: BTreeSet<String>,
    /// Authorization scopes.
    pub scopes: BTreeSet<String>,
    /// Servers.
    pub hosts: BTreeSet<String>,
    /// Kinds of personal information.
    pub personal_information: BTreeSet<String>,
    /// Third parties.
    pub third_parties: BTreeSet<String>,
    /// Declared categories.
    pub categories: BTreeSet<String>,
}

/// Capabilities gained and lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapabilityChanges {
    /// What the new version adds.
    pub gained: Capabilities,
    /// What it no longer has.
    pub lost: Capabilities,
}

/// A flow of personal information.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FlowReport {
    /// Where it enters.
    pub source: FlowSource,
    /// Where it leaves.
    pub sink: FlowSink,
    /// Protections on the way.
    pub sanitizers: Vec<String>,
    /// Consent at the source.
    pub consent: String,
    /// Steps.
    pub hops: Vec<TraceStep>,
}

/// Source of a flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FlowSource {
    /// Host API.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub api: Option<String>,
    /// Or element.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub element: Option<String>,
    /// Path in the package.
    pub file: String,
    /// Where.
    pub range: Range,
    /// Kinds.
    pub personal_information: Vec<String>,
}

/// Sink of a flow.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FlowSink {
    /// API or element.
    pub api: String,
    /// Kind of sink.
    pub kind: String,
    /// Server, when known.
    pub host: Option<String>,
    /// Path in the package.
    pub file: String,
    /// Where.
    pub range: Range,
}

/// What a report shall hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    /// Language.
    pub lang: Lang,
    /// Show personal information and secrets as they are.
    pub unmasked: bool,
    /// Fill [`PackageReport::flows`].
    pub flows: bool,
    /// Fill [`PackageReport::coverage`].
    pub coverage: bool,
    /// Keep the lines around findings.
    pub lines: bool,
}

/// Builds the report of everything vetted.
pub fn build(outcome: &Outcome, policy: &Policy, shape: Shape) -> Report {
    let packages: Vec<PackageReport> =
        outcome.packages.iter().map(|vetted| build_package(vetted, policy, shape)).collect();
    let mut report =
        Report { schema_version: SCHEMA_VERSION, tool: tool(policy), packages, summary: Summary::default() };
    report.count();
    report
}

/// This tool.
pub fn tool(policy: &Policy) -> Tool {
    Tool {
        name: "minivet".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        rules_digest: policy.digest().to_owned(),
    }
}

impl Report {
    /// Counts anew.
    pub fn count(&mut self) {
        let mut summary = Summary { packages: self.packages.len(), ..Summary::default() };
        for package in &self.packages {
            summary.files += package.files;
            for finding in &package.findings {
                match (finding.counts, finding.severity) {
                    (false, _) => summary.suppressed += 1,
                    (true, Severity::Error) => summary.errors += 1,
                    (true, Severity::Warning) => summary.warnings += 1,
                    (true, Severity::Note) => summary.notes += 1,
                }
            }
        }
        self.summary = summary;
    }

    /// The worst verdict; a pass when there is no package.
    pub fn verdict(&self) -> Verdict {
        self.packages.iter().map(|package| package.verdict).max().unwrap_or(Verdict::Pass)
    }
}

#[derive(Debug)]
struct Builder<'a> {
    vetted: &'a Vetted,
    policy: &'a Policy,
    shape: Shape,
    masker: Masker<'a>,
}

/// Tells findings one by one, for those who do not want a whole report.
#[derive(Debug)]
pub struct Teller<'a> {
    builder: Builder<'a>,
    chains: Chains,
}

impl<'a> Teller<'a> {
    /// Tells findings of a package in a language, masked.
    pub fn new(vetted: &'a Vetted, policy: &'a Policy, lang: Lang) -> Self {
        let shape = Shape { lang, ..Shape::default() };
        let builder = Builder { vetted, policy, shape, masker: Masker::new(vetted, policy) };
        Self { builder, chains: Chains::default() }
    }

    /// A finding; the way by which its file came in is left out.
    pub fn finding(&self, hit: &Hit) -> FindingReport {
        self.builder.finding(hit, &self.chains)
    }
}

/// Builds a package's part.
pub fn build_package(vetted: &Vetted, policy: &Policy, shape: Shape) -> PackageReport {
    let masker = if shape.unmasked { Masker::none() } else { Masker::new(vetted, policy) };
    let builder = Builder { vetted, policy, shape, masker };
    builder.package()
}

impl Builder<'_> {
    fn package(&self) -> PackageReport {
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
    fn lines(&self) -> BTreeMap<String, BTreeMap<u32, String>> {
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

    fn path(&self, place: Place) -> String {
        self.vetted.package.source(place.file).shown(place.span).0.path.to_string()
    }

    fn range(&self, place: Place) -> Range {
        let (source, span) = self.vetted.package.source(place.file).shown(place.span);
        let at = |offset: u32| {
            let position = source.position(offset);
            Position { line: position.line, column: position.column, offset }
        };
        Range { start: at(span.start), end: at(span.end) }
    }

    fn finding(&self, hit: &Hit, chains: &Chains) -> FindingReport {
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
            trace: finding
                .trace
                .iter()
                .map(|step| TraceStep {
                    file: self.path(step.place),
                    range: self.range(step.place),
                    note: self.note(step.note, &step.name),
                })
                .collect(),
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

    fn reason(&self, by: Hider, reason: &str) -> String {
        match by {
            Hider::Baseline if reason.is_empty() => {
                self.shape.lang.pick("基线中已列出", "listed in the baseline").to_owned()
            }
            _ => self.masker.text(reason),
        }
    }

    fn note(&self, key: &str, name: &str) -> String {
        let lang = self.shape.lang;
        let name = kind_list(name, self.policy, lang);
        let text = match self.policy.note(key) {
            Some(wording) => wording.get(lang).replace("{name}", &name),
            None if name.is_empty() => key.to_owned(),
            None => format!("{key}: {name}"),
        };
        self.masker.text(&text)
    }

    fn inventory(&self) -> Vec<InventoryItem> {
        let solution = &self.vetted.solution;
        let lang = self.shape.lang;
        let options = Options::default();
        let shown = Default::default();
        let known = crate::rules::privacy::inventory::facts(&Context {
            package: &self.vetted.package,
            policy: self.policy,
            program: &self.vetted.program,
            solution,
            options: &options,
            terms: None,
            shown: &shown,
        });
        let mut kinds: BTreeSet<&Arc<str>> = BTreeSet::new();
        for collection in solution.collections.iter().filter(|collection| collection.used) {
            kinds.extend(&collection.kinds);
        }
        for flow in &solution.flows {
            kinds.extend(&flow.kinds);
        }
        kinds
            .into_iter()
            .map(|kind| {
                let sources = solution
                    .collections
                    .iter()
                    .filter(|collection| collection.kinds.contains(kind))
                    .map(|collection| InventorySource {
                        source: collection.source.to_string(),
                        file: self.path(collection.place),
                        range: self.range(collection.place),
                        page: collection.weakest().map(|reach| reach.entry.route.to_string()).unwrap_or_default(),
                        consent: consent_id(collection.consent()).to_owned(),
                        scope: collection.scope.as_ref().map(ToString::to_string),
                    })
                    .collect();
                let sinks: BTreeSet<InventorySink> = solution
                    .flows
                    .iter()
                    .filter(|flow| flow.kinds.contains(kind))
                    .map(|flow| InventorySink {
                        kind: flow.sink.name().to_owned(),
                        api: flow.api.to_string(),
                        host: server(flow),
                        file: self.path(flow.place),
                        range: self.range(flow.place),
                        protection: flow.protections.iter().map(protection_id).collect(),
                    })
                    .collect();
                let facts = known.get(kind).cloned().unwrap_or_default();
                InventoryItem {
                    kind: kind.to_string(),
                    name: kind_name(kind, self.policy, lang),
                    sensitive: self.policy.privacy.is_sensitive(kind),
                    sources,
                    sinks: sinks.into_iter().collect(),
                    purposes: facts.purposes.into_iter().collect(),
                    third_parties: facts.third_parties.into_iter().collect(),
                    in_policy: facts.in_policy,
                    encrypted: facts.encrypted,
                }
            })
            .collect()
    }

    fn coverage(&self) -> Vec<CoverageItem> {
        let mut fired = Fired::default();
        // A breach that a comment or a baseline hides is a breach.
        for one in &self.vetted.hits {
            if one.finding.clauses.is_empty() {
                fired.rules.insert(one.finding.rule);
            } else {
                fired.clauses.extend(one.finding.clauses.iter().map(|clause| &**clause));
            }
        }
        let options = Options::default();
        let shown = Default::default();
        let context = Context {
            package: &self.vetted.package,
            policy: self.policy,
            program: &self.vetted.program,
            solution: &self.vetted.solution,
            options: &options,
            terms: None,
            shown: &shown,
        };
        let lang = self.shape.lang;
        let registry = self.policy.clauses();
        let hidden = self.vetted.package.skipped.iter().any(|skipped| skipped.reason.hides_code());
        let ran = Ran {
            rule: &|rule| !self.vetted.unasked.contains(rule),
            whole: !hidden
                && !self.vetted.solution.exhausted
                && self.vetted.engine_errors.is_empty()
                && self.vetted.floor == Confidence::Low,
        };
        coverage(&context, &fired, &ran)
            .into_iter()
            .map(|Fared { clause, status, extent, idle }| {
                let told = status == Status::NotCheckable || extent == Some(Extent::Part);
                let reason = registry.reason(clause).filter(|_| told);
                CoverageItem {
                    clause: clause.id.to_string(),
                    rules: clause.rules.iter().map(ToString::to_string).collect(),
                    status: status.name().to_owned(),
                    extent: extent.map(|extent| extent.name().to_owned()),
                    idle: idle.into_iter().map(str::to_owned).collect(),
                    reason: reason.map(|reason| reason.get(lang).to_owned()),
                    title: clause.title.get(lang).to_owned(),
                }
            })
            .collect()
    }

    fn capabilities(&self) -> Capabilities {
        let solution = &self.vetted.solution;
        let mut out = Capabilities::default();
        let host = self.policy.host(&self.vetted.package.host);
        for call in &solution.calls {
            out.apis.insert(format!("{}.{}", call.namespace, call.api));
            let api = host.and_then(|host| host.apis.get(&*call.api));
            out.scopes.extend(api.and_then(|api| api.scope.as_ref()).map(ToString::to_string));
            for value in &call.args {
                let url = value.field("url").unwrap_or(value);
                out.hosts.extend(url.strings.iter().filter_map(host_of));
            }
        }
        for collection in &solution.collections {
            out.personal_information.extend(collection.kinds.iter().map(ToString::to_string));
            out.scopes.extend(collection.scope.as_ref().map(ToString::to_string));
        }
        for flow in &solution.flows {
            out.third_parties.extend(flow.third_party.as_ref().map(ToString::to_string));
            out.hosts.extend(flow.urls.iter().filter_map(host_of));
        }
        out.categories.extend(self.vetted.package.submission.categories.iter().cloned());
        out
    }

    fn flows(&self) -> Vec<FlowReport> {
        let solution = &self.vetted.solution;
        solution
            .flows
            .iter()
            .filter_map(|flow| {
                let collection = solution.collections.get(flow.collection)?;
                let source = collection.source.to_string();
                let (api, element) =
                    if collection.element.is_some() { (None, Some(source)) } else { (Some(source), None) };
                Some(FlowReport {
                    source: FlowSource {
                        api,
                        element,
                        file: self.path(collection.place),
                        range: self.range(collection.place),
                        personal_information: flow.kinds.iter().map(ToString::to_string).collect(),
                    },
                    sink: FlowSink {
                        api: flow.api.to_string(),
                        kind: flow.sink.name().to_owned(),
                        host: server(flow),
                        file: self.path(flow.place),
                        range: self.range(flow.place),
                    },
                    sanitizers: flow.protections.iter().map(protection_id).collect(),
                    consent: match collection.consent() {
                        // A flow knows three levels: what was only told was not agreed to.
                        Consent::NoticeOnly => "none",
                        level => consent_id(level),
                    }
                    .to_owned(),
                    hops: flow
                        .hops
                        .iter()
                        .map(|step| TraceStep {
                            file: self.path(step.place),
                            range: self.range(step.place),
                            note: self.note(step.note, &step.name),
                        })
                        .collect(),
                })
            })
            .collect()
    }
}

/// The word of a skip reason in JSON.
pub fn reason_id(reason: SkipReason) -> String {
    serde_json::to_value(reason).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The word of a consent level in JSON.
pub const fn consent_id(consent: Consent) -> &'static str {
    match consent {
        Consent::None => "none",
        Consent::HostPrompt => "host-prompt",
        Consent::NoticeOnly => "notice-only",
        Consent::NoticeAndConsent => "notice-and-consent",
    }
}

fn protection_id(protection: &Protection) -> String {
    match protection {
        Protection::Strong(name) => format!("strong:{name}"),
        Protection::Weak(name, _) => format!("weak:{name}"),
        Protection::Masked => "masked".to_owned(),
        Protection::Hashed(name) => format!("hashed:{name}"),
        Protection::Encoded(name) => format!("encoded:{name}"),
        Protection::HostCiphertext => "host-ciphertext".to_owned(),
    }
}

fn server(flow: &Flow) -> Option<String> {
    if matches!(flow.sink, SinkKind::Network | SinkKind::ThirdParty | SinkKind::Url) {
        flow.urls.iter().find_map(host_of)
    } else {
        None
    }
}

/// The server of an address, when its literal head shows it.
fn host_of(text: &Text) -> Option<String> {
    let head = text.head();
    let (scheme, rest) = head.split_once("://")?;
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https" | "ws" | "wss" | "ftp") {
        return None;
    }
    let end = rest.find(['/', '?', '#']);
    if end.is_none() && text.complete().is_none() {
        return None;
    }
    let authority = &rest[..end.unwrap_or(rest.len())];
    let host = authority.rsplit('@').next().unwrap_or(authority);
    let host = host.split(':').next().unwrap_or(host);
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// The name of a kind of personal information.
pub fn kind_name(kind: &str, policy: &Policy, lang: Lang) -> String {
    policy.privacy.kind(kind).map_or(kind, |info| lang.pick(&info.zh, &info.en)).to_owned()
}

/// A step's name may list kinds, by their ids and commas.
fn kind_list(name: &str, policy: &Policy, lang: Lang) -> String {
    let kinds: Vec<&str> = name.split(',').map(str::trim).collect();
    if kinds.iter().all(|kind| policy.privacy.kind(kind).is_some()) {
        let names: Vec<String> = kinds.iter().map(|kind| kind_name(kind, policy, lang)).collect();
        names.join(lang.pick("、", ", "))
    } else {
        name.to_owned()
    }
}

/// Fills the placeholders of a wording.
pub fn fill(template: &str, finding: &Finding, policy: &Policy, lang: Lang) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let Some(close) = rest[open..].find('}') else {
            rest = &rest[open..];
            break;
        };
        let name = &rest[open + 1..open + close];
        match finding.values.iter().find(|(key, _)| *key == name) {
            Some((_, Value::Text(text))) => out.push_str(text),
            Some((_, Value::Number(number))) => out.push_str(&number.to_string()),
            Some((_, Value::Word(key))) => out.push_str(policy.word(key).map_or(*key, |word| word.get(lang))),
            Some((_, Value::Kinds(kinds))) => {
                let names: Vec<String> = kinds.iter().map(|kind| kind_name(kind, policy, lang)).collect();
                out.push_str(&names.join(lang.pick("、", ", ")));
            }
            None => out.push_str(&rest[open..=open + close]),
        }
        rest = &rest[open + close + 1..];
    }
    out.push_str(rest);
    out
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
