//! One child process at a time, reused from job to job, bounded in time and memory.
//!
//! A job that aborts, hangs or exhausts the child costs its own answer only. The child dies with this process: it ends
//! when its standard input does, and the kernel kills it when the thread that started it is gone.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Jobs that one child serves before a fresh one takes over, so that memory stays flat.
const JOBS: u32 = 1_000;
/// What a child says when it is ready for jobs.
pub const READY: &str = "ready";
/// Time that a child may take to start.
const START: Duration = Duration::from_secs(120);
/// Bytes of a child's standard error that are kept.
const TOLD: usize = 2_000;

/// How children are started.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Arguments.
    pub args: Vec<OsString>,
    /// Threads of a child.
    pub threads: usize,
    /// Time for one job.
    pub timeout: Duration,
}

struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    answers: Receiver<String>,
    told: Arc<Mutex<Vec<u8>>>,
    served: u32,
}

impl Running {
    fn start(spec: &Spec) -> std::io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(&spec.args)
            .arg("--child")
            .arg(std::process::id().to_string())
            .env("RAYON_NUM_THREADS", spec.threads.max(1).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let told = Arc::new(Mutex::new(Vec::new()));
        let (send, answers) = channel();
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stdout);
                loop {
                    let mut line = String::new();
                    // A line without its end is cut off, and no answer.
                    match lines.read_line(&mut line) {
                        Ok(_) if line.ends_with('\n') && send.send(line).is_ok() => {}
                        _ => return,
                    }
                }
            });
        }
        if let Some(mut stderr) = child.stderr.take() {
            let told = told.clone();
            std::thread::spawn(move || {
                let mut buffer = [0u8; 1024];
                while let Ok(read @ 1..) = stderr.read(&mut buffer) {
                    if let Ok(mut told) = told.lock() {
                        told.extend_from_slice(&buffer[..read]);
                        let surplus = told.len().saturating_sub(TOLD);
                        told.drain(..surplus);
                    }
                }
            });
        }
        let stdin = child.stdin.take();
        let running = Self { child, stdin, answers, told, served: 0 };
        // The time of the first job starts when the child is ready for it.
        match running.answers.recv_timeout(START) {
            Ok(line) if line.trim_end() == READY => Ok(running),
            _ => Err(std::io::Error::other(running.end())),
        }
    }

    fn ask(&mut self, line: &str, timeout: Duration) -> Result<String, Lost> {
        let Some(stdin) = &mut self.stdin else { return Err(Lost::Died) };
        let mut bytes = line.trim_end_matches('\n').as_bytes().to_vec();
        bytes.push(b'\n');
        if stdin.write_all(&bytes).and_then(|()| stdin.flush()).is_err() {
            return Err(Lost::Died);
        }
        match self.answers.recv_timeout(timeout) {
            Ok(answer) => {
                self.served += 1;
                Ok(answer)
            }
            Err(RecvTimeoutError::Timeout) => Err(Lost::Late),
            Err(RecvTimeoutError::Disconnected) => Err(Lost::Died),
        }
    }

    /// Kills it; how it ended and what it said.
    fn end(mut self) -> String {
        // A child that died by itself keeps its own status.
        let status = match self.child.try_wait() {
            Ok(Some(status)) => Ok(status),
            _ => self.settle(),
        };
        let told = self.told.lock().map(|told| String::from_utf8_lossy(&told).trim().to_owned()).unwrap_or_default();
        let last = told.lines().last().unwrap_or("").to_owned();
        let how = status.map_or_else(|error| error.to_string(), status_text);
        if last.is_empty() { how } else { format!("{how}: {last}") }
    }

    fn settle(&mut self) -> std::io::Result<ExitStatus> {
        // Its output closed just before: it may be on its way out.
        for _ in 0..20 {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.kill()?;
        self.child.wait()
    }

    fn kill(mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn retire(mut self) {
        drop(self.stdin.take());
        let _ = self.settle();
    }
}

enum Lost {
    Late,
    Died,
}

fn status_text(status: ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return format!("ended by signal {signal}");
        }
    }
    status.code().map_or_else(|| "ended".to_owned(), |code| format!("ended with exit code {code}"))
}

/// Starts, asks, kills and replaces children.
pub struct Supervisor {
    spec: Spec,
    running: Option<Running>,
}

impl Supervisor {
    /// Nothing is started before the first job.
    pub const fn new(spec: Spec) -> Self {
        Self { spec, running: None }
    }

    /// The answer of a child to a line; `Err` with the reason when there is none.
    pub fn ask(&mut self, line: &str, timeout: Option<Duration>) -> Result<String, String> {
        let timeout = timeout.unwrap_or(self.spec.timeout);
        loop {
            if self.running.as_ref().is_some_and(|running| running.served >= JOBS)
                && let Some(old) = self.running.take()
            {
                old.retire();
            }
            let mut running = match self.running.take() {
                Some(running) => running,
                None => Running::start(&self.spec).map_err(|error| format!("the worker cannot be started: {error}"))?,
            };
            match running.ask(line, timeout) {
                Ok(answer) => {
                    self.running = Some(running);
                    return Ok(answer);
                }
                Err(Lost::Late) => {
                    running.kill();
                    return Err(format!("timeout: no answer within {} s", timeout.as_secs_f64()));
                }
                Err(Lost::Died) => {
                    // What earlier jobs left behind must not be this one's fault: it gets a fresh child once.
                    let fresh = running.served == 0;
                    let how = running.end();
                    if fresh {
                        return Err(format!("the worker died: {how}"));
                    }
                }
            }
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.retire();
        }
    }
}

/// Bounds this process, which is a child: memory in MiB, files, no core, and death with its parent.
#[cfg(target_os = "linux")]
pub fn confine(parent: u32, memory_mib: u64) -> Result<(), String> {
    use rustix::process::{Resource, Rlimit, Signal, getppid, set_parent_process_death_signal, setrlimit};
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|error| error.to_string())?;
    if getppid().is_none_or(|pid| pid.as_raw_nonzero().get().unsigned_abs() != parent) {
        return Err("the parent is gone".to_owned());
    }
    let set = |resource: Resource, most: u64| {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) }).map_err(|error| error.to_string())
    };
    set(Resource::Core, 0)?;
    set(Resource::Nofile, 256)?;
    set(Resource::Fsize, 64 << 20)?;
    if memory_mib > 0 {
        set(Resource::As, memory_mib << 20)?;
    }
    Ok(())
}

/// Only Linux can bound a child from within; elsewhere time is bounded alone.
#[cfg(not(target_os = "linux"))]
pub fn confine(_parent: u32, _memory_mib: u64) -> Result<(), String> {
    Ok(())
}
