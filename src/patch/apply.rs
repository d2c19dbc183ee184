//! Applying patches to a tree as GNU patch does under dpkg-source: which file is
//! meant, when a patch is taken for reversed, what becomes of empty files, and
//! how the files of a git patch wait for each other.

use std::collections::BTreeSet;

use super::error::{Obstacle, PatchError, Reporter};
use super::hunk::{Hunk, Target};
use super::reading::FilePatch;
use super::tree::{EntryKind, Tree, Written};
use super::{PatchFile, analysis, explain, names};
use crate::diagnostic::Diagnostic;

/// Applies patches one upon the other. The tree has all their changes
/// afterwards; after an error it has those of the patches before the refused
/// one, and maybe some of its.
pub fn apply_series(patches: &[PatchFile], tree: &mut Tree<'_>) -> Result<Vec<Diagnostic>, PatchError> {
    series(patches, tree, false)
}

/// The same as dpkg-source does it when it unpacks: what patches change below
/// debian/ it refuses only when it builds, and a .diff.gz of format 1.0 is there
/// for nothing else.
pub fn unpack_series(patches: &[PatchFile], tree: &mut Tree<'_>) -> Result<Vec<Diagnostic>, PatchError> {
    series(patches, tree, true)
}

fn series(patches: &[PatchFile], tree: &mut Tree<'_>, debian: bool) -> Result<Vec<Diagnostic>, PatchError> {
    let mut warnings = Vec::new();
    for patch in patches {
        warnings.extend(patch.warnings.iter().cloned());
        warnings.extend(apply_one(patch, tree, 0, debian)?.1);
    }
    Ok(warnings)
}

/// One part of a patch that was applied: the changes of one file.
#[derive(Debug)]
pub struct Applied {
    /// Which part of the patch, counted from 0.
    pub(super) part: usize,
    /// The file that was meant.
    pub path: Vec<u8>,
    /// Its bytes before and after.
    pub(super) before: Vec<u8>,
    pub(super) after: Vec<u8>,
    /// Where each hunk went.
    pub hunks: Vec<Placed>,
}

/// Where a hunk went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// The line at which it matched, counted from 1; before which it inserts, if
    /// it has no old lines.
    pub line: i64,
    /// How many lines that is after the one that it names.
    pub offset: i64,
    /// How many lines of context were ignored.
    pub fuzz: i64,
}

impl Placed {
    /// Whether it matched where and as it says.
    pub fn is_exact(&self) -> bool {
        self.offset == 0 && self.fuzz == 0
    }
}

/// Applies one patch with up to `fuzz` lines of context ignored at either end of a
/// hunk, as `patch -F` does; 0 is what dpkg-source takes. Tells where every hunk
/// went, and what dpkg-source would warn of.
pub fn apply(patch: &PatchFile, tree: &mut Tree<'_>, fuzz: i64) -> Result<(Vec<Applied>, Vec<Diagnostic>), PatchError> {
    apply_one(patch, tree, fuzz, false)
}

fn apply_one(
    patch: &PatchFile,
    tree: &mut Tree<'_>,
    fuzz: i64,
    debian: bool,
) -> Result<(Vec<Applied>, Vec<Diagnostic>), PatchError> {
    let warnings = analysis::check(patch, tree)?;
    let applier = Applier {
        report: Reporter { name: &patch.name, bytes: &patch.bytes },
        patch,
        tree,
        debian,
        fuzz,
        applied: Vec::new(),
        git: false,
        waiting: Vec::new(),
        leaving: BTreeSet::new(),
        results: BTreeSet::new(),
    };
    Ok((applier.run()?, warnings))
}

/// A change that waits until all files of a git patch are read: an entry, or
/// its removal.
type Waiting = (Vec<u8>, Option<Written>);

