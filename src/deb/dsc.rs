//! The source package's own control file (dsc(5)), as dpkg-source writes it.

use std::collections::BTreeSet;

use super::architecture;
use super::control::{Paragraph, unfold};
use super::relations::{self, Kind};
use super::source::{CONTROL, Destination, ListedFile, Source, SourceError, TESTS};
use super::source::{add_user_defined, list, push_checksums, user_defined};

const COPIED_FIRST: &[&str] = &["Origin", "Maintainer", "Uploaders", "Homepage", "Description", "Standards-Version"];
const VCS: &[&str] =
    &["Vcs-Browser", "Vcs-Arch", "Vcs-Bzr", "Vcs-Cvs", "Vcs-Darcs", "Vcs-Git", "Vcs-Hg", "Vcs-Mtn", "Vcs-Svn"];
const RELATIONS: &[(&str, Kind)] = &[
    ("Build-Depends", Kind::Build),
    ("Build-Depends-Arch", Kind::Build),
    ("Build-Depends-Indep", Kind::Build),
    ("Build-Conflicts", Kind::BuildConflicts),
    ("Build-Conflicts-Arch", Kind::BuildConflicts),
    ("Build-Conflicts-Indep", Kind::BuildConflicts),
];
/// dpkg folds `Binary` so that no line gets longer.
const LONGEST_LINE: usize = 980;

/// On one line. A list that begins below its name keeps a blank for that line
/// break, as in dpkg-source.
fn uploaders(value: &str) -> String {
    let lead = if value.starts_with(['\n', '\r']) { " " } else { "" };
    format!("{lead}{}", unfold(value))
}

/// The paragraph of a .dsc: `format` is as debian/source/format writes it, `files`
/// are in their order (origs by name, each with its signature behind it, then the
/// debian tarball).
pub fn build(source: &Source, format: &str, files: &[ListedFile]) -> Result<Paragraph, SourceError> {
    let control = &source.control;
    let mut dsc = Paragraph::new();
    dsc.push("Format", format);
    dsc.push("Source", source.name());
    dsc.push("Binary", binary(source));
    dsc.push("Architecture", architectures(source)?);
    dsc.push("Version", source.version());
    let mut copy = |fields: &[&str]| {
        for field in fields {
            if let Some(value) = control.get_filled(field) {
                dsc.push(field, if *field == "Uploaders" { uploaders(value) } else { value.to_string() });
            }
        }
    };
    copy(COPIED_FIRST);
    copy(VCS);
    let names: Vec<&str> = source.packages.iter().filter_map(|package| package.get("Package")).collect();
    let suites = testsuite(source);
    if !suites.is_empty() {
        dsc.push("Testsuite", suites.into_iter().collect::<Vec<_>>().join(", "));
    }
    let triggers = triggers(source, &names)?;
    if !triggers.is_empty() {
        dsc.push("Testsuite-Triggers", triggers);
    }
    for (field, kind) in RELATIONS {
        if let Some(value) = build_relations(control, field, *kind)? {
            dsc.push(field, value);
        }
    }
    dsc.push("Package-List", package_list(source));
    push_checksums(&mut dsc, files);
    dsc.push("Files", list(files, |file| format!("{} {} {}", file.checksums.md5, file.checksums.size, file.name)));
    let paragraphs = std::iter::once(control).chain(&source.packages);
    add_user_defined(&mut dsc, paragraphs.flat_map(|p| user_defined(p, Destination::Dsc)).collect());
    Ok(dsc)
}

fn binary(source: &Source) -> String {
    let names: Vec<&str> = source.packages.iter().filter_map(|package| package.get("Package")).collect();
    let line = names.join(", ");
    if line.len() <= LONGEST_LINE {
        return line;
    }
    let mut folded = String::with_capacity(line.len());
    let mut rest = line.as_str();
    while let Some(end) = rest.get(..=LONGEST_LINE.min(rest.len().saturating_sub(1))).and_then(|text| text.rfind(',')) {
        let (names, after) = rest.split_at(end);
        folded.extend([names, ",\n "]);
        rest = after.trim_start_matches([',', ' ']);
    }
    folded.push_str(rest);
    folded
}

/// The union of the packages' architectures: `any` swallows all but `all`, other
/// wildcards swallow what they cover.
fn architectures(source: &Source) -> Result<String, SourceError> {
    let mut union: Vec<&str> = Vec::new();
    for package in &source.packages {
        let words: Vec<&str> = package.get("Architecture").unwrap_or_default().split_whitespace().collect();
        for word in &words {
            let alone = matches!(*word, "any" | "all");
            let legal = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && !word.starts_with('-');
            if !legal || (alone && words.len() > 1) {
                let message = match legal {
                    false => format!("`{word}` is not an architecture"),
                    true => format!("`{word}` must stand alone in `Architecture`"),
                };
                return Err(SourceError::about(CONTROL, package, "Architecture", message));
            }
            if !union.contains(word) {
                union.push(word);
            }
        }
    }
    if union.contains(&"any") {
        return Ok(if union.contains(&"all") { "any all" } else { "any" }.to_string());
    }
    let (wildcards, others): (Vec<&str>, Vec<&str>) = union.iter().partition(|name| architecture::is_wildcard(name));
    let uncovered = others.iter().filter(|name| !wildcards.iter().any(|wildcard| architecture::covers(wildcard, name)));
    Ok(wildcards.iter().chain(uncovered).copied().collect::<Vec<_>>().join(" "))
}

