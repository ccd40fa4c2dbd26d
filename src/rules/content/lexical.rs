//! What all rules share that go by the lexicon: from matches to findings, one a text run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::OnceLock;

use crate::flow::{Place, Step};
use crate::model::texts::{Role, TextIndex, TextRun};
use crate::package::{FileKind, Origin};
use crate::rules::on_screen::is_library_text;
use crate::rules::{Confidence, Context, Finding, Severity};
use crate::source::{FileId, Span};
use crate::text::{Certainty, Evasions, Mapped, Match, Reason, Scratch};

/// Set for mini-games: some topics are forbidden in them outright.
pub const GAME: u64 = crate::text::GAME;

/// Matches in texts that are joined only while the program runs: a list that is filled and joined, a text that grows.
#[derive(Debug, Default)]
pub struct Joined(OnceLock<Vec<(TextRun, Vec<Match>)>>);

/// Finds all matches before any rule asks for them. The search is parallel, and a rule that started it while others wait for it
/// could be given one of those to run, which would then wait for itself. Reads nothing of the solution, which may not be there.
pub fn prepare(cx: &Context<'_>) {
    cx.program.texts(cx.package).matches(cx.matcher(), situation(cx));
}

fn situation(cx: &Context<'_>) -> u64 {
    let categories = cx.package.submission.categories.iter().map(String::as_str);
    let situation = cx.matcher().situation(categories);
    let declared = |name: &String| name.split('/').next() == Some("游戏");
    let game = cx.package.game || cx.package.submission.categories.iter().any(declared);
    if game { situation | GAME } else { situation }
}

/// All matches of the package by run.
pub fn matches<'a>(cx: &Context<'a>) -> impl Iterator<Item = (&'a TextRun, &'a [Match])> + use<'a> {
    let index = cx.program.texts(cx.package);
    let written = index.matches(cx.matcher(), situation(cx));
    let joined = cx.readings.joined.0.get_or_init(|| joined(cx, index, written));
    let written = written.iter().map(|(run, found)| (&index.runs[*run as usize], found.as_slice()));
    written.chain(joined.iter().map(|(run, found)| (run, found.as_slice())))
}

/// What only the flow can read: without what stands somewhere as it is.
fn joined(cx: &Context<'_>, index: &TextIndex, written: &[(u32, Vec<Match>)]) -> Vec<(TextRun, Vec<Match>)> {
    let texts = cx.readings.on_screen.joined(cx);
    if texts.is_empty() {
        return Vec::new();
    }
    let known: HashSet<&str> = index.runs.iter().map(|run| &*run.text.text).collect();
    // Their parts are told in scripts, where they stand whole.
    let script = |run: u32| cx.package.files[index.runs[run as usize].file.index()].kind == FileKind::Script;
    let told: HashSet<(&str, &str)> = written
        .iter()
        .filter(|(run, _)| script(*run))
        .flat_map(|(run, found)| found.iter().map(move |one| (run, one)))
        .filter_map(|(run, one)| Some((&*one.class, index.runs[*run as usize].text.text.get(one.span.clone())?)))
        .collect();
    let (matcher, situation, mut scratch) = (cx.matcher(), situation(cx), Scratch::default());
    let mut seen: HashSet<&str> = HashSet::new();
    let mut out = Vec::new();
    for (place, text) in texts {
        let own = cx.package.files.get(place.file.index()).is_some_and(|file| file.origin == Origin::Own);
        if !own || known.contains(&**text) || !seen.insert(text) {
            continue;
        }
        let mut found = matcher.find_with(text, situation, &mut scratch);
        found.retain(|one| {
            one.fires && text.get(one.span.clone()).is_some_and(|part| !told.contains(&(&*one.class, part)))
        });
        if !found.is_empty() {
            let mut mapped = Mapped::default();
            mapped.push(text, place.span);
            out.push((TextRun::new(place.file, Role::Visible, mapped), found));
        }
    }
    out
}

/// Adds the findings of a class: the clearest match of each run.
pub fn report(cx: &Context<'_>, rule: &'static str, class: &str, out: &mut Vec<Finding>) {
    let matcher = cx.matcher();
    // Joined constants stand in a run of their own, too.
    let mut told: HashMap<FileId, Vec<Span>> = HashMap::new();
    let each = matches(cx).flat_map(|(run, found)| {
        // Neighbouring elements are read as one text, and each has its finding.
        let mut best: BTreeMap<usize, &Match> = BTreeMap::new();
        for one in found.iter().filter(|one| &*one.class == class && !outdone(one, found)) {
            let weight = |one: &Match| (!matcher.entry(one.entry).mild, one.certainty, one.score, one.span.len());
            let element = run.text.text.get(..one.span.start).map_or(0, |text| text.matches(SEAM).count());
            let known = best.entry(element).or_insert(one);
            if weight(one).cmp(&weight(known)).then(known.span.start.cmp(&one.span.start)).is_gt() {
                *known = one;
            }
        }
        best.into_values().map(move |best| (run, best))
    });
    for (run, best) in each {
        let extent = extent(run, best);
        let span = run.text.source(extent.clone());
        if cx.readings.agreements.hold(cx, Place { file: run.file, span }) || over_a_seam(run, best) {
            continue;
        }
        // A title that stands for the name is judged as one.
        if run.role == Role::Title
            && cx.policy.naming().is_prohibited_class(class)
            && crate::rules::metadata::is_title_as_name(cx, Place { file: run.file, span })
        {
            continue;
        }
        let spans = told.entry(run.file).or_default();
        if spans.iter().any(|other| other.start < span.end && span.start < other.end) {
            continue;
        }
        spans.push(span);
        let entry = matcher.entry(best.entry);
        let written = run.text.text.get(extent).unwrap_or("");
        let mut finding = Finding::new(rule, Place { file: run.file, span })
            .confidence(confidence(cx, run, best))
            .text("text", written.split_whitespace().collect::<Vec<_>>().join(" "))
            .text("term", &*best.term)
            .steps(evidence(run, best));
        if entry.mild {
            finding = finding.severity(Severity::Warning);
        }
        if let Some(clause) = entry.clause {
            finding = finding.clauses([std::sync::Arc::from(clause)]);
        }
        if let Some(variant) = VARIANTS.iter().find(|variant| entry.variant == Some(**variant)) {
            finding = finding.variant(variant);
        }
        out.push(finding);
    }
}

