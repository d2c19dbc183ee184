//! The record of a source build (deb-buildinfo(5)).
//!
//! dpkg-genbuildinfo records the machine: its clock, its installed packages, its
//! environment. A source package made from a recipe depends on none of these, so
//! the record is made of constants and of the changelog, and is the same for the
//! same package. `Installed-Build-Depends` must be there and names nothing, for
//! nothing that is installed took part.

use super::control::Paragraph;
use super::source::{ListedFile, Source, list, push_checksums};

/// Values that a source package does not depend on; readers want some.
const ORIGIN: &str = "Debian";
const ARCHITECTURE: &str = "amd64";

/// The paragraph of a _source.buildinfo; it lists the .dsc alone.
pub fn build(source: &Source, dsc: &ListedFile) -> Paragraph {
    let entry = &source.top.entry;
    let files = std::slice::from_ref(dsc);
    let mut buildinfo = Paragraph::new();
    buildinfo.push("Format", "1.0");
    buildinfo.push("Source", source.name());
    buildinfo.push("Architecture", "source");
    buildinfo.push("Version", source.version());
    let line = |file: &ListedFile| format!("{} {} {}", file.checksums.md5, file.checksums.size, file.name);
    buildinfo.push("Checksums-Md5", list(files, line));
    push_checksums(&mut buildinfo, files);
    buildinfo.push("Build-Origin", ORIGIN);
    buildinfo.push("Build-Architecture", ARCHITECTURE);
    buildinfo.push("Build-Date", &*entry.date);
    buildinfo.push("Installed-Build-Depends", "");
    let epoch = entry.timestamp().unwrap_or_default();
    buildinfo.push("Environment", format!("\n SOURCE_DATE_EPOCH=\"{epoch}\""));
    buildinfo
}

#[cfg(test)]
mod tests {
    use super::super::checksums::Checksums;
    use super::super::source::tests::{CONTROL_TEXT, source};
    use super::*;

    #[test]
    fn order_and_values() {
        let source = source(CONTROL_TEXT, None).unwrap();
        let dsc = ListedFile { name: "hello_2.12-2.dsc".to_string(), checksums: Checksums::of(b"abc") };
        assert_eq!(
            build(&source, &dsc).to_string(),
            "Format: 1.0\nSource: hello\nArchitecture: source\nVersion: 1:2.12-2\n\
             Checksums-Md5:\n 900150983cd24fb0d6963f7d28e17f72 3 hello_2.12-2.dsc\n\
             Checksums-Sha1:\n a9993e364706816aba3e25717850c26c9cd0d89d 3 hello_2.12-2.dsc\n\
             Checksums-Sha256:\n ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 hello_2.12-2.dsc\n\
             Build-Origin: Debian\nBuild-Architecture: amd64\nBuild-Date: Tue, 05 Mar 2024 10:00:00 +0100\n\
             Installed-Build-Depends:\nEnvironment:\n SOURCE_DATE_EPOCH=\"1709629200\"\n"
        );
    }
}
