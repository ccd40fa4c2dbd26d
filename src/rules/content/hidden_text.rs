//! Finds text that ships but cannot be seen, where it is prohibited or a heap of keywords.

use std::collections::{BTreeMap, HashSet};

use super::lexical::matches;
use crate::flow::Place;
use crate::model::texts::TextRun;
use crate::rules::{Confidence, Context, Finding, Rule};
use crate::source::{FileId, Span};
use crate::syntax::style::{Declaration, StyleRule, inline, parse, resolve};
use crate::syntax::template::{Document, Element, NodeId};
use crate::text::HOLE;

/// `content/hidden-text`
pub struct HiddenText;

/// How an element is hidden.
struct Hiding {
    /// Key of the word that tells it.
    how: &'static str,
    /// Whether programs hide elements so to show them later.
    usual: bool,
    place: Option<Place>,
}

impl Rule for HiddenText {
    fn id(&self) -> &'static str {
        "content/hidden-text"
    }

    fn check(&self, cx: &Context<'_>, out: &mut Vec<Finding>) {
        let mut prohibited: BTreeMap<(FileId, NodeId), (Span, String)> = BTreeMap::new();
        for (run, found) in matches(cx) {
            let worst = found.iter().max_by_key(|one| one.score);
            if let (Some(element), Some(worst)) = (run.element, worst) {
                let span = run.text.source(worst.span.clone());
                prohibited.entry((run.file, element)).or_insert((span, worst.term.to_string()));
            }
        }
        let mut told: HashSet<(FileId, NodeId)> = HashSet::new();
        let mut sheets: BTreeMap<FileId, Vec<StyleRule>> = BTreeMap::new();
        for run in &cx.program.texts(cx.package).runs {
            let Some(node) = run.element else { continue };
            let Some(template) = cx.program.template(run.file) else { continue };
            if run.name.is_some() {
                continue;
            }
            let bad = prohibited.get(&(run.file, node));
            if bad.is_none() && !stuffed(&run.text.text) {
                continue;
            }
            let own = styles_of(cx, run.file, &mut sheets);
            let rules: Vec<(FileId, &StyleRule)> =
                own.iter().flat_map(|file| sheets[file].iter().map(|rule| (*file, rule))).collect();
            let Some((element, hiding)) = hidden(cx, run, &template.document, node, &rules) else { continue };
            // What is shown on a condition is hidden for good only by tricks.
            if hiding.usual && bad.is_none() && conditional(&template.document, element) {
                continue;
            }
            if !told.insert((run.file, element)) {
                continue;
            }
            let span = template.document.element(element).map_or(run.span, |element| element.open);
            let mut finding = Finding::new(self.id(), Place { file: run.file, span })
                .confidence(if bad.is_some() || !hiding.usual { Confidence::High } else { Confidence::Medium })
                .word("how", hiding.how)
                .word("what", if bad.is_some() { "hidden-prohibited" } else { "hidden-stuffed" });
            if let Some(place) = hiding.place {
                finding =
                    finding.step(place, "content-hidden-by", place.span.slice(&cx.package.source(place.file).text));
            }
            if let Some((span, term)) = bad {
                finding = finding.step(Place { file: run.file, span: *span }, "content-hidden-term", term.as_str());
            }
            out.push(finding);
        }
    }
}

/// Style sheets that apply to a template: those of its units, the app's, and what they import.
fn styles_of(cx: &Context<'_>, template: FileId, sheets: &mut BTreeMap<FileId, Vec<StyleRule>>) -> Vec<FileId> {
    let mut files: Vec<FileId> = Vec::new();
    for unit in &cx.program.units {
        let app = unit.kind == crate::model::UnitKind::App;
        if app || unit.templates.contains(&template) || unit.template == Some(template) {
            files.extend(unit.style);
        }
    }
    let mut at = 0;
    while at < files.len() && files.len() < 64 {
        let file = files[at];
        at += 1;
        let source = cx.package.source(file);
        sheets.entry(file).or_insert_with(|| parse(&source.text));
        for part in source.text.split("@import").skip(1) {
            let request = part.trim_start().trim_start_matches("url(").trim_start_matches(['"', '\'']);
            let request = request.split(['"', '\'', ')', ';']).next().unwrap_or("");
            let path = match request.strip_prefix('/') {
                Some(absolute) => absolute.to_owned(),
                None => format!("{}/{request}", source.folder()),
            };
            if let Some(target) = crate::model::normalize(&path).and_then(|path| cx.package.file(&path))
                && !files.contains(&target)
            {
                files.push(target);
            }
        }
    }
    files.iter().for_each(|file| {
        sheets.entry(*file).or_insert_with(|| parse(&cx.package.source(*file).text));
    });
    files
}

