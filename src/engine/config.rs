//! `minivet.toml`: read, then validated with spans; all mistakes come out at once.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::baseline::Baseline;
use super::lexicons::{self, Lexicons};
use crate::package::{Limits, Submission};
use crate::policy::Policy;
use crate::policy::catalogue::Wording;
use crate::rules::{Confidence, Options as RuleOptions, Severity};
use crate::source::Span;

/// Name of the configuration file.
pub const NAME: &str = "minivet.toml";

/// Who reads the verdict, and how strict it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// A developer before submitting.
    #[default]
    Developer,
    /// The review pipeline: what was not seen does not pass, suppressions in the source do not count.
    Gate,
    /// An editor.
    Editor,
}

/// What a rule is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Another severity.
    At(Severity),
    /// Its findings are dropped at the end.
    Off,
}

/// A configuration.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where it was read.
    pub path: Option<PathBuf>,
    /// Its text.
    pub text: String,
    /// `[package] host`.
    pub host: Option<String>,
    /// The rest of `[package]`.
    pub submission: Submission,
    /// `[check] exclude`.
    pub exclude: Vec<String>,
    /// `[check] profile`.
    pub profile: Option<Profile>,
    /// `[check] fail-on`; `Some(None)` is `never`.
    pub fail_on: Option<Option<Severity>>,
    /// `[check] min-confidence`.
    pub min_confidence: Option<Confidence>,
    /// `[check] baseline`: findings that are known.
    pub baseline: Option<Arc<Baseline>>,
    /// `[check] lexicons` and `vetted-lexicons`: the project's own terms.
    pub lexicons: Option<Arc<Lexicons>>,
    /// Severities by rule.
    pub levels: BTreeMap<String, Level>,
    /// Options by rule.
    pub options: RuleOptions,
    /// `[limits]`, by key.
    pub limits: BTreeMap<String, u64>,
}

/// Keys of `[limits]`.
const LIMITS: &[&str] = &["seconds", "memory-mib", "files", "file-mib", "total-mib", "archive-mib", "depth"];

impl Config {
    /// Puts the limits of the configuration in place of others.
    pub fn limit(&self, limits: &mut Limits) {
        for (key, value) in &self.limits {
            let count = usize::try_from(*value).unwrap_or(usize::MAX);
            let bytes = value.saturating_mul(1 << 20);
            match key.as_str() {
                "seconds" => limits.max_time = Duration::from_secs(*value),
                "memory-mib" => limits.max_memory = Some(bytes),
                "files" => limits.max_files = count,
                "file-mib" => limits.max_file_bytes = bytes,
                "total-mib" => limits.max_total_bytes = bytes,
                "archive-mib" => limits.max_archive_bytes = bytes,
                "depth" => limits.max_depth = count,
                _ => {}
            }
        }
    }
}

/// A mistake in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where, in bytes.
    pub span: Range<usize>,
    /// What.
    pub message: Wording,
    /// What was meant, perhaps.
    pub help: Option<Wording>,
}

/// Mistakes in one file.
#[derive(Clone, Debug)]
pub struct ConfigFailure {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// The mistakes, in order of place.
    pub errors: Vec<ConfigError>,
}

/// The nearest `minivet.toml` at `start` or above it, up to the root of a repository.
pub fn find(start: &Path) -> Option<PathBuf> {
    find_where(start, &Path::is_file)
}

/// As [`find`], where the caller says which files exist.
pub fn find_where(start: &Path, is_file: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    let start = std::path::absolute(start).ok()?;
    let mut folder: &Path = if start.is_dir() { &start } else { start.parent()? };
    loop {
        let file = folder.join(NAME);
        if is_file(&file) {
            return Some(file);
        }
        if folder.join(".git").exists() || folder.join(".hg").exists() {
            return None;
        }
        folder = folder.parent()?;
    }
}

/// The nearest of `known` to what was written, when it is near enough.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let limit = (length / 3).clamp(1, 4);
    known
        .into_iter()
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(far, _)| *far <= limit)
        .min_by_key(|(far, candidate)| (*far, *candidate))
        .map(|(_, candidate)| candidate)
}

/// The nearest rule id; the name alone is enough.
pub fn nearest_rule<'p>(word: &str, policy: &'p Policy) -> Option<&'p str> {
    let ids = || policy.catalogue.ids().map(|id| &**id);
    nearest(word, ids()).or_else(|| ids().find(|id| id.rsplit('/').next() == word.rsplit('/').next())).or_else(|| {
        nearest(word, ids().filter_map(|id| id.rsplit('/').next()))
            .and_then(|name| ids().find(|id| id.ends_with(&format!("/{name}"))))
    })
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}

