//! Lists the files under `rules/` for embedding: path below the folder, text, and where in `packs.bin` its table stands, sorted by
//! path. Tables are written in the form that `src/policy/blob.rs` reads, so that no start has to parse TOML; a file that does
//! not parse has none, and the program tells what is wrong with its text.

#[allow(dead_code, reason = "the program reads more of it than the build script")]
#[path = "src/text/forms.rs"]
mod forms;

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

fn number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 128 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}

fn text(text: &str, out: &mut Vec<u8>) {
    number(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

fn value(from: &toml::Value, out: &mut Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
    match from {
        toml::Value::String(string) => {
            out.push(0);
            text(string, out);
        }
        toml::Value::Integer(integer) => {
            out.push(1);
            number(*integer as u64, out);
        }
        toml::Value::Float(float) => {
            out.push(2);
            out.extend_from_slice(&float.to_le_bytes());
        }
        toml::Value::Boolean(boolean) => out.push(if *boolean { 4 } else { 3 }),
        toml::Value::Datetime(_) => return Err("packs hold no dates".into()),
        toml::Value::Array(items) => {
            out.push(5);
            number(items.len() as u64, out);
            for item in items {
                value(item, out)?;
            }
        }
        toml::Value::Table(table) => {
            out.push(6);
            number(table.len() as u64, out);
            for (key, item) in table {
                text(key, out);
                value(item, out)?;
            }
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("rules");
    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);
    let mut files = Vec::new();
    list(&root, &mut files);
    let mut named = Vec::new();
    for file in files {
        let name = file.strip_prefix(&root)?.to_string_lossy().replace('\\', "/");
        named.push((name, file));
    }
    named.sort();
    let mut blobs = Vec::new();
    let mut hasher = blake3::Hasher::new();
    let mut out = String::from("[\n");
    for (name, file) in named {
        let start = blobs.len();
        let text = std::fs::read_to_string(&file)?;
        // As the program makes the digest of packs that an overlay changes.
        for part in [&name, &text] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        if name.ends_with(".toml")
            && let Ok(table) = toml::from_str::<toml::Value>(&text)
        {
            value(&table, &mut blobs)?;
        }
        let range = (start, blobs.len());
        writeln!(out, "    ({name:?}, include_str!({:?}), {range:?}),", file.to_string_lossy())?;
    }
    out.push_str("]\n");
    std::fs::write(out_dir.join("packs.in"), out)?;
    std::fs::write(out_dir.join("packs.digest"), hasher.finalize().to_hex().as_str())?;
    std::fs::write(out_dir.join("packs.bin"), blobs)?;
    let table = forms::Table::new();
    std::fs::write(
        out_dir.join("fold.bin"),
        table.codes.iter().flat_map(|code| code.to_le_bytes()).collect::<Vec<u8>>(),
    )?;
    let expansions: Vec<String> = table.expansions.iter().map(|units| format!("    &{units:?},\n")).collect();
    std::fs::write(out_dir.join("expansions.in"), format!("[\n{}]\n", expansions.concat()))?;
    println!("cargo::rerun-if-changed=rules");
    println!("cargo::rerun-if-changed=src/text/forms.rs");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
