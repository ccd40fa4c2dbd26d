//! From hits of words to matches: combined, weighed, and held against what stands around them.

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::finder::Finder;
use super::fold::View;
use super::image::{Compiled, CueSide, Part};
use super::lexicon::{Evasions, Reach, Strength};
use super::matcher::{Certainty, GAME, Hit, Match, Matcher, Reason};
use super::segment;
use super::written::{adjacent, some_blanks};

/// Texts of more units than this are long.
const LONG: usize = 48;

/// From this score on a match is one.
const THRESHOLD: i32 = 10;

impl Matcher {
    fn finder(&self, part: Part) -> Finder<'_> {
        Finder::new(self.image.part(part))
    }

    pub(super) fn decide(&self, text: &str, view: &View, hits: &mut Vec<Hit>, situation: u64) -> Vec<Match> {
        // The same word at overlapping places: the plainest one counts.
        hits.sort_by_key(|hit| {
            let sounds = hit.evasions.contains(Evasions::HOMOPHONE);
            (hit.word, hit.units.start, sounds, hit.evasions.0, usize::MAX - hit.units.end)
        });
        hits.dedup_by(|next, kept| next.word == kept.word && next.units.start < kept.units.end);
        let mut allowed: Vec<Range<usize>> = Vec::new();
        self.finder(Part::Allow).find(&view.units, |found| {
            if !found.repeated && adjacent(view, text, &found.units) {
                allowed.push(found.units);
            }
        });
        // A phrase that is itself a word of some other class stays one. What sounds or looks like a word, but is written without
        // any sign between, is the phrase.
        const LIKE: u16 =
            Evasions::FORM.0 | Evasions::HOMOPHONE.0 | Evasions::SPLIT.0 | Evasions::INITIALS.0 | Evasions::DIGITS.0;
        hits.retain(|hit| {
            let exact = hit.evasions.0 & !Evasions::FORM.0 == 0;
            let inside = |span: &Range<usize>| {
                span.start <= hit.units.start
                    && hit.units.end <= span.end
                    && (span.len() > hit.units.len() || !exact && span.len() == hit.units.len())
            };
            !(hit.evasions.0 & !LIKE == 0 && allowed.iter().any(inside))
        });
        // Words are segmented only where that decides: most texts need no segmenter.
        loop {
            if hits.is_empty() {
                return Vec::new();
            }
            let (matches, used) = self.weigh(text, view, hits, situation);
            let mut dropped = false;
            let mut index = 0;
            hits.retain_mut(|hit| {
                index += 1;
                if hit.unsure && used.contains(&(index - 1)) {
                    hit.unsure = false;
                    let bytes = view.bytes(text, hit.units.clone());
                    let accident = segment::crosses(text, &bytes)
                        || hit.evasions == Evasions::HOMOPHONE
                            && segment::ordinary(text, &bytes, self.image.word(hit.word).text)
                        || text.get(bytes.clone()).is_some_and(some_blanks) && !segment::parts_word(text, &bytes);
                    dropped |= accident;
                    return !accident;
                }
                true
            });
            if !dropped {
                return matches;
            }
        }
    }

    /// Combines hits to matches; also tells which hits speak for those that fire.
    fn weigh(&self, text: &str, view: &View, hits: &mut [Hit], situation: u64) -> (Vec<Match>, HashSet<usize>) {
        let mut by_group: HashMap<u32, Vec<usize>> = HashMap::default();
        hits.sort_by_key(|hit| (hit.units.start, hit.units.end, hit.word));
        for (index, hit) in hits.iter().enumerate() {
            for group in self.image.word(hit.word).groups() {
                by_group.entry(group).or_default().push(index);
            }
        }
        let mut found_cues: Option<Vec<(u32, CueSide, Range<usize>)>> = None;
        let mut matches = Vec::new();
        let mut parts: Vec<Vec<usize>> = Vec::new();
        let mut weak: HashMap<usize, Vec<(usize, u32)>> = HashMap::default();
        let mut groups: Vec<u32> = by_group.keys().copied().collect();
        groups.sort_unstable();
        for group in groups {
            for index in self.image.entries_of(group) {
                let entry = self.image.entry(index);
                if view.units.len() <= entry.label {
                    continue;
                }
                for &at in &by_group[&group] {
                    let hit = &hits[at];
                    let evasive = hit.evasions.0 & !(Evasions::FORM.0) != 0;
                    let mut pros = Vec::new();
                    let mut score;
                    let mut company = Vec::new();
                    if entry.slots() > 1 {
                        if !company_of(&entry, hit, hits, &by_group, &mut company) {
                            continue;
                        }
                        score = if entry.strength == Strength::Strong { 12 } else { 10 };
                    } else if entry.strength == Strength::Strong
                        || entry.game && situation & GAME != 0
                        || view.units.len() <= entry.brief
                    {
                        score = 12;
                        pros.push(Reason::Strong);
                    } else {
                        score = if entry.imported { 3 } else { 4 };
                        pros.push(Reason::Weak);
                        // Digits for numerals are no disguise by themselves.
                        let disguised = hit.evasions.0 & !(Evasions::FORM.0 | Evasions::DIGITS.0) != 0;
                        if disguised && !entry.imported {
                            score += 6;
                        } else {
                            weak.entry(entry.class).or_default().push((matches.len(), hit.word));
                        }
                    }
                    if !hit.evasions.is_empty() {
                        pros.push(Reason::Evasive(hit.evasions));
                        score += 1;
                    }
                    if entry.imported {
                        pros.push(Reason::Imported);
                    }
                    for other in &company {
                        let other = &hits[*other];
                        let bytes = view.bytes(text, other.units.clone());
                        pros.push(Reason::Company(bytes, self.image.word(other.word).text.into()));
                    }
                    let mut cons = Vec::new();
                    let immune = evasive;
                    if entry.quench != 0 && !immune {
                        let cues = found_cues.get_or_insert_with(|| self.cues_in(text, view));
                        let mut spans = vec![&hit.units];
                        spans.extend(company.iter().map(|other| &hits[*other].units));
                        for (context, bytes) in
                            self.quenched(text, view, cues, &spans, entry.quench, &self.classes[entry.class])
                        {
                            cons.push(Reason::Context(bytes, self.contexts[context].clone()));
                            score -= 10;
                        }
                        let set = situation & entry.quench & !self.unmoved(&self.classes[entry.class]);
                        // Who says how to get a thing offers it, whatever the program is about.
                        let mild = entry.slots() > 1 || entry.strength == Strength::Strong;
                        let yields = |set: u64| self.image.context(set.trailing_zeros() as usize).yields;
                        if set != 0
                            && cons.is_empty()
                            && !(mild && yields(set) && self.offered(cues, &self.classes[entry.class], &spans))
                        {
                            cons.push(Reason::Category(self.contexts[set.trailing_zeros() as usize].clone()));
                            score -= match (entry.slots(), entry.strength) {
                                (1, Strength::Weak) => 10,
                                (_, Strength::Weak) => 3,
                                (_, Strength::Strong) => 2,
                            };
                        }
                    }
                    company.push(at);
                    parts.push(company);
                    matches.push(Match {
                        class: self.classes[entry.class].clone(),
                        entry: index,
                        term: self.image.word(hit.word).text.into(),
                        span: view.bytes(text, hit.units.clone()),
                        evasions: hit.evasions,
                        pros,
                        cons,
                        score,
                        certainty: Certainty::Low,
                        fires: false,
                    });
                }
            }
        }
        for (_, members) in weak {
            let distinct: HashSet<u32> = members.iter().map(|(_, word)| *word).collect();
            if distinct.len() >= 3 {
                for (index, _) in &members {
                    matches[*index].score += 2 * distinct.len() as i32;
                    matches[*index].pros.push(Reason::Crowd(distinct.len() - 1));
                }
            }
        }
        enumerations(text, &mut matches, || {
            let cues = found_cues.get_or_insert_with(|| self.cues_in(text, view));
            let defying = cues.iter().filter(|(context, ..)| self.image.context(*context as usize).defies);
            defying.map(|(.., cue)| view.bytes(text, cue.clone())).collect()
        });
        let mut used = HashSet::default();
        for (found, parts) in matches.iter_mut().zip(&parts) {
            found.fires = found.score >= THRESHOLD;
            if found.fires {
                used.extend(parts.iter().copied());
            }
            found.certainty = match found.score {
                12.. => Certainty::High,
                10.. => Certainty::Medium,
                _ => Certainty::Low,
            };
            if found.fires && found.evasions.0 & !Evasions::FORM.0 == 0 {
                let cues = found_cues.get_or_insert_with(|| self.cues_in(text, view));
                let own: Vec<&Range<usize>> = parts.iter().map(|part| &hits[*part].units).collect();
                if let Some((context, place)) = self.weakened(text, view, cues, &found.class, &own) {
                    found.certainty = Certainty::Low;
                    found.cons.push(Reason::Context(place, self.contexts[context].clone()));
                } else if own.len() < 3
                    && !self.image.entry(found.entry).complete
                    && let Some(context) = self.unexpected(view, cues, &found.class, &own)
                {
                    found.certainty = Certainty::Low;
                    found.cons.push(Reason::Without(self.contexts[context].clone()));
                }
            }
        }
        matches.sort_by(|a, b| {
            (a.span.start, usize::MAX - a.span.end, -a.score, &a.class, a.entry).cmp(&(
                b.span.start,
                usize::MAX - b.span.end,
                -b.score,
                &b.class,
                b.entry,
            ))
        });
        (matches, used)
    }

    /// The context that makes a match a hint, and what shows it: no part of the match itself.
    fn weakened(
        &self,
        text: &str,
        view: &View,
        cues: &[(u32, CueSide, Range<usize>)],
        class: &str,
        own: &[&Range<usize>],
    ) -> Option<(usize, Range<usize>)> {
        let weakens = |index: &usize| {
            self.image.context(*index).weakens && !self.image.context_except(*index).any(|except| except == class)
        };
        (0..self.contexts.len()).filter(weakens).find_map(|index| {
            let mark = self.image.context_marks(index).find_map(|mark| Some((text.find(mark)?, mark.len())));
            let mark = mark.map(|(at, length)| at..at + length);
            let cue = || {
                cues.iter().find(|(context, _, cue)| {
                    let part = own.iter().any(|span| span.start <= cue.start && cue.end <= span.end);
                    *context as usize == index && !part
                })
            };
            let longer = self.image.context(index).longer;
            let long = || (longer > 0 && view.units.len() > longer).then(|| view.bytes(text, 0..1));
            let cue = || cue().map(|(.., units)| view.bytes(text, units.clone()));
            mark.or_else(cue).or_else(long).map(|place| (index, place))
        })
    }

    /// The context that a term of the class needs in a text of this length, when nothing but the match itself shows it.
    fn unexpected(
        &self,
        view: &View,
        cues: &[(u32, CueSide, Range<usize>)],
        class: &str,
        own: &[&Range<usize>],
    ) -> Option<usize> {
        (0..self.contexts.len()).find(|index| {
            let context = self.image.context(*index);
            // In a long text one sign may be an accident.
            let least = if view.units.len() > LONG { 2 } else { 1 };
            context.expected
                && view.units.len() > context.longer
                && !self.image.context_except(*index).any(|except| except == class)
                && {
                    let signs = cues.iter().filter(|(of, _, cue)| {
                        let part = own.iter().any(|span| span.start <= cue.start && cue.end <= span.end);
                        *of as usize == *index && !part
                    });
                    let words: HashSet<&[u16]> = signs.map(|(.., cue)| &view.units[cue.clone()]).collect();
                    words.len() < least
                }
        })
    }

    /// Cues of contexts in a text, without those that are part of another phrase.
    fn cues_in(&self, text: &str, view: &View) -> Vec<(u32, CueSide, Range<usize>)> {
        let mut deaf: Vec<Range<usize>> = Vec::new();
        self.finder(Part::Deaf).find(&view.units, |found| {
            if !found.repeated && adjacent(view, text, &found.units) {
                deaf.push(found.units);
            }
        });
        let mut out = Vec::new();
        self.finder(Part::Cues).find(&view.units, |found| {
            let cue = found.units;
            // A phrase that is itself a cue of another context stays one.
            let longer = |span: &Range<usize>| span.len() > cue.len();
            let part = || deaf.iter().any(|span| span.start <= cue.start && cue.end <= span.end && longer(span));
            if !found.repeated && adjacent(view, text, &cue) && !part() {
                let (context, side) = self.image.cue(found.id);
                out.push((context, side, cue));
            }
        });
        out
    }

    /// Contexts that categories set for everything in a package but for this class: the news of a program do not excuse its bait.
    fn unmoved(&self, class: &str) -> u64 {
        let excepts = |index: &usize| self.image.context_except(*index).any(|except| except == class);
        (0..self.contexts.len()).filter(excepts).fold(0, |set, index| set | 1 << index)
    }

    /// Whether something beside a match shows that it is offered.
    fn offered(&self, cues: &[(u32, CueSide, Range<usize>)], class: &str, own: &[&Range<usize>]) -> bool {
        cues.iter().any(|(context, _, cue)| {
            let index = *context as usize;
            self.image.context(index).expected
                && !self.image.context_except(index).any(|except| except == class)
                && !own.iter().any(|span| span.start <= cue.start && cue.end <= span.end)
        })
    }

    /// Whether one of the contexts speaks against what stands at a place of a text.
    pub fn holds_back(&self, text: &str, place: &Range<usize>, contexts: &[String]) -> bool {
        let named = |id: &str| contexts.iter().any(|context| context == id);
        let set = (0..self.contexts.len())
            .filter(|index| named(&self.contexts[*index]))
            .fold(0, |set, index| set | 1 << index);
        let view = View::new(text);
        let unit = |at: usize| view.offsets.partition_point(|offset| (*offset as usize) < at);
        let units = unit(place.start)..unit(place.end);
        if set == 0 || units.is_empty() {
            return false;
        }
        !self.quenched(text, &view, &self.cues_in(text, &view), &[&units], set, "").is_empty()
    }

    /// Whether somebody speaks to a buyer from a place on to the end of the sentence.
    fn defied(&self, text: &str, view: &View, cues: &[(u32, CueSide, Range<usize>)], from: usize) -> bool {
        let rest = text.get(from..).unwrap_or("");
        let to = from + rest.find(SENTENCE_ENDS).unwrap_or(rest.len());
        cues.iter().any(|(context, _, cue)| {
            let place = view.bytes(text, cue.clone());
            self.image.context(*context as usize).defies && from <= place.start && place.end <= to
        })
    }

    /// Whether a cue stands outside the quotation marks that hold a term, in its sentence, and nobody speaks to a buyer there.
    fn mentions(
        &self,
        text: &str,
        view: &View,
        cues: &[(u32, CueSide, Range<usize>)],
        span: &Range<usize>,
        cue: &Range<usize>,
        distance: usize,
    ) -> bool {
        let Some(quotation) = quotation(text, &view.bytes(text, span.clone())) else { return false };
        let place = view.bytes(text, cue.clone());
        let (between, apart) = if place.end <= quotation.start {
            (place.end..quotation.start, span.start.saturating_sub(cue.end))
        } else if quotation.end <= place.start {
            (quotation.end..place.start, cue.start.saturating_sub(span.end))
        } else {
            return false;
        };
        apart <= distance
            && text.get(between).is_some_and(|between| !between.contains(['。', '！', '!', '\n', '\u{fffc}']))
            && !self.defied(text, view, cues, quotation.start)
    }

    /// Contexts that reach one of the spans, each once.
    fn quenched(
        &self,
        text: &str,
        view: &View,
        cues: &[(u32, CueSide, Range<usize>)],
        spans: &[&Range<usize>],
        quench: u64,
        class: &str,
    ) -> Vec<(usize, Range<usize>)> {
        let mut out: Vec<(usize, Range<usize>)> = Vec::new();
        for (context, side, cue) in cues {
            let index = *context as usize;
            let own = spans.iter().any(|span| span.start <= cue.start && cue.end <= span.end);
            if own || quench & (1 << index) == 0 || out.iter().any(|(known, _)| *known == index) {
                continue;
            }
            if *side == CueSide::Quoted && self.image.context_except(index).any(|except| except == class) {
                continue;
            }
            let context = self.image.context(index);
            let reaches = spans.iter().any(|span| {
                if *side == CueSide::Quoted {
                    return self.mentions(text, view, cues, span, cue, context.distance);
                }
                let inside = cue.start >= span.start && cue.end <= span.end;
                let (from, to, distance) = if cue.end <= span.start + (span.len() - 1) && cue.start < span.start {
                    if *side == CueSide::After {
                        return false;
                    }
                    (cue.end, span.start, span.start.saturating_sub(cue.end))
                } else if cue.start >= span.end {
                    if *side == CueSide::Before {
                        return false;
                    }
                    (span.end, cue.start, cue.start - span.end)
                } else {
                    return !inside && *side == CueSide::Around;
                };
                if distance > context.distance {
                    return false;
                }
                if from >= to {
                    let gap = view.gap(text, span.start.max(1) - 1);
                    return context.reach == Reach::Text || !gap.contains(['。', '\n', '！', '？', '，']);
                }
                let start = view.bytes(text, from - 1..from).end;
                let end = view.offsets[to] as usize;
                let between = text.get(start..end).unwrap_or("");
                if context.yields
                    && to == span.start
                    && let Some(comma) = between.rfind(CLAUSE_ENDS)
                    && self.defied(text, view, cues, start + comma)
                {
                    return false;
                }
                let reach = if *side == CueSide::After { Reach::Clause } else { context.reach };
                match reach {
                    Reach::Text => true,
                    Reach::Sentence => !between.contains(SENTENCE_ENDS),
                    Reach::Clause => !between.contains(SENTENCE_ENDS) && !between.contains(CLAUSE_ENDS),
                }
            });
            if reaches {
                out.push((index, view.bytes(text, cue.clone())));
            }
        }
        out
    }
}

