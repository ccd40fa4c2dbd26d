//! The only place that writes to standard output and standard error.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use super::Exit;

/// Writes to standard output. A reader that went away is no fault.
pub fn print(text: &str) -> Exit {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Clean,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            self::error(&error.to_string());
            Exit::Input
        }
    }
}

/// Writes to a file, or to standard output when there is none.
pub fn write(text: &str, file: Option<&Path>) -> Exit {
    let Some(file) = file else { return print(text) };
    match std::fs::write(file, text) {
        Ok(()) => Exit::Clean,
        Err(error) => {
            self::error(&format!("{}: {error}", file.display()));
            Exit::Usage
        }
    }
}

/// A message on standard error, with the program's name.
pub fn error(message: &str) {
    error_text(&format!("minivet: {message}\n"));
}

/// Text on standard error.
pub fn error_text(text: &str) {
    // Nothing can be told when standard error is gone.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// A counter of packages on standard error; only on a terminal.
pub fn counter() -> indicatif::ProgressBar {
    use std::io::IsTerminal;
    if !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new(0);
    if let Ok(style) = indicatif::ProgressStyle::with_template("{bar:30} {pos}/{len} {per_sec} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// A spinner on standard error once the work takes long; only on a terminal.
pub struct Progress {
    done: Option<Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Progress {
    /// Starts.
    pub fn start(message: &str) -> Self {
        use std::io::IsTerminal;
        if !std::io::stderr().is_terminal() {
            return Self { done: None, thread: None };
        }
        let (done, wait) = channel::<()>();
        let message = message.to_owned();
        let thread = std::thread::spawn(move || {
            if wait.recv_timeout(Duration::from_millis(700)) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = indicatif::ProgressBar::new_spinner().with_message(message);
            bar.enable_steady_tick(Duration::from_millis(100));
            // Ends when the sender is dropped.
            let _ = wait.recv();
            bar.finish_and_clear();
        });
        Self { done: Some(done), thread: Some(thread) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.done.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