/// Declarations that apply to an element, sheets first, with their files.
fn declarations(
    cx: &Context<'_>,
    template: FileId,
    element: &Element,
    rules: &[(FileId, &StyleRule)],
) -> Vec<(FileId, Declaration)> {
    let value = |name: &str| element.attribute(name).and_then(|attribute| attribute.value.as_ref());
    let literal =
        |name: &str| value(name).map(|value| value.span.slice(&cx.package.source(template).text)).unwrap_or("");
    let classes: Vec<&str> = literal("class").split_whitespace().collect();
    let id = literal("id");
    let mut out = Vec::new();
    for (file, rule) in rules {
        let last = rule.selector.rsplit([' ', '>', '+', '~']).next().unwrap_or("");
        if last.contains(':') {
            continue;
        }
        let applies = if let Some(class) = last.strip_prefix('.') {
            class.split('.').all(|class| classes.contains(&class))
        } else if let Some(own) = last.strip_prefix('#') {
            own == id
        } else {
            !last.is_empty() && last == &*element.name
        };
        if applies {
            out.extend(rule.declarations.iter().map(|one| (*file, one.clone())));
        }
    }
    if let Some(style) = value("style") {
        let text = style.span.slice(&cx.package.source(template).text);
        out.extend(inline(text, style.span.start).into_iter().map(|one| (template, one)));
    }
    out
}

/// The element that hides a run, itself or one around it.
fn hidden(
    cx: &Context<'_>,
    run: &TextRun,
    document: &Document,
    node: NodeId,
    rules: &[(FileId, &StyleRule)],
) -> Option<(NodeId, Hiding)> {
    let text = &cx.package.source(run.file).text;
    let mut colour: Option<(NodeId, FileId, Declaration)> = None;
    let mut background: Option<String> = None;
    for (depth, id) in std::iter::once(node).chain(document.ancestors(node)).enumerate() {
        let Some(element) = document.element(id) else { continue };
        let found = declarations(cx, run.file, element, rules);
        let files: BTreeMap<Span, FileId> = found.iter().map(|(file, one)| (one.span, *file)).collect();
        let all = resolve(found.iter().map(|(_, one)| one));
        let place = |one: &Declaration| files.get(&one.span).map(|file| Place { file: *file, span: one.span });
        if let Some(attribute) = element.attribute("hidden")
            && attribute.value.as_ref().is_none_or(|value| {
                constant(value.span.slice(text)).unwrap_or_else(|| value.literal().is_some_and(|text| text != "false"))
            })
        {
            let place = Some(Place { file: run.file, span: attribute.span });
            let usual = attribute.value.as_ref().is_none_or(|value| value.literal().is_some());
            return Some((id, Hiding { how: "hidden-display", usual, place }));
        }
        let never = element.attributes.iter().find(|attribute| {
            let name = attribute.name.rsplit([':', '-']).next().unwrap_or("");
            matches!(name, "if" | "elif")
                && attribute.value.as_ref().and_then(|value| constant(value.span.slice(text))) == Some(false)
        });
        if let Some(attribute) = never {
            let place = Some(Place { file: run.file, span: attribute.span });
            return Some((id, Hiding { how: "hidden-display", usual: false, place }));
        }
        if MOVING.iter().any(|name| all.contains_key(*name)) || element.attribute("animation").is_some() {
            return None;
        }
        for (name, how, usual) in HIDING {
            if let Some(one) = all.get(name)
                && hides(name, &one.value)
                && (depth == 0 || *name != "text-indent")
            {
                return Some((id, Hiding { how, usual: *usual, place: place(one) }));
            }
        }
        let zero = |name: &str| all.get(name).is_some_and(|one| is_zero(&one.value));
        let clipped = all.get("overflow").is_some_and(|one| one.value == "hidden");
        if clipped && (zero("height") || zero("width") || zero("max-height")) {
            let one = ["height", "width", "max-height"].iter().find_map(|name| all.get(name));
            return Some((id, Hiding { how: "hidden-size", usual: false, place: one.and_then(|one| place(one)) }));
        }
        if colour.is_none()
            && let Some(one) = all.get("color")
        {
            colour = Some((id, files.get(&one.span).copied().unwrap_or(run.file), (*one).clone()));
        }
        if background.is_none() {
            let one =
                all.get("background-image").or_else(|| all.get("background-color")).or_else(|| all.get("background"));
            background = one.map(|one| one.value.clone());
            // Components with a ground of their own.
            if background.is_none() && matches!(&*element.name, "button" | "cover-view" | "navigator" | "swiper-item") {
                background = Some("initial".to_owned());
            }
        }
    }
    if background.is_none() {
        let page = rules
            .iter()
            .rev()
            .filter(|(_, rule)| rule.selector == "page")
            .find_map(|(_, rule)| rule.declarations.iter().rev().find(|one| one.name.starts_with("background")));
        background = Some(page.map_or("#fff".to_owned(), |one| one.value.clone()));
    }
    let (id, file, one) = colour?;
    let own = rgb(&one.value)?;
    if background.and_then(|value| rgb(&value)).is_some_and(|ground| near(own, ground)) {
        let place = Some(Place { file, span: one.span });
        return Some((id, Hiding { how: "hidden-colour", usual: false, place }));
    }
    None
}

