//! What a gate keeps: results, one JSON line each, and an audit log whose lines are chained by hash.
//!
//! A result is written before its line in the log. A line without its end was cut off by a crash and is dropped at the
//! next start; a result without a line in the log gets one then.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::cli::vetting::{Answer, Job};
use crate::engine::Verdict;

/// Name of the results in the folder.
pub const RESULTS: &str = "results.jsonl";
/// Name of the audit log in the folder.
pub const AUDIT: &str = "audit.jsonl";

/// A kept result.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    /// Digest of all that the result depends on.
    pub key: String,
    /// The job; its id stands in the answer.
    pub path: String,
    /// As in the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission: Option<Value>,
    /// As in the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Value>,
    /// As in the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<crate::cli::vetting::JobLimits>,
    /// Why the verdict is no pass, the worst first.
    pub reasons: Vec<String>,
    /// The id of the package with the same bytes and conditions whose result this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
}

impl Record {
    /// For a job and its answer.
    pub fn new(key: u128, job: &Job, reasons: Vec<String>, answer: Answer) -> Self {
        Self {
            key: format!("{key:032x}"),
            path: job.path.clone(),
            submission: job.submission.clone(),
            baseline: job.baseline.clone(),
            limits: job.limits.clone(),
            reasons,
            same_as: None,
            answer,
        }
    }

    /// The job that it answers.
    pub fn job(&self) -> Job {
        Job {
            id: self.answer.id.clone(),
            path: self.path.clone(),
            sha256: Some(self.answer.sha256.clone()),
            submission: self.submission.clone(),
            baseline: self.baseline.clone(),
            limits: self.limits.clone(),
        }
    }
}

/// What is remembered of a result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Digest of all that it depends on.
    pub key: u128,
    /// The verdict.
    pub verdict: Verdict,
    /// Whether it is an engine error.
    pub error: bool,
}

/// The first half of a digest, for indexes.
pub(super) fn short(text: &str) -> u128 {
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
    u128::from_be_bytes(bytes)
}

/// Results and log of one folder; or standard output.
pub(super) struct Store {
    files: Option<Files>,
    /// By digest of the id: the last result.
    done: HashMap<u128, Known>,
    /// By key: where a good result stands.
    known: HashMap<u128, (u64, u32)>,
}

struct Files {
    results: File,
    reader: File,
    end: u64,
    audit: Audit,
    /// Held as long as the gate runs.
    _lock: File,
}

/// What only shows the parts of a record that the index needs.
#[derive(Deserialize)]
struct Head {
    key: String,
    id: String,
    verdict: Verdict,
    #[serde(default)]
    engine_error: Option<String>,
}

impl Store {
    /// Results go to standard output and are not remembered.
    pub fn passing() -> Self {
        Self { files: None, done: HashMap::new(), known: HashMap::new() }
    }