fn wording(zh: impl Into<String>, en: impl Into<String>) -> Wording {
    Wording { zh: zh.into(), en: en.into() }
}

fn meant(word: Option<&str>) -> Option<Wording> {
    word.map(|word| wording(format!("是否想写 `{word}`？"), format!("did you mean `{word}`?")))
}

struct Reader<'p> {
    policy: &'p Policy,
    /// Files beside the configuration, where it does not lie on disk.
    beside: Option<&'p Beside<'p>>,
    errors: Vec<ConfigError>,
}

impl Reader<'_> {
    fn error(&mut self, span: Range<usize>, message: Wording, help: Option<Wording>) {
        self.errors.push(ConfigError { span, message, help });
    }

    fn unknown_key(&mut self, span: Range<usize>, key: &str, known: &[&str]) {
        let help = meant(nearest(key, known.iter().copied())).or_else(|| {
            Some(wording(format!("可用的键：{}", known.join("、")), format!("known keys: {}", known.join(", "))))
        });
        self.error(span, wording(format!("未知的键 `{key}`"), format!("unknown key `{key}`")), help);
    }

    fn wrong_type(&mut self, value: &Spanned<DeValue<'_>>, zh: &str, en: &str) {
        let found = value.get_ref().type_str();
        self.error(
            value.span(),
            wording(format!("这里应当是{zh}，却是 {found}"), format!("expected {en}, found {found}")),
            None,
        );
    }

    fn text(&mut self, value: &Spanned<DeValue<'_>>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong_type(value, "字符串", "a string");
        }
        text
    }

    fn list(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<(String, Range<usize>)> {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(value, "字符串数组", "an array of strings");
            return Vec::new();
        };
        items.iter().filter_map(|item| Some((self.text(item)?, item.span()))).collect()
    }

    fn word<T: Copy>(&mut self, value: &Spanned<DeValue<'_>>, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(value)?;
        if let Some((_, found)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*found);
        }
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let help = meant(nearest(&text, all.iter().copied())).or_else(|| {
            Some(wording(format!("可用的值：{}", all.join("、")), format!("known values: {}", all.join(", "))))
        });
        self.error(value.span(), wording(format!("未知的值 `{text}`"), format!("unknown value `{text}`")), help);
        None
    }

    fn table<'v, 'i>(&mut self, value: &'v Spanned<DeValue<'i>>) -> Option<&'v DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.wrong_type(value, "表", "a table");
        }
        table
    }

    fn package(&mut self, table: &DeTable<'_>, config: &mut Config) {
        const KEYS: &[&str] = &[
            "host",
            "categories",
            "qualifications",
            "name",
            "description",
            "icon",
            "privacy-policy",
            "first-party",
            "target-hosts",
            "company",
            "min-version",
        ];
        let submission = &mut config.submission;
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let mut span = value.span();
            match name {
                "host" => {
                    config.host = self.text(value);
                    if let Some(host) = &config.host {
                        let hosts: Vec<&str> = self.policy.host_ids();
                        if !hosts.is_empty() && !hosts.contains(&host.as_str()) {
                            let help = meant(nearest(host, hosts.iter().copied())).or_else(|| {
                                Some(wording(
                                    format!("可用的宿主：{}", hosts.join("、")),
                                    format!("known hosts: {}", hosts.join(", ")),
                                ))
                            });
                            let message = wording(format!("未知的宿主 `{host}`"), format!("unknown host `{host}`"));
                            self.error(value.span(), message, help);
                        }
                    }
                }
                "name" => submission.name = self.text(value),
                "description" => submission.description = self.text(value),
                "icon" => submission.icon = self.text(value),
                "privacy-policy" => submission.privacy_policy = self.text(value),
                "company" => submission.company = self.text(value),
                "min-version" => submission.min_version = self.text(value),
                "categories" | "qualifications" | "first-party" | "target-hosts" => {
                    let items = self.list(value);
                    for (index, (_, span)) in items.iter().enumerate() {
                        submission
                            .spans
                            .insert(format!("{name}.{index}"), Span::new(span.start as u32, span.end as u32));
                    }
                    let items = items.into_iter().map(|(item, _)| item).collect();
                    match name {
                        "categories" => submission.categories = items,
                        "qualifications" => submission.qualifications = items,
                        "first-party" => submission.first_party = items,
                        _ => submission.target_hosts = items,
                    }
                }
                other => {
                    self.unknown_key(key.span(), other, KEYS);
                    span = 0..0;
                }
            }
            submission.spans.insert(name.to_owned(), Span::new(span.start as u32, span.end as u32));
        }
    }

    fn check(&mut self, table: &DeTable<'_>, config: &mut Config) {
        // Lists lie beside the configuration, or below it.
        let folder = config.path.as_deref().and_then(Path::parent).unwrap_or(Path::new("")).to_owned();
        let mut lists = Vec::new();
        let mut named = None;
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "exclude" => {
                    for (pattern, span) in self.list(value) {
                        if let Err(error) = globset::Glob::new(&pattern) {
                            let message = wording(
                                format!("无效的模式 `{pattern}`：{}", error.kind()),
                                format!("invalid pattern `{pattern}`: {}", error.kind()),
                            );
                            self.error(span, message, None);
                        }
                        config.exclude.push(pattern);
                    }
                }
                "profile" => {
                    let words =
                        [("developer", Profile::Developer), ("gate", Profile::Gate), ("editor", Profile::Editor)];
                    config.profile = self.word(value, &words);
                }
                "fail-on" => {
                    let words = [
                        ("error", Some(Severity::Error)),
                        ("warning", Some(Severity::Warning)),
                        ("note", Some(Severity::Note)),
                        ("never", None),
                    ];
                    config.fail_on = self.word(value, &words);
                }
                "min-confidence" => {
                    let words = [("low", Confidence::Low), ("medium", Confidence::Medium), ("high", Confidence::High)];
                    config.min_confidence = self.word(value, &words);
                }
                "baseline" => {
                    let Some(file) = self.text(value) else { continue };
                    // A baseline lies beside the configuration that names it.
                    let folder = config.path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
                    match Baseline::load(&folder.join(&file)) {
                        Ok(baseline) => config.baseline = Some(Arc::new(baseline)),
                        Err(error) => {
                            let message = wording(
                                format!("无法使用基线 `{file}`：{error}"),
                                format!("the baseline `{file}` cannot be used: {error}"),
                            );
                            self.error(value.span(), message, None);
                        }
                    }
                }
                name @ ("lexicons" | "vetted-lexicons") => {
                    named = Some(value.span());
                    for (file, span) in self.list(value) {
                        match lexicons::read(&folder, &file, name == "vetted-lexicons", self.policy, self.beside) {
                            Ok(list) => lists.push(list),
                            Err(message) => self.error(span, message, None),
                        }
                    }
                }
                other => self.unknown_key(
                    key.span(),
                    other,
                    &["exclude", "profile", "fail-on", "min-confidence", "baseline", "lexicons", "vetted-lexicons"],
                ),
            }
        }
        match Lexicons::of(lists, self.policy) {
            Ok(lexicons) => config.lexicons = lexicons,
            Err(message) => self.error(named.unwrap_or_default(), message, None),
        }
    }

    fn limits(&mut self, table: &DeTable<'_>, config: &mut Config) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !LIMITS.contains(&name) {
                self.unknown_key(key.span(), name, LIMITS);
                continue;
            }
            match to_value(value.get_ref()).as_integer().and_then(|number| u64::try_from(number).ok()) {
                Some(number) => {
                    config.limits.insert(name.to_owned(), number);
                }
                None => self.wrong_type(value, "非负整数", "a whole number that is not negative"),
            }
        }
    }

    fn rules(&mut self, table: &DeTable<'_>, config: &mut Config) {
        let policy = self.policy;
        for (key, value) in table {
            let id = key.get_ref().to_string();
            if !policy.catalogue.has(&id) {
                let message = wording(format!("未知的规则 `{id}`"), format!("unknown rule `{id}`"));
                self.error(key.span(), message, meant(nearest_rule(&id, policy)));
                continue;
            }
            let Some(settings) = self.table(value) else { continue };
            let entry = policy.entry(&id);
            for (key, value) in settings {
                let name = key.get_ref().as_ref();
                if name == "severity" {
                    let words = [
                        ("error", Level::At(Severity::Error)),
                        ("warning", Level::At(Severity::Warning)),
                        ("note", Level::At(Severity::Note)),
                        ("off", Level::Off),
                    ];
                    if let Some(level) = self.word(value, &words) {
                        config.levels.insert(id.clone(), level);
                    }
                    continue;
                }
                let Some(option) = entry.and_then(|entry| entry.options.get(name)) else {
                    let mut known = vec!["severity"];
                    known.extend(entry.iter().flat_map(|entry| entry.options.keys()).map(String::as_str));
                    self.unknown_key(key.span(), name, &known);
                    continue;
                };
                let parsed = to_value(value.get_ref());
                if !same_type(&parsed, &option.default) {
                    let wanted = option.default.type_str();
                    self.wrong_type(value, &format!(" {wanted} 类型的值"), &format!("a value of type {wanted}"));
                    continue;
                }
                config.options.0.entry(id.clone()).or_default().insert(name.to_owned(), parsed);
            }
        }
    }
}