struct Applier<'a, 't, 'b> {
    report: Reporter<'a>,
    patch: &'a PatchFile,
    tree: &'t mut Tree<'b>,
    /// Whether debian/ may be changed.
    debian: bool,
    fuzz: i64,
    applied: Vec<Applied>,
    git: bool,
    waiting: Vec<Waiting>,
    /// Paths that a waiting change removes: they count as gone.
    leaving: BTreeSet<Vec<u8>>,
    /// Existing paths that a waiting change is the result of.
    results: BTreeSet<Vec<u8>>,
}

const OLD: usize = 0;
const NEW: usize = 1;

/// Which file a part of a patch is about.
enum Meant<'a> {
    /// This one.
    File(&'a [u8]),
    /// None: GNU patch skips the part and fails.
    Skip(Obstacle),
}

impl<'a> Applier<'a, '_, '_> {
    fn run(mut self) -> Result<Vec<Applied>, PatchError> {
        for (part, file) in self.patch.files.iter().enumerate() {
            if !self.debian {
                self.refuse_debian(file)?;
            }
            let meant = self.meant(file);
            if file.git != self.git {
                self.flush(file)?;
                self.git = file.git;
            }
            match meant {
                Meant::File(path) => self.file(part, file, path)?,
                Meant::Skip(obstacle) => return Err(self.skipped(file, obstacle)),
            }
        }
        if let Some(last) = self.patch.files.last() {
            self.flush(last)?;
        }
        Ok(self.applied)
    }

    /// dpkg-source replaces debian/ and compares the tree with orig and patches:
    /// what a patch does there fails in that second pass.
    fn refuse_debian(&self, file: &FilePatch) -> Result<(), PatchError> {
        let paths = file.names.iter().flatten().map(|name| names::normal(name));
        for path in paths {
            if path == b"debian" || path.starts_with(b"debian/") {
                return Err(self.report.error(file.line, Obstacle::Debian(path)));
            }
        }
        Ok(())
    }

    fn kind(&self, path: &[u8]) -> Option<EntryKind> {
        let path = names::normal(path);
        if self.leaving.contains(&path) { None } else { self.tree.kind(&path) }
    }

    /// Whether there is nothing at a path, or an empty file.
    fn is_empty(&self, path: &[u8]) -> bool {
        match self.kind(path) {
            None => true,
            Some(EntryKind::Folder | EntryKind::Other) => false,
            Some(_) => self.tree.content(path).is_some_and(<[u8]>::is_empty),
        }
    }

