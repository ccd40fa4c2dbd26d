//! Text that is nearly right, grown from seeds as the bytes of an input say: it reaches further than noise. The fuzz targets take it
//! too.

#![allow(dead_code, reason = "the fuzz targets use all of it, the properties less")]

/// Reads choices out of the bytes of an input; past their end every choice is the first.
pub struct Choices<'a>(std::slice::Iter<'a, u8>);

impl<'a> Choices<'a> {
    /// Choices out of `input`.
    pub fn new(input: &'a [u8]) -> Self {
        Self(input.iter())
    }

    /// A byte.
    pub fn byte(&mut self) -> u8 {
        self.0.next().copied().unwrap_or(0)
    }

    /// A number below `most`; 0 when that is 0.
    pub fn below(&mut self, most: usize) -> usize {
        let wide = usize::from(self.byte()) << 8 | usize::from(self.byte());
        if most == 0 { 0 } else { wide % most }
    }

    /// One of a list.
    pub fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// The bytes that are left.
    pub fn rest(&self) -> &'a [u8] {
        self.0.as_slice()
    }

    /// Whether none is left.
    pub fn done(&self) -> bool {
        self.rest().is_empty()
    }

    /// The next bytes, at most `most`.
    pub fn take(&mut self, most: usize) -> &'a [u8] {
        let (head, rest) = self.rest().split_at(most.min(self.rest().len()));
        self.0 = rest.iter();
        head
    }
}

/// A seed with pieces of itself and of a list moved about, as the bytes of an input say: text that is nearly right reaches
/// further than noise.
pub fn grow(input: &[u8], seeds: &[&str], pieces: &[&str]) -> String {
    let mut choices = Choices::new(input);
    let mut text = choices.of(seeds).to_owned();
    for _ in 0..input.len() / 6 {
        let floor = |text: &str, mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let from = floor(&text, choices.below(text.len() + 1));
        match choices.below(5) {
            0 => {
                let end = floor(&text, (from + choices.below(60)).min(text.len())).max(from);
                text.replace_range(from..end, "");
            }
            1 => {
                let end = floor(&text, (from + choices.below(300)).min(text.len())).max(from);
                let piece = text[from..end].to_owned();
                text.insert_str(from, &piece);
            }
            2 => {
                let number = (choices.below(1 << 16) | (usize::from(choices.byte()) % 17) << 16) as u32;
                text.insert(from, char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            _ => text.insert_str(from, choices.of(pieces)),
        }
    }
    text
}

/// Scripts.
pub const SCRIPTS: &[&str] = &[
    "Page({ data: { a: 1 }, onLoad(o) { const { b, ...c } = o; this.setData({ ['x.' + b]: `t${c.d}` }) } })",
    "const api = swan; export default async function f(a = 1, [b, , c]) { for await (const x of a) yield* g(x?.y ?? 'z') }",
    "!function(e,t){\"object\"==typeof exports?module.exports=t():e.x=t()}(this,function(){return[function(e){e.a=/[/\\]]+/g}]});",
    "class A extends B { static #p = 1; get q() { return super.q } set q(v) { delete this[v] } async *[Symbol.iterator]() {} }",
    "// minivet-ignore-next-line privacy/log-exposure -- 测试\nswitch (a) { case 1: try { throw b } catch { break } finally { c() } default: do d--; while (d) }",
];

/// What stands in scripts.
pub const SCRIPT_PIECES: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "`",
    "${",
    "'",
    "\"",
    "/",
    "/*",
    "*/",
    "//",
    "\n",
    ";",
    ",",
    ":",
    "=>",
    "...",
    "?.",
    "#",
    "@",
    "<",
    "</",
    "function ",
    "class ",
    "async ",
    "await ",
    "yield ",
    "new ",
    "=",
    "+",
    "?",
    "\\",
    "\\u{110000}",
    "\\ud800",
    "\u{2028}",
    "\u{202e}",
    "import ",
    "export ",
    "<!--",
    "-->",
    "0x",
    "1e",
    "0b2",
    "enum ",
    "let ",
    "中",
    "minivet-ignore-file ",
    "minivet-ignore-next-line a -- ",
];

/// Templates.
pub const TEMPLATES: &[&str] = &[
    "<view s-for=\"item, i in list trackBy item.id\" class=\"a {{b ? 'c' : d}}\" bindtap=\"tap\">{{item.name | f}} 文字 &lt;&#x4e2d;</view>",
    "<!-- minivet-ignore-file a/b -- c --><block wx:if='{{a && b}}'><input value={{v}} placeholder=\"手机号\"/></block><wxs module=\"m\">var a = 1;</wxs>",
    "<template name=\"t\"><text>{{= x =}}</text></template><template is=\"t\" data=\"{{...a, b: c}}\"/><import src=\"a.swan\"/>",
];

/// What stands in templates.
pub const TEMPLATE_PIECES: &[&str] = &[
    "<",
    ">",
    "/>",
    "</",
    "</view>",
    "<view",
    "{{",
    "}}",
    "\"",
    "'",
    "=",
    " a=",
    "<!--",
    "-->",
    "&",
    "&#",
    "&#x110000;",
    "&#0;",
    ";",
    "{",
    "}",
    "s-if=\"",
    "<wxs>",
    "</wxs>",
    "<text>",
    "\n",
    "\0",
    "\u{202e}",
    "中",
    "\\",
    "/",
];

/// Data.
pub const DATA: &[&str] = &[
    r#"{"pages": ["a/b"], "n": [1, -2.5e3, true, null], "s": "\u4e2d\n\\", "o": {"": {}}}"#,
    "// comment\n{\"a\": [1,], /* b */ 'c': +1}",
    "[[[[]]]]",
];

/// What stands in data.
pub const DATA_PIECES: &[&str] = &[
    "{", "}", "[", "]", ":", ",", "\"", "'", "\\", "\\u", "\\ud800", "//", "/*", "*/", "\n", "1", "-", ".", "e", "NaN",
    "true", "nul", "中", "\0",
];

/// Configurations.
pub const CONFIGURATIONS: &[&str] = &[
    "[package]\nhost = \"swan\"\ncategories = [\"效率/信息查询\"]\n[check]\nexclude = [\"a/**\"]\nprofile = \"gate\"\n",
    "[rules.\"privacy/log-exposure\"]\nseverity = \"off\"\n[limits]\nseconds = 3\n",
];

/// What stands in configurations.
pub const CONFIGURATION_PIECES: &[&str] = &[
    "[",
    "]",
    "=",
    "\"",
    "'",
    "\n",
    "\"\"\"",
    "{",
    "}",
    ",",
    ".",
    "#",
    "1",
    "-1",
    "99999999999999999999",
    "true",
    "host",
    "[limits]",
    "a = ",
    "[rules.\"x/y\"]\n",
    "severity = \"of\"",
    "中",
    "[**",
    "\u{0}",
    "[limits]\n",
];

/// Texts.
pub const WORDS: &[&str] = &[
    "在线赌博平台，禁止赌博。加微信领红包",
    "代 开 发 票 shuang 色 球",
    "賭愽 du bo 发漂 氵去轮工力 ①②③ 𝐚𝐛𝐜 ＶＸ：ab12",
];

/// What stands in texts.
pub const WORD_PIECES: &[&str] = &[
    "赌", "博", "du", "bo", " ", "。", "不", "禁止", "\u{200b}", "\u{0301}", "*", "-", "1", "Ａ", "貝", "者", "𠮷",
    "🎰", "ß", "İ", "\n", "a",
];
