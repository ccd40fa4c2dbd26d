//! What the reader knows about files that are not the package's own client code: data, from `rules/package/reading.toml`.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use super::Origin;
use crate::source::blob;

/// The reader's knowledge.
#[derive(Debug, Default)]
pub struct Knowledge {
    server_modules: HashSet<String>,
    tool_folders: HashSet<String>,
    test_folders: HashSet<String>,
    tool_files: Vec<String>,
    server_extensions: HashSet<String>,
    text_extensions: HashSet<String>,
    asset_extensions: HashSet<String>,
    alien_extensions: HashSet<String>,
    folders: HashMap<String, Arc<str>>,
    files: HashMap<String, Arc<str>>,
    banners: Vec<(String, Arc<str>)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Raw {
    server_modules: Vec<String>,
    tool_folders: Vec<String>,
    test_folders: Vec<String>,
    tool_files: Vec<String>,
    server_extensions: Vec<String>,
    text_extensions: Vec<String>,
    asset_extensions: Vec<String>,
    alien_extensions: Vec<String>,
    library: Vec<Library>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Library {
    name: Arc<str>,
    #[serde(default)]
    folders: Vec<String>,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    banner: Vec<String>,
}

impl Knowledge {
    /// What `package/reading.toml` says.
    fn of(raw: Raw) -> Self {
        let mut knowledge = Self {
            server_modules: raw.server_modules.into_iter().collect(),
            tool_folders: raw.tool_folders.into_iter().collect(),
            test_folders: raw.test_folders.into_iter().collect(),
            tool_files: raw.tool_files,
            server_extensions: raw.server_extensions.into_iter().collect(),
            text_extensions: raw.text_extensions.into_iter().collect(),
            asset_extensions: raw.asset_extensions.into_iter().collect(),
            alien_extensions: raw.alien_extensions.into_iter().collect(),
            ..Self::default()
        };
        for library in raw.library {
            for folder in library.folders {
                knowledge.folders.insert(folder.to_ascii_lowercase(), library.name.clone());
            }
            for file in library.files {
                knowledge.files.insert(file.to_ascii_lowercase(), library.name.clone());
            }
            for banner in library.banner {
                knowledge.banners.push((banner, library.name.clone()));
            }
        }
        knowledge
    }

    /// The knowledge in the binary.
    pub fn embedded() -> Arc<Self> {
        static EMBEDDED: OnceLock<Arc<Knowledge>> = OnceLock::new();
        EMBEDDED
            .get_or_init(|| {
                let table = include_bytes!(concat!(env!("OUT_DIR"), "/reading.bin"));
                Arc::new(blob::read(table).map_or_else(|_| Self::default(), Self::of))
            })
            .clone()
    }

    /// Whether a module belongs to servers and build tools.
    pub fn is_server_module(&self, name: &str) -> bool {
        self.server_modules.contains(name)
    }

    /// Whether a script starts a server: it listens, with a module of servers.
    pub fn is_server(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        if memchr::memmem::find(bytes, b".listen(").is_none() {
            return false;
        }
        let named = |mark: &'static str| {
            memchr::memmem::find_iter(bytes, mark).filter_map(move |at| {
                let rest = text.get(at + mark.len()..)?.trim_start();
                let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
                rest[1..].split(quote).next()
            })
        };
        let serves = memchr::memmem::find(bytes, b"createServer").is_some();
        named("require(")
            .chain(named("from"))
            .any(|name| self.is_server_module(name) || serves && matches!(name, "http" | "https" | "net" | "node:http"))
    }

    /// Whether a folder at the root holds tests or tools.
    pub fn is_tool_folder(&self, name: &str) -> bool {
        self.tool_folders.contains(name)
    }

    /// Whether a folder holds tests wherever it stands.
    pub fn is_test_folder(&self, name: &str) -> bool {
        self.test_folders.contains(name)
    }

    /// Whether a file belongs to a build tool or is a test.
    pub fn is_tool_file(&self, name: &str) -> bool {
        self.tool_files.iter().any(|pattern| wildcard(pattern, name))
    }

    /// Whether an extension (lower case) is one of server code.
    pub fn is_server_extension(&self, extension: &str) -> bool {
        self.server_extensions.contains(extension)
    }

    /// Whether an extension (lower case) is one of plain text.
    pub fn is_text_extension(&self, extension: &str) -> bool {
        self.text_extensions.contains(extension)
    }

    /// Whether an extension (lower case) is never text.
    pub fn is_asset_extension(&self, extension: &str) -> bool {
        self.asset_extensions.contains(extension)
    }

    /// Whether it must never ship: by its extension, or by its first bytes.
    pub fn is_alien(&self, path: &str, head: &[u8]) -> bool {
        const EXECUTABLE: [&[u8]; 5] = [b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"#!/"];
        let extension = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
        EXECUTABLE.iter().any(|magic| head.starts_with(magic))
            || extension.is_some_and(|extension| self.alien_extensions.contains(&extension.to_ascii_lowercase()))
    }

    /// The library that a file is a copy of, by its path and its first lines.
    pub fn library(&self, path: &str, text: &str) -> Option<Origin> {
        let lower = path.to_ascii_lowercase();
        let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
        let head = head(text);
        let vendored = |name: Arc<str>| Some(Origin::Vendored { version: version(head, &name), name });
        if let Some(library) = folders.split('/').find_map(|folder| self.folders.get(folder)) {
            return vendored(library.clone());
        }
        if let Some(library) = self.files.get(name)
            && (text.len() > 2_000 || !name.ends_with(".js"))
        {
            return vendored(library.clone());
        }
        if !head.is_empty() && (name.ends_with(".js") || name.ends_with(".ts")) {
            if let Some((_, library)) = self.banners.iter().find(|(banner, _)| says(head, banner)) {
                return vendored(library.clone());
            }
            if let Some((library, version)) = banner(head) {
                return Some(Origin::Vendored { name: library.into(), version: Some(version.into()) });
            }
        }
        if let Some(stem) = name.strip_suffix(".min.js") {
            return vendored(stem.into());
        }
        None
    }
}

/// Whether a head names a library. What a script asks for by that name stands in another file.
fn says(head: &str, banner: &str) -> bool {
    const LINE: usize = 200;
    head.match_indices(banner).any(|(at, _)| {
        let start = head[..at].rfind('\n').map_or(0, |end| end + 1);
        let line = head[start..].split('\n').next().unwrap_or("");
        line.len() > LINE
            || !["require(", "import ", "import{", "import(", "from "].iter().any(|ask| line.contains(ask))
    })
}

/// The first 600 bytes at most.
fn head(text: &str) -> &str {
    let mut end = text.len().min(600);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Name and version of a banner such as `/*! name v1.2.3`, `/** name.js 1.2.3`, `// name@1.2.3`, with a licence beside them.
fn banner(head: &str) -> Option<(String, String)> {
    let comment = head.trim_start();
    if !(comment.starts_with("/*") || comment.starts_with("//")) {
        return None;
    }
    let licensed = ["license", "License", "LICENSE", "licence", "Copyright", "(c)", "github.com"]
        .iter()
        .any(|word| head.contains(word));
    if !licensed {
        return None;
    }
    let line = comment
        .lines()
        .map(|line| line.trim_start_matches(['/', '*', '!', ' ', '\t']))
        .find(|line| !line.is_empty())?;
    let mut words = line.split([' ', '@', '\t']).filter(|word| !word.is_empty());
    let name = words.next()?;
    let version = words.map(|word| word.trim_matches(['v', 'V', ',', ';', '(', ')', ':'])).find(|word| {
        word.starts_with(|c: char| c.is_ascii_digit())
            && word.contains('.')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c))
    })?;
    let name = name.strip_suffix(".js").unwrap_or(name).trim_end_matches([':', ',']);
    let plausible = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
    plausible.then(|| (name.to_owned(), version.to_owned()))
}

