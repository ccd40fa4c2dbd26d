//! The terminal report, drawn by `codespan-reporting` over clipped copies of the lines it shows.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use codespan_reporting::diagnostic::{Diagnostic, Label, LabelStyle, Severity as Level};
use codespan_reporting::files::{Error, Files};
use codespan_reporting::term;
use codespan_reporting::term::Config;
use codespan_reporting::term::termcolor::{Ansi, Color, ColorSpec, NoColor, WriteColor};
use codespan_reporting::term::{Styles, StylesWriter};

use super::compare;
use super::model::{FindingReport, PackageReport, Range, Report};
use crate::engine::Verdict;
use crate::engine::config::ConfigFailure;
use crate::policy::catalogue::{Lang, Severity};
use crate::policy::packs::{PackError, Packs};

/// How to draw.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Language of the fixed words.
    pub lang: Lang,
    /// ANSI colours.
    pub color: bool,
    /// Only the verdicts.
    pub quiet: bool,
    /// Hidden findings, all steps, blind spots and skipped files too.
    pub verbose: bool,
}

/// Longest line shown whole, in characters.
const LINE: usize = 140;
/// Characters kept before the first mark of a clipped line.
const BEFORE: usize = 32;
/// Steps of a trace that are drawn.
const STEPS: usize = 6;

