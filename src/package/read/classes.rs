//! What a file is, by its name, its place and its first bytes.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::package::FileKind;
use crate::package::read::roots::{Project, in_npm, load_json};
use crate::package::read::{Layout, Reader, below, folder_of, name_of};
use crate::package::walk::Entry;
use crate::source::Encoding;
use crate::syntax::json::Json;

/// What a path is.
pub(super) enum Class {
    Text(FileKind),
    Asset,
    /// Text by content, else an asset.
    Sniff,
}

impl Reader<'_> {
    fn view_script(&self, path: &str) -> bool {
        let name = name_of(path);
        self.layouts.iter().flat_map(|layout| &layout.view_script_extensions).any(|extension| {
            name.len() > extension.len()
                && name.ends_with(&**extension)
                && name.as_bytes()[name.len() - extension.len() - 1] == b'.'
        })
    }

    pub(super) fn class(&self, path: &str) -> Class {
        let knowledge = &*self.options.knowledge;
        let lower = extension_of(path).to_ascii_lowercase();
        if self.view_script(path) {
            return Class::Text(FileKind::ViewScript);
        }
        match lower.as_str() {
            "js" | "ts" | "jsx" | "tsx" | "mjs" | "cjs" | "es6" => return Class::Text(FileKind::Script),
            "json" | "json5" => return Class::Text(FileKind::Json),
            "css" | "less" | "scss" | "sass" | "styl" => return Class::Text(FileKind::Style),
            _ => {}
        }
        let any = |pick: fn(&Layout) -> &Vec<Arc<str>>| {
            self.layouts.iter().flat_map(pick).any(|extension| **extension == *lower)
        };
        if any(|layout| &layout.template_extensions) {
            Class::Text(FileKind::Template)
        } else if any(|layout| &layout.style_extensions) {
            Class::Text(FileKind::Style)
        } else if knowledge.is_text_extension(&lower) {
            Class::Text(FileKind::Text)
        } else if knowledge.is_asset_extension(&lower) {
            Class::Asset
        } else {
            Class::Sniff
        }
    }

    /// Foreign text is kept for what must not ship at all, such as secrets.
    pub(super) fn foreign_class(&self, extension: &str) -> Class {
        let lower = extension.to_ascii_lowercase();
        if self.options.knowledge.is_asset_extension(&lower) || lower == "lock" {
            Class::Asset
        } else {
            Class::Text(FileKind::Foreign)
        }
    }

    /// The folder of cloud functions that a project names, below the root of the package.
    pub(super) fn cloud_folder<'p>(&self, project: &'p Project) -> Option<&'p str> {
        below(project.cloud.as_deref()?, self.root).filter(|cloud| !cloud.is_empty())
    }

    /// Folders that are no client code, from the project files and from what their `package.json` needs.
    pub(super) fn foreign_folders(&self, entries: &[&Entry]) -> Vec<String> {
        let knowledge = &*self.options.knowledge;
        let mut folders = BTreeSet::new();
        folders.extend(self.projects.iter().filter_map(|project| self.cloud_folder(project)).map(str::to_owned));
        for entry in entries {
            let Some(path) = below(&entry.path, self.root) else { continue };
            let mut end = 0;
            for (depth, part) in folder_of(path).split('/').enumerate() {
                end += part.len() + usize::from(depth > 0);
                if knowledge.is_test_folder(part) || depth == 0 && knowledge.is_tool_folder(part) {
                    folders.insert(path[..end].to_owned());
                    break;
                }
            }
            let folder = folder_of(path);
            if name_of(path) == "package.json" && !folder.is_empty() && !in_npm(path) {
                let json = load_json(entry, self.options);
                let needs =
                    json.as_ref().and_then(|json| json.get("dependencies")).map(Json::properties).unwrap_or_default();
                if needs.iter().any(|property| knowledge.is_server_module(&property.key)) {
                    folders.insert(folder.to_owned());
                }
            }
        }
        // Only the outermost.
        let all: Vec<String> = folders.into_iter().collect();
        all.iter()
            .filter(|folder| !all.iter().any(|outer| outer != *folder && below(folder, outer).is_some()))
            .cloned()
            .collect()
    }
}

impl Class {
    pub(super) const fn code(&self) -> u8 {
        match self {
            Self::Text(kind) => *kind as u8,
            Self::Asset => 0xfe,
            Self::Sniff => 0xff,
        }
    }
}

pub(super) fn extension_of(path: &str) -> &str {
    name_of(path).rsplit_once('.').map_or("", |(_, extension)| extension)
}

pub(super) fn count_word(text: &str, needle: &str) -> usize {
    memchr::memmem::find_iter(text.as_bytes(), needle)
        .filter(|at| {
            *at == 0
                || !(text.as_bytes()[at - 1].is_ascii_alphanumeric()
                    || matches!(text.as_bytes()[at - 1], b'_' | b'$' | b'.'))
        })
        .count()
}

/// Whether bytes hold what no text holds: NUL, or many control characters.
pub(super) fn looks_binary(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(8_192)];
    if crate::source::decode(&head[..head.len().min(512)]).encoding == Encoding::Utf16Le {
        return false;
    }
    let control = head
        .iter()
        .filter(|byte| **byte < 32 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x0b | 0x1b | 0x08))
        .count();
    let nul = memchr::memchr_iter(0, head).count();
    (nul > 0 && nul * 50 > head.len()) || control * 10 > head.len().max(10)
}

/// Formats that never are text.
pub(super) fn has_magic(bytes: &[u8]) -> bool {
    const MAGIC: &[&[u8]] = &[
        b"\x89PNG\r\n\x1a\n",
        b"GIF87a",
        b"GIF89a",
        b"\xFF\xD8\xFF",
        b"PK\x03\x04",
        b"\x1F\x8B\x08",
        b"\x7FELF",
        b"MZ\x90\x00",
        b"%PDF-",
        b"Rar!\x1a",
        b"7z\xBC\xAF\x27\x1C",
        b"\0asm",
        b"\xCA\xFE\xBA\xBE",
        b"\xCF\xFA\xED\xFE",
        b"wOFF",
        b"wOF2",
        b"ID3\x03",
        b"OggS\0",
        b"SQLite format 3\0",
        b"\x00\x05\x16\x07",
    ];
    MAGIC.iter().any(|magic| bytes.starts_with(magic))
        || bytes.len() > 12 && bytes.starts_with(b"RIFF") && &bytes[8..12] == b"WEBP"
}
