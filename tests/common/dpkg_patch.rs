//! dpkg's own code as the judge of patches: `Dpkg::Source::Patch`, called as the
//! quilt format calls it, for many trees in one process.
#![allow(dead_code)] // each test takes its part

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::{Command, Stdio};

use pkgr::patch::{self, EntryKind, MemoryBase, PatchError, Tree};

/// A tree by path: file or symbolic link, and content or target.
pub type Entries = BTreeMap<Vec<u8>, (EntryKind, Vec<u8>)>;

/// A tree and the patches to apply to it.
#[derive(Debug, Clone, Default)]
pub struct Case {
    pub tree: Entries,
    pub patches: Vec<Vec<u8>>,
}

const JUDGE: &str = r#"
use strict; use warnings; use Dpkg::Source::Patch;
my ($root, $count, $fuzz) = @ARGV;
open(my $out, '>', "$root/verdicts") or die;
for my $i (0 .. $count - 1) {
    my $verdict = 'accepted';
    for (my $p = 0; -e "$root/$i/p$p"; $p++) {
        my $patch = Dpkg::Source::Patch->new(filename => "$root/$i/p$p");
        eval {
            $patch->apply("$root/$i/tree", timestamp => time, verbose => 0,
                force_timestamp => 1, create_dirs => 1, remove_backup => 0,
                options => [ '-t', '-F', $fuzz, '-N', '-p1', '-u', '-V', 'never',
                             '-E', '-b', '-B', ".pc/p$p/", '--reject-file=-' ]);
        };
        if ($@) { $verdict = "refused: $@"; last }
    }
    $verdict =~ s/\n/ /g;
    print $out "$verdict\n";
}
"#;

/// What dpkg makes of the cases: the tree, or why it refuses.
pub fn judge(cases: &[Case]) -> Vec<Result<Entries, String>> {
    judge_with_fuzz(cases, 0)
}

/// The same if it allowed so much fuzz.
pub fn judge_with_fuzz(cases: &[Case], fuzz: i64) -> Vec<Result<Entries, String>> {
    let root = tempfile::tempdir().unwrap();
    for (i, case) in cases.iter().enumerate() {
        let folder = root.path().join(i.to_string());
        write_tree(&folder.join("tree"), &case.tree);
        for (p, patch) in case.patches.iter().enumerate() {
            std::fs::write(folder.join(format!("p{p}")), patch).unwrap();
        }
    }
    let status = Command::new("perl")
        .args(["-e", JUDGE])
        .arg(root.path())
        .arg(cases.len().to_string())
        .arg(fuzz.to_string())
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("perl and libdpkg-perl must be there");
    assert!(status.success());
    let verdicts = std::fs::read(root.path().join("verdicts")).unwrap();
    let verdicts = String::from_utf8_lossy(&verdicts).into_owned();
    let results: Vec<_> = verdicts
        .lines()
        .enumerate()
        .map(|(i, verdict)| match verdict {
            "accepted" => Ok(read_tree(&root.path().join(i.to_string()).join("tree"))),
            other => Err(other.to_string()),
        })
        .collect();
    assert_eq!(results.len(), cases.len());
    results
}

/// What GNU patch says while it applies the patches of a case as dpkg would.
pub fn said_by_patch(case: &Case) -> String {
    let root = tempfile::tempdir().unwrap();
    write_tree(root.path(), &case.tree);
    let mut said = String::new();
    for patch in &case.patches {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), patch).unwrap();
        let output = Command::new("patch")
            .args(["-t", "-F", "0", "-N", "-p1", "-u", "-V", "never", "-E", "--reject-file=-"])
            .current_dir(root.path())
            .env("LC_ALL", "C")
            .stdin(std::fs::File::open(file.path()).unwrap())
            .output()
            .expect("patch must be there");
        said.push_str(&String::from_utf8_lossy(&output.stdout));
    }
    said
}

/// What pkgr makes of a case. Only what [`patch::touched`] names has its content known.
pub fn ours(case: &Case) -> Result<Entries, PatchError> {
    with_tree(case, |patches, tree| patch::apply_series(patches, tree).map(drop))
}

/// What pkgr makes of a case with fuzz, and the case with refreshed patches.
pub fn refreshed(case: &Case, fuzz: i64) -> Result<(Entries, Case), PatchError> {
    let mut fresh = Case { tree: case.tree.clone(), patches: Vec::new() };
    let entries = with_tree(case, |patches, tree| {
        for patch in patches {
            fresh.patches.push(patch::refresh::refresh(patch, tree, fuzz)?.bytes);
        }
        Ok(())
    })?;
    Ok((entries, fresh))
}

fn with_tree(
    case: &Case,
    apply: impl FnOnce(&[patch::PatchFile], &mut Tree<'_>) -> Result<(), PatchError>,
) -> Result<Entries, PatchError> {
    let patches = case
        .patches
        .iter()
        .enumerate()
        .map(|(i, bytes)| patch::parse(&format!("patches/p{i}"), bytes))
        .collect::<Result<Vec<_>, _>>()?;
    let base = Partial { base: base(&case.tree), known: patch::touched(&patches) };
    let mut tree = Tree::new(&base);
    apply(&patches, &mut tree)?;
    let mut entries = case.tree.clone();
    for (path, bytes) in tree.changes() {
        match bytes {
            Some(bytes) => entries.insert(path.to_vec(), (tree.kind(path).unwrap(), bytes.to_vec())),
            None => entries.remove(path),
        };
    }
    Ok(entries)
}

/// A tree whose content is known only where patches touch it.
struct Partial {
    base: MemoryBase,
    known: std::collections::BTreeSet<Vec<u8>>,
}

impl patch::Base for Partial {
    fn kind(&self, path: &[u8]) -> Option<EntryKind> {
        self.base.kind(path)
    }
    fn content(&self, path: &[u8]) -> Option<&[u8]> {
        self.known.get(path).and_then(|path| self.base.content(path))
    }
}

fn base(entries: &Entries) -> MemoryBase {
    let mut base = MemoryBase::default();
    for (path, (kind, content)) in entries {
        base.insert(path, *kind, content.clone());
    }
    base
}

/// Writes the entries below a folder.
pub fn write_tree(folder: &Path, entries: &Entries) {
    std::fs::create_dir_all(folder).unwrap();
    for (path, (kind, content)) in entries {
        let path = folder.join(OsStr::from_bytes(path));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match kind {
            EntryKind::Symlink => std::os::unix::fs::symlink(OsStr::from_bytes(content), path).unwrap(),
            _ => std::fs::write(path, content).unwrap(),
        }
    }
}

/// Reads the files and links below a folder, but for `.pc`.
pub fn read_tree(folder: &Path) -> Entries {
    let mut entries = Entries::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let entry = entry.unwrap();
            let path = entry.path();
            let kind = entry.file_type().unwrap();
            let relative = path.strip_prefix(folder).unwrap().as_os_str().as_bytes().to_vec();
            if relative == b".pc" {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_symlink() {
                let target = std::fs::read_link(&path).unwrap().into_os_string().into_vec();
                entries.insert(relative, (EntryKind::Symlink, target));
            } else {
                entries.insert(relative, (EntryKind::File, std::fs::read(&path).unwrap()));
            }
        }
    }
    entries
}
