//! The tarball of a tree, in the bytes that dpkg-source has GNU tar write:
//! `--format=gnu --sort=name --numeric-owner --owner=0 --group=0`, one time stamp
//! for all, modes 0644 and 0755, blocks of 10 KiB.
//!
//! The layout is that of GNU tar (tar(5), "GNU tar archives"): what differs from
//! what the `tar` crate writes is the form of the checksum field, the header of a
//! long name, and the padding at the end.

use std::collections::BTreeSet;

use ::tar::{EntryType, Header};

use crate::render::{File, Tree};

const BLOCK: usize = 512;
const RECORD: usize = 20 * BLOCK;
/// Longer names get a member of their own before the file's.
const NAME_FIELD: usize = 100;

/// Writes all files of `tree`, each path behind `prefix` (`""`, or `NAME-VERSION`),
/// with an entry for every folder. `time` is in seconds since 1970.
pub fn write(tree: &Tree, prefix: &str, time: u64) -> Vec<u8> {
    let members = members(tree, prefix);
    let size: usize = members.iter().map(|(_, file)| 2 * BLOCK + file.map_or(0, |file| file.bytes.len())).sum();
    let mut archive = Vec::with_capacity(size.next_multiple_of(RECORD) + RECORD);
    for (name, file) in &members {
        match file {
            Some(file) => {
                let mode = if file.executable { 0o755 } else { 0o644 };
                push_header(&mut archive, name, EntryType::Regular, mode, file.bytes.len() as u64, time);
                push_data(&mut archive, &file.bytes);
            }
            None => push_header(&mut archive, &format!("{name}/"), EntryType::Directory, 0o755, 0, time),
        }
    }
    let end = (archive.len() + 2 * BLOCK).next_multiple_of(RECORD);
    archive.resize(end, 0);
    archive
}

/// Folders (without a file) and files in the order of a walk that sorts the
/// names in each folder: `a/x` before `a-b`, unlike in the order of paths.
fn members<'a>(tree: &'a Tree, prefix: &str) -> Vec<(String, Option<&'a File>)> {
    let mut folders = BTreeSet::new();
    let mut members = Vec::with_capacity(tree.files.len() * 2);
    for (path, file) in &tree.files {
        let name = if prefix.is_empty() { path.clone() } else { format!("{prefix}/{path}") };
        for (end, _) in name.match_indices('/') {
            if let Some(folder) = name.get(..end).filter(|folder| !folders.contains(*folder)) {
                folders.insert(folder.to_string());
            }
        }
        members.push((name, Some(file)));
    }
    members.extend(folders.into_iter().map(|folder| (folder, None)));
    members.sort_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
    members
}

fn push_header(archive: &mut Vec<u8>, name: &str, kind: EntryType, mode: u32, size: u64, time: u64) {
    if name.len() > NAME_FIELD {
        let mut header = Header::new_gnu();
        set_name(&mut header, b"././@LongLink");
        fill(&mut header, EntryType::GNULongName, 0o644, name.len() as u64 + 1, 0);
        push_checked(archive, header);
        let mut bytes = name.as_bytes().to_vec();
        bytes.push(0);
        push_data(archive, &bytes);
    }
    let mut header = Header::new_gnu();
    set_name(&mut header, name.as_bytes());
    fill(&mut header, kind, mode, size, time);
    push_checked(archive, header);
}

fn set_name(header: &mut Header, name: &[u8]) {
    let length = name.len().min(NAME_FIELD);
    header.as_old_mut().name[..length].copy_from_slice(&name[..length]);
}

fn fill(header: &mut Header, kind: EntryType, mode: u32, size: u64, time: u64) {
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(time);
}

/// GNU tar's checksum field is six digits, a NUL and a blank.
fn push_checked(archive: &mut Vec<u8>, mut header: Header) {
    header.as_old_mut().cksum = *b"        ";
    let sum: u32 = header.as_bytes().iter().map(|byte| u32::from(*byte)).sum();
    header.as_old_mut().cksum[..7].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    archive.extend_from_slice(header.as_bytes());
}

fn push_data(archive: &mut Vec<u8>, bytes: &[u8]) {
    archive.extend_from_slice(bytes);
    archive.resize(archive.len().next_multiple_of(BLOCK), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Origin;
    use std::io::Read;

    fn tree(paths: &[&str]) -> Tree {
        let file = |path: &&str| {
            let file = File {
                bytes: path.as_bytes().to_vec(),
                executable: path.ends_with("rules"),
                origin: Origin::Generated,
            };
            (path.to_string(), file)
        };
        Tree { files: paths.iter().map(file).collect() }
    }

    #[test]
    fn members_come_in_the_order_of_a_sorted_walk() {
        let long = format!("debian/{}", "x/".repeat(60));
        let tree = tree(&["debian/a/x", "debian/a-b", "debian/rules", "debian/a.b", &format!("{long}y")]);
        let bytes = write(&tree, "", 1_700_000_000);
        assert_eq!(bytes.len() % RECORD, 0);
        let mut archive = ::tar::Archive::new(&bytes[..]);
        let mut names = Vec::new();
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = String::from_utf8(entry.path_bytes().to_vec()).unwrap();
            assert_eq!(entry.header().mtime().unwrap(), 1_700_000_000);
            let mode = entry.header().mode().unwrap();
            if entry.header().entry_type().is_file() {
                let mut content = String::new();
                entry.read_to_string(&mut content).unwrap();
                assert_eq!(content, name);
                assert_eq!(mode, if name == "debian/rules" { 0o755 } else { 0o644 });
            } else {
                assert_eq!(mode, 0o755);
            }
            names.push(name);
        }
        assert_eq!(names[..6], ["debian/", "debian/a/", "debian/a/x", "debian/a-b", "debian/a.b", "debian/rules"]);
        assert_eq!(names.last(), Some(&format!("{long}y")));
        assert_eq!(names.len(), 6 + 60 + 1);
    }

    #[test]
    fn a_prefix_is_a_folder_of_its_own() {
        let bytes = write(&tree(&["debian/rules", "a"]), "hello-1.0", 0);
        let mut archive = ::tar::Archive::new(&bytes[..]);
        let names: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| String::from_utf8(entry.unwrap().path_bytes().to_vec()).unwrap())
            .collect();
        assert_eq!(names, ["hello-1.0/", "hello-1.0/a", "hello-1.0/debian/", "hello-1.0/debian/rules"]);
    }
}