    /// The file that GNU patch would take: the best of the existing ones; if
    /// the patch creates one, the best of those that need the fewest folders.
    fn meant(&self, file: &'a FilePatch) -> Meant<'a> {
        let named: Vec<&[u8]> = file.names.iter().flatten().map(Vec::as_slice).collect();
        let existing = named.iter().copied().filter(|name| self.kind(name).is_some());
        let mut best = best(existing);
        if let Some(path) = best.or(named.last().copied()) {
            let fits = best.is_none() || self.kind(path) == file_kind(file);
            if fits && self.looks_reversed(file, path, best.is_none()) {
                let path = path.to_vec();
                let gone = best.is_none() || self.is_empty(&path);
                return Meant::Skip(if gone { Obstacle::AlreadyGone(path) } else { Obstacle::Exists(path) });
            }
        }
        if best.is_none() && file.absent[OLD] > 0 {
            let fewest = named.iter().map(|name| self.missing_folders(name)).min();
            best = self::best(named.iter().copied().filter(|name| Some(self.missing_folders(name)) == fewest));
        }
        let Some(path) = best else {
            let new = file.names[NEW].as_deref().filter(|_| !file.moves());
            let path = new.or(named.first().copied()).unwrap_or_default();
            return Meant::Skip(Obstacle::Missing(path.to_vec()));
        };
        if file.moves() && !file.names[..2].iter().all(|name| name.as_deref().is_some_and(names::is_safe)) {
            return Meant::Skip(Obstacle::NoName);
        }
        Meant::File(path)
    }

    /// Whether the patch would create what is there, or remove what is not.
    fn looks_reversed(&self, file: &FilePatch, path: &[u8], missing: bool) -> bool {
        let empty = missing || self.is_empty(path);
        let [old, new] = file.absent;
        // git's index line tells empty files from missing ones
        let known = if missing { new == 1 && old == 2 } else { old == 1 && new == 2 };
        if empty { new > 0 && !known } else { old > 1 }
    }

    fn missing_folders(&self, path: &[u8]) -> usize {
        names::ancestors(&names::normal(path)).filter(|a| self.tree.kind(a) != Some(EntryKind::Folder)).count()
    }

    /// Applies the hunks of one file.
    fn file(&mut self, part: usize, file: &'a FilePatch, path: &'a [u8]) -> Result<(), PatchError> {
        let to = self.destination(file, path);
        if file.git && self.tree.kind(to).is_some() && !self.results.insert(names::normal(to)) {
            self.flush(file)?;
            self.results.insert(names::normal(to));
        }
        let kind = self.kind(path);
        if kind.is_some() && kind != file_kind(file) {
            return Err(self.report.error(file.line, Obstacle::NotAFile(path.to_vec())));
        }
        let content = match kind {
            None => Vec::new(),
            Some(_) => match self.tree.content(path) {
                Some(content) => content.to_vec(),
                None => return Err(self.report.error(file.line, Obstacle::Unread(path.to_vec()))),
            },
        };
        self.prerequisite(file, path, &content)?;
        let (patched, hunks) = self.hunks(file, path, &content)?;
        let after = patched.clone();
        self.applied.push(Applied { part, path: names::normal(path), before: content, after, hunks });
        self.put(file, path, to, patched)
    }

    /// Puts the patched bytes where they belong; what is empty goes (`-E`).
    fn put(&mut self, file: &FilePatch, path: &[u8], to: &[u8], patched: Vec<u8>) -> Result<(), PatchError> {
        if patched.is_empty() {
            return self.change(file, to, None);
        }
        if file.absent[NEW] == 2 {
            return Err(self.report.error(file.line, Obstacle::NotEmptied(to.to_vec())));
        }
        let new_mode = file.modes[NEW] != 0 && file.modes[OLD] != file.modes[NEW];
        if !file.hunks.is_empty() || new_mode || file.moves() {
            let kind = file_kind(file).unwrap_or(EntryKind::File);
            self.change(file, to, Some(Written { kind, bytes: patched }))?;
            // files that change places are not removed after their writing
            let rewritten = self.waiting.iter().any(|(p, w)| w.is_some() && *p == names::normal(path));
            if file.renames == [true; 2] && to != path && !rewritten {
                self.change(file, path, None)?;
            } else if file.renames == [true; 2] && to == path {
                // renamed already: stays, but the next files of the patch do not see it
                self.leaving.insert(names::normal(path));
            }
        }
        Ok(())
    }

    /// Where the result goes: the new name if the patch moves the file. If the new
    /// name is the one that is meant, it was moved already.
    fn destination(&self, file: &'a FilePatch, path: &'a [u8]) -> &'a [u8] {
        let is_old = file.names[OLD].as_deref() == Some(path);
        file.names[NEW].as_deref().filter(|_| file.moves() && is_old).unwrap_or(path)
    }

    fn prerequisite(&self, file: &FilePatch, path: &[u8], content: &[u8]) -> Result<(), PatchError> {
        let Some(word) = &file.prerequisite else { return Ok(()) };
        if content.split(|b| names::is_space(*b)).any(|other| other == word.as_slice()) {
            return Ok(());
        }
        Err(self.report.error(file.line, Obstacle::Prerequisite(path.to_vec())))
    }

    fn hunks(&self, file: &FilePatch, path: &[u8], content: &[u8]) -> Result<(Vec<u8>, Vec<Placed>), PatchError> {
        let mut target = Target::new(content, &self.patch.bytes);
        let mut placed = Vec::with_capacity(file.hunks.len());
        for (index, hunk) in file.hunks.iter().enumerate() {
            let Some((line, fuzz)) = self.locate(&target, index, hunk) else {
                return Err(self.refused(path, index, hunk, &target));
            };
            let creates = line == 1 && file.absent[OLD] == 2 && !content.is_empty();
            if creates || !target.apply(hunk, line) {
                let obstacle = Obstacle::Overlap { path: path.to_vec(), hunk: index + 1 };
                return Err(self.report.error(hunk.line, obstacle));
            }
            placed.push(Placed { line, offset: line - hunk.first, fuzz });
        }
        Ok((target.finish(), placed))
    }

