//! Bytes to text: byte order marks, UTF-8, UTF-16, GB18030.

use serde::{Deserialize, Serialize};

/// How a file's bytes were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8 without a byte-order mark.
    Utf8,
    /// UTF-8 with a byte-order mark.
    Utf8Bom,
    /// UTF-16, little endian.
    Utf16Le,
    /// UTF-16, big endian.
    Utf16Be,
    /// GB18030 (and so GBK and GB2312).
    Gb18030,
    /// Not valid in any of these: bytes that fit none were replaced.
    Lossy,
}

/// Text and the encoding it came in.
#[derive(Debug)]
pub struct Decoded {
    /// The text, without a byte-order mark.
    pub text: String,
    /// The encoding found.
    pub encoding: Encoding,
}

/// Decodes `bytes`: by byte-order mark, as UTF-8, as UTF-16 without a mark, as GB18030, else with replacement.
pub fn decode(bytes: &[u8]) -> Decoded {
    if let Some(rest) = bytes.strip_prefix(b"\xEF\xBB\xBF")
        && let Ok(text) = std::str::from_utf8(rest)
    {
        return Decoded { text: text.to_owned(), encoding: Encoding::Utf8Bom };
    }
    if let Some(rest) = bytes.strip_prefix(b"\xFF\xFE") {
        return utf16(rest, encoding_rs::UTF_16LE, Encoding::Utf16Le);
    }
    if let Some(rest) = bytes.strip_prefix(b"\xFE\xFF") {
        return utf16(rest, encoding_rs::UTF_16BE, Encoding::Utf16Be);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Decoded { text: text.to_owned(), encoding: Encoding::Utf8 };
    }
    if let Some(little) = unmarked_utf16(bytes) {
        return if little {
            utf16(bytes, encoding_rs::UTF_16LE, Encoding::Utf16Le)
        } else {
            utf16(bytes, encoding_rs::UTF_16BE, Encoding::Utf16Be)
        };
    }
    let (text, errors) = encoding_rs::GB18030.decode_without_bom_handling(bytes);
    if !errors {
        let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        let guess = detector.guess(None, chardetng::Utf8Detection::Deny);
        if guess == encoding_rs::GBK || guess == encoding_rs::GB18030 {
            return Decoded { text: text.into_owned(), encoding: Encoding::Gb18030 };
        }
    }
    Decoded { text: String::from_utf8_lossy(bytes).into_owned(), encoding: Encoding::Lossy }
}

fn utf16(bytes: &[u8], encoding: &'static encoding_rs::Encoding, name: Encoding) -> Decoded {
    let (text, errors) = encoding.decode_without_bom_handling(bytes);
    Decoded { text: text.into_owned(), encoding: if errors { Encoding::Lossy } else { name } }
}

/// `Some(true)` for little endian: every other byte of the head is NUL, as in Latin text.
fn unmarked_utf16(bytes: &[u8]) -> Option<bool> {
    let head = &bytes[..bytes.len().min(512) & !1];
    if head.len() < 8 {
        return None;
    }
    let nul = |offset: usize| head.iter().skip(offset).step_by(2).filter(|&&byte| byte == 0).count();
    let half = head.len() / 2;
    match (nul(0), nul(1)) {
        (0, odd) if odd * 2 > half => Some(true),
        (even, 0) if even * 2 > half => Some(false),
        _ => None,
    }
}
