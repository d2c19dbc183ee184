//! Build logs: what a person needs of one is its end. Logs have many megabytes;
//! they are read as a stream, unpacked if gzip, and only a tail is kept.

use std::collections::VecDeque;
use std::io::{BufReader, Read};

use serde::Serialize;

use crate::fetch::compression::{Compression, decoder};

/// How much of a log's end is looked at, in bytes.
const KEPT: usize = 64 << 10;
/// A log of more unpacked bytes is read no further.
const LARGEST_LOG: u64 = 512 << 20;
/// A longer line is cut.
const LONGEST_LINE: usize = 400;

/// The end of a build's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogTail {
    /// Its last lines, without what the builder says after the build ended.
    pub lines: Vec<String>,
    /// Whether these are all its lines.
    pub whole: bool,
}

impl LogTail {
    /// The last `most` lines of a log, gzip or plain. Memory does not grow with it.
    pub fn read(mut log: &mut dyn Read, most: usize) -> std::io::Result<LogTail> {
        let mut head = [0; 2];
        let filled = crate::fetch::digest::fill(&mut log, &mut head)?;
        let all = head.get(..filled).unwrap_or_default().chain(log);
        let (bytes, whole) = match head {
            [0x1f, 0x8b] => last_bytes(decoder(Compression::Gzip, all)?)?,
            _ => last_bytes(all)?,
        };
        Ok(cut(&String::from_utf8_lossy(&bytes), whole, most))
    }
}

fn last_bytes(log: impl Read) -> std::io::Result<(Vec<u8>, bool)> {
    let mut log = BufReader::new(log.take(LARGEST_LOG));
    let mut kept: VecDeque<u8> = VecDeque::with_capacity(2 * KEPT);
    let mut block = [0; 8 << 10];
    let mut whole = true;
    loop {
        let read = match log.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        kept.extend(block.get(..read).unwrap_or_default());
        let surplus = kept.len().saturating_sub(KEPT);
        if surplus > 0 {
            kept.drain(..surplus);
            whole = false;
        }
    }
    Ok((kept.into(), whole))
}

/// Whole lines only, and none of the builder's own work after the build: unpacked
/// sizes, the removal of the root.
fn cut(text: &str, whole: bool, most: usize) -> LogTail {
    let text = if whole { text } else { text.split_once('\n').map_or(text, |(_, rest)| rest) };
    let all: Vec<&str> = text.lines().map(str::trim_end).collect();
    let end = all.iter().rposition(|line| line.starts_with("Build finished at ")).unwrap_or(all.len());
    let is_filling = |line: &&&str| line.chars().all(|c| c == '-');
    let after = all.iter().take(end).rev().take_while(is_filling).count();
    let end = end.saturating_sub(after);
    let start = end.saturating_sub(most);
    let line = |line: &&str| line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_LINE).collect();
    LogTail { lines: all.get(start..end).unwrap_or_default().iter().map(line).collect(), whole: whole && start == 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn the_end_of_the_build_not_of_the_builder() {
        let log = "cc -c a.c\na.c:1: error: no\nmake: *** [x] Error 1\n------\n\nBuild finished at 20261124-1200\n\nFinished\nCleanup\n";
        for bytes in [log.as_bytes().to_vec(), gzip(log.as_bytes())] {
            let tail = LogTail::read(&mut bytes.as_slice(), 2).unwrap();
            assert_eq!(tail.lines, ["a.c:1: error: no", "make: *** [x] Error 1"]);
            assert!(!tail.whole);
        }
        assert!(LogTail::read(&mut "short\n".as_bytes(), 9).unwrap().whole);
        assert_eq!(LogTail::read(&mut "".as_bytes(), 9).unwrap(), LogTail { lines: vec![], whole: true });
    }

    #[test]
    fn a_bomb_costs_no_memory_and_escapes_do_not_pass() {
        let mut log = vec![b'x'; 8 << 20];
        log.extend_from_slice(b"\n\x1b[31mred\n");
        let tail = LogTail::read(&mut gzip(&log).as_slice(), 5).unwrap();
        assert_eq!((tail.lines, tail.whole), (vec![" [31mred".to_string()], false));
    }

    #[test]
    fn half_a_log_is_an_error() {
        let packed = gzip("line\n".repeat(1000).as_bytes());
        assert!(LogTail::read(&mut packed.get(..packed.len() / 2).unwrap(), 5).is_err());
    }
}
