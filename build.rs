//! Tells cargo that the crate depends on every file under `rules/`, new ones included.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

fn list(dir: &Path, out: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            list(&path, out);
        } else {
            out.push(path.to_string_lossy().into_owned());
        }
    }
}

fn main() {
    let mut files = Vec::new();
    list(Path::new("rules"), &mut files);
    files.sort();
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rustc-env=MINIVET_PACK_LIST={:x}", hasher.finish());
}