/// Signs that end a sentence; elements part texts, too.
const SENTENCE_ENDS: [char; 7] = ['。', '！', '!', '？', '?', '\n', '\u{fffc}'];
/// Signs that end a clause.
const CLAUSE_ENDS: [char; 4] = ['，', ',', '；', ';'];

/// Quotation marks, by pairs.
const QUOTES: [(char, char); 5] = [('“', '”'), ('‘', '’'), ('「', '」'), ('『', '』'), ('"', '"')];
/// Characters between two quotation marks at most.
const QUOTED: usize = 40;

/// The place of the quotation marks and all between them that hold a part of a text.
fn quotation(text: &str, place: &Range<usize>) -> Option<Range<usize>> {
    let ends = |c: char| matches!(c, '\n' | '\u{fffc}');
    // Marks within the part itself, at its ends.
    let inner = text.get(place.clone())?;
    let lead = inner.len() - inner.trim_start_matches(|c| QUOTES.iter().any(|(open, _)| *open == c)).len();
    let before = text.get(..place.start + lead)?;
    let after = text.get(place.start + lead..)?;
    QUOTES.iter().find_map(|(open, close)| {
        let mut near = before.char_indices().rev().take(QUOTED).take_while(|(_, c)| !ends(*c));
        let (start, _) = near.find(|(_, c)| c == open || c == close)?;
        let opens = if open == close {
            before.get(..=start)?.matches(*open).count() % 2 == 1
        } else {
            before.get(start..)?.starts_with(*open)
        };
        let (end, mark) = after.char_indices().take(QUOTED).take_while(|(_, c)| !ends(*c)).find(|(_, c)| c == close)?;
        (opens && place.start + lead + end + mark.len_utf8() >= place.end)
            .then(|| start..place.start + lead + end + mark.len_utf8())
    })
}