fn testsuite(source: &Source) -> BTreeSet<&str> {
    let value = source.control.get("Testsuite").or_else(|| source.control.get("XS-Testsuite")).unwrap_or_default();
    let mut suites: BTreeSet<&str> = value.split(',').map(str::trim).filter(|suite| !suite.is_empty()).collect();
    match source.tests {
        Some(_) => suites.insert("autopkgtest"),
        None => suites.remove("autopkgtest"),
    };
    suites
}

/// Names of the packages that the tests depend on, without the source's own.
fn triggers(source: &Source, own: &[&str]) -> Result<String, SourceError> {
    if let Some(value) = source.control.get_filled("Testsuite-Triggers") {
        return Ok(value.to_string());
    }
    let mut triggers = BTreeSet::new();
    for test in source.tests.iter().flatten() {
        let value = test.get("Depends").unwrap_or_default();
        let depends =
            relations::parse(value, Kind::Test).map_err(|e| about_relation(TESTS, test, "Depends", value, &e))?;
        triggers.extend(depends.clauses.into_iter().flatten().map(|relation| relation.package));
    }
    triggers.retain(|name| name != "@" && !own.contains(&name.as_str()));
    Ok(triggers.into_iter().collect::<Vec<_>>().join(", "))
}

fn build_relations(control: &Paragraph, field: &str, kind: Kind) -> Result<Option<String>, SourceError> {
    let Some(value) = control.get_filled(field) else {
        return Ok(None);
    };
    let parsed = relations::parse(value, kind).map_err(|e| about_relation(CONTROL, control, field, value, &e))?;
    let simplified = match kind {
        Kind::BuildConflicts => relations::simplify_union(parsed),
        _ => relations::simplify(parsed),
    };
    Ok(Some(simplified.to_string()).filter(|text| !text.is_empty()))
}

fn about_relation(
    file: &'static str,
    paragraph: &Paragraph,
    field: &str,
    value: &str,
    error: &relations::RelationError,
) -> SourceError {
    let lines = value.get(..error.offset).unwrap_or(value).matches('\n').count();
    let clause = clause_around(value, error.offset);
    let line = paragraph.line_of(field).map(|line| line + lines);
    SourceError::new(file, line, format!("`{field}`: {} in `{clause}`", error.message))
}

fn clause_around(value: &str, offset: usize) -> &str {
    let start = value.get(..offset).and_then(|before| before.rfind(',')).map_or(0, |i| i + 1);
    let end = value.get(offset..).and_then(|after| after.find(',')).map_or(value.len(), |i| offset + i);
    value.get(start..end).unwrap_or(value).trim()
}

fn package_list(source: &Source) -> String {
    let default = |field: &str| source.control.get_filled(field).unwrap_or("unknown").to_string();
    let (section, priority) = (default("Section"), default("Priority"));
    let mut lines: Vec<String> =
        source.packages.iter().map(|package| package_line(package, &section, &priority)).collect();
    lines.sort();
    lines.iter().map(|line| format!("\n {line}")).collect()
}

fn package_line(package: &Paragraph, section: &str, priority: &str) -> String {
    let kind = package.get_filled("Package-Type").or_else(|| {
        let custom = |name: &str| name.to_ascii_lowercase().ends_with("-package-type") && name.starts_with(['X', 'x']);
        package.iter().find(|(name, _)| custom(name)).map(|(_, value)| value)
    });
    let architectures: Vec<&str> = package.get("Architecture").unwrap_or_default().split_whitespace().collect();
    let mut line = format!(
        "{} {} {} {} arch={}",
        package.get("Package").unwrap_or_default(),
        kind.unwrap_or("deb"),
        package.get_filled("Section").unwrap_or(section),
        package.get_filled("Priority").unwrap_or(priority),
        architectures.join(",")
    );
    if let Some(profiles) = package.get("Build-Profiles") {
        line.push_str(&format!(" profile={}", profile_formula(profiles)));
    }
    for (field, word) in [("Protected", "protected"), ("Essential", "essential")] {
        if package.get(field) == Some("yes") {
            line.push_str(&format!(" {word}=yes"));
        }
    }
    line
}

/// `<a b> <c>` as `a,b+c`.
fn profile_formula(profiles: &str) -> String {
    let text = unfold(profiles);
    let text = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(&text);
    let mut lists: Vec<String> = vec![String::new()];
    for (i, piece) in text.split('>').enumerate() {
        let trimmed = piece.trim_start();
        match (i, trimmed.strip_prefix('<')) {
            (0, _) => lists = vec![piece.to_string()],
            (_, Some(rest)) if trimmed.len() < piece.len() => lists.push(rest.to_string()),
            _ => {
                if let Some(last) = lists.last_mut() {
                    last.extend([">", piece]);
                }
            }
        }
    }
    let joined: Vec<String> = lists.iter().map(|list| list.split_whitespace().collect::<Vec<_>>().join(",")).collect();
    joined.join("+")
}

