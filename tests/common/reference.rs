//! What dpkg-dev makes of the tree that a package unpacks to, and how pkgr's
//! files may differ from that: in the closed list written out here, and in
//! nothing else. Fields, their order and their text, file lists and digests,
//! and the members of the tarball are compared one by one.

use std::fs;
use std::path::{Path, PathBuf};

use super::control::{Listed, Paragraph};
use super::judge::{self, Package};
use super::{TestEnvironment, run};

const LISTS: [&str; 4] = ["Files", "Checksums-Md5", "Checksums-Sha1", "Checksums-Sha256"];

/// The fields of a .buildinfo that tell of the machine, the moment and the
/// caller. pkgr's tell nothing of them, so that they repeat; dpkg's do.
const BUILDINFO_VARIES: [&str; 4] = ["Build-Origin", "Build-Architecture", "Build-Date", "Environment"];

/// Fields that dpkg-genbuildinfo writes on some machines only, and pkgr never.
const BUILDINFO_MACHINE: [&str; 3] = ["Build-Kernel-Version", "Build-Path", "Build-Tainted-By"];

/// What dpkg-dev warns of in the best package for a PPA: it takes `ubuntu` in a
/// version for a change that Ubuntu made to a package of Debian's.
const WARNINGS: [&str; 2] = ["Version number suggests Ubuntu changes", "XSBC-Original-Maintainer"];

/// Builds the reference from `tree` and returns all differences that are not
/// on the closed list; empty is good.
pub fn differences(environment: &TestEnvironment, package: &Package, tree: &Path) -> Vec<String> {
    let reference = build(environment, package, tree);
    let mut found = Vec::new();
    let (our_dsc, their_dsc) = (Paragraph::read(&package.dsc), Paragraph::read(&reference.dsc));
    compare_fields(".dsc", &our_dsc, &their_dsc, &LISTS, &mut found);
    // 1. our tarball's compressed bytes: the same members, another encoder
    let ours = |name: &str| !name.contains(".orig");
    compare_lists(".dsc", &our_dsc, &their_dsc, &LISTS[..], ours, &mut found);
    for listed in our_dsc.files("Files").iter().filter(|listed| ours(&listed.name)) {
        compare_tarballs(package, &reference, &listed.name, &mut found);
    }
    let (our, their) = (Paragraph::read(&package.changes), Paragraph::read(&reference.changes));
    compare_fields(".changes", &our, &their, &LISTS, &mut found);
    // 2. the digests of the files that are signed, and of that tarball
    compare_lists(".changes", &our, &their, &LISTS[..], ours, &mut found);
    let (our, their) = (Paragraph::read(&package.buildinfo), Paragraph::read(&reference.buildinfo));
    let without_machine = Paragraph {
        fields: their.fields.into_iter().filter(|(name, _)| !BUILDINFO_MACHINE.contains(&name.as_str())).collect(),
    };
    // 3. what .buildinfo says of the machine
    let varies: Vec<&str> = [&LISTS[..], &BUILDINFO_VARIES[..], &["Installed-Build-Depends"]].concat();
    compare_fields(".buildinfo", &our, &without_machine, &varies, &mut found);
    compare_lists(".buildinfo", &our, &without_machine, &LISTS[..], ours, &mut found);
    found
}

/// The reference's files.
struct Reference {
    folder: PathBuf,
    dsc: PathBuf,
    buildinfo: PathBuf,
    changes: PathBuf,
}

/// dpkg-source, dpkg-genbuildinfo and dpkg-genchanges on a copy of the tree,
/// as the package's distribution would run them.
fn build(environment: &TestEnvironment, package: &Package, tree: &Path) -> Reference {
    let folder = environment.path("reference").join(package.dsc.file_stem().unwrap());
    fs::create_dir_all(&folder).unwrap();
    let ours = Paragraph::read(&package.changes);
    // a native tarball has the name of its folder in it
    let copy = folder.join(top_folder(package).unwrap_or_else(|| "tree".to_string()));
    // with the times of what was unpacked, for dpkg-source clamps them from above only
    run(environment.command("cp").arg("-a").arg(tree).arg(&copy)).ok();
    let (mut has_orig, mut includes_orig) = (false, false);
    for listed in Paragraph::read(&package.dsc).files("Files").iter().filter(|l| l.name.contains(".orig")) {
        fs::copy(package.dsc.with_file_name(&listed.name), folder.join(&listed.name)).unwrap();
        has_orig = true;
        includes_orig |= ours.files("Files").iter().any(|in_changes| in_changes.name == listed.name);
    }
    let origins = origins(environment, package.vendor);
    let date = run(environment.command("dpkg-parsechangelog").args(["-S", "Timestamp"]).current_dir(&copy)).ok().stdout;
    let dpkg = |program: &str, folder: &Path, arguments: &[&str]| {
        let mut command = environment.command(program);
        command.env("DPKG_ORIGINS_DIR", &origins).env("SOURCE_DATE_EPOCH", date.trim()).args(arguments);
        let done = run(command.current_dir(folder)).ok();
        let warnings = done.stderr.lines().filter(|line| line.contains("warning:"));
        let unexpected: Vec<&str> = warnings.filter(|line| !WARNINGS.iter().any(|w| line.contains(w))).collect();
        assert!(unexpected.is_empty(), "{program}: {unexpected:#?}");
    };
    dpkg("dpkg-source", &folder, &["-b", copy.file_name().unwrap().to_str().unwrap()]);
    let buildinfo = folder.join(package.buildinfo.file_name().unwrap());
    let output = format!("-O{}", buildinfo.display());
    dpkg("dpkg-genbuildinfo", &copy, &["--build=source", &output]);
    let changes = folder.join(package.changes.file_name().unwrap());
    let output = format!("-O{}", changes.display());
    let orig = if has_orig && !includes_orig { "-sd" } else { "-sa" };
    dpkg("dpkg-genchanges", &copy, &["--build=source", orig, "-q", &output]);
    Reference { dsc: folder.join(package.dsc.file_name().unwrap()), folder, buildinfo, changes }
}

