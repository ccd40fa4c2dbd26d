//! What the client has open.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gen_lsp_types::{TextDocumentContentChangeEvent, Uri};

use super::from_proto;
use crate::source::{PositionEncoding, SourceFile};

/// An open document.
#[derive(Clone, Debug)]
pub(super) struct Document {
    /// Its address as the client writes it.
    pub uri: Uri,
    /// The client's version.
    pub version: i32,
    /// Its text, with lines.
    pub source: Arc<SourceFile>,
}

/// All open documents by path.
#[derive(Debug, Default)]
pub(super) struct Documents {
    all: HashMap<PathBuf, Document>,
}

impl Documents {
    /// Opens a document, or opens it anew.
    pub fn open(&mut self, path: PathBuf, uri: Uri, version: i32, text: &str) -> &Document {
        let source = Arc::new(SourceFile::from_text(path.to_string_lossy().replace('\\', "/"), text));
        self.all.entry(path).insert_entry(Document { uri, version, source }).into_mut()
    }

    /// Applies changes in order; `None` when the document is not open. The second value tells what was wrong with a
    /// change that was applied as well as could be.
    pub fn change(
        &mut self,
        path: &Path,
        version: i32,
        changes: Vec<TextDocumentContentChangeEvent>,
        encoding: PositionEncoding,
    ) -> Option<(&Document, Option<String>)> {
        let document = self.all.get_mut(path)?;
        let mut wrong = None;
        for change in changes {
            let text = match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(change) => {
                    let (span, clean) = from_proto::span(&document.source, change.range, encoding);
                    if !clean {
                        wrong = Some(format!("a change lies outside of the text: {:?}", change.range));
                    }
                    let old = &document.source.text;
                    let (start, end) = (span.start as usize, span.end as usize);
                    let mut text = String::with_capacity(old.len() + change.text.len());
                    text.push_str(&old[..start]);
                    text.push_str(&change.text);
                    text.push_str(&old[end..]);
                    text
                }
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(change) => change.text,
            };
            document.source = Arc::new(SourceFile::from_text(document.source.path.clone(), text));
        }
        if version <= document.version {
            wrong.get_or_insert_with(|| format!("version {version} came after version {}", document.version));
        }
        document.version = version;
        Some((document, wrong))
    }

    /// Closes a document.
    pub fn close(&mut self, path: &Path) -> Option<Document> {
        self.all.remove(path)
    }

    /// An open document.
    pub fn get(&self, path: &Path) -> Option<&Document> {
        self.all.get(path)
    }

    /// Paths of all open documents.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.all.keys()
    }
}
