//! `gate.toml`: who rejects, what goes to a person, what is waived. All mistakes come out at once, with their places.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::cli::vetting::{self, Answer};
use crate::engine::config::{ConfigError, ConfigFailure, nearest, nearest_rule};
use crate::engine::{Hider, Verdict};
use crate::policy::Policy;
use crate::policy::catalogue::Wording;
use crate::report::model::{FindingReport, SuppressedReport};
use crate::rules::{Confidence, Severity};

/// A policy of the gate.
#[derive(Clone, Debug)]
pub(super) struct GatePolicy {
    /// Asked in order; the first that matches a finding decides on it. Those of no policy stand behind.
    decide: Vec<Decide>,
    waivers: Vec<Waiver>,
    /// Findings that a result keeps.
    pub max_findings: usize,
    /// Characters of a message.
    pub max_message: usize,
    /// Whether suppressions in the source count.
    pub honor_suppressions: bool,
    /// More of them in a package send it to a person.
    max_suppressions: Option<usize>,
    /// Its text; empty when there is none.
    pub text: String,
}

#[derive(Clone, Debug)]
struct Decide {
    rules: Vec<String>,
    severity: Severity,
    confidence: Confidence,
    verdict: Verdict,
}

#[derive(Clone, Debug)]
struct Waiver {
    rule: String,
    id: Option<globset::GlobMatcher>,
    file: Option<globset::GlobMatcher>,
    fingerprint: Option<String>,
    owner: String,
    reason: String,
    /// `YYYY-MM-DD`: the last day on which it holds.
    expires: String,
}

impl Default for GatePolicy {
    fn default() -> Self {
        Self {
            decide: Vec::new(),
            waivers: Vec::new(),
            max_findings: 200,
            max_message: 600,
            honor_suppressions: false,
            max_suppressions: None,
            text: String::new(),
        }
    }
}

/// Whether a name, a group, `group/*` or `*` covers a rule.
fn covers(name: &str, rule: &str) -> bool {
    let name = name.trim_end_matches('*').trim_end_matches('/');
    name.is_empty() || rule == name || rule.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
}

impl GatePolicy {
    /// The one that stands when there is no file.
    pub fn without_file(honor_suppressions: bool) -> Self {
        Self { honor_suppressions, ..Self::default() }
    }

    /// The waivers that hold on a day, as a text: a result rests on them.
    pub fn standing(&self, today: &str) -> String {
        self.waivers.iter().map(|waiver| if waiver.holds(today) { '1' } else { '0' }).collect()
    }

    /// Whether a verdict may depend on the package's id.
    pub fn names_ids(&self) -> bool {
        self.waivers.iter().any(|waiver| waiver.id.is_some())
    }

    /// The waivers that have expired, as `rule (owner, date)`.
    pub fn expired(&self, today: &str) -> Vec<String> {
        self.waivers
            .iter()
            .filter(|waiver| !waiver.holds(today))
            .map(|waiver| format!("{} ({}, {})", waiver.rule, waiver.owner, waiver.expires))
            .collect()
    }

    /// Applies it to an answer: waives, decides, cuts to size. The reasons for the verdict come out, the worst first.
    pub fn apply(&self, answer: &mut Answer, today: &str) -> Vec<String> {
        let mut reasons: Vec<(Verdict, String)> = Vec::new();
        let mut in_source = 0;
        let id = answer.id.clone();
        for placed in &mut answer.findings {
            let finding = &mut placed.finding;
            if matches!(&finding.suppressed, Some(hidden) if hidden.by == Hider::InSource) {
                in_source += 1;
            }
            if !self.counts(finding) {
                continue;
            }
            if let Some(waiver) = self.waivers.iter().find(|waiver| waiver.holds(today) && waiver.covers(&id, finding))
            {
                let reason = format!("{} ({}, {})", waiver.reason, waiver.owner, waiver.expires);
                finding.suppressed = Some(SuppressedReport { by: Hider::Waiver, reason });
                continue;
            }
            let verdict = self.verdict(finding);
            if verdict != Verdict::Pass && !reasons.iter().any(|(_, rule)| *rule == finding.rule) {
                reasons.push((verdict, finding.rule.clone()));
            }
        }
        if answer.findings_omitted > 0 {
            reasons.push((Verdict::ManualReview, "findings-omitted".to_owned()));
        }
        if self.max_suppressions.is_some_and(|most| in_source > most) {
            reasons.push((Verdict::ManualReview, "suppressions".to_owned()));
        }
        if !answer.unseen.is_empty() {
            reasons.push((Verdict::ManualReview, "unseen".to_owned()));
        }
        if answer.engine_error.is_some() {
            reasons.push((Verdict::ManualReview, "engine-error".to_owned()));
        }
        answer.verdict = reasons.iter().map(|(verdict, _)| *verdict).max().unwrap_or(Verdict::Pass);
        vetting::cap(answer, self.max_findings);
        for placed in &mut answer.findings {
            for text in [&mut placed.finding.message, &mut placed.finding.help, &mut placed.finding.snippet] {
                clip(text, self.max_message);
            }
        }
        reasons.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        reasons.into_iter().map(|(_, reason)| reason).collect()
    }

