//! What a gate shall vet: packages below paths, or the lines of a manifest.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::cli::vetting::Job;

/// Folders below one another that are searched for packages.
const MAX_DEPTH: usize = 16;
/// Names of files that may hold a package, whatever their bytes are.
const EXTENSIONS: &[&str] = &["zip", "tar", "tgz", "gz", "wxapkg", "rar", "7z"];

/// What was found.
pub(super) enum Found {
    /// A package.
    Job(Job),
    /// A line that is no job: its id or place, and what is wrong.
    Bad(String, String),
}

/// Hands every package below the paths to `take`, in order, until it says stop.
pub(super) fn paths(paths: &[PathBuf], take: &mut dyn FnMut(Found) -> bool) {
    for path in paths {
        if !below(path, 0, take) {
            return;
        }
    }
}

fn job(path: &Path) -> Found {
    let path = path.to_string_lossy().replace('\\', "/");
    Found::Job(Job { id: path.clone(), path, sha256: None, submission: None, baseline: None, limits: None })
}

fn below(path: &Path, depth: usize, take: &mut dyn FnMut(Found) -> bool) -> bool {
    if !path.is_dir() {
        // What was named is vetted, or its absence told.
        return take(job(path));
    }
    let is_package = ["app.json", "game.json", "project.swan.json", "project.config.json"]
        .iter()
        .any(|name| path.join(name).is_file());
    if is_package {
        return take(job(path));
    }
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return take(Found::Bad(path.to_string_lossy().into_owned(), error.to_string())),
    };
    let mut children: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    children.sort();
    for child in children {
        let name = child.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with('.') || child.is_symlink() && child.is_dir() {
            continue;
        }
        let more = if child.is_dir() {
            if depth >= MAX_DEPTH {
                take(Found::Bad(child.to_string_lossy().into_owned(), "folders nested too deep".to_owned()))
            } else {
                below(&child, depth + 1, take)
            }
        } else {
            let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension).to_ascii_lowercase();
            let archive = EXTENSIONS.contains(&extension.as_str()) || crate::package::is_archive(&child);
            !archive || take(job(&child))
        };
        if !more {
            return false;
        }
    }
    true
}

/// Hands every job of a manifest to `take`; paths in it start from its own folder, those of standard input from here.
pub(super) fn manifest(file: &Path, take: &mut dyn FnMut(Found) -> bool) -> std::io::Result<()> {
    if file == Path::new("-") {
        return lines(std::io::stdin().lock(), Path::new(""), take);
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    lines(BufReader::new(std::fs::File::open(file)?), folder, take)
}

fn lines(input: impl BufRead, folder: &Path, take: &mut dyn FnMut(Found) -> bool) -> std::io::Result<()> {
    for (index, line) in input.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let found = match serde_json::from_str::<Job>(&line) {
            Ok(mut job) => {
                job.path = folder.join(&job.path).to_string_lossy().into_owned();
                Found::Job(job)
            }
            Err(error) => {
                let value: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                let id = value.get("id").and_then(|id| id.as_str()).map(str::to_owned);
                Found::Bad(id.unwrap_or_else(|| format!("manifest line {}", index + 1)), format!("job: {error}"))
            }
        };
        if !take(found) {
            break;
        }
    }
    Ok(())
}
