//! Frames on a pair of streams. A frame that is no message is answered with an error, and reading goes on.

use std::io::{self, BufRead, Read, Write};
use std::thread::{Builder, JoinHandle};

use lsp_server::{Connection, ErrorCode, Message};
use serde_json::{Value, json};

/// Longest frame that is taken: larger ones are skipped.
const MAX_FRAME: u64 = 64 << 20;

/// One thing that came in.
#[derive(Debug)]
enum Frame {
    Message(Box<Message>),
    /// Not a message: the code and what is wrong.
    Bad(ErrorCode, Value, String),
    End,
}

/// A connection over a pair of streams, and the thread that writes.
pub(super) fn connect(
    mut input: impl BufRead + Send + 'static,
    mut out: impl Write + Send + 'static,
) -> io::Result<(Connection, JoinHandle<io::Result<()>>)> {
    let (ours, theirs) = Connection::memory();
    let Connection { sender, receiver } = theirs;
    let (errors, refused) = std::sync::mpsc::channel::<Value>();
    // Bad frames are answered past the server, which never sees them.
    let writer = Builder::new().name("lsp-out".to_owned()).spawn(move || {
        for message in receiver {
            for refusal in refused.try_iter() {
                write_value(&mut out, &refusal)?;
            }
            message.write(&mut out)?;
        }
        for refusal in refused.try_iter() {
            write_value(&mut out, &refusal)?;
        }
        Ok(())
    })?;
    let log = ours.sender.clone();
    Builder::new().name("lsp-in".to_owned()).spawn(move || {
        loop {
            match read(&mut input) {
                Ok(Frame::Message(message)) => {
                    let exit = matches!(&*message, Message::Notification(one) if one.method == "exit");
                    if sender.send(*message).is_err() || exit {
                        break;
                    }
                }
                Ok(Frame::Bad(code, id, text)) => {
                    let refusal = json!({
                        "jsonrpc": "2.0", "id": id, "error": { "code": code as i32, "message": text },
                    });
                    let told = lsp_server::Notification::new(
                        "window/logMessage".to_owned(),
                        json!({ "type": 1, "message": format!("malformed message: {text}") }),
                    );
                    // The log wakes the writer, which then finds the refusal.
                    if errors.send(refusal).is_err() || log.send(told.into()).is_err() {
                        break;
                    }
                }
                Ok(Frame::End) | Err(_) => break,
            }
        }
    })?;
    Ok((ours, writer))
}

fn write_value(out: &mut impl Write, value: &Value) -> io::Result<()> {
    let text = value.to_string();
    write!(out, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    out.flush()
}

/// Reads one frame. Lines that are no header are skipped until a `Content-Length` comes.
fn read(input: &mut impl BufRead) -> io::Result<Frame> {
    let mut length: Option<u64> = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        // A header line is short; what is longer is noise.
        if input.by_ref().take(4096).read_until(b'\n', &mut line)? == 0 {
            return Ok(Frame::End);
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        if text.is_empty() {
            match length {
                Some(_) => break,
                None => continue,
            }
        }
        if let Some((name, value)) = text.split_once(':')
            && name.trim().eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
    let length = length.unwrap_or(0);
    if length > MAX_FRAME {
        io::copy(&mut input.by_ref().take(length), &mut io::sink())?;
        return Ok(Frame::Bad(ErrorCode::InvalidRequest, Value::Null, format!("a message of {length} bytes")));
    }
    let mut body = Vec::with_capacity(length as usize);
    if (input.by_ref().take(length).read_to_end(&mut body)? as u64) < length {
        return Ok(Frame::End);
    }
    let value: Value = match serde_json::from_slice(&body) {
        Ok(value) => value,
        Err(error) => return Ok(Frame::Bad(ErrorCode::ParseError, Value::Null, error.to_string())),
    };
    let id = value.get("id").filter(|id| id.is_string() || id.is_i64()).cloned().unwrap_or(Value::Null);
    match serde_json::from_value(value) {
        Ok(message) => Ok(Frame::Message(Box::new(message))),
        Err(error) => Ok(Frame::Bad(ErrorCode::InvalidRequest, id, error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(text: &str) -> Vec<String> {
        let mut input = io::Cursor::new(text.as_bytes());
        let mut out = Vec::new();
        loop {
            match read(&mut input).unwrap() {
                Frame::Message(message) => out.push(match *message {
                    Message::Notification(one) => one.method,
                    Message::Request(one) => format!("{} {}", one.id, one.method),
                    Message::Response(one) => format!("{} response", one.id),
                }),
                Frame::Bad(code, id, _) => out.push(format!("bad {} {id}", code as i32)),
                Frame::End => return out,
            }
        }
    }

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    #[test]
    fn what_is_no_message_is_told_and_skipped() {
        let text = [
            framed(r#"{"jsonrpc":"2.0","method":"a"}"#),
            framed("{ no json"),
            framed(r#"{"jsonrpc":"2.0","id":7}"#),
            framed("[1, 2]"),
            "noise\r\n".to_owned(),
            framed(r#"{"jsonrpc":"2.0","id":"八","method":"b"}"#),
            "Content-Length: x\r\n\r\n".to_owned(),
            format!("content-length: 30\r\nContent-Type: x\r\n\r\n{}", r#"{"jsonrpc":"2.0","method":"c"}"#),
            "Content-Length: 99\r\n\r\n{}".to_owned(),
        ];
        assert_eq!(
            frames(&text.concat()),
            ["a", "bad -32700 null", "bad -32600 7", "bad -32600 null", "\"八\" b", "c"]
        );
    }
}
