//! debian/tests/control as scenarios (autopkgtest's README.package-tests): what
//! `[[test]]` renders to, and what a person wrote by hand.
//!
//! Tests with the same dependencies share a root, in their order, unless one
//! breaks its testbed. A test that wants what no root here has (a machine of
//! its own, the internet) is skipped, and the reason told.

use super::engine::BinaryPackage;
use super::error::SandboxError;
use super::scenario::{Scenario, Step};
use crate::deb::architecture::covers;
use crate::deb::control::{self, Paragraph};
use crate::deb::relations::{self, Kind};

/// Restrictions that are met by the way in which everything runs, or that
/// [`Step`] has a field for.
const MET: &[&str] = &[
    "allow-stderr",
    "breaks-testbed",
    "flaky",
    "isolation-container",
    "needs-root",
    "rw-build-tree",
    "skippable",
    "superficial",
];

/// The scenarios of a package: all that it builds is installed at least once,
/// but for the packages that `others` install.
pub fn scenarios(
    control: Option<&[u8]>,
    built: &[BinaryPackage],
    others: &[Scenario],
    architecture: &str,
) -> Result<Vec<Scenario>, SandboxError> {
    let mut own: Vec<String> =
        built.iter().filter(|p| !p.is_debug).map(|p| format!("{} (= {})", p.name, p.version)).collect();
    let mut scenarios: Vec<Scenario> = Vec::new();
    let mut may_join = false;
    let paragraphs = control::parse_bytes(control.unwrap_or_default());
    for paragraph in paragraphs.map_err(|e| SandboxError::Tests { message: e.to_string() })? {
        let test = Test::read(&paragraph, &own, architecture)?;
        let skip = test.skip(architecture);
        let breaks = test.has("breaks-testbed");
        match scenarios.last_mut() {
            Some(last) if may_join && skip.is_none() && !breaks && last.depends == test.depends => {
                last.name = format!("{}, {}", last.name, test.names());
                last.steps.extend(test.steps);
            }
            _ => scenarios.push(Scenario {
                name: test.names(),
                depends: test.depends,
                steps: test.steps,
                skip,
                is_chain: false,
            }),
        }
        may_join = !breaks && scenarios.last().is_some_and(|scenario| scenario.skip.is_none());
    }
    // flavors of one module exclude each other
    own.retain(|package| !others.iter().any(|scenario| scenario.depends.contains(package)));
    let installs_all =
        |scenario: &Scenario| scenario.skip.is_none() && own.iter().all(|p| scenario.depends.contains(p));
    if !own.is_empty() && !scenarios.iter().any(installs_all) {
        let name = "all packages".to_string();
        scenarios.insert(0, Scenario { name, depends: own, steps: Vec::new(), skip: None, is_chain: false });
    }
    Ok(scenarios)
}

/// A paragraph, read.
struct Test<'a> {
    depends: Vec<String>,
    steps: Vec<Step>,
    restrictions: Vec<&'a str>,
    architectures: Vec<&'a str>,
}

