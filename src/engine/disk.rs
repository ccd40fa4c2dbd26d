//! Facts and solutions kept on disk between runs, one file each, named by key.
//!
//! Several processes may share the folder: a file is written under another name and renamed, so that a reader sees all
//! of it or nothing. What does not carry its own checksum is not read. The cache may lose anything at any time.

use std::fs::{File, FileTimes};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::{FactsCache, FactsKey};
use crate::flow::{Solution, kept};
use crate::model::FileFacts;

/// Facts of smaller files are made faster than they are read.
const WORTH: usize = 2 << 10;
/// A file that was used is marked so at most this often.
const MARK: Duration = Duration::from_secs(6 * 3600);
/// Bytes before the facts: a checksum of them.
const HEAD: usize = 32;

/// A folder of facts.
#[derive(Debug)]
pub struct DiskCache {
    folder: PathBuf,
    /// Bytes that all versions may take together.
    limit: u64,
    /// Bytes written since the folder was last looked through.
    written: AtomicU64,
    count: AtomicU64,
}

impl DiskCache {
    /// A cache in `folder`, which is made at first use; `limit` in bytes.
    pub fn new(folder: &Path, limit: u64) -> Self {
        // Facts of another build may look the same and mean something else.
        let build = std::env::current_exe().and_then(std::fs::metadata).ok();
        let time = build.as_ref().and_then(|meta| meta.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok());
        let build = format!(
            "{}-{:x}-{:x}",
            env!("CARGO_PKG_VERSION"),
            build.map_or(0, |meta| meta.len()),
            time.unwrap_or_default().as_nanos()
        );
        Self {
            folder: folder.join(build),
            limit,
            // The first that is written looks the folder through: what other builds left is never used again.
            written: AtomicU64::new(limit),
            count: AtomicU64::new(0),
        }
    }

    fn path(&self, key: &FactsKey) -> PathBuf {
        let name = blake3::Hash::from_bytes(*key).to_hex();
        self.folder.join(&name[..2]).join(&name[2..])
    }

    fn read(&self, key: &FactsKey) -> Option<Vec<u8>> {
        let path = self.path(key);
        let mut file = File::open(&path).ok()?;
        let meta = file.metadata().ok()?;
        let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).ok()?);
        file.read_to_end(&mut bytes).ok()?;
        let (sum, content) = bytes.split_at_checked(HEAD)?;
        if blake3::hash(content).as_bytes().as_slice() != sum {
            let _ = std::fs::remove_file(&path);
            return None;
        }
        let now = SystemTime::now();
        if meta.modified().ok().and_then(|then| now.duration_since(then).ok()).is_some_and(|age| age > MARK) {
            // Only the order of what is thrown away rests on it.
            let _ = file.set_times(FileTimes::new().set_modified(now));
        }
        bytes.drain(..HEAD);
        Some(bytes)
    }

    fn write(&self, key: &FactsKey, content: &[u8]) -> Option<()> {
        let path = self.path(key);
        let folder = path.parent()?;
        std::fs::create_dir_all(folder).ok()?;
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let draft = folder.join(format!(".{}-{number}", std::process::id()));
        let done = File::create(&draft).and_then(|mut file| {
            file.write_all(blake3::hash(content).as_bytes())?;
            file.write_all(content)
        });
        if done.and_then(|()| std::fs::rename(&draft, &path)).is_err() {
            let _ = std::fs::remove_file(&draft);
            return None;
        }
        let size = (content.len() + HEAD) as u64;
        if self.written.fetch_add(size, Ordering::Relaxed) + size > self.limit / 8 {
            self.written.store(0, Ordering::Relaxed);
            self.prune();
        }
        Some(())
    }

    /// Throws away what was not used for the longest time, until a quarter of the room is free.
    fn prune(&self) {
        let Some(root) = self.folder.parent() else { return };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = walkdir::WalkDir::new(root)
            .min_depth(3)
            .max_depth(3)
            .into_iter()
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let meta = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
                Some((meta.modified().ok()?, meta.len(), entry.into_path()))
            })
            .collect();
        let mut total: u64 = files.iter().map(|(_, size, _)| size).sum();
        if total <= self.limit {
            return;
        }
        files.sort_unstable();
        for (_, size, path) in files {
            if total <= self.limit / 4 * 3 {
                break;
            }
            if std::fs::remove_file(path).is_ok() {
                total -= size;
            }
        }
    }
}

