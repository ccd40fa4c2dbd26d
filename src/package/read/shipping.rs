//! What a project's settings leave out of an upload (`packOptions`).

use crate::package::config;
use crate::syntax::json::Json;

/// Rules of a project file on what is uploaded.
#[derive(Default)]
pub(super) struct Shipping {
    ignore: Vec<Pattern>,
    include: Vec<Pattern>,
}

/// One rule; paths are relative to the root of the package.
enum Pattern {
    Folder(String),
    File(String),
    Suffix(String),
    Prefix(String),
    Glob(globset::GlobMatcher),
    Expression(regex::Regex),
}

impl Shipping {
    pub(super) fn of(project: &Json) -> Self {
        let list = |key: &str| {
            let items = project.get("packOptions").and_then(|options| options.get(key)).map(Json::items);
            items.unwrap_or_default().iter().filter_map(Pattern::of).collect()
        };
        Self { ignore: list("ignore"), include: list("include") }
    }

    /// Whether a file is not uploaded; what is taken in goes before what is left out.
    pub(super) fn leaves_out(&self, path: &str) -> bool {
        self.ignore.iter().any(|pattern| pattern.holds(path)) && !self.include.iter().any(|pattern| pattern.holds(path))
    }
}

impl Pattern {
    fn of(rule: &Json) -> Option<Self> {
        let value = rule.get("value")?.as_str()?;
        let path = config::normalise_route(value);
        // An empty rule would leave out everything.
        if path.is_empty() {
            return None;
        }
        Some(match rule.get("type")?.as_str()?.to_ascii_lowercase().as_str() {
            "folder" => Self::Folder(format!("{path}/")),
            "file" => Self::File(path),
            "suffix" => Self::Suffix(value.to_owned()),
            "prefix" => Self::Prefix(value.to_owned()),
            "glob" => Self::Glob(globset::Glob::new(&path).ok()?.compile_matcher()),
            "regexp" => Self::Expression(regex::Regex::new(value).ok()?),
            _ => return None,
        })
    }

    fn holds(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        match self {
            Self::Folder(folder) => path.starts_with(folder.as_str()),
            Self::File(file) => path == file,
            Self::Suffix(suffix) => name.ends_with(suffix.as_str()),
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
            Self::Glob(glob) => glob.is_match(path),
            Self::Expression(expression) => expression.is_match(path),
        }
    }
}
