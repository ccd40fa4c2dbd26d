//! The report as data: owned, serialisable, in one language. Every output is made from it.

mod build;
mod lists;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::mask::Masker;
use super::origin::Chains;
use crate::engine::{Hider, Hit, Outcome, Verdict, Vetted};
use crate::flow::Consent;
use crate::package::SkipReason;
use crate::policy::Policy;
use crate::policy::catalogue::{Lang, Severity};
use crate::rules::{Confidence, Finding, Value};

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