/// Finds the nearest hit for every other slot.
fn company_of(
    entry: &Compiled<'_>,
    hit: &Hit,
    hits: &[Hit],
    by_group: &HashMap<u32, Vec<usize>>,
    company: &mut Vec<usize>,
) -> bool {
    let mut after = hit.units.end;
    for slot in entry.others() {
        let near = by_group.get(&slot).into_iter().flatten().filter_map(|index| {
            let other = &hits[*index];
            if company.contains(index) {
                return None;
            }
            let distance = if other.units.start >= hit.units.end {
                other.units.start - hit.units.end
            } else if other.units.end <= hit.units.start {
                if entry.ordered {
                    return None;
                }
                hit.units.start - other.units.end
            } else {
                return None;
            };
            if entry.ordered && other.units.start < after || distance > entry.window {
                return None;
            }
            Some((distance, *index))
        });
        match near.min() {
            Some((_, index)) => {
                after = hits[index].units.end;
                company.push(index);
            }
            None => return false,
        }
    }
    true
}

/// Terms of three classes in a row are a rule's list, not an offer: each at a place of its own, with nothing but the signs and
/// words of a list between. A list that goes on to speak to a buyer offers all of it.
fn enumerations(text: &str, matches: &mut [Match], defying: impl FnOnce() -> Vec<Range<usize>>) {
    let mut places: Vec<(Range<usize>, Vec<usize>)> = Vec::new();
    let mut order: Vec<usize> = (0..matches.len()).filter(|index| matches[*index].score >= 4).collect();
    order.sort_by_key(|index| matches[*index].span.start);
    for index in order {
        let span = matches[index].span.clone();
        match places.last_mut() {
            Some((place, members)) if span.start < place.end => {
                place.end = place.end.max(span.end);
                members.push(index);
            }
            _ => places.push((span, vec![index])),
        }
    }
    if places.len() < 3 {
        return;
    }
    let mut defying = Some(defying);
    let mut known: Vec<Range<usize>> = Vec::new();
    for list in places.chunk_by(|(before, _), (after, _)| listed(text.get(before.end..after.start).unwrap_or(""))) {
        let members = || list.iter().flat_map(|(_, members)| members);
        // One place is one member, whatever classes see something in it.
        let told = |members: &[usize]| members.iter().copied().max_by_key(|index| matches[*index].score);
        let classes: HashSet<Arc<str>> =
            list.iter().filter_map(|(_, members)| Some(matches[told(members)?].class.clone())).collect();
        if classes.len() < 3 {
            continue;
        }
        if let Some(defying) = defying.take() {
            known = defying();
        }
        let end = list.last().map_or(0, |(place, _)| place.end);
        let rest = text.get(end..).unwrap_or("");
        let stop = end + rest.find(SENTENCE_ENDS).unwrap_or(rest.len());
        if known.iter().any(|cue| end <= cue.start && cue.end <= stop) {
            continue;
        }
        for index in members() {
            let found = &mut matches[*index];
            if found.evasions.0 & !(Evasions::FORM.0) == 0 {
                found.cons.push(Reason::Enumeration);
                found.score -= 10;
            }
        }
    }
}

/// Whether what stands between two terms makes them members of one list.
fn listed(between: &str) -> bool {
    const SIGNS: [char; 13] = ['、', '/', '／', '|', '｜', '；', ';', '或', '及', '和', '与', '·', '等'];
    let ends = ['。', '！', '!', '？', '?', '\n'];
    if between.contains(ends) || between.chars().count() > 24 {
        return false;
    }
    between.chars().count() <= 2 || between.starts_with(SIGNS) || between.ends_with(SIGNS)
}
