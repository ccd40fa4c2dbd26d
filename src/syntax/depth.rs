//! How deep a script nests, told cheaply before a recursive parser reads it, and a stack that is large enough.

/// Stack for one level, and levels that the caller's own stack holds.
const FRAME: usize = if cfg!(debug_assertions) { 24 << 10 } else { 6 << 10 };
const INLINE: usize = if cfg!(debug_assertions) { 24 } else { 100 };
/// Largest stack.
const MOST: usize = 1 << 30;
/// Scopes inside one another that are followed. Resolving names costs the number of names times that of scopes.
const SCOPES: usize = 400;

/// How deep a text nests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// A bound on how deep a parser recurses.
    pub levels: usize,
    /// A bound on how many blocks, functions and objects lie inside one another.
    pub scopes: usize,
}

/// Runs `work` with a stack that fits the nesting of `text`; `None` when no stack would, or when more scopes lie inside one
/// another than are followed. `work` gets the levels.
pub fn with_stack<R: Send>(text: &str, work: impl FnOnce(usize) -> R + Send) -> Option<R> {
    let Depth { levels, scopes } = estimate(text);
    if scopes > SCOPES {
        return None;
    }
    if levels <= INLINE {
        return Some(work(levels));
    }
    let work = || work(levels);
    let size = (8 << 20) + levels.checked_mul(FRAME)?;
    if size > MOST {
        return None;
    }
    std::thread::scope(|scope| std::thread::Builder::new().stack_size(size).spawn_scoped(scope, work).ok()?.join().ok())
}

/// A bound on how deep a parser recurses: brackets, and operators and keywords that take what follows as their operand.
/// It errs upward.
pub fn estimate(text: &str) -> Depth {
    let bytes = text.as_bytes();
    // Chain lengths of the open levels; their sum and the number of levels is the depth.
    let mut levels: Vec<u32> = vec![0];
    let mut sum = 0usize;
    let mut most = 0usize;
    // Open braces, and arrows of the open levels and in all.
    let mut braces = 0usize;
    let mut arrows: Vec<u32> = vec![0];
    let mut arrow_sum = 0usize;
    let mut scopes = 0usize;
    // Slashes that looked like the start of a regular expression and were none.
    let mut divisions = 0usize;
    // What a parser that disagrees about a literal could find inside it.
    let mut pending_reset = false;
    let mut templates: Vec<usize> = Vec::new();
    let mut before = b';';
    let mut word_before = "";
    let mut at = 0;
    macro_rules! chain {
        () => {{
            if let Some(last) = levels.last_mut() {
                *last += 1;
                sum += 1;
            }
        }};
    }
    macro_rules! reset {
        () => {{
            if let Some(last) = levels.last_mut() {
                sum -= *last as usize;
                *last = 0;
            }
            if let Some(last) = arrows.last_mut() {
                arrow_sum -= *last as usize;
                *last = 0;
            }
        }};
    }
    macro_rules! skip {
        ($end:expr) => {{
            let end: usize = $end.min(bytes.len());
            let inner = bytes[at..end].iter().filter(|byte| matches!(byte, b'(' | b'[' | b'{')).count();
            most = most.max(sum + levels.len() + inner);
            at = end;
        }};
    }
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b' ' | b'\t' | b'\r' => {
                at += 1;
                continue;
            }
            b'\n' => {
                // A line that ends a statement by itself.
                let ends = before.is_ascii_alphanumeric() && !takes_operand(word_before)
                    || matches!(before, b'}' | b'"' | b'\'' | b'`' | b'_' | b'$');
                at += bytes[at..].iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(bytes.len() - at);
                if ends && bytes.get(at).is_some_and(u8::is_ascii_alphabetic) {
                    pending_reset = true;
                }
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                skip!(memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length));
                continue;
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                skip!(memchr::memmem::find(&bytes[at + 2..], b"*/").map_or(bytes.len(), |length| at + length + 4));
                continue;
            }
            _ => {}
        }
        if byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$' || byte >= 0x80 {
            let end = at
                + bytes[at..]
                    .iter()
                    .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || **byte >= 0x80)
                    .count();
            let word = text.get(at..end).unwrap_or("");
            if pending_reset {
                if word != "else" {
                    reset!();
                }
                pending_reset = false;
            }
            if before != b'.' && takes_operand(word) {
                chain!();
            }
            word_before = word;
            before = bytes[end - 1];
            at = end;
            most = most.max(sum + levels.len());
            continue;
        }
        if pending_reset {
            reset!();
            pending_reset = false;
        }
        let keyword_before = before.is_ascii_alphabetic() && takes_operand(word_before);
        match byte {
            b'"' | b'\'' => {
                let mut end = at + 1;
                while end < bytes.len() && bytes[end] != byte && bytes[end] != b'\n' {
                    end += if bytes[end] == b'\\' { 2 } else { 1 };
                }
                skip!(end + 1);
                before = byte;
                word_before = "";
                continue;
            }
            b'`' => {
                at = template(bytes, at + 1, &mut levels, &mut arrows, &mut templates);
                before = b'`';
                word_before = "";
                most = most.max(sum + levels.len());
                continue;
            }
            b'/' if (matches!(
                before,
                b'(' | b','
                    | b'='
                    | b':'
                    | b'['
                    | b'!'
                    | b'&'
                    | b'|'
                    | b'?'
                    | b'{'
                    | b'}'
                    | b';'
                    | b'+'
                    | b'-'
                    | b'*'
                    | b'%'
                    | b'<'
                    | b'>'
                    | b'^'
                    | b'~'
            ) || keyword_before) =>
            {
                // Lines of slashes that open nothing would be read again from each of them.
                let reach = if divisions < 64 { bytes.len() } else { (at + 256).min(bytes.len()) };
                if let Some(end) = regex_end(&bytes[..reach], at) {
                    skip!(end);
                    before = b'a';
                    word_before = "";
                    continue;
                }
                divisions += 1;
                chain!();
            }
            b'(' | b'[' | b'{' => {
                levels.push(0);
                arrows.push(0);
                braces += usize::from(byte == b'{');
                scopes = scopes.max(braces + arrow_sum);
            }
            b')' | b']' | b'}' => {
                if byte == b'}' && templates.last() == Some(&levels.len()) {
                    templates.pop();
                    close(&mut levels, &mut sum);
                    close(&mut arrows, &mut arrow_sum);
                    at = template(bytes, at + 1, &mut levels, &mut arrows, &mut templates);
                    before = b'`';
                    word_before = "";
                    continue;
                }
                close(&mut levels, &mut sum);
                close(&mut arrows, &mut arrow_sum);
                braces = braces.saturating_sub(usize::from(byte == b'}'));
            }
            b';' => pending_reset = true,
            b',' => reset!(),
            b'0'..=b'9' | b'#' | b'@' | b'\\' => {}
            b'>' if before == b'=' => {
                chain!();
                if let Some(last) = arrows.last_mut() {
                    *last += 1;
                    arrow_sum += 1;
                    scopes = scopes.max(braces + arrow_sum);
                }
            }
            _ => chain!(),
        }
        most = most.max(sum + levels.len());
        before = byte;
        word_before = "";
        at += 1;
    }
    Depth { levels: most, scopes }
}

