//! `[[test]]`: the autopkgtests of a target; under `[nginx]` each once per flavor.

use crate::recipe::value::{Section, Value};

use super::evaluator::Evaluator;
use super::nginx::{Flavor, Nginx};
use super::{Package, Test};

/// What a test needs that starts nginx: root, a machine of its own, and stderr,
/// where nginx says that all is well.
const RESTRICTIONS: [&str; 3] = ["needs-root", "isolation-container", "allow-stderr"];

impl Evaluator<'_> {
    /// The tests, in the recipe's order, and within one in that of the flavors.
    pub fn tests(&mut self, root: &Section, nginx: Option<&Nginx>, packages: &[Package]) -> Vec<Test> {
        let mut tests: Vec<Test> = Vec::new();
        let mut names: Vec<String> = Vec::new();
        let entries = self.entries(root, "test");
        // a name that is given is not given to a nameless one before it
        let mut taken: Vec<String> = entries.iter().filter_map(|s| Some(s.text("name")?.value.clone())).collect();
        for section in entries {
            let Some(run) = section.text("run") else { continue };
            let (name, span) = match self.word(section, "name") {
                Some(word) => (word.value, word.span),
                None => {
                    let name = free_name(&taken);
                    taken.push(name.clone());
                    (name, section.span.clone())
                }
            };
            if names.contains(&name) {
                self.wrong("duplicate-test", format!("two tests are named `{name}`"), &span);
                continue;
            }
            names.push(name.clone());
            match nginx {
                None => tests.push(self.test(section, name, &run.value)),
                Some(nginx) => {
                    let holds = |flavor: &&Flavor| section.when().is_none_or(|when| when.matches_flavor(&flavor.name));
                    for flavor in nginx.flavors.iter().filter(holds) {
                        self.variables.flavor = Some(flavor.name.clone());
                        let test = self.test(section, format!("{name}-{}", flavor.name), &run.value);
                        self.variables.flavor = None;
                        tests.push(of_flavor(test, flavor, nginx, packages));
                    }
                }
            }
        }
        tests
    }

    fn test(&mut self, section: &Section, name: String, run: &str) -> Test {
        let depends = match section.field("depends").map(|f| &f.value) {
            Some(Value::List(_)) => self.texts(section, "depends"),
            _ => vec!["@".to_string()],
        };
        let architectures = section.when().map_or_else(Vec::new, |selector| {
            selector.architectures().map(|(name, not)| format!("{}{name}", if not { "!" } else { "" })).collect()
        });
        let restrictions = self.texts(section, "restrictions");
        Test { name, run: run.to_string(), depends, restrictions, architectures, flavor: None }
    }
}

/// `@` is what can be installed together: the flavor's package, and those of no
/// flavor.
fn of_flavor(mut test: Test, flavor: &Flavor, nginx: &Nginx, packages: &[Package]) -> Test {
    let of_another = |package: &&Package| {
        let name = &package.name;
        *name != flavor.package && nginx.flavors.iter().any(|other| *name == other.package)
    };
    let together: Vec<String> =
        packages.iter().filter(|package| !of_another(package)).map(|package| package.name.clone()).collect();
    let depends = std::mem::take(&mut test.depends).into_iter();
    test.depends = depends.flat_map(|clause| if clause == "@" { together.clone() } else { vec![clause] }).collect();
    for restriction in RESTRICTIONS {
        if !test.restrictions.iter().any(|known| known == restriction) {
            test.restrictions.push(restriction.to_string());
        }
    }
    test.flavor = Some(flavor.name.clone());
    test
}

/// `test`, then `test-2` and so on: the first name that is not taken.
fn free_name(taken: &[String]) -> String {
    let numbered = |number: usize| if number == 1 { "test".to_string() } else { format!("test-{number}") };
    let mut number = 1;
    while taken.contains(&numbered(number)) {
        number += 1;
    }
    numbered(number)
}