    fn counts(&self, finding: &FindingReport) -> bool {
        match &finding.suppressed {
            None => true,
            Some(hidden) => hidden.by == Hider::InSource && !self.honor_suppressions,
        }
    }

    fn verdict(&self, finding: &FindingReport) -> Verdict {
        let decided = self.decide.iter().find(|decide| {
            (decide.rules.is_empty() || decide.rules.iter().any(|name| covers(name, &finding.rule)))
                && finding.severity >= decide.severity
                && finding.confidence >= decide.confidence
        });
        decided.map_or_else(
            || match (finding.severity, finding.confidence) {
                (Severity::Error, Confidence::High | Confidence::Medium) => Verdict::Reject,
                (Severity::Error | Severity::Warning, _) => Verdict::ManualReview,
                (Severity::Note, _) => Verdict::Pass,
            },
            |decide| decide.verdict,
        )
    }
}

impl Waiver {
    fn holds(&self, today: &str) -> bool {
        today <= self.expires.as_str()
    }

    fn covers(&self, id: &str, finding: &FindingReport) -> bool {
        covers(&self.rule, &finding.rule)
            && self.id.as_ref().is_none_or(|glob| glob.is_match(id))
            && self.file.as_ref().is_none_or(|glob| glob.is_match(&finding.file))
            && self.fingerprint.as_ref().is_none_or(|known| *known == finding.fingerprint)
    }
}

fn clip(text: &mut String, most: usize) {
    if let Some((at, _)) = text.char_indices().nth(most) {
        text.truncate(at);
        text.push('…');
    }
}

/// Reads a policy.
pub(super) fn load(path: &Path, policy: &Policy) -> Result<GatePolicy, ConfigFailure> {
    let failure = |text: &str, errors| ConfigFailure { path: path.to_owned(), text: text.to_owned(), errors };
    let text = std::fs::read_to_string(path).map_err(|error| {
        failure("", vec![mistake(0..0, &format!("无法读取：{error}"), &format!("cannot be read: {error}"))])
    })?;
    parse(&text, policy).map_err(|errors| failure(&text, errors))
}

fn mistake(span: Range<usize>, zh: &str, en: &str) -> ConfigError {
    ConfigError { span, message: Wording { zh: zh.to_owned(), en: en.to_owned() }, help: None }
}

/// Parses a policy.
pub(super) fn parse(text: &str, policy: &Policy) -> Result<GatePolicy, Vec<ConfigError>> {
    let table = DeTable::parse(text).map_err(|error| {
        let message = error.message().to_owned();
        vec![mistake(error.span().unwrap_or(0..0), &message, &message)]
    })?;
    let mut reader = Reader { policy, errors: Vec::new() };
    let mut out = GatePolicy { text: text.to_owned(), ..GatePolicy::default() };
    for (key, value) in table.get_ref() {
        match key.get_ref().as_ref() {
            "decide" => {
                for item in reader.tables(value) {
                    out.decide.extend(reader.decide(item));
                }
            }
            "waivers" => {
                for item in reader.tables(value) {
                    out.waivers.extend(reader.waiver(item));
                }
            }
            "messages" => reader.messages(value, &mut out),
            "suppressions" => reader.suppressions(value, &mut out),
            other => reader.unknown(key.span(), other, &["decide", "messages", "suppressions", "waivers"]),
        }
    }
    if reader.errors.is_empty() {
        return Ok(out);
    }
    reader.errors.sort_by_key(|error| error.span.start);
    Err(reader.errors)
}