#[cfg(test)]
mod tests {
    use super::super::checksums::Checksums;
    use super::super::source::tests::{CONTROL_TEXT, source};
    use super::*;

    fn dsc(control: &str, tests: Option<&str>) -> Result<Paragraph, SourceError> {
        let file = ListedFile { name: "hello_2.12-2.debian.tar.xz".to_string(), checksums: Checksums::of(b"abc") };
        build(&source(control, tests)?, "3.0 (quilt)", &[file])
    }

    #[test]
    fn order_and_values() {
        let control = CONTROL_TEXT.replace(
            "Section: devel",
            "Section: devel\nBuild-Conflicts: z, y\nXSBC-Original-Maintainer: O\nXS-Another: x\nVcs-Git: g\nUploaders: U,\n V,\nBuild-Depends: b, a [amd64],\n a\nRules-Requires-Root: no",
        );
        let dsc = dsc(&control, Some("Tests: a\nDepends: @, curl (>= 1) | wget, @builddeps@, hello\n")).unwrap();
        assert_eq!(
            dsc.to_string(),
            "Format: 3.0 (quilt)\nSource: hello\nBinary: hello\nArchitecture: any\nVersion: 1:2.12-2\n\
             Maintainer: A B <a@b.org>\nUploaders: U, V,\nStandards-Version: 4.6.2\nVcs-Git: g\n\
             Testsuite: autopkgtest\nTestsuite-Triggers: @builddeps@, curl, wget\nBuild-Depends: b, a\n\
             Build-Conflicts: y, z\nPackage-List:\n hello deb devel optional arch=any\n\
             Checksums-Sha1:\n a9993e364706816aba3e25717850c26c9cd0d89d 3 hello_2.12-2.debian.tar.xz\n\
             Checksums-Sha256:\n ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad 3 hello_2.12-2.debian.tar.xz\n\
             Files:\n 900150983cd24fb0d6963f7d28e17f72 3 hello_2.12-2.debian.tar.xz\n\
             Another: x\nOriginal-Maintainer: O\n"
        );
    }

    #[test]
    fn uploaders_below_their_field() {
        let below = CONTROL_TEXT.replace("Section: devel", "Section: devel\nUploaders:\n U,\n V,");
        let dsc = dsc(&below, None).unwrap().to_string();
        assert!(dsc.contains("\nUploaders:  U, V,\n"), "{dsc}");
    }

    #[test]
    fn architectures_are_united() {
        let with = |list: &[&str]| {
            let packages: String = list
                .iter()
                .enumerate()
                .map(|(i, architecture)| format!("\nPackage: hello{i}\nArchitecture: {architecture}\n"))
                .collect();
            let head = CONTROL_TEXT.split("\n\n").next().unwrap_or_default();
            dsc(&format!("{head}\n{packages}"), None).map(|dsc| dsc.get("Architecture").unwrap_or_default().to_string())
        };
        assert_eq!(
            with(&["amd64 arm64", "linux-any", "all", "kfreebsd-amd64"]).unwrap(),
            "linux-any all kfreebsd-amd64"
        );
        assert_eq!(with(&["amd64", "all", "any"]).unwrap(), "any all");
        assert_eq!(with(&["amd64", "i386", "amd64"]).unwrap(), "amd64 i386");
        assert_eq!(with(&["amd64 any"]).unwrap_err().line, Some(8));
        assert!(with(&["!amd64"]).is_err());
    }

    #[test]
    fn a_bad_relation_names_its_line_and_clause() {
        let control = CONTROL_TEXT.replace("Section: devel", "Build-Depends: a,\n b (>> x_y),\n c");
        let error = dsc(&control, None).unwrap_err();
        assert_eq!((error.file, error.line), (CONTROL, Some(3)));
        assert!(error.message.contains("`b (>> x_y)`"), "{error}");
    }

    #[test]
    fn profiles() {
        assert_eq!(profile_formula("<!nodoc !stage1> <pkg.demo.x>"), "!nodoc,!stage1+pkg.demo.x");
        assert_eq!(profile_formula(" <a>\n <b  c>"), "a+b,c");
    }

    #[test]
    fn a_long_binary_field_is_folded() {
        let packages: String =
            (0..100).map(|i| format!("\nPackage: a-rather-long-name-{i:03}\nArchitecture: all\n")).collect();
        let head = CONTROL_TEXT.split("\n\n").next().unwrap_or_default();
        let dsc = dsc(&format!("{head}\n{packages}"), None).unwrap();
        let lines: Vec<&str> = dsc.get("Binary").unwrap_or_default().split('\n').collect();
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.len() <= 982), "{lines:?}");
        assert_eq!(lines[3], " a-rather-long-name-099");
    }
}