/// Properties by which a hidden element comes into view.
const MOVING: [&str; 3] = ["animation", "animation-name", "transition"];

/// What an attribute that holds nothing but a constant says.
fn constant(value: &str) -> Option<bool> {
    let value = value.trim();
    let inner = value.strip_prefix("{{").and_then(|value| value.strip_suffix("}}")).unwrap_or(value).trim();
    match inner {
        "false" | "0" | "!1" | "!true" | "null" | "undefined" | "''" | "\"\"" => Some(false),
        "true" | "1" | "!0" | "!false" => Some(true),
        _ => {
            let signs = ["===", "!==", "==", "!=", ">=", "<=", ">", "<"];
            let (sign, (left, right)) = signs.iter().find_map(|sign| Some((*sign, inner.split_once(sign)?)))?;
            let number = |text: &str| text.trim().parse::<f64>().ok();
            let (left, right) = (number(left)?, number(right)?);
            Some(match sign {
                "===" | "==" => left == right,
                "!==" | "!=" => left != right,
                ">=" => left >= right,
                "<=" => left <= right,
                ">" => left > right,
                _ => left < right,
            })
        }
    }
}

/// Properties that hide, how it is told, and whether it is usual.
const HIDING: &[(&str, &str, bool)] = &[
    ("display", "hidden-display", true),
    ("visibility", "hidden-display", true),
    ("opacity", "hidden-display", true),
    ("font-size", "hidden-size", false),
    ("line-height", "hidden-size", false),
    ("color", "hidden-colour", false),
    ("-webkit-text-fill-color", "hidden-colour", false),
    ("text-indent", "hidden-place", false),
    ("left", "hidden-place", false),
    ("right", "hidden-place", false),
    ("top", "hidden-place", false),
    ("bottom", "hidden-place", false),
    ("margin-left", "hidden-place", false),
    ("margin-top", "hidden-place", false),
    ("transform", "hidden-place", false),
    ("z-index", "hidden-place", false),
    ("clip", "hidden-size", false),
    ("clip-path", "hidden-size", false),
];

fn hides(name: &str, value: &str) -> bool {
    match name {
        "display" => value == "none",
        "visibility" => value == "hidden" || value == "collapse",
        "opacity" => number(value).is_some_and(|number| number < 0.06),
        "font-size" => number(value).is_some_and(|number| number <= 1.0) && !value.ends_with("em") || is_zero(value),
        "line-height" => is_zero(value),
        "color" | "-webkit-text-fill-color" => value == "transparent" || alpha(value).is_some_and(|alpha| alpha < 0.06),
        "text-indent" | "left" | "right" | "top" | "bottom" | "margin-left" | "margin-top" => far(value),
        "transform" => {
            value.contains("scale(0)") || value.contains("translate") && far(value.split('(').nth(1).unwrap_or(""))
        }
        "z-index" => number(value).is_some_and(|number| number < 0.0),
        "clip" => value.replace(' ', "").contains("rect(0,0,0,0)") || value.replace(' ', "").contains("rect(0000)"),
        "clip-path" => value.contains("inset(50%") || value.contains("inset(100%") || value.contains("circle(0"),
        _ => false,
    }
}

