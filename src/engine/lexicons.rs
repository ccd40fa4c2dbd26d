//! Lists of terms that a configuration brings along: read beside it, matched together with the terms of the packs.

use std::path::{Component, Path};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::config::Beside;
use crate::policy::Policy;
use crate::policy::catalogue::Wording;
use crate::text::{CUSTOM, LexiconError, Matcher, Term, import};

/// Bytes of one list at most.
const MAX_BYTES: u64 = 16 << 20;
/// Terms of all lists at most.
const MAX_TERMS: usize = 200_000;

/// A list: its terms, and whether somebody vouches for them.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The terms.
    pub terms: Vec<Term>,
    /// Whether they are strong.
    pub vetted: bool,
    hash: [u8; 32],
}

/// All lists of a configuration.
#[derive(Debug, Default)]
pub struct Lexicons {
    lists: Vec<Listed>,
    digest: String,
    matcher: OnceLock<Matcher>,
}

/// The lists used last, so that a pipeline compiles them once.
static LAST: Mutex<Option<Arc<Lexicons>>> = Mutex::new(None);

fn wording(zh: String, en: String) -> Wording {
    Wording { zh, en }
}

/// Reads a list that lies beside the configuration: on disk, or where `beside` finds it.
///
/// # Errors
/// Why it cannot be used.
pub fn read(
    folder: &Path,
    file: &str,
    vetted: bool,
    policy: &Policy,
    beside: Option<&Beside<'_>>,
) -> Result<Listed, Wording> {
    let outside = || {
        wording(
            format!("词表 `{file}` 不在配置文件所在的目录之内"),
            format!("the lexicon `{file}` lies outside of the configuration's folder"),
        )
    };
    let unreadable = |error: &dyn std::fmt::Display| {
        wording(format!("无法读取词表 `{file}`：{error}"), format!("the lexicon `{file}` cannot be read: {error}"))
    };
    if !Path::new(file).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(outside());
    }
    if let Some(beside) = beside {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        let bytes = beside(&folder.join(file)).ok_or_else(|| unreadable(&missing))?;
        return listed(file, &bytes, vetted, policy);
    }
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // Links must not lead out either.
    let path = folder.join(file).canonicalize().map_err(|error| unreadable(&error))?;
    let root = folder.canonicalize().map_err(|error| unreadable(&error))?;
    if !path.starts_with(&root) {
        return Err(outside());
    }
    let meta = std::fs::metadata(&path).map_err(|error| unreadable(&error))?;
    if !meta.is_file() || meta.len() > MAX_BYTES {
        return Err(wording(
            format!("词表 `{file}` 不是文件，或超过 16 MiB"),
            format!("the lexicon `{file}` is no file, or larger than 16 MiB"),
        ));
    }
    let bytes = std::fs::read(&path).map_err(|error| unreadable(&error))?;
    listed(file, &bytes, vetted, policy)
}

fn listed(file: &str, bytes: &[u8], vetted: bool, policy: &Policy) -> Result<Listed, Wording> {
    let text = crate::source::decode(bytes).text;
    let mut terms = import(&text).map_err(|LexiconError { span, message }| {
        let line = text.get(..span.start).map_or(1, |head| head.matches('\n').count() + 1);
        wording(
            format!("词表 `{file}` 第 {line} 行格式有误：{message}"),
            format!("the lexicon `{file}` is malformed at line {line}: {message}"),
        )
    })?;
    if terms.is_empty() {
        return Err(wording(format!("词表 `{file}` 中没有词"), format!("the lexicon `{file}` holds no term")));
    }
    // A class that no rule tells would be matched and never heard of.
    for term in &mut terms {
        if policy.packs.get(&format!("content/{}.toml", term.class)).is_none() || &*term.class == "contexts" {
            term.class = CUSTOM.into();
        }
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[u8::from(vetted)]);
    hasher.update(bytes);
    Ok(Listed { terms, vetted, hash: hasher.finalize().into() })
}

impl Lexicons {
    /// Puts lists together; `None` when there are none.
    ///
    /// # Errors
    /// There are too many terms.
    pub fn of(lists: Vec<Listed>, policy: &Policy) -> Result<Option<Arc<Self>>, Wording> {
        if lists.is_empty() {
            return Ok(None);
        }
        let count: usize = lists.iter().map(|list| list.terms.len()).sum();
        if count > MAX_TERMS {
            return Err(wording(
                format!("词表共有 {count} 个词，超过 {MAX_TERMS} 个"),
                format!("the lexicons hold {count} terms, more than {MAX_TERMS}"),
            ));
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(policy.digest().as_bytes());
        lists.iter().for_each(|list| {
            hasher.update(&list.hash);
        });
        let digest = hasher.finalize().to_hex().to_string();
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.as_ref().filter(|last| last.digest == digest) {
            return Ok(Some(Arc::clone(last)));
        }
        let lexicons = Arc::new(Self { lists, digest, matcher: OnceLock::new() });
        *last = Some(Arc::clone(&lexicons));
        Ok(Some(lexicons))
    }

    /// Names what the lists and the packs say.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The matcher over the terms of the packs and of the lists.
    pub fn matcher(&self, policy: &Policy) -> &Matcher {
        self.matcher.get_or_init(|| {
            let mut lexicon = policy.content.lexicon(&policy.packs, &mut Vec::new());
            for list in &self.lists {
                lexicon.add_terms(&list.terms, list.vetted);
            }
            Matcher::new(&lexicon)
        })
    }
}
