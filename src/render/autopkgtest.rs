//! debian/tests (autopkgtest's README.package-tests): one stanza and one script
//! for each `[[test]]`.

use crate::deb::control::{Paragraph, write};
use crate::plan::{Target, Test};

use super::{Tree, nginx};

/// Adds debian/tests/control and the scripts, if there is a test.
pub fn add(target: &Target, tree: &mut Tree) {
    let tests = &target.tests;
    if tests.is_empty() {
        return;
    }
    let paragraphs: Vec<Paragraph> = tests.iter().map(stanza).collect();
    tree.add("debian/tests/control", write(&paragraphs));
    for test in tests {
        let path = format!("debian/tests/{}", test.name);
        let enable = target.nginx.as_ref().filter(|_| test.flavor.is_some()).map(nginx::enabled_for_test);
        match enable {
            None => tree.add_executable(path, script(&test.run)),
            Some(enable) if test.run.trim_start_matches('\n').starts_with("#!") => {
                // what is not for sh runs after a script that is
                let run = format!("debian/tests/run/{}", test.name);
                tree.add_executable(path, format!("#!/bin/sh\nset -e\n\n{enable}\nexec ./{run}\n"));
                tree.add_executable(run, script(&test.run));
            }
            Some(enable) => tree.add_executable(path, script(&format!("{enable}\n{}", test.run.trim_matches('\n')))),
        }
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
