//! One job of a pipeline and its answer: what `worker` reads and writes, and `gate` keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::engine::baseline::Baseline;
use crate::engine::{self, Failure, Options, Outcome, Verdict};
use crate::package::Limits;
use crate::policy::Policy;
use crate::report::model::{Capabilities, FindingReport};
use crate::report::{self, Shape};

/// Version of the answer's form.
pub const SCHEMA_VERSION: u32 = 1;
/// Findings of one answer; beyond it they are counted. The verdict is made of all.
const MAX_FINDINGS: usize = 2_000;
/// Unseen parts that one answer names.
const MAX_UNSEEN: usize = 100;

/// What shall be vetted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// The caller's name for it.
    pub id: String,
    /// A folder or an archive.
    pub path: String,
    /// SHA-256 of the archive in hexadecimal; what lies at the path must have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What was declared to the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission: Option<serde_json::Value>,
    /// Known findings: what `minivet baseline` wrote, or the path of its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<serde_json::Value>,
    /// Bounds of this job, instead of those of the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<JobLimits>,
}

/// Bounds of one job.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobLimits {
    /// Seconds until the job is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    /// See [`Limits::max_files`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_files: Option<usize>,
    /// See [`Limits::max_file_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_file_bytes: Option<u64>,
    /// See [`Limits::max_total_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_total_bytes: Option<u64>,
    /// See [`Limits::max_depth`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<usize>,
    /// See [`Limits::max_archive_bytes`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_archive_bytes: Option<u64>,
    /// See [`Limits::max_ratio`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_ratio: Option<u64>,
}

impl JobLimits {
    fn apply(&self, limits: &mut Limits) {
        limits.max_files = self.max_files.unwrap_or(limits.max_files);
        limits.max_file_bytes = self.max_file_bytes.unwrap_or(limits.max_file_bytes);
        limits.max_total_bytes = self.max_total_bytes.unwrap_or(limits.max_total_bytes);
        limits.max_depth = self.max_depth.unwrap_or(limits.max_depth);
        limits.max_archive_bytes = self.max_archive_bytes.unwrap_or(limits.max_archive_bytes);
        limits.max_ratio = self.max_ratio.unwrap_or(limits.max_ratio);
    }
}

/// The answer to a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The job's.
    pub id: String,
    /// SHA-256 of what was vetted; empty only when nothing could be read.
    pub sha256: String,
    /// Name and version.
    pub tool: String,
    /// Digest of the rule packs.
    pub rules_digest: String,
    /// Digest of all else that the answer depends on.
    pub config_digest: String,
    /// The verdict; no pass with `engine_error` or `unseen`.
    pub verdict: Verdict,
    /// The findings.
    pub findings: Vec<Placed>,
    /// Findings that are not listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub findings_omitted: usize,
    /// What the packages use.
    pub capabilities: Capabilities,
    /// Clauses by how they fared; those that no package can show are left out.
    pub coverage: BTreeMap<String, Vec<String>>,
    /// What may hide code and was not seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<String>,
    /// Why there is no proper answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_error: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A finding and the package it is in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Placed {
    /// Root of its package below the job's path; empty for the top.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub root: String,
    /// The finding.
    #[serde(flatten)]
    pub finding: FindingReport,
}

impl Answer {
    /// An answer that tells only what went wrong. It is never a pass.
    pub fn failed(job_id: &str, sha256: &str, stamp: &Stamp, error: &str) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            id: job_id.to_owned(),
            sha256: sha256.to_owned(),
            tool: stamp.tool.clone(),
            rules_digest: stamp.rules.clone(),
            config_digest: stamp.config.clone(),
            verdict: Verdict::ManualReview,
            findings: Vec::new(),
            findings_omitted: 0,
            capabilities: Capabilities::default(),
            coverage: BTreeMap::new(),
            unseen: Vec::new(),
            engine_error: Some(error.to_owned()),
        }
    }
}

/// What every answer of a run has in common.
#[derive(Clone, Debug)]
pub struct Stamp {
    /// Name and version.
    pub tool: String,
    /// Digest of the rule packs.
    pub rules: String,
    /// Digest of the configuration.
    pub config: String,
}

