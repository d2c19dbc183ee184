//! Finding stanzas in an index without parsing it: indexes have fifty megabytes
//! and the one stanza wanted has two kilobytes. The field's name is searched for
//! at memory speed, and only the stanza around a hit is cut out.

use std::io::Read;

use memchr::memmem;

/// A stanza of more bytes is no stanza.
const LARGEST_STANZA: usize = 16 << 20;
const BLOCK: usize = 1 << 20;

/// Which stanzas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted<'w> {
    /// Those of packages of these names.
    Packages(&'w [&'w str]),
    /// Those that may provide a name: it stands somewhere in them. Whether in
    /// `Provides` is for the parser to say.
    Mentioning(&'w str),
}

/// Calls `found` with each wanted stanza (without the empty line behind it), in
/// their order. `limit` is the most bytes that the index may have.
pub fn search(mut index: impl Read, limit: u64, wanted: Wanted, mut found: impl FnMut(&[u8])) -> std::io::Result<()> {
    let finder = Finder::new(wanted);
    let mut buffer = vec![0; BLOCK];
    let (mut filled, mut total) = (0, 0);
    loop {
        if filled == buffer.len() {
            if filled >= LARGEST_STANZA {
                return Err(invalid(format!("a stanza has more than {LARGEST_STANZA} bytes")));
            }
            buffer.resize(filled * 2, 0);
        }
        let read = crate::fetch::digest::fill(&mut index, buffer.get_mut(filled..).unwrap_or_default())?;
        filled += read;
        total += read as u64;
        if total > limit {
            return Err(invalid(format!("it unpacks to more than {limit} bytes")));
        }
        let ended = filled < buffer.len();
        let text = buffer.get(..filled).unwrap_or_default();
        let whole = match ended {
            true => filled,
            false => memmem::rfind(text, b"\n\n").map_or(0, |end| end + 2),
        };
        finder.in_block(text.get(..whole).unwrap_or_default(), &mut found);
        if ended {
            return Ok(());
        }
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
}

fn invalid(message: String) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, message)
}

const FIELD: &[u8] = b"Package: ";

struct Finder<'w> {
    wanted: Wanted<'w>,
    needle: memmem::Finder<'static>,
}