impl FactsCache for DiskCache {
    fn get(&self, key: &FactsKey) -> Option<FileFacts> {
        postcard::from_bytes(&self.read(key)?).ok()
    }

    fn put(&self, key: &FactsKey, facts: &FileFacts) {
        // A cache that cannot be written is slow, not wrong.
        if let Ok(facts) = postcard::to_allocvec(facts)
            && facts.len() >= WORTH
        {
            let _ = self.write(key, &facts);
        }
    }

    fn solution(&self, key: &FactsKey) -> Option<Solution> {
        kept::from_bytes(&self.read(key)?)
    }

    fn put_solution(&self, key: &FactsKey, solution: &Solution) {
        if let Some(solution) = kept::to_bytes(solution)
            && solution.len() as u64 <= self.limit / 16
        {
            let _ = self.write(key, &solution);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::{FactsDialect, template_facts};
    use crate::model::lower;
    use crate::syntax::script::ScriptKind;

    fn script(lines: usize) -> FileFacts {
        let text: String =
            (0..lines).map(|at| format!("function f{at}(a, {{ b = 1.5 }}) {{ return a + `x${{b}}` }}\n")).collect();
        FileFacts { script: Some(lower::script(&text, ScriptKind::JavaScript).into()), template: None }
    }

    fn shown(facts: &FileFacts) -> String {
        // Hash maps print in any order.
        let template = facts.template.as_ref().map(|template| {
            let mut list: Vec<_> = template.expressions.iter().map(|entry| format!("{entry:?}")).collect();
            list.extend(template.loops.iter().map(|entry| format!("{entry:?}")));
            list.sort();
            (
                format!("{:?}", template.document),
                list,
                template.errors.clone(),
                format!("{:?}", template.inline_scripts),
            )
        });
        format!("{:?} {template:?}", facts.script)
    }

    #[test]
    fn what_is_kept_comes_back_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DiskCache::new(folder.path(), 1 << 20);
        let text = "<view s-for=\"p in list\">{{ p.name + 1 }}</view><wxs module=\"m\">var a = 1</wxs>".repeat(40);
        let template =
            FileFacts { script: None, template: Some(template_facts(&text, &FactsDialect::default()).into()) };
        for (key, facts) in [([1; 32], script(60)), ([2; 32], template)] {
            assert!(cache.get(&key).is_none());
            cache.put(&key, &facts);
            assert_eq!(shown(&cache.get(&key).unwrap()), shown(&facts));
        }
        let path = cache.path(&[1; 32]);
        let good = std::fs::read(&path).unwrap();
        for bytes in [&good[..good.len() - 1], &good[..10], b"", &[good.clone(), vec![0]].concat()] {
            std::fs::write(&path, bytes).unwrap();
            assert!(cache.get(&[1; 32]).is_none());
        }
        let mut flipped = good.clone();
        flipped[100] ^= 1;
        std::fs::write(&path, flipped).unwrap();
        assert!(cache.get(&[1; 32]).is_none() && !path.exists());
    }

    #[test]
    fn a_package_vetted_before_is_not_solved_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DiskCache::new(folder.path(), 64 << 20);
        let solution = Solution { exhausted: true, ..Solution::default() };
        assert!(cache.solution(&[7; 32]).is_none());
        cache.put_solution(&[7; 32], &solution);
        assert!(cache.solution(&[7; 32]).unwrap().exhausted);
        assert!(cache.solution(&[8; 32]).is_none());
    }

    #[test]
    fn the_folder_stays_within_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let facts = script(100);
        let size = postcard::to_allocvec(&facts).unwrap().len() as u64;
        let cache = DiskCache::new(folder.path(), size * 10);
        for at in 0..60u8 {
            cache.put(&[at; 32], &facts);
        }
        let total: u64 = walkdir::WalkDir::new(folder.path())
            .into_iter()
            .map(|entry| entry.unwrap().metadata().unwrap())
            .filter(std::fs::Metadata::is_file)
            .map(|meta| meta.len())
            .sum();
        assert!(total <= size * 12, "{total} bytes of {}", size * 10);
        assert!(cache.get(&[59; 32]).is_some());
    }
}
