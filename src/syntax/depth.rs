//! How deep a script nests, told cheaply before a recursive parser reads it, and a stack that is large enough.

/// Stack for one level, and levels that the caller's own stack holds.
const FRAME: usize = if cfg!(debug_assertions) { 24 << 10 } else { 6 << 10 };
const INLINE: usize = if cfg!(debug_assertions) { 24 } else { 100 };
/// Largest stack.
const MOST: usize = 1 << 30;

/// Runs `work` with a stack that fits the nesting of `text`; `None` when no stack would.
pub fn with_stack<R: Send>(text: &str, work: impl FnOnce() -> R + Send) -> Option<R> {
    let levels = estimate(text);
    if levels <= INLINE {
        return Some(work());
    }
    let size = (8 << 20) + levels.checked_mul(FRAME)?;
    if size > MOST {
        return None;
    }
    std::thread::scope(|scope| std::thread::Builder::new().stack_size(size).spawn_scoped(scope, work).ok()?.join().ok())
}

/// A bound on how deep a parser recurses: brackets, and operators and keywords that take what follows as their operand.
/// It errs upward.
pub fn estimate(text: &str) -> usize {
    let bytes = text.as_bytes();
    // Chain lengths of the open levels; their sum and the number of levels is the depth.
    let mut levels: Vec<u32> = vec![0];
    let mut sum = 0usize;
    let mut most = 0usize;
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
                at += 1;
                // A line that ends a statement by itself.
                let ends = before.is_ascii_alphanumeric() && !takes_operand(word_before)
                    || matches!(before, b'}' | b'"' | b'\'' | b'`' | b'_' | b'$');
                let next = bytes[at..].iter().position(|byte| !byte.is_ascii_whitespace()).map(|offset| at + offset);
                if ends && next.is_some_and(|next| bytes[next].is_ascii_alphabetic()) {
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
                at = template(bytes, at + 1, &mut levels, &mut templates);
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
            ) || keyword_before)
                && regex_end(bytes, at).is_some() =>
            {
                skip!(regex_end(bytes, at).unwrap_or(bytes.len()));
                before = b'a';
                word_before = "";
                continue;
            }
            b'(' | b'[' | b'{' => levels.push(0),
            b')' | b']' | b'}' => {
                if byte == b'}' && templates.last() == Some(&levels.len()) {
                    templates.pop();
                    close(&mut levels, &mut sum);
                    at = template(bytes, at + 1, &mut levels, &mut templates);
                    before = b'`';
                    word_before = "";
                    continue;
                }
                close(&mut levels, &mut sum);
            }
            b';' => pending_reset = true,
            b',' => reset!(),
            b'0'..=b'9' | b'#' | b'@' | b'\\' => {}
            _ => chain!(),
        }
        most = most.max(sum + levels.len());
        before = byte;
        word_before = "";
        at += 1;
    }
    most
}

fn close(levels: &mut Vec<u32>, sum: &mut usize) {
    if levels.len() > 1
        && let Some(chain) = levels.pop()
    {
        *sum -= chain as usize;
    }
}

/// Reads template text from `at`, to its end or into an expression.
fn template(bytes: &[u8], mut at: usize, levels: &mut Vec<u32>, templates: &mut Vec<usize>) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'`' => return at + 1,
            b'$' if bytes.get(at + 1) == Some(&b'{') => {
                levels.push(0);
                templates.push(levels.len());
                return at + 2;
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

fn regex_end(bytes: &[u8], start: usize) -> Option<usize> {
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
        assert!(estimate(&text) < 20, "{}", estimate(&text));
        let text = "var a={b:function(){return c?d:e},f:1};a.b(),x&&y||z;".repeat(500);
        assert!(estimate(&text) < 20, "{}", estimate(&text));
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
            assert!(estimate(&bomb.repeat(10_000)) >= 10_000, "{bomb}");
        }
        assert!(estimate(&"if(a){b;}else ".repeat(10_000)) >= 10_000);
        assert!(estimate(&"if(a)b;else ".repeat(10_000)) >= 10_000);
    }
}