fn number(value: &str) -> Option<f64> {
    let end = value.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-'))).unwrap_or(value.len());
    value.get(..end)?.parse().ok()
}

fn is_zero(value: &str) -> bool {
    number(value) == Some(0.0)
}

/// Past any screen.
fn far(value: &str) -> bool {
    let Some(number) = number(value) else { return false };
    if value.contains("vw") || value.contains("vh") || value.contains('%') {
        number <= -100.0 || number >= 200.0
    } else {
        // A pixel is about two of the units that follow the screen's width.
        let least = if value.contains("px") && !value.contains("rpx") { -400.0 } else { -900.0 };
        number <= least || number >= 9000.0
    }
}

fn alpha(value: &str) -> Option<f64> {
    let inner = value.strip_prefix("rgba(")?.strip_suffix(')')?;
    number(inner.split(',').nth(3)?.trim())
}

fn rgb(value: &str) -> Option<[i32; 3]> {
    let value = value.split_whitespace().find(|part| part.starts_with('#') || part.starts_with("rgb")).unwrap_or(value);
    if value.contains("url(") || value.contains("gradient") {
        return None;
    }
    if let Some(hex) = value.strip_prefix('#') {
        let digits: Vec<i32> = hex.chars().map(|c| c.to_digit(16).map(|digit| digit as i32)).collect::<Option<_>>()?;
        return match digits.as_slice() {
            [r, g, b] | [r, g, b, _] => Some([r * 17, g * 17, b * 17]),
            [a, b, c, d, e, f, ..] => Some([a * 16 + b, c * 16 + d, e * 16 + f]),
            _ => None,
        };
    }
    if let Some(inner) = value.split_once('(').filter(|(name, _)| name.starts_with("rgb")).map(|(_, inner)| inner) {
        let parts: Vec<i32> = inner
            .trim_end_matches(')')
            .split(',')
            .take(3)
            .map(|part| number(part.trim()).map(|one| one as i32))
            .collect::<Option<_>>()?;
        return parts.try_into().ok();
    }
    match value {
        "white" => Some([255; 3]),
        "black" => Some([0; 3]),
        "red" => Some([255, 0, 0]),
        "whitesmoke" => Some([245; 3]),
        "snow" => Some([255, 250, 250]),
        _ => None,
    }
}

fn near(a: [i32; 3], b: [i32; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 6)
}

/// Whether an element is shown or hidden by a condition.
fn conditional(document: &Document, id: NodeId) -> bool {
    std::iter::once(id).chain(document.ancestors(id)).filter_map(|id| document.element(id)).any(|element| {
        element.attributes.iter().any(|attribute| {
            let name = attribute.name.to_ascii_lowercase();
            name.ends_with("if") || name.ends_with("elif") || name.ends_with("else") || {
                matches!(name.as_str(), "class" | "style" | "hidden")
                    && attribute.value.as_ref().is_some_and(|value| value.literal().is_none())
            }
        })
    })
}

/// Whether a text is a heap of keywords: many short pieces, or one again and again.
fn stuffed(text: &str) -> bool {
    let pieces: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || ",，、|｜/;；·_-—#".contains(c))
        .map(str::trim)
        // Numbers are no keywords, and nobody can tell what data will hold.
        .filter(|piece| piece.chars().any(char::is_alphabetic) && !piece.contains(HOLE))
        .collect();
    let short = pieces.iter().filter(|piece| piece.chars().count() <= 10).count();
    let sentence = text.contains(['。', '！', '？']);
    if pieces.len() >= 6 && short * 10 >= pieces.len() * 9 && !sentence {
        return true;
    }
    // The same two characters or more, over and over.
    let characters: Vec<char> = text.chars().filter(|c| c.is_alphabetic() && *c != HOLE).collect();
    if characters.len() < 16 {
        return false;
    }
    let mut counts: BTreeMap<&[char], usize> = BTreeMap::new();
    for pair in characters.windows(2) {
        *counts.entry(pair).or_default() += 1;
    }
    counts.values().any(|count| *count >= 5 && count * 2 * 3 >= characters.len())
}