impl Stamp {
    /// For a policy and all else that answers depend on.
    pub fn new(policy: &Policy, settings: &[&str]) -> Self {
        Self {
            tool: concat!("minivet ", env!("CARGO_PKG_VERSION")).to_owned(),
            rules: policy.digest().to_owned(),
            config: digest(settings),
        }
    }
}

/// One digest of several texts, of which none can pass for the end of another.
pub fn digest(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of what lies at a path. A folder's is that of its files' paths, lengths and bytes in order of path.
pub fn sha256_of(path: &Path) -> std::io::Result<String> {
    let meta = std::fs::metadata(path)?;
    let mut hasher = Sha256::new();
    if meta.is_file() {
        pour(path, &mut hasher)?;
        return Ok(hex(&hasher.finalize()));
    }
    if !meta.is_dir() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "neither a folder nor a file"));
    }
    for entry in walkdir::WalkDir::new(path).sort_by_file_name() {
        let entry = entry?;
        let kind = entry.file_type();
        if kind.is_dir() {
            continue;
        }
        let name = entry.path().strip_prefix(path).unwrap_or(entry.path()).to_string_lossy().into_owned();
        hasher.update((name.len() as u64).to_le_bytes());
        hasher.update(name.as_bytes());
        if kind.is_file() {
            hasher.update(entry.metadata()?.len().to_le_bytes());
            pour(entry.path(), &mut hasher)?;
        } else if kind.is_symlink() {
            hasher.update(std::fs::read_link(entry.path())?.to_string_lossy().as_bytes());
        }
    }
    Ok(hex(&hasher.finalize()))
}