/// Whether a word and its company stand in two elements, each with a text of its own.
fn over_a_seam(run: &TextRun, found: &Match) -> bool {
    let text = &run.text.text;
    found.pros.iter().any(|reason| {
        let Reason::Company(range, _) = reason else { return false };
        let (from, to) = (found.span.start.min(range.start), found.span.end.max(range.end));
        let Some(between) = text.get(from..to) else { return false };
        // Praise and what is praised stand in one sentence.
        if &*found.class == "superlative-claim" && between.contains(['。', '！', '？', '；']) {
            return true;
        }
        let Some(seam) = between.find([SEAM, BREAKS[1]]).map(|at| from + at) else { return false };
        let before = text[..seam].rsplit([SEAM, BREAKS[1]]).next().unwrap_or("");
        let behind = text[seam..].trim_start_matches([SEAM, BREAKS[1]]).split([SEAM, BREAKS[1]]).next().unwrap_or("");
        before.trim().chars().count() >= LABEL && behind.trim().chars().count() >= LABEL
    })
}

/// Characters with which a text of an element stands for itself.
const LABEL: usize = 4;

/// What a match says, in the text of its run: the word together with its company, as neither says it alone.
fn extent(run: &TextRun, found: &Match) -> std::ops::Range<usize> {
    let mut whole = found.span.clone();
    for reason in &found.pros {
        if let Reason::Company(range, _) = reason {
            whole = whole.start.min(range.start)..whole.end.max(range.end);
        }
    }
    let text = run.text.text.get(whole.clone()).unwrap_or("\n");
    if text.contains(BREAKS) || text.chars().count() > LONGEST { found.span.clone() } else { whole }
}

/// Lines and joints of elements, over which no quotation goes.
const BREAKS: [char; 2] = ['\n', '\u{fffc}'];
/// Where two elements of one line meet.
const SEAM: char = '\u{2060}';
/// Longest quotation, in characters.
const LONGEST: usize = 24;

/// Whether a match of another class tells the same text more exactly.
fn outdone(one: &Match, all: &[Match]) -> bool {
    let weight = |one: &Match| (&*one.class != CLICKBAIT, one.certainty, one.score, one.span.len());
    all.iter().any(|other| {
        let overlap = other.span.start < one.span.end && one.span.start < other.span.end;
        other.class != one.class
            && (overlap && (weight(other), &one.class) > (weight(one), &other.class)
                || &*one.class == CLICKBAIT && TELLING.contains(&&*other.class))
    })
}

/// Baiting words are nothing beside what they bait for.
const CLICKBAIT: &str = "vulgar-clickbait";
const TELLING: [&str; 3] = ["rumor", "obscenity", "violence-terror"];

/// Wordings that entries of the lexicon may ask for.
const VARIANTS: [&str; 1] = ["exposure"];

/// A constant that is not known to reach the screen says less.
fn confidence(cx: &Context<'_>, run: &TextRun, found: &Match) -> Confidence {
    let shown = run.role.is_shown()
        || run.role == Role::Hidden
        || cx.readings.on_screen.holds(cx, Place { file: run.file, span: run.span })
        || cx.readings.on_screen.joined(cx).iter().any(|(_, text)| *text == run.text.text);
    let idle = cx.program.script(run.file).is_some() && !cx.program.live_files.contains(&run.file);
    if !shown && (idle || is_library_text(cx, Place { file: run.file, span: run.span })) {
        return Confidence::Low;
    }
    match found.certainty {
        Certainty::High if shown => Confidence::High,
        Certainty::High | Certainty::Medium => Confidence::Medium,
        Certainty::Low => Confidence::Low,
    }
}

/// What was undone to read the term, and the company it keeps.
fn evidence(run: &TextRun, found: &Match) -> Vec<Step> {
    let place = |range: std::ops::Range<usize>| Place { file: run.file, span: run.text.source(range) };
    let mut steps = Vec::new();
    for (evasion, note) in NOTES {
        if found.evasions.contains(evasion) {
            steps.push(Step { place: place(found.span.clone()), note, name: found.term.clone() });
        }
    }
    for reason in &found.pros {
        if let Reason::Company(range, word) = reason {
            steps.push(Step { place: place(range.clone()), note: "content-company", name: word.clone() });
        }
    }
    steps
}

const NOTES: [(Evasions, &str); 9] = [
    (Evasions::GAP, "content-gap"),
    (Evasions::REPEAT, "content-repeat"),
    (Evasions::HOMOPHONE, "content-homophone"),
    (Evasions::PINYIN, "content-pinyin"),
    (Evasions::INITIALS, "content-initials"),
    (Evasions::DIGITS, "content-digits"),
    (Evasions::SPLIT, "content-split"),
    (Evasions::INVISIBLE, "content-invisible"),
    (Evasions::FORM, "content-form"),
];
