//! The house keeps its shape: modules know only those that come before them in
//! the story, only `ui` prints, nothing panics on input, no file grows into two.

use std::path::{Path, PathBuf};

/// What each module may use besides itself. A module without a line here fails
/// the test, so that a new one gets its place in the story.
const MAY_USE: &[(&str, &str)] = &[
    ("deb", ""),
    ("series", ""),
    ("parallel", ""),
    ("diagnostic", ""),
    ("listener", "diagnostic"),
    ("files", "diagnostic"),
    ("lock", "deb diagnostic files plan series"), // plan: in a doc link only
    ("recipe", "deb diagnostic files series"),
    ("plan", "deb diagnostic files lock recipe series"),
    ("fetch", "deb diagnostic files listener lock pack parallel plan series"),
    ("patch", "diagnostic"),
    ("nginx", "diagnostic fetch patch series"),
    ("follow", "deb diagnostic fetch files listener lock nginx parallel plan recipe series"),
    ("render", "deb diagnostic files patch plan series"),
    ("pack", "deb diagnostic plan render"),
    ("sign", "deb diagnostic files pack"),
    ("build", "deb diagnostic fetch files listener lock nginx pack parallel patch plan recipe render series sign"),
    ("ci", "diagnostic files"),
    ("queue", "build deb diagnostic files listener patch plan recipe"),
    ("vendor", "build diagnostic files listener lock pack queue recipe render"),
    ("sandbox", "deb diagnostic fetch files listener series"),
    ("upload", "deb diagnostic files listener lock parallel pack series sign"),
    ("launchpad", "deb diagnostic fetch files listener parallel series"),
    ("check", "deb diagnostic fetch files launchpad listener lock pack parallel patch plan recipe render series sign"),
    ("arrival", "diagnostic launchpad upload"),
    ("memory", "check deb diagnostic fetch launchpad listener lock plan"),
    ("bump", "build deb diagnostic fetch listener lock parallel plan recipe render watch"),
    ("scaffold", "deb diagnostic fetch files listener lock pack plan recipe render series watch"),
    ("watch", "deb diagnostic fetch files listener lock plan recipe"),
    (
        "rebuild",
        "build check deb diagnostic fetch files follow launchpad listener lock memory parallel plan recipe sandbox series sign upload",
    ),
    ("doctor", "diagnostic fetch follow launchpad listener lock parallel plan recipe sandbox series sign upload"),
    ("ui", "diagnostic listener"),
];

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    walk(&source_root(), &mut found);
    found.sort();
    found
}

fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(source_root()).unwrap();
    inside.components().next().unwrap().as_os_str().to_string_lossy().trim_end_matches(".rs").to_string()
}

/// The lines of code of all files, without unit tests and comments:
/// (module, `path:number`, line).
fn lines_of_code() -> Vec<(String, String, String)> {
    let mut lines = Vec::new();
    for (path, text) in sources() {
        if path.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let code = text.split("\n#[cfg(test)]\n").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            if !line.trim_start().starts_with("//") {
                lines.push((module_of(&path), format!("{}:{}", path.display(), number + 1), line.to_string()));
            }
        }
    }
    assert!(lines.len() > 1000, "the sources were not found");
    lines
}

/// The modules named by `crate::a`, `crate::{a, b::c}` in a line.
fn modules_named(line: &str) -> Vec<String> {
    let mut names = Vec::new();
    for rest in line.split("crate::").skip(1) {
        let parts: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or(group).split(',').collect(),
            None => vec![rest],
        };
        for part in parts {
            let name: String = part.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if !name.is_empty() {
                names.push(name);
            }
        }
    }
    names
}

#[test]
fn modules_know_only_what_comes_before_them() {
    let mut wrong = Vec::new();
    for (module, place, line) in lines_of_code() {
        if ["main", "lib", "cli"].contains(&module.as_str()) {
            continue;
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == module) else {
            wrong.push(format!("{place}: {module} has no line in MAY_USE"));
            continue;
        };
        for used in modules_named(&line) {
            if used != module && !allowed.split(' ').any(|name| name == used) {
                wrong.push(format!("{place}: {module} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn assert_no_line_has(words: &[&str], except_in: &str) {
    let wrong: Vec<String> = lines_of_code()
        .into_iter()
        .filter(|(module, _, line)| module != except_in && words.iter().any(|word| line.contains(word)))
        .map(|(_, place, line)| format!("{place}: {}", line.trim()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_ui_prints() {
    assert_no_line_has(&["println!", "eprintln!", "print!(", "eprint!(", "dbg!"], "ui");
}

#[test]
fn nothing_panics_on_purpose() {
    let words = [".unwrap()", ".expect(", "panic!(", "todo!(", "unimplemented!(", "unreachable!("];
    assert_no_line_has(&words, "");
}

#[test]
fn a_file_tells_one_thing() {
    let long: Vec<String> = sources()
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > 600)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_dependency_has_its_reason() {
    let mut wrong = Vec::new();
    let mut in_dependencies = false;
    for line in include_str!("../Cargo.toml").lines() {
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies");
        } else if in_dependencies && line.contains(" = ") && !line.contains(" # ") {
            // The three digests share one reason, which stands on the last of them.
            if !["sha2 ", "sha1 "].iter().any(|name| line.starts_with(name)) {
                wrong.push(line);
            }
        }
    }
    assert!(wrong.is_empty(), "no reason beside:\n{}", wrong.join("\n"));
}

/// What `cargo deny check licenses sources` says where it is installed; it takes
/// minutes to compile, so CI has this, which needs nothing but cargo.
#[test]
fn dependencies_have_known_licences_and_come_from_the_registry() {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform"])
        .arg("x86_64-unknown-linux-gnu")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rules: toml::Table = include_str!("../deny.toml").parse().unwrap();
    let names = |list: &toml::Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_string()).collect()
    };
    let allowed = names(&rules["licenses"]["allow"]);
    let exceptions = rules["licenses"]["exceptions"].as_array().unwrap();
    let mut wrong = Vec::new();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages.iter().filter(|package| package["name"] != "pkgr") {
        let name = package["name"].as_str().unwrap();
        if !package["source"].as_str().is_some_and(|source| source.starts_with("registry+")) {
            wrong.push(format!("{name} is not from the registry"));
        }
        let of_its_own =
            exceptions.iter().filter(|e| e["crate"].as_str() == Some(name)).flat_map(|e| names(&e["allow"]));
        let known: Vec<String> = allowed.iter().cloned().chain(of_its_own).collect();
        let licence = package["license"].as_str().unwrap_or_default();
        if !is_allowed(licence, &known) {
            wrong.push(format!("{name}: {licence}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether an SPDX expression can be satisfied: AND binds tighter than OR; one
/// pair of parentheses around an OR is as deep as crates nest.
fn is_allowed(expression: &str, known: &[String]) -> bool {
    let expression = expression.replace('/', " OR ");
    if let Some((left, right)) = expression.split_once(" AND ") {
        if left.matches('(').count() == left.matches(')').count() {
            let bare = |side: &str| side.trim().trim_start_matches('(').trim_end_matches(')').to_string();
            return is_allowed(&bare(left), known) && is_allowed(&bare(right), known);
        }
    }
    expression.split(" OR ").any(|licence| {
        let licence = licence.trim().trim_matches(['(', ')']);
        let licence = licence.split(" WITH ").next().unwrap_or(licence);
        known.iter().any(|name| name == licence)
    })
}
