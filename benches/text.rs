//! The matcher against plain Aho–Corasick over raw text, with the same 10,000 generated terms, in the same run.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use divan::Bencher;
use divan::counter::BytesCount;
use minivet::policy::Policy;
use minivet::policy::content::Content;
use minivet::policy::packs::Packs;
use minivet::text::{Lexicon, Matcher, Scratch};

fn main() {
    divan::main();
}

/// A small generator of numbers: the same ones each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Words of two to six characters of the level-one set, as random lists have them.
static TERMS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let characters: Vec<char> = include_str!("../rules/content/pinyin.txt")
        .lines()
        .filter_map(|line| line.split_once(' '))
        .flat_map(|(_, characters)| characters.chars().take(8))
        .filter(|c| !c.is_ascii())
        .collect();
    let mut numbers = Numbers(0x2545_F491_4F6C_DD1D);
    (0..10_000)
        .map(|_| (0..2 + numbers.below(5)).map(|_| characters[numbers.below(characters.len())]).collect())
        .collect()
});

/// Some 4 MB of ordinary text in lines.
static TEXT: LazyLock<Vec<String>> = LazyLock::new(|| {
    let pieces: Vec<&str> = include_str!("../rules/content/clean.txt").split_whitespace().collect();
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    let mut lines = Vec::new();
    let mut size = 0;
    while size < 4_000_000 {
        let line: String = (0..4 + numbers.below(12))
            .map(|_| format!("{}{}", pieces[numbers.below(pieces.len())], ["，", " ", "。", ""][numbers.below(4)]))
            .collect();
        size += line.len();
        lines.push(line);
    }
    lines
});

fn bytes() -> BytesCount {
    BytesCount::new(TEXT.iter().map(String::len).sum::<usize>())
}

fn matcher(evade: &str) -> Matcher {
    let mut lexicon = Lexicon::default();
    let mut errors = Vec::new();
    let pack = format!("evade = \"{evade}\"\n[[terms]]\nwords = \"{}\"", TERMS.join(" "));
    lexicon.read_class("bench", &pack, &mut errors);
    assert!(errors.is_empty());
    Matcher::new(&lexicon)
}

fn run(bencher: Bencher<'_, '_>, matcher: &Matcher) {
    let mut scratch = Scratch::default();
    bencher
        .counter(bytes())
        .bench_local(|| TEXT.iter().map(|line| matcher.find_with(line, 0, &mut scratch).len()).sum::<usize>());
}

#[divan::bench]
fn a_plain_aho_corasick(bencher: Bencher<'_, '_>) {
    let automaton = AhoCorasick::new(TERMS.iter()).unwrap_or_else(|error| panic!("{error}"));
    bencher.counter(bytes()).bench_local(|| TEXT.iter().map(|line| automaton.find_iter(line).count()).sum::<usize>());
}

#[divan::bench]
fn b_cheap_normalisations(bencher: Bencher<'_, '_>) {
    run(bencher, &matcher("gap repeat"));
}

#[divan::bench]
fn c_everything_on(bencher: Bencher<'_, '_>) {
    run(bencher, &matcher("all"));
}

#[divan::bench]
fn d_own_packs(bencher: Bencher<'_, '_>) {
    let content = Content::default();
    run(bencher, content.matcher(&Packs::embedded()));
}

/// What a start takes: the lexicon as the build script left it.
#[divan::bench]
fn e_load_own_lexicon(bencher: Bencher<'_, '_>) {
    let packs = Packs::embedded();
    bencher.bench_local(|| Content::default().matcher(&packs).size());
}

/// What a start takes with packs of one's own or lexicons.
#[divan::bench]
fn f_compile_own_lexicon(bencher: Bencher<'_, '_>) {
    let packs = Packs::embedded();
    bencher.bench_local(|| Matcher::new(&Content::default().lexicon(&packs, &mut Vec::new())).size());
}

fn load() -> Policy {
    let policy = Policy::embedded().unwrap_or_else(|(_, errors)| panic!("{errors:?}"));
    policy.warm();
    policy
}

/// What the rules of most packages ask for.
#[divan::bench]
fn g_load_packs(bencher: Bencher<'_, '_>) {
    bencher.bench_local(load);
}

/// All packs with everything in them, the tables of every host included.
#[divan::bench]
fn h_load_packs_and_every_host(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| {
        let policy = load();
        let hosts = policy.host_ids().iter().filter(|id| policy.host(id).is_some()).count();
        (policy, hosts)
    });
}
