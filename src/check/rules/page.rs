//! docs/archive-rules.md, made from the table.

use super::{Known, Rule, all};
use crate::check::Level;

const HEAD: &str = "\
# What archives accept

Every rule that `pkgr check` knows, made from the table that it checks by
(`UPDATE_GOLDEN=1 cargo test --test check_command` writes this page anew);
`pkgr explain CODE` tells one of them.

The messages are Launchpad's own, word for word, with upper-case words for what
varies. A rejected upload is answered by a mail that begins with the first of them;
where the signature is at fault there is no mail at all. **Judged by** says what
`pkgr check` has to know:

- *files*: the upload alone;
- *key*: the signer's key, from `--keyring` or the user's GnuPG;
- *archives*: what the PPA and Ubuntu have published, from `--published` and
  `--primary`, or asked of Launchpad. Where nobody is asked, they count as empty;
- *Launchpad only*: accounts, rights, used space. It cannot be known before the
  upload, and `pkgr check` says nothing of it.

The processor goes in this order, and stops (\"Further error processing not
possible because of a critical previous error.\") where a step marked * has found
something: upload path, signature and fields of the .changes *, series, name of the
.changes *, addresses *, the list of files with the .dsc's signature and fields *,
names and digests of the files, Architecture, urgency, versions in file names, the
.dsc and its files, unpacking, kind of upload, version against the archive, pocket
and series, rights, space; and for what is not rejected by then, what its database
holds.

Not checked at all: Priority, Closes, Standards-Version, Build-Depends (but 26), the
changelog's own target, Checksums-Sha512, the code of conduct. A tarball with a valid
name that the .dsc does not list is accepted and dropped. Uploads to PPAs are never
held for review (36). Bugs named by Launchpad-Bugs-Fixed are closed by uploads to
Ubuntu only, never by a PPA (17).
";

const SECTIONS: &[(&str, &str)] = &[
    ("## Upload path", "paths"),
    ("## Signature and rights", "1 2 3"),
    ("## The .changes", "5 6 7 8 9 10 11 12 13 14 15 16"),
    ("## Series and pocket", "18 19 20"),
    ("## The .dsc", "21 22 23 24 25 26 27 28 29 30"),
    ("## Against the archive", "31 32 33 34 35"),
    ("## The processor itself", "order"),
    ("## Debian's archive, and none", "D1 D2 D3 D4 D5 D6"),
];

/// The whole page, in Markdown.
pub fn page() -> String {
    let mut page = HEAD.to_string();
    for (heading, numbers) in SECTIONS {
        page.push_str(&format!("\n{heading}\n"));
        for number in numbers.split(' ') {
            for rule in all().filter(|rule| rule.number == number) {
                page.push_str(&section(rule));
            }
        }
    }
    page
}

fn section(rule: &Rule) -> String {
    let Rule { code, meaning, .. } = rule;
    let number = match rule.number {
        "paths" | "order" => String::new(),
        number => format!("{number}. "),
    };
    let by = match rule.known {
        Known::Files => "files",
        Known::Key => "key",
        Known::Archive => "archives",
        Known::Nobody => "Launchpad only",
    };
    let mut text = format!("\n### {number}{code}\n\n*{}*, judged by {by}. {meaning}\n", level(rule.level));
    if !rule.message.is_empty() {
        text.push_str(&format!("\n    {}\n", rule.message.replace('\n', "\n    ")));
    }
    if !rule.cure.is_empty() {
        text.push_str(&format!("\nCure: {}.\n", rule.cure));
    }
    text
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Rejected => "Rejected",
        Level::Warning => "Warning",
        Level::Note => "Note",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_on_the_page_once() {
        let page = page();
        for rule in all() {
            let heading = format!("{}\n\n*", rule.code);
            let places =
                page.matches(&format!(". {heading}")).count() + page.matches(&format!("### {heading}")).count();
            assert_eq!(places, 1, "{}", rule.code);
        }
    }
}
