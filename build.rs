//! Lists the files under `rules/` for embedding: path below the folder and text, sorted by path.

use std::fmt::Write;
use std::path::{Path, PathBuf};

fn list(dir: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            list(&path, out);
        } else if path
            .extension()
            .is_some_and(|extension| ["toml", "md", "txt", "tsv"].iter().any(|known| extension == *known))
        {
            out.push(path);
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("rules");
    let mut files = Vec::new();
    list(&root, &mut files);
    let mut named = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root)?.to_string_lossy().replace('\\', "/");
        named.push((name, file));
    }
    named.sort();
    let mut out = String::from("[\n");
    for (name, file) in named {
        writeln!(out, "    ({name:?}, include_str!({:?})),", file.to_string_lossy())?;
    }
    out.push_str("]\n");
    std::fs::write(Path::new(&std::env::var("OUT_DIR")?).join("packs.in"), out)?;
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
