//! Known findings: a file that lists them, and the pairing of findings over versions of a package.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Hider, Hit, Vetted};

/// Version of the file's form.
const SCHEMA_VERSION: u32 = 1;

/// Known findings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Baseline {
    /// Version of the form.
    schema_version: u32,
    /// By package.
    packages: Vec<Known>,
}

/// Known findings of one package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    /// The package's folder below the path that was vetted; empty when it is the path.
    root: String,
    findings: Vec<Entry>,
}

/// A known finding. Rule and place are for people who read the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    fingerprint: Arc<str>,
    content: Arc<str>,
    rule: String,
    #[serde(default)]
    file: String,
    #[serde(default)]
    line: u32,
}

/// Why a baseline cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is no baseline.
    #[error("not a baseline: {0}")]
    Form(#[from] serde_json::Error),
    /// Its form is of another version.
    #[error("a baseline of form {0}; this program reads form {SCHEMA_VERSION}")]
    Version(u32),
}

impl Baseline {
    /// The baseline of everything that counts in these packages, which were vetted under these paths.
    pub fn of(packages: &[Vetted]) -> Self {
        let packages = packages
            .iter()
            .map(|vetted| Known {
                root: vetted.package.below.clone(),
                findings: vetted
                    .active()
                    .map(|hit| {
                        let place = hit.finding.place;
                        let (source, span) = vetted.package.source(place.file).shown(place.span);
                        Entry {
                            fingerprint: hit.fingerprint.as_str().into(),
                            content: hit.content.as_str().into(),
                            rule: hit.finding.rule.to_owned(),
                            file: source.path.to_string(),
                            line: source.lines().line(span.start) + 1,
                        }
                    })
                    .collect(),
            })
            .collect();
        Self { schema_version: SCHEMA_VERSION, packages }
    }

    /// Reads a baseline.
    ///
    /// # Errors
    /// When the text is no baseline, or one of another version.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let baseline: Self = serde_json::from_str(text)?;
        if baseline.schema_version != SCHEMA_VERSION {
            return Err(BaselineError::Version(baseline.schema_version));
        }
        Ok(baseline)
    }

    /// Reads a baseline's file.
    ///
    /// # Errors
    /// A message when it cannot be read or is none.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        Self::parse(&text).map_err(|error| error.to_string())
    }

    /// The form that is written, ended by a line break.
    pub fn render(&self) -> String {
        let mut out = serde_json::to_string_pretty(self).unwrap_or_default();
        out.push('\n');
        out
    }

    /// Number of known findings.
    pub fn len(&self) -> usize {
        self.packages.iter().map(|package| package.findings.len()).sum()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Hides the known findings of a package. With one package on the list, its folder does not matter.
    pub(super) fn hide(&self, below: &str, honors: bool, hits: &mut [Hit]) {
        let known = match self.packages.as_slice() {
            [only] => Some(only),
            all => all.iter().find(|known| known.root == below),
        };
        let entries = known.map_or(&[][..], |known| known.findings.as_slice());
        let old: Vec<Key<'_>> = entries.iter().map(|entry| (&*entry.fingerprint, &*entry.content)).collect();
        let pairs = {
            let new: Vec<Key<'_>> = hits.iter().map(Hit::key).collect();
            pair(&old, &new)
        };
        for (hit, known) in hits.iter_mut().zip(pairs) {
            hit.known = Some(known.is_some());
            // What a comment hides counts all the same where comments do not: the baseline then hides it.
            if known.is_some() && (hit.suppressed.is_none() || !honors) {
                hit.suppressed = Some((Hider::Baseline, Arc::from("")));
            }
        }
    }
}

/// Fingerprint and content of a finding.
pub type Key<'a> = (&'a str, &'a str);

/// Which old finding each new one is: by fingerprint, and what is left by content alone, since code moves between files
/// when it is bundled anew. No old finding is used twice.
pub fn pair(old: &[Key<'_>], new: &[Key<'_>]) -> Vec<Option<usize>> {
    let mut out: Vec<Option<usize>> = vec![None; new.len()];
    let mut used = vec![false; old.len()];
    let by_fingerprint: HashMap<&str, usize> =
        old.iter().enumerate().map(|(index, (fingerprint, _))| (*fingerprint, index)).collect();
    for (slot, (fingerprint, _)) in out.iter_mut().zip(new) {
        if let Some(&index) = by_fingerprint.get(fingerprint)
            && !used[index]
        {
            used[index] = true;
            *slot = Some(index);
        }
    }
    let mut by_content: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, (_, content)) in old.iter().enumerate().rev() {
        if !used[index] {
            by_content.entry(content).or_default().push(index);
        }
    }
    for (slot, (_, content)) in out.iter_mut().zip(new) {
        if slot.is_none() {
            *slot = by_content.get_mut(content).and_then(Vec::pop);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_by_fingerprint_then_by_content() {
        let old = [("a", "x"), ("b", "x"), ("c", "y")];
        // `b` stays, `a` has moved; a third `x` is new, and so is another `c`.
        assert_eq!(
            pair(&old, &[("b", "x"), ("d", "x"), ("e", "x"), ("c", "y"), ("c", "y")]),
            [Some(1), Some(0), None, Some(2), None]
        );
        assert_eq!(pair(&[], &[("a", "x")]), [None]);
    }

    #[test]
    fn reads_what_it_writes() {
        let empty = Baseline { schema_version: SCHEMA_VERSION, packages: Vec::new() };
        assert!(Baseline::parse(&empty.render()).unwrap().is_empty());
        assert!(matches!(Baseline::parse("{\"schema_version\": 9, \"packages\": []}"), Err(BaselineError::Version(9))));
        assert!(matches!(Baseline::parse("[]"), Err(BaselineError::Form(_))));
    }
}
