//! The recipe's debian/rules.mk beside the generated debian/rules that includes
//! it: one of dh's hooks defined in both would, in make and in dh(1), silently
//! leave out what the generated one does.

use crate::diagnostic::Place;
use crate::plan::Target;

use super::{Origin, RenderError, Tree};

/// Looks for hooks in rules.mk that hide generated ones. Nothing is generated
/// where the recipe replaces debian/rules too.
pub fn check(target: &Target, tree: &Tree, errors: &mut Vec<RenderError>) {
    let (Some(rules), Some(included)) = (tree.files.get("debian/rules"), tree.files.get("debian/rules.mk")) else {
        return;
    };
    if rules.origin != Origin::Generated {
        return;
    }
    let (rules, included) = (String::from_utf8_lossy(&rules.bytes), String::from_utf8_lossy(&included.bytes));
    let generated = hooks(&rules);
    for hook in hooks(&included) {
        // an empty override only keeps dh from doing what rules.mk does itself
        let Some(hidden) = generated.iter().find(|other| other.meets(&hook) && !other.commands.is_empty()) else {
            continue;
        };
        errors.push(RenderError::TargetTaken {
            name: hook.name.to_string(),
            generated: hidden.name.to_string(),
            lost: hidden.commands.iter().map(ToString::to_string).collect(),
            place: Box::new(Place::of_line(&target.folder.join("debian/rules.mk"), hook.line, hook.text)),
        });
    }
}

/// A target of make that dh runs around or instead of a command.
struct Hook<'a> {
    name: &'a str,
    /// Without `-arch` or `-indep`.
    stem: &'a str,
    scope: &'a str,
    commands: Vec<&'a str>,
    line: usize,
    text: &'a str,
}

impl Hook<'_> {
    /// Whether dh runs only one of the two: one for all packages hides those for some.
    fn meets(&self, other: &Hook<'_>) -> bool {
        self.stem == other.stem && (self.scope == other.scope || self.scope.is_empty() || other.scope.is_empty())
    }
}

fn hooks(makefile: &str) -> Vec<Hook<'_>> {
    let mut hooks: Vec<Hook<'_>> = Vec::new();
    let mut open = 0;
    for (index, text) in makefile.lines().enumerate() {
        if let Some(command) = text.strip_prefix('\t') {
            let first = hooks.len() - open;
            hooks.iter_mut().skip(first).for_each(|hook| hook.commands.push(command));
            continue;
        }
        let Some((names, _)) = text.split_once(':') else { continue };
        open = 0;
        for name in names.split_whitespace().filter(|name| is_hook(name)) {
            let stem = name.trim_end_matches("-arch").trim_end_matches("-indep");
            let scope = name.get(stem.len()..).unwrap_or_default();
            hooks.push(Hook { name, stem, scope, commands: Vec::new(), line: index + 1, text });
            open += 1;
        }
    }
    hooks
}

fn is_hook(name: &str) -> bool {
    ["override_dh_", "execute_before_dh_", "execute_after_dh_"].iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_and_their_commands() {
        let text =
            "X = a:b\n%:\n\tdh $@\n\noverride_dh_a override_dh_b-arch:\n\tone\nifdef X\n\ttwo\nendif\n\nother:\n\tno\n";
        let hooks = hooks(text);
        let names: Vec<(&str, &str, usize)> = hooks.iter().map(|hook| (hook.stem, hook.scope, hook.line)).collect();
        assert_eq!(names, [("override_dh_a", "", 5), ("override_dh_b", "-arch", 5)]);
        assert!(hooks.iter().all(|hook| hook.commands == ["one", "two"]));
        assert!(!hooks[0].meets(&hooks[1]));
    }
}