fn to_value(value: &DeValue<'_>) -> toml::Value {
    match value {
        DeValue::String(text) => toml::Value::String(text.to_string()),
        DeValue::Integer(number) => {
            toml::Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).unwrap_or(i64::MAX))
        }
        DeValue::Float(number) => toml::Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(value) => toml::Value::Boolean(*value),
        DeValue::Datetime(value) => toml::Value::Datetime(*value),
        DeValue::Array(items) => toml::Value::Array(items.iter().map(|item| to_value(item.get_ref())).collect()),
        DeValue::Table(table) => toml::Value::Table(
            table.iter().map(|(key, value)| (key.get_ref().to_string(), to_value(value.get_ref()))).collect(),
        ),
    }
}

fn same_type(value: &toml::Value, wanted: &toml::Value) -> bool {
    if !value.same_type(wanted) {
        return false;
    }
    match (value, wanted) {
        (toml::Value::Array(items), toml::Value::Array(wanted)) => match wanted.first() {
            Some(first) => items.iter().all(|item| item.same_type(first)),
            None => items.iter().all(toml::Value::is_str),
        },
        (toml::Value::Integer(number), _) => *number >= 0,
        _ => true,
    }
}

/// Reads and validates a configuration's text.
///
/// # Errors
/// Every mistake, with its place.
pub fn parse(path: &Path, text: &str, policy: &Policy) -> Result<Config, ConfigFailure> {
    parse_in(path, text, policy, None)
}

