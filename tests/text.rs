//! The content matcher over the embedded packs: what must fire, what must not, and how evasions are undone.

use minivet::policy::content::Content;
use minivet::policy::packs::Packs;
use minivet::text::{Certainty, Match, Matcher};

fn matcher() -> &'static Matcher {
    static CONTENT: std::sync::OnceLock<Content> = std::sync::OnceLock::new();
    CONTENT
        .get_or_init(|| {
            let mut errors = Vec::new();
            let content = Content::load(&Packs::embedded(), &mut errors);
            content.lexicon(&mut errors);
            assert_eq!(errors, []);
            content
        })
        .matcher()
}

fn fired(text: &str) -> Vec<Match> {
    matcher().find(text).into_iter().filter(|one| one.fires).collect()
}

fn told(text: &str) -> String {
    fired(text)
        .iter()
        .map(|one| {
            format!(
                "{} {} at {:?} {:?} score {}",
                one.class,
                one.term,
                &text[one.span.clone()],
                one.evasions.names(),
                one.score
            )
        })
        .collect::<Vec<_>>()
        .join("; ")
}

#[test]
fn reference() {
    let Ok(folder) = std::env::var("PHRASES") else { return };
    for name in ["clean", "evasion"] {
        let text = std::fs::read_to_string(format!("{folder}/{name}-phrases.txt")).unwrap();
        for line in text.lines() {
            let found = fired(line).iter().any(|one| one.certainty >= Certainty::Medium);
            if found == (name == "clean") {
                println!("{name}: {line} => {}", told(line));
                for one in matcher().find(line) {
                    println!("      {} {} {:?} {:?} {}", one.class, one.term, one.pros, one.cons, one.score);
                }
            }
        }
    }
}