fn close(levels: &mut Vec<u32>, sum: &mut usize) {
    if levels.len() > 1
        && let Some(chain) = levels.pop()
    {
        *sum -= chain as usize;
    }
}

/// Reads template text from `at`, to its end or into an expression.
fn template(
    bytes: &[u8],
    mut at: usize,
    levels: &mut Vec<u32>,
    arrows: &mut Vec<u32>,
    templates: &mut Vec<usize>,
) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'`' => return at + 1,
            b'$' if bytes.get(at + 1) == Some(&b'{') => {
                levels.push(0);
                arrows.push(0);
                templates.push(levels.len());
                return at + 2;
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Where a regular expression ends, before its flags.
pub(super) fn regex_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut class = false;
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\n' => return None,
            b'\\' => at += 1,
            b'[' => class = true,
            b']' => class = false,
            b'/' if !class => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Keywords after which an operand or a statement nests.
fn takes_operand(word: &str) -> bool {
    matches!(
        word,
        "else"
            | "if"
            | "for"
            | "while"
            | "do"
            | "with"
            | "new"
            | "typeof"
            | "void"
            | "delete"
            | "await"
            | "yield"
            | "return"
            | "throw"
            | "in"
            | "of"
            | "instanceof"
            | "case"
            | "extends"
            | "as"
            | "keyof"
            | "function"
            | "class"
            | "async"
            | "label"
    )
}

#[cfg(test)]
mod tests {
    use super::estimate;

    #[test]
    fn plain_code_is_shallow() {
        let text = "const a = 1\nconst b = a + 2\nfunction f(x) {\n  if (x) { return x.y.z(1, [2, { a: 3 }]) }\n}\n"
            .repeat(200);
        assert!(estimate(&text).levels < 20 && estimate(&text).scopes < 5, "{:?}", estimate(&text));
        let text = "var a={b:function(){return c?d:e},f:1};a.b(),x&&y||z;".repeat(500);
        assert!(estimate(&text).levels < 20 && estimate(&text).scopes < 5, "{:?}", estimate(&text));
    }

    #[test]
    fn scopes_are_counted() {
        for bomb in ["{", "function f(){", "x={a:", "a=>", "class A{b(){", "if(a){"] {
            assert!(estimate(&bomb.repeat(1_000)).scopes >= 1_000, "{bomb}");
        }
        assert_eq!(estimate(&"a=>b,".repeat(1_000)).scopes, 1);
        assert_eq!(estimate(&"f(a=>{g(b)});".repeat(1_000)).scopes, 2);
        assert_eq!(estimate(&"else if(a){b}".repeat(1_000)).scopes, 1);
    }

    #[test]
    fn long_lines_are_read_once() {
        // Each would take hours if a line were read again from every character of it.
        assert_eq!(estimate(&"a\n".repeat(1 << 20)).scopes, 0);
        assert_eq!(estimate(&"\n".repeat(1 << 22)).scopes, 0);
        assert!(estimate(&"(/[".repeat(1 << 19)).levels >= 1 << 19);
    }

    #[test]
    fn bombs_are_deep() {
        for bomb in [
            "(",
            "[",
            "{",
            "!",
            "a=>",
            "if(a)",
            "-",
            "new ",
            "a?b:",
            "x=",
            "`${",
            "<a>",
            "a.b",
            "do ",
            "typeof ",
            "a+",
            "if(a){b}else ",
        ] {
            assert!(estimate(&bomb.repeat(10_000)).levels >= 10_000, "{bomb}");
        }
        assert!(estimate(&"if(a){b;}else ".repeat(10_000)).levels >= 10_000);
        assert!(estimate(&"if(a)b;else ".repeat(10_000)).levels >= 10_000);
    }
}
