//! debian/control (deb-src-control(5), Policy 5.2), laid out as
//! `wrap-and-sort -ast` does: one relation a line, so that a change is a line of
//! a diff.

use crate::deb::control::{Paragraph, write};
use crate::plan::toolchain::CompatForm;
use crate::plan::{BuildSystem, Package, Target};

use super::systems::System;

/// The longest line of a Description, its leading blank not counted (lintian
/// takes 80 with it).
const DESCRIPTION_WIDTH: usize = 78;

/// Renders debian/control.
pub fn render(target: &Target, system: System) -> String {
    let mut paragraphs = vec![source(target, system)];
    paragraphs.extend(target.packages.iter().map(|package| binary(target, package, system)));
    let former =
        |package: &'_ Package| package.formerly.iter().map(|name| transitional(name, package)).collect::<Vec<_>>();
    paragraphs.extend(target.packages.iter().flat_map(former));
    write(&paragraphs)
}

fn source(target: &Target, system: System) -> Paragraph {
    let mut paragraph = Paragraph::new();
    paragraph.push("Source", &*target.name);
    paragraph.push("Section", &*target.section);
    paragraph.push("Priority", &*target.priority);
    paragraph.push("Maintainer", &*target.maintainer);
    list(&mut paragraph, "Uploaders", &target.uploaders);
    list(&mut paragraph, "Build-Depends", &build_depends(target, system));
    list(&mut paragraph, "Build-Depends-Indep", &target.build_depends_indep);
    list(&mut paragraph, "Build-Conflicts", &target.build_conflicts);
    paragraph.push("Standards-Version", target.toolchain.standards_version);
    if let Some(homepage) = &target.homepage {
        paragraph.push("Homepage", &**homepage);
    }
    if let Some(git) = &target.vcs_git {
        if let Some(browser) = browser(git) {
            paragraph.push("Vcs-Browser", browser);
        }
        paragraph.push("Vcs-Git", &**git);
    }
    if target.toolchain.rules_requires_root {
        paragraph.push("Rules-Requires-Root", "no");
    }
    paragraph
}

/// debhelper, the build system's, and the recipe's own; one of the recipe's
/// replaces ours of the same package, for it may ask for a version.
fn build_depends(target: &Target, system: System) -> Vec<String> {
    let toolchain = &target.toolchain;
    let mut clauses = vec![match toolchain.form {
        CompatForm::File => format!("debhelper (>= {})", toolchain.compat),
        CompatForm::BuildDepends => format!("debhelper-compat (= {})", toolchain.compat),
    }];
    if toolchain.dh_systemd && target.packages.iter().any(|package| !package.units.is_empty()) {
        clauses.push("dh-systemd".to_string());
    }
    if super::maintainer::has_sysusers_helper(target) && target.packages.iter().any(|p| !p.sysusers.is_empty()) {
        clauses.push("dh-sequence-installsysusers".to_string());
    }
    clauses.extend(system.build_depends(target));
    clauses.extend(target.nginx.iter().flat_map(super::nginx::build_depends));
    let own: Vec<&str> = target.build_depends.iter().map(|clause| package_of(clause)).collect();
    clauses.retain(|clause| !own.contains(&package_of(clause)));
    clauses.extend(target.build_depends.iter().cloned());
    clauses
}

/// The name of the first package of a relation.
fn package_of(clause: &str) -> &str {
    clause.split([' ', '(', '[', '<', '|', ':']).next().unwrap_or(clause)
}

fn binary(target: &Target, package: &Package, system: System) -> Paragraph {
    let mut paragraph = Paragraph::new();
    paragraph.push("Package", &*package.name);
    for (name, value) in [("Section", &package.section), ("Priority", &package.priority)] {
        if let Some(value) = value {
            paragraph.push(name, &**value);
        }
    }
    paragraph.push("Architecture", package.architectures.join(" "));
    if let Some(multi_arch) = &package.multi_arch {
        paragraph.push("Multi-Arch", &**multi_arch);
    }
    let relations = &package.relations;
    let pre_depends_of_units = if has_services(package) { &["${misc:Pre-Depends}"][..] } else { &[] };
    list(&mut paragraph, "Pre-Depends", &with(&relations.pre_depends, pre_depends_of_units));
    let mut substvars = vec!["${misc:Depends}"];
    if system.kind == BuildSystem::Python {
        substvars.push("${python3:Depends}");
    }
    if package.is_arch_dependent() {
        substvars.push("${shlibs:Depends}");
    }
    let mut depends = with(&relations.depends, &substvars);
    if !package.sysusers.is_empty() && !super::maintainer::has_sysusers_helper(target) {
        depends = with(&depends, &["systemd"]);
    }
    list(&mut paragraph, "Depends", &depends);
    list(&mut paragraph, "Recommends", &relations.recommends);
    list(&mut paragraph, "Suggests", &relations.suggests);
    list(&mut paragraph, "Enhances", &relations.enhances);
    list(&mut paragraph, "Breaks", &relations.breaks);
    list(&mut paragraph, "Conflicts", &relations.conflicts);
    list(&mut paragraph, "Replaces", &relations.replaces);
    list(&mut paragraph, "Provides", &relations.provides);
    paragraph.push("Description", description(&package.summary, &package.description));
    paragraph
}

