//! Lists the files under `rules/` for embedding: path below the folder, text, and where in `packs.bin` its table stands, sorted by
//! path. Tables are written in the form that `src/source/blob.rs` reads, so that no start has to parse TOML; a file that does
//! not parse has none, and the program tells what is wrong with its text.
//!
//! The content lexicon is compiled here, too, by the program's own code.

#[path = "src/text/bytes.rs"]
#[allow(dead_code, reason = "the program reads more of it than the build script")]
mod bytes;
#[path = "src/text/compile.rs"]
mod compile;
#[path = "src/text/finder.rs"]
#[allow(dead_code, reason = "the program reads more of it than the build script")]
mod finder;
#[path = "src/text/fold.rs"]
#[allow(dead_code, reason = "the program reads more of it than the build script")]
mod fold;
#[path = "src/text/forms.rs"]
#[allow(dead_code, reason = "the program reads more of it than the build script")]
mod forms;
#[path = "src/text/image.rs"]
#[allow(dead_code, reason = "the program reads more of it than the build script")]
mod image;
#[path = "src/text/lexicon.rs"]
#[allow(dead_code, reason = "the program reads more of it than the build script")]
mod lexicon;

/// The tables of single characters, made once.
mod tables {
    use std::sync::LazyLock;

    use super::forms::{EXPANSION, Table, readings};

    static TABLE: LazyLock<Table> = LazyLock::new(Table::new);
    static READINGS: LazyLock<Vec<u16>> = LazyLock::new(readings);

    pub fn code_of(at: usize) -> u16 {
        TABLE.codes[at]
    }

    pub fn expansion(code: u16) -> &'static [u16] {
        &TABLE.expansions[usize::from(code - EXPANSION)]
    }

    pub fn reading_of(unit: u16) -> u16 {
        READINGS[usize::from(unit)]
    }
}

use std::collections::HashMap;
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

/// The strings of all tables, each once, and where each stands.
#[derive(Default)]
struct Pool {
    text: String,
    known: HashMap<String, usize>,
}

impl Pool {
    fn text(&mut self, text: &str, out: &mut Vec<u8>) {
        let at = *self.known.entry(text.to_owned()).or_insert_with(|| {
            self.text.push_str(text);
            self.text.len() - text.len()
        });
        number(at as u64, out);
        number(text.len() as u64, out);
    }
}

fn value(from: &toml::Value, pool: &mut Pool, out: &mut Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
    match from {
        toml::Value::String(string) => {
            out.push(0);
            pool.text(string, out);
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
                value(item, pool, out)?;
            }
        }
        toml::Value::Table(table) => {
            out.push(6);
            number(table.len() as u64, out);
            for (key, item) in table {
                pool.text(key, out);
                value(item, pool, out)?;
            }
        }
    }
    Ok(())
}

/// The content lexicon; none where a file has a mistake, which the program tells.
fn lexicon(root: &Path) -> Option<lexicon::Lexicon> {
    let folder = root.join("content");
    let mut lexicon = lexicon::Lexicon::default();
    let mut errors = Vec::new();
    lexicon.read_contexts(&std::fs::read_to_string(folder.join("contexts.toml")).ok()?, &mut errors);
    let mut files = Vec::new();
    list(&folder, &mut files);
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "toml")) {
        let class = file.file_stem()?.to_str()?;
        if class != "contexts" {
            lexicon.read_class(class, &std::fs::read_to_string(file).ok()?, &mut errors);
        }
    }
    errors.is_empty().then_some(lexicon)
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
    let (mut blobs, mut pool) = (Vec::new(), Pool::default());
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
            value(&table, &mut pool, &mut blobs)?;
        }
        // The reader of packages knows nothing of packs.
        if name == "package/reading.toml" {
            std::fs::write(out_dir.join("reading.bin"), &blobs[start..])?;
        }
        let range = (start, blobs.len());
        writeln!(out, "    ({name:?}, include_str!({:?}), {range:?}),", file.to_string_lossy())?;
    }
    out.push_str("]\n");
    std::fs::write(out_dir.join("packs.in"), out)?;
    std::fs::write(out_dir.join("packs.digest"), hasher.finalize().to_hex().as_str())?;
    std::fs::write(out_dir.join("packs.bin"), blobs)?;
    std::fs::write(out_dir.join("packs.txt"), pool.text)?;
    let table = forms::Table::new();
    let units = |units: Vec<u16>| units.into_iter().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    std::fs::write(out_dir.join("fold.bin"), units(table.codes))?;
    let expansions: Vec<String> = table.expansions.iter().map(|units| format!("    &{units:?},\n")).collect();
    std::fs::write(out_dir.join("expansions.in"), format!("[\n{}]\n", expansions.concat()))?;
    std::fs::write(out_dir.join("readings.bin"), units(forms::readings()))?;
    std::fs::write(
        out_dir.join("lexicon.bin"),
        lexicon(&root).map_or_else(Vec::new, |lexicon| compile::compile(&lexicon)),
    )?;
    println!("cargo::rerun-if-changed=rules");
    for file in ["bytes", "compile", "finder", "fold", "forms", "image", "lexicon"] {
        println!("cargo::rerun-if-changed=src/text/{file}.rs");
    }
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