    /// The line at which a hunk matches, and with how much fuzz: the least that
    /// does. Before it allows more, GNU patch looks whether a first hunk would
    /// match backwards, and gives up if so.
    fn locate(&self, target: &Target<'_>, index: usize, hunk: &Hunk) -> Option<(i64, i64)> {
        for fuzz in 0..=self.fuzz.min(hunk.leading.max(hunk.trailing)) {
            if let Some(line) = target.locate(hunk, fuzz) {
                return Some((line, fuzz));
            }
            if index == 0 && fuzz < self.fuzz && target.locate(&hunk.reversed(), fuzz).is_some() {
                return None;
            }
        }
        None
    }

    fn refused(&self, path: &[u8], index: usize, hunk: &Hunk, target: &Target<'_>) -> PatchError {
        let applied = target.locate(&hunk.reversed(), 0).filter(|_| hunk.new_lines().next().is_some());
        let obstacle = match applied {
            Some(_) if index == 0 => Obstacle::AlreadyApplied(path.to_vec()),
            _ => Obstacle::DoesNotApply { path: path.to_vec(), hunk: index + 1 },
        };
        let mut error = self.report.error(hunk.line, obstacle);
        error.notes = explain::hunk(&self.patch.bytes, path, hunk, target, applied).into();
        error
    }

    /// The error for a part that GNU patch skips, with other places where the
    /// names would fit.
    fn skipped(&self, file: &FilePatch, obstacle: Obstacle) -> PatchError {
        let mut error = self.report.error(file.line, obstacle);
        if matches!(error.obstacle, Obstacle::Missing(_)) {
            let (notes, hints) = explain::missing(&self.report, file, &|path| self.kind(path).is_some());
            error.notes = notes.into();
            error.hints = hints.into();
        }
        error
    }

    /// Changes the tree, for a git patch once all its files were read.
    fn change(&mut self, file: &FilePatch, path: &[u8], written: Option<Written>) -> Result<(), PatchError> {
        let path = names::normal(path);
        if !file.git {
            return self.change_now(file, path, written);
        }
        if written.is_none() {
            self.leaving.insert(path.clone());
        } else {
            self.leaving.remove(&path);
        }
        self.waiting.push((path, written));
        Ok(())
    }

    fn change_now(&mut self, file: &FilePatch, path: Vec<u8>, written: Option<Written>) -> Result<(), PatchError> {
        match written {
            None => self.tree.remove(&path),
            Some(written) => self
                .tree
                .write(&path, written)
                .map_err(|path| self.report.error(file.line, Obstacle::NotAFolder(path)))?,
        }
        Ok(())
    }

    fn flush(&mut self, file: &FilePatch) -> Result<(), PatchError> {
        self.leaving.clear();
        self.results.clear();
        for (path, written) in std::mem::take(&mut self.waiting) {
            self.change_now(file, path, written)?;
        }
        Ok(())
    }
}

/// The best of several names: the first of the lowest rank, if it is safe.
fn best<'a>(candidates: impl Iterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
    let candidates: Vec<&[u8]> = candidates.collect();
    let lowest = candidates.iter().map(|name| names::rank(name)).min()?;
    candidates.into_iter().find(|name| names::rank(name) == lowest && names::is_safe(name))
}

/// What the modes say the file is; `None` for what no patch can change.
fn file_kind(file: &FilePatch) -> Option<EntryKind> {
    let [old, new] = file.modes.map(|mode| mode & 0o170_000);
    match if old == 0 { new } else { old } {
        _ if old != 0 && new != 0 && old != new => None,
        0 | 0o100_000 => Some(EntryKind::File),
        0o120_000 => Some(EntryKind::Symlink),
        _ => None,
    }
}