/// Gives the bytes of a file beside a configuration.
pub type Beside<'b> = dyn Fn(&Path) -> Option<Vec<u8>> + 'b;

/// As [`parse`], for a configuration in an archive: the lists that it names are in there, too.
///
/// # Errors
/// Every mistake, with its place.
pub fn parse_in(
    path: &Path,
    text: &str,
    policy: &Policy,
    beside: Option<&Beside<'_>>,
) -> Result<Config, ConfigFailure> {
    let mut reader = Reader { policy, beside, errors: Vec::new() };
    let mut config = Config { path: Some(path.to_owned()), text: text.to_owned(), ..Config::default() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        reader.error(
            span,
            wording(format!("TOML 语法错误：{}", error.message()), format!("TOML syntax: {}", error.message())),
            None,
        );
    }
    for (key, value) in table.get_ref() {
        match key.get_ref().as_ref() {
            "package" => {
                if let Some(table) = reader.table(value) {
                    reader.package(table, &mut config);
                }
            }
            "check" => {
                if let Some(table) = reader.table(value) {
                    reader.check(table, &mut config);
                }
            }
            "rules" => {
                if let Some(table) = reader.table(value) {
                    reader.rules(table, &mut config);
                }
            }
            "limits" => {
                if let Some(table) = reader.table(value) {
                    reader.limits(table, &mut config);
                }
            }
            other => reader.unknown_key(key.span(), other, &["package", "check", "rules", "limits"]),
        }
    }
    if reader.errors.is_empty() {
        return Ok(config);
    }
    reader.errors.sort_by_key(|error| (error.span.start, error.span.end));
    Err(ConfigFailure { path: path.to_owned(), text: text.to_owned(), errors: reader.errors })
}

/// Reads a configuration file.
///
/// # Errors
/// Every mistake; one without a place when the file cannot be read.
pub fn load(path: &Path, policy: &Policy) -> Result<Config, ConfigFailure> {
    match std::fs::read(path) {
        Ok(bytes) => parse(path, &crate::source::decode(&bytes).text, policy),
        Err(error) => Err(ConfigFailure {
            path: path.to_owned(),
            text: String::new(),
            errors: vec![ConfigError {
                span: 0..0,
                message: wording(format!("无法读取：{error}"), format!("cannot be read: {error}")),
                help: None,
            }],
        }),
    }
}