/// A version such as `v3.1.2` in the first lines.
fn version(head: &str, _name: &str) -> Option<Arc<str>> {
    let comment = head.trim_start();
    if !(comment.starts_with("/*") || comment.starts_with("//")) {
        return None;
    }
    let bytes = head.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let starts = bytes[at].is_ascii_digit()
            && (at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() && bytes[at - 1] != b'v'));
        if !starts {
            at += 1;
            continue;
        }
        let end = at + bytes[at..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
        let found = head[at..end].trim_end_matches('.');
        let parts: Vec<&str> = found.split('.').collect();
        if parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.len() <= 4) {
            return Some(found.into());
        }
        at = end.max(at + 1);
    }
    None
}

/// Matches a name against a pattern in which `*` stands for anything.
fn wildcard(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut last = None;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
        last = Some(part);
    }
    match last {
        None => rest.is_empty(),
        Some("") => true,
        Some(part) => rest.is_empty() || name.ends_with(part),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_table_loads() {
        assert!(Knowledge::embedded().is_test_folder("__tests__"));
    }

    #[test]
    fn libraries_are_known_by_folder_name_and_banner() {
        let knowledge = Knowledge::embedded();
        let name = |path: &str, text: &str| match knowledge.library(path, text) {
            Some(Origin::Vendored { name, version }) => Some((name.to_string(), version.map(|v| v.to_string()))),
            _ => None,
        };
        assert_eq!(name("utils/wxParse/a.js", ""), Some(("wxParse".into(), None)));
        assert_eq!(name("a.js", "/*! foo.js v1.2.3 | MIT License */"), Some(("foo".into(), Some("1.2.3".into()))));
        assert_eq!(name("a.js", "// plain code v1\nfoo()"), None);
        assert_eq!(name("lib/x.min.js", "a"), Some(("x".into(), None)));
    }

    #[test]
    fn wildcards() {
        assert!(wildcard("webpack.*.js", "webpack.dev.js"));
        assert!(!wildcard("gulpfile.js", "my-gulpfile.js"));
        assert!(wildcard("*.test.js", "a.test.js"));
        assert!(!wildcard("*.test.js", "a.test.jsx"));
    }
}
