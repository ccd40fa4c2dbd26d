//! The targets. Raw bytes and grown seeds take turns: the first byte decides.

use std::path::Path;

use bolero::check;
use minivet::engine::{self, Options};
use minivet::model::facts::{FactsDialect, template_facts};
use minivet::model::lower;
use minivet::source::decode;
use minivet::syntax::script::ScriptKind;
use minivet::syntax::{json, template};
use minivet_fuzz::{grow, policy};

const SCRIPTS: &[&str] = &[
    "Page({ data: { a: 1 }, onLoad(o) { const { b, ...c } = o; this.setData({ ['x.' + b]: `t${c.d}` }) } })",
    "class A extends B { static #p = 1; get q() { return super.q } async *[Symbol.iterator]() { for await (const x of y) yield* z } }",
    "!function(e,t){\"object\"==typeof exports?module.exports=t():e.x=t()}(this,function(){return[function(e){e.a=/[/\\]]+/g}]});",
    "// minivet-ignore-next-line a/b -- c\nswitch (a) { case 1: try { throw b } catch { break } finally { c() } default: do d--; while (d) }",
];
const SCRIPT_PIECES: &[&str] = &[
    "{", "}", "(", ")", "[", "]", "`", "${", "'", "\"", "/", "/*", "*/", "//", "\n", ";", ",", ":", "=>", "...", "?.", "#", "<", "</", "=", "+",
    "function ", "class ", "async ", "await ", "new ", "\\", "\\ud800", "\u{2028}", "\u{202e}", "import ", "export ", "<!--", "0x", "中",
];
const TEMPLATES: &[&str] = &[
    "<view s-for=\"item, i in list\" class=\"a {{b ? 'c' : d}}\" bindtap=\"tap\">{{item.name}} 文字 &lt;&#x4e2d;</view>",
    "<!-- c --><block wx:if='{{a && b}}'><input value={{v}} placeholder=\"手机号\"/></block><wxs module=\"m\">var a = 1;</wxs>",
];
const TEMPLATE_PIECES: &[&str] =
    &["<", ">", "/>", "</", "</view>", "<view", "{{", "}}", "\"", "'", "=", "<!--", "-->", "&#x110000;", "<wxs>", "</wxs>", "\n", "中"];
const DATA: &[&str] = &["{\"pages\": [\"a/b\"], \"n\": [1, -2.5e3, true, null], \"s\": \"\\u4e2d\\n\"}", "// c\n{\"a\": [1,], 'c': +1}"];
const DATA_PIECES: &[&str] = &["{", "}", "[", "]", ":", ",", "\"", "'", "\\", "\\u", "\\ud800", "//", "/*", "*/", "1", "-", "e", "NaN", "中"];
const CONFIGURATIONS: &[&str] = &["[package]\nhost = \"swan\"\n[check]\nexclude = [\"a/**\"]\n[rules.\"privacy/log-exposure\"]\nseverity = \"off\"\n"];
const CONFIGURATION_PIECES: &[&str] = &["[", "]", "=", "\"", "'", "\n", "{", "}", ",", ".", "#", "1", "true", "[limits]\n", "中", "[**"];
const WORDS: &[&str] = &["在线赌博平台，禁止赌博。加微信领红包", "代 开 发 票 shuang 色 球 ①②③ ＶＸ：ab12"];
const WORD_PIECES: &[&str] = &["赌", "博", "du", " ", "。", "不", "禁止", "\u{200b}", "*", "1", "Ａ", "貝", "者", "𠮷", "İ", "\n"];

fn text(input: &[u8], seeds: &[&str], pieces: &[&str]) -> String {
    match input.split_first() {
        Some((first, rest)) if first % 4 != 0 => grow(rest, seeds, pieces),
        _ => decode(input).text,
    }
}

#[test]
fn decoder() {
    check!().for_each(|input: &[u8]| {
        decode(input);
    });
}

#[test]
fn script() {
    check!().for_each(|input: &[u8]| {
        let text = text(input, SCRIPTS, SCRIPT_PIECES);
        for kind in [ScriptKind::JavaScript, ScriptKind::Tsx] {
            let script = lower::script(&text, kind);
            assert!(script.functions.iter().all(|function| function.span.end as usize <= text.len()));
            assert!(script.damage.iter().all(|span| span.end as usize <= text.len()));
        }
    });
}

#[test]
fn markup() {
    check!().for_each(|input: &[u8]| {
        let text = text(input, TEMPLATES, TEMPLATE_PIECES);
        assert_eq!(template::parse(&text, &template::Dialect::default()).reprint(&text), text);
        template_facts(&text, &FactsDialect::default());
    });
}

#[test]
fn data() {
    check!().for_each(|input: &[u8]| {
        let text = text(input, DATA, DATA_PIECES);
        for (span, _) in json::parse(&text).errors {
            assert!(span.end as usize <= text.len());
        }
    });
}

#[test]
fn matcher() {
    check!().for_each(|input: &[u8]| {
        let text = text(input, WORDS, WORD_PIECES);
        for found in policy().matcher().find(&text) {
            assert!(text.get(found.span).is_some());
        }
    });
}

#[test]
fn configuration() {
    check!().for_each(|input: &[u8]| {
        let text = text(input, CONFIGURATIONS, CONFIGURATION_PIECES);
        if let Err(failure) = engine::config::parse(Path::new("minivet.toml"), &text, policy()) {
            assert!(failure.errors.iter().all(|error| error.span.end <= text.len()));
        }
    });
}

#[test]
fn package() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(64 << 20).build().unwrap();
    check!().for_each(|input: &[u8]| {
        let (script, rest) = input.split_at(input.len() / 2);
        let files = vec![
            ("app.json".to_owned(), b"{\"pages\": [\"a/b\"]}".to_vec()),
            ("a/b.js".to_owned(), text(script, SCRIPTS, SCRIPT_PIECES).into_bytes()),
            ("a/b.swan".to_owned(), text(rest, TEMPLATES, TEMPLATE_PIECES).into_bytes()),
            ("a/b.json".to_owned(), text(rest, DATA, DATA_PIECES).into_bytes()),
        ];
        let layouts = engine::layouts(policy());
        for package in minivet::package::from_memory(Path::new("p"), files, &layouts, &Default::default()).unwrap() {
            let options = Options { no_config: true, ..Options::default() };
            let vetted = pool.install(|| engine::vet_package(package, policy(), &Default::default(), &options));
            assert!(vetted.engine_errors.is_empty(), "{:?}", vetted.engine_errors);
        }
    });
}
