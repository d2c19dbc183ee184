//! The log of a run: every program writes into it, and an error shows the end
//! of what the failing one wrote.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::error::{SandboxError, Told};
use crate::diagnostic::Failure;
use crate::files;

/// How many lines an error shows.
const SHOWN_LINES: usize = 25;
/// And how far back it looks for them, in bytes.
const SHOWN_BYTES: u64 = 16 << 10;

/// An open log.
pub struct Log {
    path: PathBuf,
    file: File,
    mark: u64,
}

impl Log {
    /// A new one, in place of the last run's.
    pub fn create(path: &Path) -> Result<Log, Failure> {
        let fail = |e: std::io::Error| Failure::io("write", path, &e);
        std::fs::create_dir_all(files::parent(path)).map_err(fail)?;
        // the last run's may still be open elsewhere: a new file, not a shorter one
        let _ = std::fs::remove_file(path);
        let file = File::options().create(true).append(true).open(path).map_err(fail)?;
        Ok(Log { path: path.to_path_buf(), file, mark: 0 })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a part: a title for the reader, and where [`Log::tail`] starts.
    pub fn begin(&mut self, title: &str) {
        let _ = writeln!(self.file, "\n==> {title}");
        self.mark = self.file.metadata().map_or(0, |metadata| metadata.len());
    }

    /// Adds text.
    pub fn add(&mut self, text: &str) {
        let _ = self.file.write_all(text.as_bytes());
    }

    /// Runs a program whose output goes into the log and which reads nothing;
    /// returns its exit code, `None` where a signal ended it.
    pub fn run(&mut self, title: &str, command: &mut Command) -> Result<Option<i32>, Failure> {
        self.begin(title);
        let program = command.get_program().to_string_lossy().into_owned();
        let fail = |error| SandboxError::Start { program: program.clone(), error };
        let (out, err) = (self.file.try_clone().map_err(fail)?, self.file.try_clone().map_err(fail)?);
        let status = command.stdin(Stdio::null()).stdout(out).stderr(err).status().map_err(fail)?;
        Ok(status.code())
    }

    /// What an error shows of it.
    pub(super) fn told(&self) -> Box<Told> {
        Box::new(Told { output: self.tail(), log: self.path.clone() })
    }

    /// The last lines since the last mark.
    pub fn tail(&self) -> String {
        let Ok(mut file) = File::open(&self.path) else { return String::new() };
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let start = self.mark.max(length.saturating_sub(SHOWN_BYTES));
        let mut bytes = Vec::new();
        let _ = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_to_end(&mut bytes));
        last_lines(&String::from_utf8_lossy(&bytes))
    }
}

/// The last lines of a text, as many as an error shows.
pub fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines.get(lines.len().saturating_sub(SHOWN_LINES)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_of_the_failing_program_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(&folder.path().join("logs/a.log")).unwrap();
        let sh = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        assert_eq!(log.run("first", &mut sh("echo one")).unwrap(), Some(0));
        assert_eq!(log.run("second", &mut sh("seq 100; echo bad >&2; exit 3")).unwrap(), Some(3));
        let tail = log.tail();
        assert!(tail.starts_with("77\n") && tail.ends_with("100\nbad"), "{tail}");
        let whole = std::fs::read_to_string(log.path()).unwrap();
        assert!(whole.contains("==> first\none\n\n==> second\n1\n"), "{whole}");
    }
}
