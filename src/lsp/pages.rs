//! Pages that diagnostics and links point to: at a site when one is set, else as files in the cache folder.

use std::collections::HashSet;
use std::path::PathBuf;

use gen_lsp_types::Uri;

use super::to_proto;
use crate::policy::Policy;
use crate::policy::catalogue::Lang;

/// Where pages stand.
#[derive(Debug)]
pub(super) struct Pages {
    site: Option<String>,
    folder: Option<PathBuf>,
    lang: Lang,
    written: HashSet<String>,
}

impl Pages {
    /// Pages in a language.
    pub fn new(site: Option<&str>, lang: Lang, policy: &Policy) -> Self {
        let digest = policy.digest();
        let folder =
            cache_folder().map(|folder| folder.join("minivet").join("pages").join(&digest[..digest.len().min(12)]));
        Self { site: site.map(|site| site.trim_end_matches('/').to_owned()), folder, lang, written: HashSet::new() }
    }

    /// The address of a rule's page.
    pub fn rule(&mut self, rule: &str, policy: &Policy) -> Option<Uri> {
        if let Some(site) = &self.site {
            return Some(Uri(format!("{site}/{rule}.{}.md", self.lang.id())));
        }
        let page = policy.page(rule, self.lang)?;
        self.file(&format!("{rule}.{}.md", self.lang.id()), || page.to_owned())
    }

    /// The address of a clause's page.
    pub fn clause(&mut self, id: &str, policy: &Policy) -> Option<Uri> {
        let clause = policy.clause(id)?;
        if let Some(site) = &self.site {
            return Some(Uri(format!("{site}/clauses/{id}.{}.md", self.lang.id())));
        }
        let lang = self.lang;
        let registry = policy.clauses();
        let document = registry.documents.iter().find(|document| document.id == clause.document);
        self.file(&format!("clauses/{id}.{}.md", lang.id()), || {
            let mut text = format!("# {id}\n\n{}\n\n", clause.title.get(lang));
            if let Some(document) = document {
                text.push_str(&format!("{}{}\n\n", lang.pick("出自：", "From: "), document.title.get(lang)));
            }
            if let Some(reason) = registry.reason(clause) {
                text.push_str(&format!("{}\n\n", reason.get(lang)));
            }
            for rule in &clause.rules {
                let title = policy.entry(rule).map(|entry| entry.title.get(lang)).unwrap_or_default();
                text.push_str(&format!("- `{rule}` {title}\n"));
            }
            text
        })
    }

    fn file(&mut self, name: &str, text: impl FnOnce() -> String) -> Option<Uri> {
        let path = self.folder.as_ref()?.join(name);
        if !self.written.contains(name) {
            // A page that cannot be written is no reason to fail: the diagnostic then has no link.
            std::fs::create_dir_all(path.parent()?).ok()?;
            std::fs::write(&path, text()).ok()?;
            self.written.insert(name.to_owned());
        }
        Some(to_proto::uri(&path))
    }
}

fn cache_folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME")
        .or_else(|| set("LOCALAPPDATA"))
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .filter(|folder| folder.is_absolute())
}