/// The folder that a native tarball unpacks to; none for the quilt format.
fn top_folder(package: &Package) -> Option<String> {
    let dsc = Paragraph::read(&package.dsc);
    if dsc.need("Format") != "3.0 (native)" {
        return None;
    }
    let files = dsc.files("Files");
    let first = judge::members(&package.dsc.with_file_name(&files[0].name)).remove(0).name;
    first.split('/').next().map(str::to_string)
}

/// A folder of vendor files (deb-origin(5)) in which `vendor` is the default.
fn origins(environment: &TestEnvironment, vendor: &str) -> PathBuf {
    let folder = environment.path(format!("origins-{vendor}"));
    if !folder.exists() {
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("debian"), "Vendor: Debian\nVendor-URL: https://www.debian.org/\n").unwrap();
        let ubuntu = "Vendor: Ubuntu\nVendor-URL: https://www.ubuntu.com/\nParent: Debian\n";
        fs::write(folder.join("ubuntu"), ubuntu).unwrap();
        std::os::unix::fs::symlink(vendor, folder.join("default")).unwrap();
    }
    folder
}

/// The same fields in the same order with the same text, but for `varies`,
/// whose text is compared elsewhere or not at all.
fn compare_fields(what: &str, ours: &Paragraph, theirs: &Paragraph, varies: &[&str], found: &mut Vec<String>) {
    if ours.names() != theirs.names() {
        found.push(format!("{what}: fields\n  ours   {:?}\n  theirs {:?}", ours.names(), theirs.names()));
    }
    for (name, value) in ours.fields.iter().filter(|(name, _)| !varies.contains(&name.as_str())) {
        if let Some(other) = theirs.get(name).filter(|other| other != value) {
            found.push(format!("{what}: {name}\n  ours   {value:?}\n  theirs {other:?}"));
        }
    }
}

/// The same files in the same order, with the same section and priority;
/// digests and sizes too, but for the names of which `differ` is true.
fn compare_lists(
    what: &str,
    ours: &Paragraph,
    theirs: &Paragraph,
    lists: &[&str],
    differ: impl Fn(&str) -> bool,
    found: &mut Vec<String>,
) {
    let comparable = |paragraph: &Paragraph, list: &str| -> Vec<Listed> {
        let mut files = paragraph.files(list);
        for file in files.iter_mut().filter(|file| differ(&file.name)) {
            file.digest.clear();
            file.size = 0;
        }
        files
    };
    for list in lists.iter().filter(|list| ours.get(list).is_some() && theirs.get(list).is_some()) {
        let (left, right) = (comparable(ours, list), comparable(theirs, list));
        if left != right {
            found.push(format!("{what}: {list}\n  ours   {left:?}\n  theirs {right:?}"));
        }
    }
}

/// The same members in the same order: names, kinds, modes, owners, times, bytes.
fn compare_tarballs(package: &Package, reference: &Reference, name: &str, found: &mut Vec<String>) {
    let ours = judge::members(&package.dsc.with_file_name(name));
    let theirs = judge::members(&reference.folder.join(name));
    let names = |members: &[judge::Member]| members.iter().map(|m| m.name.clone()).collect::<Vec<_>>();
    if names(&ours) != names(&theirs) {
        found.push(format!("{name}: members\n  ours   {:?}\n  theirs {:?}", names(&ours), names(&theirs)));
        return;
    }
    for (our, their) in ours.iter().zip(&theirs).filter(|(our, their)| our != their) {
        let shown = |member: &judge::Member| judge::Member { content: vec![], ..member.clone() };
        let content = if our.content == their.content { "" } else { ", and other content" };
        found.push(format!("{name}:\n  ours   {:?}\n  theirs {:?}{content}", shown(our), shown(their)));
    }
}