/// An empty package that brings the one that took its place (Developer's Reference
/// 6.6.7). It has that one's architectures, so that each build makes both, or none.
fn transitional(name: &str, package: &Package) -> Paragraph {
    let mut paragraph = Paragraph::new();
    paragraph.push("Package", name);
    paragraph.push("Section", "oldlibs");
    paragraph.push("Priority", "optional");
    paragraph.push("Architecture", package.architectures.join(" "));
    list(&mut paragraph, "Depends", &[package.name.clone(), "${misc:Depends}".to_string()]);
    let text = format!("This is a transitional package. It can safely be removed once {} is installed.", package.name);
    paragraph.push("Description", description(&format!("transitional package for {}", package.name), &text));
    paragraph
}

/// debhelper's snippets for units want a version of init-system-helpers.
fn has_services(package: &Package) -> bool {
    !package.units.is_empty()
}

/// The clauses, and those of `more` that are not among them.
fn with(clauses: &[String], more: &[&str]) -> Vec<String> {
    let mut all = clauses.to_vec();
    all.extend(more.iter().filter(|clause| !clauses.iter().any(|own| own == *clause)).map(ToString::to_string));
    all
}

/// A list, one item a line, sorted: packages first, substvars behind them.
/// Nothing where there is none.
fn list(paragraph: &mut Paragraph, name: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let mut items: Vec<&str> = items.iter().map(String::as_str).collect();
    let special = |item: &str| !item.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    // persons keep their order, as they are no packages
    if name != "Uploaders" {
        items.sort_by(|a, b| special(a).cmp(&special(b)).then(a.cmp(b)));
    }
    paragraph.push(name, items.iter().map(|item| format!("\n {item},")).collect::<String>());
}

/// The page where a git repository is looked at, for the forges whose pages
/// follow from the repository's address.
fn browser(git: &str) -> Option<String> {
    let mut words = git.split_whitespace();
    let url = words.next()?;
    let branch = match (words.next(), words.next()) {
        (Some("-b"), Some(branch)) => Some(branch),
        _ => None,
    };
    let page = url.strip_prefix("https://")?.trim_end_matches('/').trim_end_matches(".git");
    let host = page.split('/').next()?;
    let tree = match host {
        "github.com" => "tree",
        "salsa.debian.org" | "gitlab.com" => "-/tree",
        "codeberg.org" | "gitea.com" => "src/branch",
        _ if host.starts_with("gitlab.") => "-/tree",
        "git.launchpad.net" | "git.sr.ht" if branch.is_none() => return Some(format!("https://{page}")),
        _ => return None,
    };
    Some(match branch {
        Some(branch) => format!("https://{page}/{tree}/{branch}"),
        None => format!("https://{page}"),
    })
}

/// The value of Description: the synopsis, then the paragraphs filled to the
/// width that lintian wants. What begins with a blank, or is an item of a list,
/// stays a line of its own (Policy 5.6.13).
pub(super) fn description(summary: &str, text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut paragraph: Vec<&str> = Vec::new();
    for line in text.trim_matches('\n').lines() {
        let line = line.trim_end();
        let verbatim = line.starts_with([' ', '\t']) || line.starts_with("* ") || line.starts_with("- ");
        if !line.is_empty() && !verbatim {
            paragraph.extend(line.split_whitespace());
            continue;
        }
        lines.extend(fill(&std::mem::take(&mut paragraph)));
        match line {
            "" if lines.last().is_none_or(|last| last == ".") => {}
            "" => lines.push(".".to_string()),
            _ if line.starts_with([' ', '\t']) => lines.push(line.to_string()),
            _ => lines.push(format!("  {line}")),
        }
    }
    lines.extend(fill(&paragraph));
    let mut value = summary.to_string();
    for line in lines {
        value.push_str("\n ");
        value.push_str(&line);
    }
    value
}

/// Fills a paragraph. No line may begin with a full stop (Policy 5.6.13 keeps
/// it for the future), so `.NET` stays on the line before.
fn fill(words: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line)
                if word.starts_with('.') || line.chars().count() + 1 + word.chars().count() <= DESCRIPTION_WIDTH =>
            {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(if word.starts_with('.') { format!(" {word}") } else { word.to_string() }),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_filled_and_lists_stay() {
        let long = "word ".repeat(20);
        let value = description("short", &format!("{long}\n{long}\n\n\n* one\n   code  here\nend\n.NET it is"));
        let lines: Vec<&str> = value.lines().collect();
        assert_eq!(lines[0], "short");
        assert!(lines.iter().all(|line| line.len() <= 79), "{value}");
        assert_eq!(lines[4..], [" .", "   * one", "    code  here", " end .NET it is"]);
    }

    #[test]
    fn forges() {
        let page = |git| browser(git).unwrap_or_default();
        assert_eq!(page("https://github.com/a/b.git"), "https://github.com/a/b");
        assert_eq!(page("https://github.com/a/b.git -b debian/sid"), "https://github.com/a/b/tree/debian/sid");
        assert_eq!(page("https://salsa.debian.org/x/y.git -b z"), "https://salsa.debian.org/x/y/-/tree/z");
        assert_eq!(page("https://codeberg.org/x/y.git -b z"), "https://codeberg.org/x/y/src/branch/z");
        assert_eq!(browser("https://example.org/x.git"), None);
        assert_eq!(browser("git@github.com:a/b.git"), None);
    }

    #[test]
    fn relations_are_sorted_with_substvars_behind() {
        let mut paragraph = Paragraph::new();
        let items = ["${misc:Depends}", "zsh | bash", "adduser (>= 3)"].map(String::from);
        list(&mut paragraph, "Depends", &items);
        assert_eq!(paragraph.to_string(), "Depends:\n adduser (>= 3),\n zsh | bash,\n ${misc:Depends},\n");
    }
}