/// The report as text.
pub fn render(report: &Report, style: Style) -> String {
    let mut out = Vec::new();
    for package in &report.packages {
        if !style.quiet {
            for finding in &package.findings {
                if finding.counts || style.verbose {
                    draw(&mut out, &diagnostic(package, finding, style), style);
                }
            }
        }
        summary(&mut out, package, style);
    }
    if report.packages.len() > 1 {
        let total = &report.summary;
        let line = match style.lang {
            Lang::Zh => format!(
                "共 {} 个小程序：{}",
                total.packages,
                counts(total.errors, total.warnings, total.notes, style.lang)
            ),
            Lang::En => format!(
                "{} packages: {}",
                total.packages,
                counts(total.errors, total.warnings, total.notes, style.lang)
            ),
        };
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn draw(out: &mut Vec<u8>, drawn: &(Views, Diagnostic<usize>), style: Style) {
    let (views, diagnostic) = drawn;
    let config = Config { tab_width: 2, ..Config::default() };
    let mut styles = Styles::default();
    let mut blue = ColorSpec::new();
    blue.set_fg(Some(Color::Cyan));
    styles.secondary_label = blue.clone();
    styles.source_border = blue.clone();
    styles.line_number = blue.clone();
    styles.note_bullet = blue;
    // Writing to memory does not fail.
    let _ = if style.color {
        term::emit_to_write_style(&mut StylesWriter::new(Ansi::new(&mut *out), &styles), &config, views, diagnostic)
    } else {
        term::emit_to_write_style(&mut StylesWriter::new(NoColor::new(&mut *out), &styles), &config, views, diagnostic)
    };
}

fn paint(out: &mut Vec<u8>, text: &str, color: Color, style: Style) {
    if style.color {
        let mut writer = Ansi::new(&mut *out);
        let mut spec = ColorSpec::new();
        spec.set_fg(Some(color)).set_bold(true);
        let _ = writer.set_color(&spec);
        let _ = std::io::Write::write_all(&mut writer, text.as_bytes());
        let _ = writer.reset();
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

/// The word for a verdict.
pub const fn verdict_word(verdict: Verdict, lang: Lang) -> &'static str {
    match (verdict, lang) {
        (Verdict::Pass, Lang::Zh) => "通过",
        (Verdict::ManualReview, Lang::Zh) => "需人工复核",
        (Verdict::Reject, Lang::Zh) => "不通过",
        (Verdict::Pass, Lang::En) => "pass",
        (Verdict::ManualReview, Lang::En) => "manual review",
        (Verdict::Reject, Lang::En) => "reject",
    }
}

fn counts(errors: usize, warnings: usize, notes: usize, lang: Lang) -> String {
    let mut parts = Vec::new();
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    for (count, zh, en) in [(errors, "个错误", "error"), (warnings, "个警告", "warning"), (notes, "个提示", "note")]
    {
        if count > 0 {
            parts.push(match lang {
                Lang::Zh => format!("{count} {zh}"),
                Lang::En => format!("{count} {en}{}", plural(count)),
            });
        }
    }
    if parts.is_empty() {
        lang.pick("没有发现问题", "nothing found").to_owned()
    } else {
        parts.join(lang.pick("，", ", "))
    }
}

fn summary(out: &mut Vec<u8>, package: &PackageReport, style: Style) {
    let lang = style.lang;
    let count =
        |severity| package.findings.iter().filter(|finding| finding.counts && finding.severity == severity).count();
    let color = match package.verdict {
        Verdict::Pass => Color::Green,
        Verdict::ManualReview => Color::Yellow,
        Verdict::Reject => Color::Red,
    };
    paint(out, verdict_word(package.verdict, lang), color, style);
    let mut line = String::new();
    let found = counts(count(Severity::Error), count(Severity::Warning), count(Severity::Note), lang);
    // What was not gone through to its end has not been found clean.
    let unfinished =
        if package.engine_errors.is_empty() { "" } else { lang.pick("，但没有分析完", ", but not finished") };
    let _ = write!(line, "{}{}{}{found}{unfinished}", lang.pick("：", ": "), package.root, lang.pick("，", ", "));
    let _ = match lang {
        Lang::Zh => write!(line, "（宿主 {}，{} 个文件）", package.host, package.files),
        Lang::En => write!(line, " (host {}, {} files)", package.host, package.files),
    };
    line.push('\n');
    let hidden = package.findings.iter().filter(|finding| !finding.counts).count();
    let unseen: Vec<_> = package.skipped.iter().filter(|skipped| skipped.hides_code).collect();
    if hidden > 0 && !style.quiet {
        let _ = match lang {
            Lang::Zh => writeln!(line, "  已抑制 {hidden} 处"),
            Lang::En => writeln!(line, "  {hidden} suppressed"),
        };
    }
    if !unseen.is_empty() {
        let _ = match lang {
            Lang::Zh => writeln!(line, "  有 {} 个文件未能分析：", unseen.len()),
            Lang::En => writeln!(line, "  {} files were not analysed:", unseen.len()),
        };
        for skipped in unseen.iter().take(if style.verbose { usize::MAX } else { 5 }) {
            let _ = writeln!(line, "    {}{}{}", skipped.path, lang.pick("：", ": "), skip_word(&skipped.reason, lang));
        }
    }
    if let Some((new, unchanged, fixed)) = compare::counts(package) {
        let _ = match lang {
            Lang::Zh => writeln!(line, "  与旧版相比：新增 {new} 处，未变 {unchanged} 处，已修复 {fixed} 处"),
            Lang::En => writeln!(line, "  since the old version: {new} new, {unchanged} unchanged, {fixed} fixed"),
        };
        for finding in package.fixed.iter().flatten().filter(|_| !style.quiet) {
            let message = finding.message.lines().next().unwrap_or_default();
            let fixed = compare::state_word("absent", lang);
            let at = finding.range.start.line;
            let _ = writeln!(line, "    {fixed} {} {}:{at} {message}", finding.rule, finding.file);
        }
    }
    if let Some(changes) = &package.capability_changes {
        let changes = compare::changes(changes, lang);
        if !changes.is_empty() {
            let _ = writeln!(line, "  {}", lang.pick("能力变化：", "capabilities:"));
        }
        for (kind, gained, lost) in changes {
            let signed = gained.iter().map(|one| format!("+{one}")).chain(lost.iter().map(|one| format!("-{one}")));
            let signed: Vec<String> = signed.collect();
            let _ = writeln!(line, "    {kind}{}{}", lang.pick("：", ": "), signed.join(" "));
        }
    }
    for error in &package.engine_errors {
        let _ = writeln!(line, "  {}{error}", lang.pick("分析器内部错误：", "internal error: "));
    }
    if style.verbose {
        for skipped in package.skipped.iter().filter(|skipped| !skipped.hides_code) {
            let _ = writeln!(
                line,
                "  {} {}{}{}",
                lang.pick("跳过", "skipped"),
                skipped.path,
                lang.pick("：", ": "),
                skip_word(&skipped.reason, lang)
            );
        }
        for spot in &package.blind_spots {
            let _ = writeln!(
                line,
                "  {} {}:{}:{}{}{}",
                lang.pick("盲区", "blind spot"),
                spot.file,
                spot.range.start.line,
                spot.range.start.column,
                lang.pick("：", ": "),
                spot.note
            );
        }
    }
    out.extend_from_slice(line.as_bytes());
}

/// Why a file was skipped, in words.
pub fn skip_text(reason: crate::package::SkipReason, lang: Lang) -> String {
    skip_word(&super::model::reason_id(reason), lang).to_owned()
}

/// Why a file was skipped, in words, by the reason's id.
pub fn skip_word(reason: &str, lang: Lang) -> &str {
    let (zh, en) = match reason {
        "hidden" => ("隐藏目录或版本控制目录", "hidden or version-control folder"),
        "too-large" => ("超过单个文件的大小上限", "larger than the file limit"),
        "too-many" => ("超过文件数上限", "past the limit on files"),
        "total-too-large" => ("超过总大小上限", "past the limit on total size"),
        "too-deep" => ("目录层级过深", "folders nested too deep"),
        "link" => ("指向包外或成环的链接", "a link that leaves the package or loops"),
        "unreadable" => ("无法读取", "unreadable"),
        "binary" => ("内容是二进制数据", "binary data"),
        "declarations" => ("类型声明", "type declarations"),
        "foreign" => ("不是客户端代码", "not client code"),
        "excluded" => ("被配置排除", "excluded by the configuration"),
        "bad-entry" => ("压缩包或其中的条目损坏，或以不支持的方式压缩", "broken, or packed in a way that is not read"),
        "duplicate" => ("压缩包中有重名的条目", "an archive entry under a name that was there before"),
        "encrypted" => ("已加密", "encrypted"),
        "outside" => ("路径指向压缩包之外", "a path that leads out of the archive"),
        "overlap" => ("与压缩包中另一条目共用数据", "an archive entry that shares bytes with another"),
        "ratio" => ("解压后大得反常（疑似压缩炸弹）", "inflates beyond all measure"),
        "compiled" => (
            "模板已编译成代码：看不到其中的文字、元素和事件绑定",
            "compiled templates: texts, elements and event bindings are not seen",
        ),
        "other-package" => ("属于另一个小程序", "belongs to another package"),
        "time-limit" => ("超过时间上限", "past the time limit"),
        "memory-limit" => ("超过内存上限", "past the memory limit"),
        other => (other, other),
    };
    lang.pick(zh, en)
}

fn level(severity: Severity) -> Level {
    match severity {
        Severity::Error => Level::Error,
        Severity::Warning => Level::Warning,
        Severity::Note => Level::Note,
    }
}

fn join(root: &str, file: &str) -> String {
    match root.trim_end_matches('/') {
        "" | "." => file.to_owned(),
        root => format!("{root}/{file}"),
    }
}

fn diagnostic(package: &PackageReport, finding: &FindingReport, style: Style) -> (Views, Diagnostic<usize>) {
    let lang = style.lang;
    let mut marks: Vec<Mark> = vec![Mark {
        file: finding.file.clone(),
        range: finding.range,
        style: LabelStyle::Primary,
        note: String::new(),
    }];
    let shown = if style.verbose { usize::MAX } else { STEPS };
    let many = finding.trace.len() > 1;
    for (index, step) in finding.trace.iter().take(shown).enumerate() {
        let number = if many { format!("{}. ", index + 1) } else { String::new() };
        let same = step.file == finding.file && step.range.start == finding.range.start;
        if same && marks[0].note.is_empty() {
            marks[0].note = format!("{number}{}", step.note);
        } else {
            let note = format!("{number}{}", step.note);
            marks.push(Mark { file: step.file.clone(), range: step.range, style: LabelStyle::Secondary, note });
        }
    }
    let (views, labels) = views(package, &marks);
    let mut lines = finding.message.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let rest: Vec<&str> = lines.collect();
    let mut notes = Vec::new();
    if !rest.is_empty() {
        notes.push(rest.join("\n"));
    }
    if finding.trace.len() > shown {
        notes.push(match lang {
            Lang::Zh => format!("路径还有 {} 步（-v 显示全部）", finding.trace.len() - shown),
            Lang::En => format!("{} more steps (-v shows all)", finding.trace.len() - shown),
        });
    }
    let clauses: Vec<String> = finding
        .clauses
        .iter()
        .zip(&finding.clause_titles)
        .map(|(id, title)| match (title.is_empty(), lang) {
            (true, _) => id.clone(),
            (false, Lang::Zh) => format!("{id}《{title}》"),
            (false, Lang::En) => format!("{id} ({title})"),
        })
        .collect();
    if !clauses.is_empty() {
        notes.push(format!("{}{}", lang.pick("依据：", "clauses: "), clauses.join(lang.pick("、", ", "))));
    }
    if !finding.help.is_empty() {
        notes.push(format!("{}{}", lang.pick("建议：", "help: "), finding.help.trim_end()));
    }
    if finding.confidence != crate::rules::Confidence::High {
        let word = match (finding.confidence, lang) {
            (crate::rules::Confidence::Medium, Lang::Zh) => "把握：中",
            (_, Lang::Zh) => "把握：低",
            (crate::rules::Confidence::Medium, Lang::En) => "confidence: medium",
            (_, Lang::En) => "confidence: low",
        };
        notes.push(word.to_owned());
    }
    if let (Some(name), false) = (&finding.origin.name, finding.origin.kind == "own") {
        let version = finding.origin.version.as_ref().map(|version| format!("@{version}")).unwrap_or_default();
        let chain = finding.origin.import_chain.join(" → ");
        notes.push(match (lang, chain.is_empty()) {
            (Lang::Zh, true) => format!("来自第三方库 {name}{version}，没有页面引用它"),
            (Lang::En, true) => format!("from the library {name}{version}, which no page imports"),
            (Lang::Zh, false) => format!("来自第三方库 {name}{version}：{chain}"),
            (Lang::En, false) => format!("from the library {name}{version}: {chain}"),
        });
    }
    if let Some(state) = finding.baseline_state.as_deref().filter(|state| *state == "new") {
        notes.push(compare::state_word(state, lang).to_owned());
    }
    if let Some(hidden) = &finding.suppressed {
        notes.push(format!("{}{}", lang.pick("已抑制：", "suppressed: "), hidden.reason));
    }
    let diagnostic = Diagnostic::new(level(finding.severity))
        .with_code(&finding.rule)
        .with_message(first)
        .with_labels(labels)
        .with_notes(notes);
    (views, diagnostic)
}

struct Mark {
    file: String,
    range: Range,
    style: LabelStyle,
    note: String,
}

/// The lines of one file that are shown.
struct View {
    name: String,
    text: String,
    /// Start of each shown line in `text`, its real number, and the real column of its first character less one.
    lines: Vec<(usize, usize, usize)>,
}

/// Files as `codespan-reporting` sees them.
struct Views(Vec<View>);

impl<'a> Files<'a> for Views {
    type FileId = usize;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, id: usize) -> Result<&'a str, Error> {
        self.0.get(id).map(|view| view.name.as_str()).ok_or(Error::FileMissing)
    }

    fn source(&'a self, id: usize) -> Result<&'a str, Error> {
        self.0.get(id).map(|view| view.text.as_str()).ok_or(Error::FileMissing)
    }

    fn line_index(&'a self, id: usize, byte: usize) -> Result<usize, Error> {
        let view = self.0.get(id).ok_or(Error::FileMissing)?;
        Ok(view.lines.partition_point(|(start, ..)| *start <= byte).saturating_sub(1))
    }

    fn line_range(&'a self, id: usize, line: usize) -> Result<std::ops::Range<usize>, Error> {
        let view = self.0.get(id).ok_or(Error::FileMissing)?;
        let max = view.lines.len();
        let start = view.lines.get(line).ok_or(Error::LineTooLarge { given: line, max })?.0;
        let end = view.lines.get(line + 1).map_or(view.text.len(), |(start, ..)| *start);
        Ok(start..end)
    }

    fn line_number(&'a self, id: usize, line: usize) -> Result<usize, Error> {
        let view = self.0.get(id).ok_or(Error::FileMissing)?;
        Ok(view.lines.get(line).map_or(line + 1, |(_, number, _)| *number))
    }

    fn column_number(&'a self, id: usize, line: usize, byte: usize) -> Result<usize, Error> {
        let view = self.0.get(id).ok_or(Error::FileMissing)?;
        let (start, _, before) = view.lines.get(line).copied().unwrap_or_default();
        let shown = view.text.get(start..byte).map_or(0, |text| text.chars().count());
        // The mark of clipping takes the place of one character.
        Ok(before + shown + 1)
    }
}

fn views(package: &PackageReport, marks: &[Mark]) -> (Views, Vec<Label<usize>>) {
    let mut by_file: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, mark) in marks.iter().enumerate() {
        by_file.entry(&mark.file).or_default().push(index);
    }
    let mut views = Vec::new();
    let mut labels: Vec<(usize, Label<usize>)> = Vec::new();
    for (file, indices) in by_file {
        let id = views.len();
        let lines = package.lines.get(file);
        let mut by_line: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for index in indices {
            by_line.entry(marks[index].range.start.line).or_default().push(index);
        }
        let mut view = View { name: join(&package.root, file), text: String::new(), lines: Vec::new() };
        let mut last = 0;
        for (line, indices) in by_line {
            if last > 0 && line > last + 1 {
                // Two filler lines, so that a gap is drawn and nothing of them.
                for number in [last + 1, last + 2] {
                    view.lines.push((view.text.len(), number as usize, 0));
                    view.text.push('\n');
                }
            }
            last = line;
            let whole = lines.and_then(|lines| lines.get(&line)).map_or("", String::as_str);
            let clipped = Clipped::new(
                whole,
                indices.iter().map(|index| marks[*index].range.start.column as usize - 1).min().unwrap_or(0),
            );
            let at = view.text.len();
            view.lines.push((at, line as usize, clipped.skipped));
            view.text.push_str(&clipped.text);
            view.text.push('\n');
            for index in indices {
                let mark = &marks[index];
                let from = mark.range.start.column as usize - 1;
                let to = if mark.range.end.line == mark.range.start.line {
                    mark.range.end.column as usize - 1
                } else {
                    usize::MAX
                };
                let range = at + clipped.offset(from)..at + clipped.offset(to.max(from));
                labels.push((index, Label::new(mark.style, id, range).with_message(&mark.note)));
            }
        }
        views.push(view);
    }
    // The primary file is drawn first.
    labels.sort_by_key(|(index, _)| *index);
    (Views(views), labels.into_iter().map(|(_, label)| label).collect())
}

fn line_start(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    text[..offset].rfind(['\n', '\r']).map_or(0, |at| at + 1)
}

/// A line cut to a window and freed of characters that move the cursor.
struct Clipped {
    text: String,
    /// Characters left out before the window.
    skipped: usize,
    /// Byte offset in `text` of each character of the window.
    offsets: Vec<usize>,
}

impl Clipped {
    fn new(line: &str, focus: usize) -> Self {
        let total = line.chars().count();
        let skipped = if total <= LINE { 0 } else { focus.saturating_sub(BEFORE).min(total.saturating_sub(LINE)) };
        let mut text = String::new();
        let mut offsets = Vec::new();
        for (index, c) in line.chars().enumerate().skip(skipped).take(LINE) {
            offsets.push(text.len());
            text.push(match c {
                _ if skipped > 0 && index == skipped => '…',
                '\t' => ' ',
                '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => '·',
                c if c.is_control() => '·',
                c => c,
            });
        }
        offsets.push(text.len());
        if skipped + LINE < total {
            text.push('…');
        }
        Self { text, skipped, offsets }
    }

    /// Where a character of the line stands in the window.
    fn offset(&self, column: usize) -> usize {
        let index = column.saturating_sub(self.skipped).min(self.offsets.len() - 1);
        self.offsets[index]
    }
}

/// The mistakes of a configuration file.
pub fn config_failure(failure: &ConfigFailure, style: Style) -> String {
    let mut out = Vec::new();
    for error in &failure.errors {
        let help = error.help.iter().map(|help| help.get(style.lang).to_owned()).collect();
        spanned(&mut out, &failure.path, &failure.text, error.span.clone(), error.message.get(style.lang), help, style);
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The mistakes of rule packs.
pub fn pack_errors(errors: &[PackError], packs: &Packs, style: Style) -> String {
    let mut out = Vec::new();
    for error in errors {
        let text = packs.get(&error.file).unwrap_or("");
        spanned(&mut out, Path::new(&error.file), text, error.span.clone(), &error.message, Vec::new(), style);
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn spanned(
    out: &mut Vec<u8>,
    path: &Path,
    text: &str,
    span: std::ops::Range<usize>,
    message: &str,
    notes: Vec<String>,
    style: Style,
) {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    let line = line_start(text, start);
    let before = text[..line].matches('\n').count();
    let whole = text[line..].split(['\n', '\r']).next().unwrap_or("");
    let column = text[line..start].chars().count();
    let clipped = Clipped::new(whole, column);
    let end = floor(span.end.max(start)).min(line + whole.len()).max(start);
    let to = column + text[start..end].chars().count();
    let view = View {
        name: path.display().to_string(),
        text: format!("{}\n", clipped.text),
        lines: vec![(0, before + 1, clipped.skipped)],
    };
    let mut diagnostic = Diagnostic::error().with_message(message).with_notes(notes);
    if text.is_empty() {
        diagnostic = diagnostic.with_notes(vec![path.display().to_string()]);
    } else {
        diagnostic = diagnostic.with_label(Label::primary(0, clipped.offset(column)..clipped.offset(to)));
    }
    draw(out, &(Views(vec![view]), diagnostic), style);
}
