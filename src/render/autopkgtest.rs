//! debian/tests (autopkgtest's README.package-tests): one stanza and one script
//! for each `[[test]]`.

use crate::deb::control::{Paragraph, write};
use crate::plan::Test;

use super::Tree;

/// Adds debian/tests/control and the scripts, if there is a test.
pub fn add(tests: &[Test], tree: &mut Tree) {
    if tests.is_empty() {
        return;
    }
    let paragraphs: Vec<Paragraph> = tests.iter().map(stanza).collect();
    tree.add("debian/tests/control", write(&paragraphs));
    for test in tests {
        tree.add_executable(format!("debian/tests/{}", test.name), script(&test.run));
    }
}

fn stanza(test: &Test) -> Paragraph {
    let mut paragraph = Paragraph::new();
    paragraph.push("Tests", &*test.name);
    paragraph.push("Depends", test.depends.join(", "));
    if !test.restrictions.is_empty() {
        paragraph.push("Restrictions", test.restrictions.join(", "));
    }
    if !test.architectures.is_empty() {
        paragraph.push("Architecture", test.architectures.join(" "));
    }
    paragraph
}

/// A script that names its interpreter is taken as it is.
fn script(run: &str) -> String {
    let run = run.trim_matches('\n');
    if run.starts_with("#!") { format!("{run}\n") } else { format!("#!/bin/sh\nset -e\n\n{run}\n") }
}