impl<'a> Test<'a> {
    fn read(paragraph: &'a Paragraph, own: &[String], architecture: &str) -> Result<Test<'a>, SandboxError> {
        let words = |field: &str| {
            let value = paragraph.get(field).unwrap_or_default();
            value.split([',', ' ', '\t', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>()
        };
        let restrictions = words("Restrictions");
        let has = |name: &str| restrictions.contains(&name);
        let step = |name: &str, command: String| Step {
            name: name.to_string(),
            command,
            as_root: has("needs-root"),
            allow_stderr: has("allow-stderr"),
            skippable: has("skippable"),
            flaky: has("flaky"),
        };
        let folder = paragraph.get_filled("Tests-Directory").map_or("debian/tests", str::trim);
        let mut steps: Vec<Step> = words("Tests")
            .iter()
            .map(|name| step(name, executing(&format!("{folder}/{name}"), &restrictions)))
            .collect();
        if let Some(command) = paragraph.get_filled("Test-Command") {
            steps.push(step(command.trim(), prelude(&restrictions) + &control::unfold(command)));
        }
        let depends = paragraph.get("Depends").unwrap_or("@");
        let depends = expand(depends, own, architecture)?;
        Ok(Test { depends, steps, restrictions, architectures: words("Architecture") })
    }

    fn has(&self, restriction: &str) -> bool {
        self.restrictions.contains(&restriction)
    }

    fn names(&self) -> String {
        self.steps.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Why it cannot run here.
    fn skip(&self, architecture: &str) -> Option<String> {
        let covered = |word: &str| word == architecture || covers(word, architecture);
        let excluded = self.architectures.iter().filter_map(|word| word.strip_prefix('!')).any(covered);
        let mut wanted = self.architectures.iter().filter(|word| !word.starts_with('!')).peekable();
        if excluded || (wanted.peek().is_some() && !wanted.any(|word| covered(word))) {
            return Some(format!("it is not for {architecture}"));
        }
        self.restrictions.iter().find(|restriction| !MET.contains(restriction)).map(|restriction| match *restriction {
            "needs-internet" => "it needs the internet, and nothing here has a network".to_string(),
            "isolation-machine" => "it needs a machine of its own".to_string(),
            other => format!("no root here can give what `{other}` asks for"),
        })
    }
}

/// The tree belongs to nobody: a test that writes into it gets a copy.
fn prelude(restrictions: &[&str]) -> String {
    match restrictions.contains(&"rw-build-tree") {
        true => "cp -r . \"$AUTOPKGTEST_TMP/tree\" && cd \"$AUTOPKGTEST_TMP/tree\" || exit\n".to_string(),
        false => String::new(),
    }
}

/// A test need not be executable in the source package: autopkgtest makes it so.
fn executing(path: &str, restrictions: &[&str]) -> String {
    let quoted = format!("'{}'", path.replace('\'', r"'\''"));
    format!(
        "{}cp {quoted} \"$AUTOPKGTEST_TMP/.test\" && chmod 755 \"$AUTOPKGTEST_TMP/.test\" || exit\n\
         if [ -x {quoted} ]; then exec ./{quoted}; fi\nexec \"$AUTOPKGTEST_TMP/.test\"\n",
        prelude(restrictions)
    )
}

/// Depends with `@` as the built packages, for one architecture.
fn expand(depends: &str, own: &[String], architecture: &str) -> Result<Vec<String>, SandboxError> {
    let bad = |message: String| SandboxError::Tests { message };
    let parsed = relations::parse(depends, Kind::Test).map_err(|e| bad(e.to_string()))?;
    let mut clauses = Vec::new();
    for clause in parsed.clauses {
        match clause.first().map(|relation| relation.package.as_str()) {
            Some("@") => clauses.extend(own.iter().cloned()),
            Some(special) if special.starts_with('@') => {
                return Err(bad(format!("`{special}` in Depends is not known to pkgr test: name the packages")));
            }
            _ => {
                let mut alternatives = Vec::new();
                for mut relation in clause.into_iter().filter(|relation| applies(&relation.architectures, architecture))
                {
                    relation.architectures.clear();
                    relation.profiles.clear();
                    alternatives.push(relation.to_string());
                }
                if !alternatives.is_empty() {
                    clauses.push(alternatives.join(" | "));
                }
            }
        }
    }
    Ok(clauses)
}

fn applies(architectures: &[String], architecture: &str) -> bool {
    let covered = |word: &str| word == architecture || covers(word, architecture);
    match architectures.first() {
        None => true,
        Some(first) if first.starts_with('!') => {
            !architectures.iter().any(|word| covered(word.trim_start_matches('!')))
        }
        Some(_) => architectures.iter().any(|word| covered(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built() -> Vec<BinaryPackage> {
        let package = |name: &str, is_debug| BinaryPackage {
            name: name.to_string(),
            version: "1-1".to_string(),
            file_name: format!("{name}_1-1_amd64.deb"),
            is_debug,
            depends: Vec::new(),
        };
        vec![package("a", false), package("a-dbgsym", true)]
    }

    fn scenarios_of(text: &str) -> Vec<Scenario> {
        scenarios(Some(text.as_bytes()), &built(), &[], "amd64").unwrap()
    }

    #[test]
    fn without_a_test_the_installation_is_tested() {
        let found = scenarios(None, &built(), &[], "amd64").unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((&found[0].depends[..], found[0].steps.len()), (&["a (= 1-1)".to_string()][..], 0));
    }

    #[test]
    fn tests_with_the_same_dependencies_share_a_root() {
        let found = scenarios_of(
            "Tests: one\nDepends: @, curl\n\nTests: two, three\nDepends: @, curl\nRestrictions: needs-root\n\n\
             Tests: four\nDepends: @\n\nTests: five\nRestrictions: breaks-testbed allow-stderr\n\nTests: six\n",
        );
        let names: Vec<&str> = found.iter().map(|scenario| scenario.name.as_str()).collect();
        assert_eq!(names, ["one, two, three", "four", "five", "six"]);
        assert_eq!(found[0].steps.iter().map(|step| step.as_root).collect::<Vec<_>>(), [false, true, true]);
        assert!(found[2].steps[0].allow_stderr && !found[3].steps[0].allow_stderr);
    }

    #[test]
    fn what_no_root_has_is_skipped() {
        for (restriction, why) in [
            ("Restrictions: needs-internet", "it needs the internet, and nothing here has a network"),
            ("Restrictions: isolation-machine", "it needs a machine of its own"),
            ("Restrictions: hint-testsuite-triggers", "no root here can give what `hint-testsuite-triggers` asks for"),
            ("Architecture: !amd64", "it is not for amd64"),
            ("Architecture: i386 armhf", "it is not for amd64"),
        ] {
            let found = scenarios_of(&format!("Tests: one\n{restriction}\n"));
            assert_eq!(found[1].skip.as_deref(), Some(why));
            assert!(found[0].steps.is_empty() && found[0].skip.is_none(), "the packages are installed all the same");
        }
        assert_eq!(scenarios_of("Tests: one\nArchitecture: linux-any\n")[0].skip, None);
    }

    #[test]
    fn dependencies_are_those_of_the_architecture() {
        let found = scenarios_of("Tests: one\nDepends: b [i386], c [!i386] | d (>= 2), e [i386] | f\n");
        assert_eq!(found[1].depends, ["c | d (>= 2)", "f"]);
        assert!(scenarios(Some(b"Tests: one\nDepends: @builddeps@\n"), &built(), &[], "amd64").is_err());
    }
}