struct Reader<'p> {
    policy: &'p Policy,
    errors: Vec<ConfigError>,
}

type Item<'v, 'i> = &'v Spanned<DeValue<'i>>;

impl Reader<'_> {
    fn unknown(&mut self, span: Range<usize>, word: &str, known: &[&str]) {
        let mut error = mistake(span, &format!("未知的键 `{word}`"), &format!("unknown key `{word}`"));
        error.help = Some(match nearest(word, known.iter().copied()) {
            Some(near) => Wording { zh: format!("是否想写 `{near}`？"), en: format!("did you mean `{near}`?") },
            None => Wording {
                zh: format!("可用的键：{}", known.join("、")),
                en: format!("known keys: {}", known.join(", ")),
            },
        });
        self.errors.push(error);
    }

    fn wrong(&mut self, value: Item<'_, '_>, zh: &str, en: &str) {
        let found = value.get_ref().type_str();
        self.errors.push(mistake(
            value.span(),
            &format!("这里应当是{zh}，却是 {found}"),
            &format!("expected {en}, found {found}"),
        ));
    }

    fn tables<'v, 'i>(&mut self, value: Item<'v, 'i>) -> Vec<(Range<usize>, &'v DeTable<'i>)> {
        let Some(items) = value.get_ref().as_array() else {
            self.wrong(value, "表的数组", "an array of tables");
            return Vec::new();
        };
        let mut out = Vec::new();
        for item in items {
            match item.get_ref().as_table() {
                Some(table) => out.push((item.span(), table)),
                None => self.wrong(item, "表", "a table"),
            }
        }
        out
    }

    fn text(&mut self, value: Item<'_, '_>) -> Option<String> {
        match value.get_ref().as_str().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => Some(text.to_owned()),
            None => {
                self.wrong(value, "非空字符串", "a string that is not empty");
                None
            }
        }
    }

    fn number(&mut self, value: Item<'_, '_>) -> Option<usize> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => usize::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong(value, "非负整数", "a number, zero or more");
        }
        number
    }

    fn word<T: Copy>(&mut self, value: Item<'_, '_>, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(value)?;
        if let Some((_, found)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*found);
        }
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let mut error = mistake(value.span(), &format!("未知的值 `{text}`"), &format!("unknown value `{text}`"));
        error.help = Some(Wording {
            zh: format!("可用的值：{}", all.join("、")),
            en: format!("known values: {}", all.join(", ")),
        });
        self.errors.push(error);
        None
    }

    /// A rule, a group, `group/*` or `*`.
    fn rule(&mut self, value: Item<'_, '_>) -> Option<String> {
        let name = self.text(value)?;
        if name == "*" || self.policy.catalogue.ids().any(|id| covers(&name, id)) {
            return Some(name);
        }
        let mut error = mistake(value.span(), &format!("未知的规则 `{name}`"), &format!("unknown rule `{name}`"));
        error.help = nearest_rule(&name, self.policy)
            .map(|near| Wording { zh: format!("是否想写 `{near}`？"), en: format!("did you mean `{near}`?") });
        self.errors.push(error);
        None
    }

    fn glob(&mut self, value: Item<'_, '_>) -> Option<globset::GlobMatcher> {
        let text = self.text(value)?;
        match globset::Glob::new(&text) {
            Ok(glob) => Some(glob.compile_matcher()),
            Err(error) => {
                let kind = error.kind();
                self.errors.push(mistake(
                    value.span(),
                    &format!("无效的模式 `{text}`：{kind}"),
                    &format!("invalid pattern `{text}`: {kind}"),
                ));
                None
            }
        }
    }

    fn date(&mut self, value: Item<'_, '_>) -> Option<String> {
        let text = match value.get_ref() {
            DeValue::Datetime(date) if date.time.is_none() => date.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => String::new(),
        };
        // The same check for both forms: what is written as a string is parsed as a date.
        let good = text.len() == 10 && text.parse::<toml::value::Datetime>().is_ok();
        if !good {
            self.wrong(value, "日期（YYYY-MM-DD）", "a date (YYYY-MM-DD)");
        }
        good.then_some(text)
    }

    fn decide(&mut self, (span, table): (Range<usize>, &DeTable<'_>)) -> Option<Decide> {
        let mut rules = Vec::new();
        let mut severity = Some(Severity::Note);
        let mut confidence = Some(Confidence::Low);
        let mut verdict = None;
        let before = self.errors.len();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "rules" => match value.get_ref().as_array() {
                    Some(items) => rules.extend(items.iter().filter_map(|item| self.rule(item))),
                    None => self.wrong(value, "字符串数组", "an array of strings"),
                },
                "severity" => {
                    let words = [("error", Severity::Error), ("warning", Severity::Warning), ("note", Severity::Note)];
                    severity = self.word(value, &words);
                }
                "confidence" => {
                    let words = [("high", Confidence::High), ("medium", Confidence::Medium), ("low", Confidence::Low)];
                    confidence = self.word(value, &words);
                }
                "verdict" => {
                    let words = [
                        ("reject", Verdict::Reject),
                        ("manual-review", Verdict::ManualReview),
                        ("pass", Verdict::Pass),
                    ];
                    verdict = self.word(value, &words);
                }
                other => self.unknown(key.span(), other, &["rules", "severity", "confidence", "verdict"]),
            }
        }
        if verdict.is_none() && before == self.errors.len() {
            self.errors.push(mistake(span, "缺少 `verdict`", "`verdict` is missing"));
        }
        Some(Decide { rules, severity: severity?, confidence: confidence?, verdict: verdict? })
    }

    fn waiver(&mut self, (span, table): (Range<usize>, &DeTable<'_>)) -> Option<Waiver> {
        let (mut rule, mut owner, mut reason, mut expires) = (None, None, None, None);
        let (mut id, mut file, mut fingerprint) = (None, None, None);
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "rule" => rule = self.rule(value),
                "id" => id = Some(self.glob(value)?),
                "file" => file = Some(self.glob(value)?),
                "fingerprint" => fingerprint = Some(self.text(value)?),
                "owner" => owner = self.text(value),
                "reason" => reason = self.text(value),
                "expires" => expires = self.date(value),
                other => {
                    let known = ["rule", "id", "file", "fingerprint", "owner", "reason", "expires"];
                    self.unknown(key.span(), other, &known);
                }
            }
        }
        for name in ["rule", "owner", "reason", "expires"] {
            if !table.iter().any(|(key, _)| key.get_ref() == name) {
                self.errors.push(mistake(
                    span.clone(),
                    &format!("豁免缺少 `{name}`"),
                    &format!("a waiver needs `{name}`"),
                ));
            }
        }
        Some(Waiver { rule: rule?, id, file, fingerprint, owner: owner?, reason: reason?, expires: expires? })
    }

    fn messages(&mut self, value: Item<'_, '_>, out: &mut GatePolicy) {
        let Some(table) = value.get_ref().as_table() else { return self.wrong(value, "表", "a table") };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "max-findings" => out.max_findings = self.number(value).unwrap_or(out.max_findings),
                "max-characters" => out.max_message = self.number(value).unwrap_or(out.max_message),
                other => self.unknown(key.span(), other, &["max-findings", "max-characters"]),
            }
        }
    }

    fn suppressions(&mut self, value: Item<'_, '_>, out: &mut GatePolicy) {
        let Some(table) = value.get_ref().as_table() else { return self.wrong(value, "表", "a table") };
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "in-source" => {
                    let words = [("ignore", false), ("honor", true)];
                    out.honor_suppressions = self.word(value, &words).unwrap_or(false);
                }
                "max" => out.max_suppressions = self.number(value),
                other => self.unknown(key.span(), other, &["in-source", "max"]),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedded() -> Policy {
        Policy::embedded().map_err(|(_, errors)| errors).unwrap()
    }

    #[test]
    fn mistakes_come_out_together_with_their_places() {
        let text = r#"
[[decide]]
rules = ["privacy/log-exposur"]
verdict = "rejct"

[[waivers]]
rule = "privacy/log-exposure"
owner = "review team"
expires = "2026-13-01"

[mesages]
"#;
        let errors = parse(text, &embedded()).unwrap_err();
        let told: Vec<(&str, &str)> =
            errors.iter().map(|error| (&text[error.span.clone()], error.message.en.as_str())).collect();
        assert_eq!(told[0], ("\"privacy/log-exposur\"", "unknown rule `privacy/log-exposur`"));
        assert_eq!(errors[0].help.as_ref().unwrap().en, "did you mean `privacy/log-exposure`?");
        assert_eq!(told[1], ("\"rejct\"", "unknown value `rejct`"));
        assert_eq!(told[2].1, "a waiver needs `reason`");
        assert_eq!(told[3].1, "expected a date (YYYY-MM-DD), found string");
        assert_eq!(told[4], ("mesages", "unknown key `mesages`"));
        assert_eq!(told.len(), 5);
    }

    fn answer(findings: &[(&str, &str, &str)]) -> Answer {
        let findings: Vec<serde_json::Value> = findings
            .iter()
            .map(|(rule, severity, confidence)| {
                let at = serde_json::json!({"line": 1, "column": 1, "offset": 0});
                serde_json::json!({"rule": rule, "severity": severity, "confidence": confidence, "message": "一二三四五",
                    "help": "", "clauses": [], "personal_information": [], "file": "pages/a.js",
                    "range": {"start": at, "end": at}, "snippet": "", "trace": [], "fixes": [], "fingerprint": "f1",
                    "suppressed": null, "origin": {"kind": "own", "reachable": true}})
            })
            .collect();
        let value = serde_json::json!({"schema_version": 1, "id": "shop.zip", "sha256": "", "tool": "", "rules_digest": "",
            "config_digest": "", "verdict": "pass", "findings": findings, "coverage": {},
            "capabilities": {"apis": [], "scopes": [], "hosts": [], "personal_information": [], "third_parties": [], "categories": []}});
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_first_that_matches_decides() {
        let text = r#"
[[decide]]
rules = ["package/*"]
verdict = "pass"
[[decide]]
rules = ["privacy"]
severity = "warning"
confidence = "high"
verdict = "reject"
[messages]
max-characters = 3
"#;
        let policy = parse(text, &embedded()).unwrap();
        let mut one = answer(&[("package/oversized", "error", "high")]);
        assert!(policy.apply(&mut one, "2026-01-01").is_empty());
        assert_eq!((one.verdict, one.findings[0].finding.message.as_str()), (Verdict::Pass, "一二三…"));
        let mut two = answer(&[("privacy/log-exposure", "warning", "high"), ("content/insult", "warning", "low")]);
        assert_eq!(policy.apply(&mut two, "2026-01-01"), ["privacy/log-exposure", "content/insult"]);
        assert_eq!(two.verdict, Verdict::Reject);
        let mut three = answer(&[("privacy/log-exposure", "warning", "medium")]);
        policy.apply(&mut three, "2026-01-01");
        assert_eq!(three.verdict, Verdict::ManualReview);
    }

    #[test]
    fn waivers_end() {
        let text = r#"
[[waivers]]
rule = "privacy/log-exposure"
id = "shop*"
file = "pages/**"
fingerprint = "f1"
owner = "review team"
reason = "known, repaired in the next version"
expires = 2026-06-30
"#;
        let policy = parse(text, &embedded()).unwrap();
        let mut one = answer(&[("privacy/log-exposure", "error", "high")]);
        assert!(policy.apply(&mut one, "2026-06-30").is_empty());
        assert_eq!(one.verdict, Verdict::Pass);
        assert!(one.findings[0].finding.suppressed.as_ref().unwrap().reason.contains("review team"));
        let mut two = answer(&[("privacy/log-exposure", "error", "high")]);
        policy.apply(&mut two, "2026-07-01");
        assert_eq!(two.verdict, Verdict::Reject);
        assert_eq!(policy.expired("2026-07-01"), ["privacy/log-exposure (review team, 2026-06-30)"]);
        assert_ne!(policy.standing("2026-06-30"), policy.standing("2026-07-01"));
    }

    #[test]
    fn what_was_not_seen_never_passes() {
        let policy = GatePolicy::default();
        let mut one = answer(&[]);
        one.unseen.push("a.js: encrypted".to_owned());
        assert_eq!(
            (policy.apply(&mut one, "2026-01-01").join(","), one.verdict),
            ("unseen".into(), Verdict::ManualReview)
        );
        let mut two = answer(&[]);
        two.engine_error = Some("timeout".to_owned());
        policy.apply(&mut two, "2026-01-01");
        assert_eq!(two.verdict, Verdict::ManualReview);
    }
}
