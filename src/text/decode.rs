//! What the language's own decoders make of a constant.

/// What `decodeURIComponent`, `decodeURI`, `unescape` or `atob` gives for a text; `None` when it fails, or is none of them.
pub fn decode_by(function: &str, text: &str) -> Option<String> {
    match function {
        "decodeURIComponent" | "decodeURI" => percent(text, false),
        "unescape" => percent(text, true),
        "atob" => base64(text),
        _ => None,
    }
}

/// Decodes `%41`, and `%u4e2d` when `wide`.
fn percent(text: &str, wide: bool) -> Option<String> {
    let hex = |from: usize, to: usize| {
        let digits = text.get(from..to).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u32::from_str_radix(digits, 16).ok()
    };
    let mut units: Vec<u16> = Vec::new();
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let code = if text.as_bytes()[at] == b'%' { hex(at + 1, at + 3).map(|code| (code as u8, 3)) } else { None };
        if wide
            && text[at..].starts_with("%u")
            && let Some(unit) = hex(at + 2, at + 6)
        {
            units.push(unit as u16);
            at += 6;
            continue;
        }
        // Halves of one character stand side by side.
        bytes.extend(String::from_utf16_lossy(&units).bytes());
        units.clear();
        let (byte, step) = code.unwrap_or((text.as_bytes()[at], 1));
        bytes.push(byte);
        at += step;
        // The next character starts where a boundary is.
        while !text.is_char_boundary(at) {
            bytes.push(text.as_bytes()[at]);
            at += 1;
        }
    }
    bytes.extend(String::from_utf16_lossy(&units).bytes());
    String::from_utf8(bytes).ok()
}

/// Decodes base64; bytes that are no UTF-8 are one character each, as the language has it.
fn base64(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0u32, 0u32);
    for byte in text.trim_end_matches('=').bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    Some(String::from_utf8(bytes).unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_decoded() {
        for (function, text, expected) in [
            ("decodeURIComponent", "%E8%B5%8Ca%20中%zz%", Some("赌a 中%zz%")),
            ("decodeURIComponent", "%u8d4c", Some("%u8d4c")),
            ("decodeURIComponent", "%E8", None),
            ("unescape", "%u8d4c%u535aa%u4e2d%ud83d%ude00%u12", Some("赌博a中😀%u12")),
            ("unescape", "%中%u中", Some("%中%u中")),
            ("atob", "Z2V0TG9jYXRpb24=", Some("getLocation")),
            ("atob", "6LWM", Some("赌")),
            ("atob", "/w==", Some("ÿ")),
            ("atob", "a-b", None),
            ("atob", "", Some("")),
            ("btoa", "a", None),
        ] {
            assert_eq!(decode_by(function, text).as_deref(), expected, "{function}({text})");
        }
    }
}