fn pour(path: &Path, hasher: &mut Sha256) -> std::io::Result<()> {
    let mut file = std::fs::File::open(path)?;
    let mut buffer = vec![0u8; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// Vets a job in this process. `options` are those of the run.
pub fn vet(job: &Job, policy: &Policy, options: &Options, shape: Shape, stamp: &Stamp) -> Answer {
    let known = job.sha256.clone().unwrap_or_default();
    let mut options = options.clone();
    let mut read = options.read.clone().unwrap_or_default();
    if let Some(limits) = &job.limits {
        limits.apply(&mut read.limits);
    }
    match job.submission.clone().map(super::submission_of).transpose() {
        Ok(Some(submission)) => options.submission = Some(submission),
        Ok(None) => {}
        Err(error) => return Answer::failed(&job.id, &known, stamp, &format!("submission: {error}")),
    }
    match job.baseline.as_ref().map(baseline).transpose() {
        Ok(baseline) => options.baseline = baseline.map(Arc::new),
        Err(error) => return Answer::failed(&job.id, &known, stamp, &format!("baseline: {error}")),
    }
    let path = Path::new(&job.path);
    let (sha256, opened) = match open(path, &read.limits) {
        Ok(found) => found,
        Err((sha256, error)) => {
            let sha256 = if sha256.is_empty() { &known } else { &sha256 };
            return Answer::failed(&job.id, sha256, stamp, &error);
        }
    };
    if !known.is_empty() && !known.eq_ignore_ascii_case(&sha256) {
        let error = format!("sha256: the job says {known}");
        return Answer::failed(&job.id, &sha256, stamp, &error);
    }
    options.read = Some(read);
    let mut outcome = Outcome::default();
    engine::vet_opened(opened, policy, &options, &mut outcome);
    answer(job, &sha256, &outcome, policy, shape, stamp)
}

fn baseline(value: &serde_json::Value) -> Result<Baseline, String> {
    match value {
        serde_json::Value::String(path) => Baseline::load(Path::new(path)),
        value => Baseline::parse(&value.to_string()).map_err(|error| error.to_string()),
    }
}

/// Reads a file once, so that what is vetted is what was hashed.
fn open(path: &Path, limits: &Limits) -> Result<(String, crate::package::Opened), (String, String)> {
    let text = |error: std::io::Error| (String::new(), format!("{}: {error}", path.display()));
    let meta = std::fs::metadata(path).map_err(text)?;
    if !meta.is_file() {
        let hash = sha256_of(path).map_err(text)?;
        return match crate::package::open(path, limits) {
            Ok(opened) => Ok((hash, opened)),
            Err(error) => Err((hash, error.to_string())),
        };
    }
    if meta.len() > limits.max_archive_bytes {
        let hash = sha256_of(path).map_err(text)?;
        return Err((hash, format!("{}: over the size limit of {} bytes", path.display(), limits.max_archive_bytes)));
    }
    let bytes = std::fs::read(path).map_err(text)?;
    let hash = sha256(&bytes);
    crate::package::open_archive(path, &bytes, limits)
        .map(|opened| (hash.clone(), opened))
        .map_err(|error| (hash, error.to_string()))
}

fn answer(job: &Job, sha256: &str, outcome: &Outcome, policy: &Policy, shape: Shape, stamp: &Stamp) -> Answer {
    let report = report::build(outcome, policy, shape);
    let mut errors: Vec<String> = outcome
        .failures
        .iter()
        .map(|failure| match failure {
            Failure::Read(error) => error.to_string(),
            Failure::Config(failure) => format!("{}: not a valid configuration", failure.path.display()),
        })
        .collect();
    let mut out = Answer::failed(&job.id, sha256, stamp, "");
    out.engine_error = None;
    out.verdict = report.verdict();
    let mut coverage: BTreeMap<String, (String, bool)> = BTreeMap::new();
    for (vetted, package) in outcome.packages.iter().zip(report.packages) {
        errors.extend(package.engine_errors);
        out.unseen.extend(
            package
                .skipped
                .iter()
                .filter(|skipped| skipped.hides_code)
                .map(|skipped| format!("{}: {}", skipped.path, skipped.reason)),
        );
        if vetted.solution.exhausted {
            out.unseen.push("analysis: its budget ran out".to_owned());
        }
        let root = vetted.package.below.clone();
        let all = &mut out.capabilities;
        let mut own = package.capabilities;
        all.apis.append(&mut own.apis);
        all.scopes.append(&mut own.scopes);
        all.hosts.append(&mut own.hosts);
        all.personal_information.append(&mut own.personal_information);
        all.third_parties.append(&mut own.third_parties);
        all.categories.append(&mut own.categories);
        for item in package.coverage {
            // The worst of several packages: `findings`, then `passed`, then what was not asked.
            let part = item.status == "passed" && item.extent.as_deref() == Some("part");
            let worse = coverage.get(&item.clause).is_none_or(|(held, _)| rank(&item.status) < rank(held));
            if worse {
                coverage.insert(item.clause, (item.status, part));
            }
        }
        out.findings.extend(package.findings.into_iter().map(|finding| Placed { root: root.clone(), finding }));
    }
    out.unseen.dedup();
    if out.unseen.len() > MAX_UNSEEN {
        let more = out.unseen.len() - MAX_UNSEEN;
        out.unseen.truncate(MAX_UNSEEN);
        out.unseen.push(format!("and {more} more"));
    }
    cap(&mut out, MAX_FINDINGS);
    for (clause, (status, part)) in coverage {
        if part {
            out.coverage.entry("in-part".to_owned()).or_default().push(clause.clone());
        }
        if status != "not-checkable" {
            out.coverage.entry(status).or_default().push(clause);
        }
    }
    if !errors.is_empty() {
        out.engine_error = Some(errors.join("; "));
    }
    if out.engine_error.is_some() || !out.unseen.is_empty() {
        out.verdict = out.verdict.max(Verdict::ManualReview);
    }
    out
}

/// Keeps the worst findings, in their order.
pub fn cap(answer: &mut Answer, most: usize) {
    if answer.findings.len() <= most {
        return;
    }
    let mut order: Vec<usize> = (0..answer.findings.len()).collect();
    order.sort_by_key(|index| {
        let finding = &answer.findings[*index].finding;
        (finding.suppressed.is_some(), std::cmp::Reverse((finding.severity, finding.confidence)), *index)
    });
    let kept: BTreeSet<usize> = order.into_iter().take(most).collect();
    answer.findings_omitted += answer.findings.len() - kept.len();
    let mut index = 0;
    answer.findings.retain(|_| {
        index += 1;
        kept.contains(&(index - 1))
    });
}

fn rank(status: &str) -> usize {
    ["findings", "passed", "not-applicable", "not-checked", "not-checkable"]
        .iter()
        .position(|known| *known == status)
        .unwrap_or(usize::MAX)
}