impl<'w> Finder<'w> {
    fn new(wanted: Wanted<'w>) -> Finder<'w> {
        let needle = match wanted {
            // the whole line where there is one: rarer bytes are found faster
            Wanted::Packages([name]) => format!("\nPackage: {name}\n").into_bytes(),
            Wanted::Packages(_) => b"\nPackage: ".to_vec(),
            Wanted::Mentioning(name) => name.as_bytes().to_vec(),
        };
        Finder { wanted, needle: memmem::Finder::new(&needle).into_owned() }
    }

    fn in_block(&self, block: &[u8], found: &mut impl FnMut(&[u8])) {
        let mut after = 0;
        let mut take = |hit: usize| {
            if hit >= after && self.is_wanted(block, hit) {
                let (start, end) = stanza_around(block, hit);
                after = end;
                found(block.get(start..end).unwrap_or_default());
            }
        };
        if matches!(self.wanted, Wanted::Packages(_)) && block.starts_with(FIELD) {
            take(0);
        }
        for hit in self.needle.find_iter(block) {
            match self.wanted {
                Wanted::Packages(_) => take(hit + 1),
                Wanted::Mentioning(_) => take(hit),
            }
        }
    }

    fn is_wanted(&self, block: &[u8], hit: usize) -> bool {
        let Wanted::Packages(names) = self.wanted else { return true };
        let rest = block.get(hit + FIELD.len()..).unwrap_or_default();
        let line = rest.get(..memchr::memchr(b'\n', rest).unwrap_or(rest.len())).unwrap_or_default();
        names.iter().any(|name| name.as_bytes() == line)
    }
}

/// From the line behind the last empty one to the next empty one.
fn stanza_around(block: &[u8], hit: usize) -> (usize, usize) {
    let before = block.get(..hit).unwrap_or_default();
    let start = memmem::rfind(before, b"\n\n").map_or(0, |empty| empty + 2);
    let rest = block.get(hit..).unwrap_or_default();
    let end = memmem::find(rest, b"\n\n").map_or(block.len(), |empty| hit + empty + 1);
    (start, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn find(index: &[u8], wanted: Wanted) -> Vec<String> {
        let mut all = Vec::new();
        search(index, 1 << 30, wanted, |stanza| all.push(String::from_utf8(stanza.to_vec()).unwrap())).unwrap();
        all
    }

    #[test]
    fn stanzas_at_both_ends_and_between() {
        let index = b"Package: a\nX: 1\n\nPackage: ab\nX: 2\n\nPackage: a\nX: 3";
        assert_eq!(find(index, Wanted::Packages(&["a"])), ["Package: a\nX: 1\n", "Package: a\nX: 3"]);
        assert_eq!(find(index, Wanted::Packages(&["ab"])), ["Package: ab\nX: 2\n"]);
        assert_eq!(find(index, Wanted::Packages(&["b"])).len(), 0);
        assert_eq!(find(b"", Wanted::Packages(&["a"])).len(), 0);
    }

    #[test]
    fn the_name_need_not_come_first_and_a_continuation_is_no_name() {
        let index = b"X: 1\n Package: a\nPackage: b\n\nX: 2\nPackage: a\n";
        assert_eq!(find(index, Wanted::Packages(&["a"])), ["X: 2\nPackage: a\n"]);
    }

    #[test]
    fn a_mention_is_told_once_a_stanza() {
        let index = b"Package: nginx-dev\nProvides: dh-sequence-nginx\nX: dh-sequence-nginx\n\nPackage: b\n";
        assert_eq!(find(index, Wanted::Mentioning("dh-sequence-nginx")).len(), 1);
    }

    #[test]
    fn limits() {
        let huge = std::io::repeat(b'a').take(LARGEST_STANZA as u64 * 2);
        assert!(search(huge, 1 << 30, Wanted::Packages(&["a"]), |_| ()).is_err());
        assert!(search(&b"Package: a\n"[..], 5, Wanted::Packages(&["a"]), |_| ()).is_err());
    }

    /// Gives a few bytes at a time.
    struct Dribble<'d>(&'d [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let size = self.1.min(buffer.len());
            let (head, mut rest) = buffer.split_at_mut(size);
            let _ = &mut rest;
            self.0.read(head)
        }
    }

    #[test]
    fn stanzas_across_blocks_are_whole() {
        let mut index = String::new();
        for i in 0..60_000 {
            index.push_str(&format!("Package: p{i}\nDescription: {}\n\n", "x".repeat(i % 90)));
        }
        assert!(index.len() > 3 * BLOCK);
        let names: Vec<String> = (0..60_000).step_by(997).map(|i| format!("p{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut all = Vec::new();
        search(Dribble(index.as_bytes(), 7777), 1 << 30, Wanted::Packages(&names), |s| all.push(s.to_vec())).unwrap();
        assert_eq!(all.len(), names.len());
        for (stanza, name) in all.iter().zip(names) {
            let stanza = std::str::from_utf8(stanza).unwrap();
            assert!(stanza.starts_with(&format!("Package: {name}\nDesc")) && stanza.ends_with('\n'), "{stanza}");
        }
    }

    proptest! {
        #[test]
        fn as_splitting_at_empty_lines_does(stanzas in proptest::collection::vec("(Package: [ab]{1,2}\n|X: [ab]{0,2}\n| Package: a\n){1,3}", 0..6)) {
            let index = stanzas.join("\n");
            let plain: Vec<&String> = stanzas.iter().filter(|s| s.lines().any(|l| l == "Package: a")).collect();
            prop_assert_eq!(find(index.as_bytes(), Wanted::Packages(&["a"])), plain.iter().map(|s| s.to_string()).collect::<Vec<_>>());
            let both = find(index.as_bytes(), Wanted::Packages(&["a", "zz"]));
            prop_assert_eq!(both.len(), plain.len());
        }
    }
}
