//! The limits of a package while it is vetted, and what of it could not be read.

use std::time::{Duration, Instant};

use crate::flow::{BlindSpot, Place};
use crate::model::Program;
use crate::package::{FileKind, Limits, Origin, Package, SkipReason};
use crate::source::{FileId, Span};
use crate::syntax::json::notes;

/// Notes of blind spots that are code or data which no analysis read.
pub(super) const UNREAD: [&str; 2] = ["unread-code", "unread-data"];
/// The note of code that reads otherwise than it runs.
const REORDERED: &str = "reordered-text";
/// The note of a folder that no list of pages makes a package: what runs in it is not known.
const NO_APP: &str = "no-app";
/// Notes of own code whose doing is known at run time only.
const DYNAMIC: [&str; 2] = ["dynamic-code", "dynamic-member"];

/// Whether a blind spot is something that a gate must not pass: what was not read, what reads otherwise than it runs, and
/// own code that nothing but a run would show. Libraries carry such code for other platforms.
pub(super) fn blinds(spot: &BlindSpot, package: &Package) -> bool {
    UNREAD.contains(&spot.note)
        || spot.note == REORDERED
        || spot.note == NO_APP
        || (DYNAMIC.contains(&spot.note)
            && package.files.get(spot.place.file.index()).is_some_and(|file| file.origin == Origin::Own))
}

/// Where the first character stands that turns the direction of code: a reviewer sees another order than the machine.
fn reordered(text: &str) -> Option<Span> {
    // All of them are E2 80 AA–AE or E2 81 A6–A9.
    memchr::memchr_iter(0xe2, text.as_bytes()).find_map(|at| {
        let c = text.get(at..)?.chars().next()?;
        matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            .then(|| Span::new(at as u32, at as u32 + c.len_utf8() as u32))
    })
}

/// How many times the limit may pass on the clock while others have the processor.
const WAITING: u32 = 5;

/// Watches time and memory. What a package may take is processor time: a machine that others keep busy, or that slept, finds the
/// same.
#[derive(Debug)]
pub(super) struct Watch {
    start: Instant,
    spent: Duration,
    time: Duration,
    memory: Option<u64>,
}

impl Watch {
    pub fn start(limits: &Limits) -> Self {
        Self { start: Instant::now(), spent: processor_time(), time: limits.max_time, memory: limits.max_memory }
    }

    /// Which limit was reached, if any.
    pub fn over(&self) -> Option<SkipReason> {
        let passed = self.start.elapsed();
        if passed >= self.time
            && (passed >= self.time * WAITING || processor_time().saturating_sub(self.spent) >= self.time)
        {
            return Some(SkipReason::TimeLimit);
        }
        let most = self.memory?;
        resident().is_some_and(|bytes| bytes >= most).then_some(SkipReason::MemoryLimit)
    }
}

/// What a limit is called in a message.
pub(super) fn limit_name(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::MemoryLimit => "memory limit",
        _ => "time limit",
    }
}

/// Processor time of the process so far; without such a clock every wait counts.
fn processor_time() -> Duration {
    #[cfg(unix)]
    {
        Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime)).unwrap_or_default()
    }
    #[cfg(not(unix))]
    {
        static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// Memory of the process in bytes; `None` where the system does not tell.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Scripts with parts that do not parse, whoever wrote them, data that does not, and code in a turned direction: one place
/// a file. A folder without a list of pages, once.
pub(super) fn unread(package: &Package, program: &Program) -> Vec<BlindSpot> {
    let mut out = Vec::new();
    let mut add = |file: usize, span: Span, note: &'static str| {
        let place = Place { file: FileId(file as u32), span };
        out.push(BlindSpot { place, note, name: package.files[file].source.path.clone() });
    };
    if package.app.is_none() && !package.files.is_empty() {
        add(0, Span::at(0), NO_APP);
    }
    for (index, facts) in program.facts.iter().enumerate().take(package.files.len()) {
        let scripts = facts.script.iter().chain(
            facts.template.iter().flat_map(|template| template.inline_scripts.iter().map(|(_, script, _)| script)),
        );
        if let Some(damage) = scripts.flat_map(|script| &script.damage).min() {
            add(index, *damage, UNREAD[0]);
        }
    }
    for (index, file) in package.files.iter().enumerate() {
        if matches!(file.kind, FileKind::Script | FileKind::ViewScript)
            && file.origin == Origin::Own
            && let Some(span) = reordered(&file.source.text)
        {
            add(index, span, REORDERED);
        }
        if file.kind == FileKind::Json && file.json.is_none() {
            let span = file.json_errors.last().filter(|(_, note)| &**note != notes::EMPTY).map(|(span, _)| *span);
            if let Some(span) = span {
                add(index, span, UNREAD[1]);
            }
        }
    }
    out
}
