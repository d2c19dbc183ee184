//! What an archive is told of a source upload (deb-changes(5)), as dpkg-genchanges
//! writes it for `--build=source`.

use super::changelog;
use super::control::Paragraph;
use super::source::{Destination, ListedFile, Source, add_user_defined, list, push_checksums, user_defined};

/// The paragraph of a .changes. `vendor` is the distribution that the package is
/// for: `Ubuntu` has a field for the Launchpad bugs that are closed. `files` are the
/// .dsc, what it lists (without the origs, where the archive has them), and the
/// .buildinfo last.
pub fn build(source: &Source, vendor: &str, files: &[ListedFile]) -> Paragraph {
    let top = &source.top;
    let entry = &top.entry;
    let text = top.text.join("\n");
    let mut changes = Paragraph::new();
    changes.push("Format", "1.8");
    changes.push("Date", &*entry.date);
    changes.push("Source", source.name());
    changes.push("Architecture", "source");
    changes.push("Version", source.version());
    changes.push("Distribution", &*entry.distribution);
    changes.push("Urgency", &*entry.urgency);
    changes.push("Maintainer", source.control.get("Maintainer").unwrap_or_default());
    changes.push("Changed-By", &*entry.author);
    let body = top.text.get(2..).unwrap_or_default().join("\n");
    push_bugs(&mut changes, "Closes", &changelog::closes(&body));
    if vendor == "Ubuntu" {
        push_bugs(&mut changes, "Launchpad-Bugs-Fixed", &changelog::launchpad_bugs(&text));
    }
    changes.push("Changes", top.text.iter().map(|line| format!("\n {line}")).collect::<String>());
    push_checksums(&mut changes, files);
    let default = |field| source.control.get_filled(field).unwrap_or("-");
    let (section, priority) = (default("Section"), default("Priority"));
    let line = |file: &ListedFile| {
        format!("{} {} {section} {priority} {}", file.checksums.md5, file.checksums.size, file.name)
    };
    changes.push("Files", list(files, line));
    add_user_defined(&mut changes, user_defined(&source.control, Destination::Changes));
    changes
}

fn push_bugs(changes: &mut Paragraph, field: &str, bugs: &[String]) {
    if !bugs.is_empty() {
        changes.push(field, bugs.join(" "));
    }
}

#[cfg(test)]
mod tests {
    use super::super::checksums::Checksums;
    use super::super::source::tests::{CONTROL_TEXT, source};
    use super::*;

    #[test]
    fn order_and_values() {
        let control = CONTROL_TEXT.replace("Section: devel", "Section: devel\nXSBC-Original-Maintainer: O\nXS-Not: x");
        let source = source(&control, None).unwrap();
        let file = ListedFile { name: "hello_2.12-2.dsc".to_string(), checksums: Checksums::of(b"abc") };
        let changes = build(&source, "Ubuntu", std::slice::from_ref(&file));
        assert_eq!(
            changes.to_string(),
            "Format: 1.8\nDate: Tue, 05 Mar 2024 10:00:00 +0100\nSource: hello\nArchitecture: source\n\
             Version: 1:2.12-2\nDistribution: noble\nUrgency: medium\nMaintainer: A B <a@b.org>\n\
             Changed-By: A B <a@b.org>\nCloses: 9\nLaunchpad-Bugs-Fixed: 7\nChanges:\n\
             \x20hello (1:2.12-2) noble; urgency=medium\n .\n   * New. (LP: #7, Closes: #9)\n\
             Checksums-Sha1:\n a9993e364706816aba3e25717850c26c9cd0d89d 3 hello_2.12-2.dsc\n\
             Checksums-Sha256:\n ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 hello_2.12-2.dsc\n\
             Files:\n 900150983cd24fb0d6963f7d28e17f72 3 devel optional hello_2.12-2.dsc\nOriginal-Maintainer: O\n"
        );
        assert_eq!(build(&source, "Debian", &[file]).get("Launchpad-Bugs-Fixed"), None);
    }
}