    /// Opens a folder; with `resume` what it holds is continued, else it must hold nothing.
    pub fn open(dir: &Path, resume: bool) -> Result<Self, String> {
        let text = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
        std::fs::create_dir_all(dir).map_err(|error| text(dir, error))?;
        let lock_path = dir.join("lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|error| text(&lock_path, error))?;
        exclusive(&lock).map_err(|_| format!("{}: another gate is at work here", dir.display()))?;
        let path = dir.join(RESULTS);
        if !resume && path.exists() {
            return Err(format!("{}: holds results; add --resume, or take another folder", path.display()));
        }
        let open = |path: &Path| {
            OpenOptions::new().create(true).read(true).append(true).open(path).map_err(|error| text(path, error))
        };
        let results = open(&path)?;
        let end = cut(&results).map_err(|error| text(&path, error))?;
        let reader = File::open(&path).map_err(|error| text(&path, error))?;
        let audit_path = dir.join(AUDIT);
        let audit_file = open(&audit_path)?;
        cut(&audit_file).map_err(|error| text(&audit_path, error))?;
        let log = read_log(&audit_path)?;
        let mut store = Self { files: None, done: HashMap::new(), known: HashMap::new() };
        let mut audit = Audit { file: audit_file, seq: log.seq, head: log.head };
        let mut events: Vec<Map<String, Value>> = Vec::new();
        let mut at = 0u64;
        let mut count = 0usize;
        let mut lines = BufReader::new(File::open(&path).map_err(|error| text(&path, error))?);
        let mut line = String::new();
        loop {
            line.clear();
            if lines.read_line(&mut line).map_err(|error| text(&path, error))? == 0 {
                break;
            }
            let body = line.trim_end_matches('\n');
            let head: Head = serde_json::from_str(body)
                .map_err(|error| format!("{}: result {}: {error}", path.display(), count + 1))?;
            match log.results.get(count) {
                Some(hash) if *hash != *blake3::hash(body.as_bytes()).as_bytes() => {
                    return Err(format!("{}: result {} is not the one in {AUDIT}", path.display(), count + 1));
                }
                Some(_) => {}
                None => {
                    let record = serde_json::from_str(body)
                        .map_err(|error| format!("{}: result {}: {error}", path.display(), count + 1))?;
                    events.push(event_of("recovered", &record, body));
                }
            }
            store.remember(&head, at, line.len() as u32);
            at += line.len() as u64;
            count += 1;
        }
        if log.results.len() > count {
            let mut event = Map::new();
            event.insert("event".to_owned(), json!("lost"));
            event.insert("results".to_owned(), json!(log.results.len() - count));
            audit.append(event).map_err(|error| text(&audit_path, error))?;
        }
        for event in events {
            audit.append(event).map_err(|error| text(&audit_path, error))?;
        }
        store.files = Some(Files { results, reader, end, audit, _lock: lock });
        Ok(store)
    }

    fn remember(&mut self, head: &Head, at: u64, length: u32) {
        let key = u128::from_str_radix(&head.key, 16).unwrap_or_default();
        let error = head.engine_error.is_some();
        self.done.insert(short(&head.id), Known { key, verdict: head.verdict, error });
        // An error may have been the machine's; another package does not inherit it.
        if !error {
            self.known.entry(key).or_insert((at, length));
        }
    }

    /// The last result of an id.
    pub fn done(&self, id: &str) -> Option<Known> {
        self.done.get(&short(id)).copied()
    }

    /// A good result for a key.
    pub fn known(&mut self, key: u128) -> Option<Record> {
        let (at, length) = *self.known.get(&key)?;
        let files = self.files.as_mut()?;
        files.reader.seek(SeekFrom::Start(at)).ok()?;
        let mut bytes = vec![0u8; length as usize];
        files.reader.read_exact(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Keeps a result.
    pub fn append(&mut self, record: &Record) -> std::io::Result<()> {
        let mut line = serde_json::to_string(record)?;
        let Some(files) = &mut self.files else {
            line.push('\n');
            let mut out = std::io::stdout().lock();
            return out.write_all(line.as_bytes()).and_then(|()| out.flush());
        };
        let value = event_of("result", record, &line);
        line.push('\n');
        files.results.write_all(line.as_bytes())?;
        let at = files.end;
        files.end += line.len() as u64;
        files.audit.append(value)?;
        let head = Head {
            key: record.key.clone(),
            id: record.answer.id.clone(),
            verdict: record.answer.verdict,
            engine_error: record.answer.engine_error.clone(),
        };
        self.remember(&head, at, line.len() as u32);
        Ok(())
    }

    /// Writes an event that is no result.
    pub fn note(&mut self, event: Value) -> std::io::Result<()> {
        match (&mut self.files, event) {
            (Some(files), Value::Object(event)) => files.audit.append(event),
            _ => Ok(()),
        }
    }

    /// Brings everything to the disk; the head of the log.
    pub fn settle(&mut self) -> std::io::Result<Option<String>> {
        let Some(files) = &mut self.files else { return Ok(None) };
        files.results.sync_all()?;
        files.audit.file.sync_all()?;
        Ok(Some(files.audit.head.clone()))
    }
}

/// The last result of an id in a folder.
pub(super) fn find(dir: &Path, id: &str) -> Result<Option<Record>, String> {
    let path = dir.join(RESULTS);
    let text = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut found = None;
    for line in BufReader::new(File::open(&path).map_err(text)?).lines() {
        let line = line.map_err(text)?;
        if serde_json::from_str::<Head>(&line).is_ok_and(|head| head.id == id) {
            found = serde_json::from_str(&line).ok();
        }
    }
    Ok(found)
}

fn event_of(event: &str, record: &Record, line: &str) -> Map<String, Value> {
    let mut map = Map::new();
    let answer = &record.answer;
    for (key, value) in [
        ("event", json!(event)),
        ("id", json!(answer.id)),
        ("sha256", json!(answer.sha256)),
        ("verdict", json!(answer.verdict)),
        ("rules_digest", json!(answer.rules_digest)),
        ("config_digest", json!(answer.config_digest)),
        ("result", json!(blake3::hash(line.as_bytes()).to_hex().as_str())),
    ] {
        map.insert(key.to_owned(), value);
    }
    map
}

/// One gate in a folder at a time. The kernel gives the lock back when the process is gone.
#[cfg(unix)]
fn exclusive(file: &File) -> Result<(), rustix::io::Errno> {
    rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
}

#[cfg(not(unix))]
fn exclusive(_file: &File) -> std::io::Result<()> {
    Ok(())
}

/// Drops a last line that has no end; the length that is left.
fn cut(mut file: &File) -> std::io::Result<u64> {
    let length = file.metadata()?.len();
    let mut end = length;
    let mut buffer = vec![0u8; 64 << 10];
    while end > 0 {
        let start = end.saturating_sub(buffer.len() as u64);
        let part = &mut buffer[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(part)?;
        if let Some(at) = memchr::memrchr(b'\n', part) {
            end = start + at as u64 + 1;
            break;
        }
        end = start;
    }
    if end < length {
        file.set_len(end)?;
    }
    Ok(end)
}

struct Audit {
    file: File,
    seq: u64,
    head: String,
}

impl Audit {
    fn append(&mut self, mut event: Map<String, Value>) -> std::io::Result<()> {
        event.insert("seq".to_owned(), json!(self.seq));
        event.insert("time".to_owned(), json!(super::time::now()));
        event.insert("prev".to_owned(), json!(self.head));
        let hash = seal(&event);
        event.insert("hash".to_owned(), json!(hash));
        let mut line = Value::Object(event).to_string();
        line.push('\n');
        self.file.write_all(line.as_bytes())?;
        self.seq += 1;
        self.head = hash;
        Ok(())
    }
}

/// The hash of an event without its own: over its JSON with sorted keys, the hash of the line before included.
fn seal(event: &Map<String, Value>) -> String {
    let sorted: std::collections::BTreeMap<&String, &Value> = event.iter().collect();
    let text = serde_json::to_string(&sorted).unwrap_or_default();
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// What an audit log says.
struct Log {
    seq: u64,
    head: String,
    /// Hashes of the results in order.
    results: Vec<[u8; 32]>,
}

/// Reads a log and checks its chain.
fn read_log(path: &PathBuf) -> Result<Log, String> {
    let mut log = Log { seq: 0, head: String::new(), results: Vec::new() };
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let bad = |what: &str| format!("{}: line {}: {what}", path.display(), index + 1);
        let line = line.map_err(|error| bad(&error.to_string()))?;
        let mut event: Map<String, Value> = serde_json::from_str(&line).map_err(|error| bad(&error.to_string()))?;
        let hash = event.remove("hash");
        if event.get("seq").and_then(Value::as_u64) != Some(log.seq)
            || event.get("prev").and_then(Value::as_str) != Some(log.head.as_str())
            || hash.as_ref().and_then(Value::as_str) != Some(seal(&event).as_str())
        {
            return Err(bad("the chain is broken: a line was changed, taken out or put in"));
        }
        match event.get("event").and_then(Value::as_str) {
            Some("result" | "recovered") => {
                let result = event.get("result").and_then(Value::as_str).unwrap_or("");
                let hash = blake3::Hash::from_hex(result).map_err(|error| bad(&error.to_string()))?;
                log.results.push(*hash.as_bytes());
            }
            Some("lost") => {
                let lost = event.get("results").and_then(Value::as_u64).unwrap_or(0) as usize;
                log.results.truncate(log.results.len().saturating_sub(lost));
            }
            _ => {}
        }
        log.head = hash.as_ref().and_then(Value::as_str).unwrap_or("").to_owned();
        log.seq += 1;
    }
    Ok(log)
}

/// Checks a folder: the chain of the log, and that it covers every result. Lines, results, head of the log.
pub(super) fn verify(dir: &Path) -> Result<(u64, usize, String), String> {
    let log = read_log(&dir.join(AUDIT))?;
    let path = dir.join(RESULTS);
    let text = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut count = 0;
    for line in BufReader::new(File::open(&path).map_err(text)?).lines() {
        let line = line.map_err(text)?;
        match log.results.get(count) {
            None => return Err(format!("{}: result {} has no line in {AUDIT}", path.display(), count + 1)),
            Some(hash) if *hash != *blake3::hash(line.as_bytes()).as_bytes() => {
                return Err(format!("{}: result {} is not the one in {AUDIT}", path.display(), count + 1));
            }
            Some(_) => count += 1,
        }
    }
    if count < log.results.len() {
        return Err(format!("{}: {} results are missing", path.display(), log.results.len() - count));
    }
    Ok((log.seq, count, log.head))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::vetting::Stamp;

    fn record(id: &str, key: u128) -> Record {
        let stamp = Stamp { tool: "t".to_owned(), rules: "r".to_owned(), config: "c".to_owned() };
        let mut answer = Answer::failed(id, "00", &stamp, "");
        answer.engine_error = None;
        let job = Job {
            id: id.to_owned(),
            path: id.to_owned(),
            sha256: None,
            submission: None,
            baseline: None,
            limits: None,
        };
        Record::new(key, &job, Vec::new(), answer)
    }

    #[test]
    fn what_was_cut_off_is_mended_and_what_was_changed_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path(), false).unwrap();
        assert!(Store::open(dir.path(), true).is_err_and(|error| error.contains("another gate")));
        store.append(&record("a", 1)).unwrap();
        store.append(&record("b", 2)).unwrap();
        drop(store);
        assert!(Store::open(dir.path(), false).is_err_and(|error| error.contains("--resume")));
        // A crash between result and log, and one in the middle of a line.
        let line = serde_json::to_string(&record("c", 3)).unwrap();
        let mut file = OpenOptions::new().append(true).open(dir.path().join(RESULTS)).unwrap();
        write!(file, "{line}\n{}", &line[..20]).unwrap();
        assert!(verify(dir.path()).is_err());
        let mut store = Store::open(dir.path(), true).unwrap();
        assert!(["a", "b", "c"].iter().all(|id| store.done(id).is_some()) && store.done("d").is_none());
        assert_eq!(store.known(2).unwrap().answer.id, "b");
        store.append(&record("d", 4)).unwrap();
        assert_eq!(store.known(4).unwrap().answer.id, "d");
        drop(store);
        assert_eq!(verify(dir.path()).unwrap().1, 4);

        let results = std::fs::read_to_string(dir.path().join(RESULTS)).unwrap();
        std::fs::write(dir.path().join(RESULTS), results.replacen("manual-review", "pass", 1)).unwrap();
        assert!(verify(dir.path()).is_err_and(|error| error.contains("result 1")));
        assert!(Store::open(dir.path(), true).is_err());
        std::fs::write(dir.path().join(RESULTS), &results).unwrap();
        let log = std::fs::read_to_string(dir.path().join(AUDIT)).unwrap();
        let without: Vec<&str> = log.lines().enumerate().filter(|(at, _)| *at != 1).map(|(_, line)| line).collect();
        std::fs::write(dir.path().join(AUDIT), without.join("\n") + "\n").unwrap();
        assert!(verify(dir.path()).is_err_and(|error| error.contains("chain")));
    }

    #[test]
    fn results_that_the_disk_lost_are_vetted_again() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path(), false).unwrap();
        store.append(&record("a", 1)).unwrap();
        store.append(&record("b", 2)).unwrap();
        drop(store);
        let results = std::fs::read_to_string(dir.path().join(RESULTS)).unwrap();
        std::fs::write(dir.path().join(RESULTS), results.lines().next().unwrap().to_owned() + "\n").unwrap();
        let mut store = Store::open(dir.path(), true).unwrap();
        assert!(store.done("b").is_none());
        store.append(&record("b", 2)).unwrap();
        drop(store);
        assert_eq!(verify(dir.path()).unwrap().1, 2);
    }
}
