//! Recipes and locks to targets: the complete recipes of the language's own
//! description, and what the rules say of versions, layers and inheritance.

use std::path::Path;

use pkgr::lock::Lock;
use pkgr::plan::{self, BuildSystem, EvaluateOptions, Format, Location, PayloadFile, Plan, Target};
use pkgr::recipe::{self, Selector};

const HELLO: &str = r#"
name       = "hello"
version    = "2.12"
summary    = "classic greeting, and a good example"
homepage   = "https://www.gnu.org/software/hello/"
license    = "GPL-3.0-or-later"
maintainer = "Du9L <du9l@example.org>"
series     = ["focal", "jammy", "noble"]

[[source]]
url = "https://ftp.gnu.org/gnu/hello/hello-{{ version }}.tar.gz"

[[test]]
run = "hello --greeting=pkgr | grep -qx pkgr"
"#;

const FLANNEL: &str = r#"
name       = "xiaodu-flannel-tx-off"
version    = "1.0"
summary    = "turn off TX checksum offload on flannel.1"
license    = "MIT"
maintainer = "Du9L <du9l@example.org>"
depends    = ["ethtool"]
units      = ["xiaodu-flannel-tx-off.service"]
series     = ["focal", "jammy", "noble"]
"#;

const PLUGIN: &str = r#"
name       = "wordpress-xiaodu-syntaxhighlighter-fix"
version    = "1.0"
summary    = "keep code intact after switching to SyntaxHighlighter Evolved"
license    = "GPL-2.0-or-later"
maintainer = "Du9L <du9l@example.org>"
section    = "web"
depends    = ["wordpress"]
series     = ["jammy", "noble"]

[install]
"xiaodu-syntaxhighlighter-fix.php" = "/usr/share/wordpress/wp-content/plugins/"
"#;

const ICONS: &str = r#"
name       = "bar-icons"
version    = "3.2"
summary    = "icon names for bars"
license    = "CC0-1.0"
maintainer = "Du9L <du9l@example.org>"
series     = ["jammy", "trixie"]

[[package]]
name = "bar-icons"
[package.install]
"icons/*.txt" = "/usr/share/bar-icons/"

[[package]]
name    = "bar-icons-extra"
summary = "more icon names for bars"
depends = ["bar-icons (= ${binary:Version})"]
[package.install]
"extra.txt" = "/usr/share/bar-icons/extra/list.txt"
"#;

const SHORT: &str = r#"
name       = "small"
version    = "1:1.0~rc1"
summary    = "small thing"
license    = "MIT"
maintainer = "Du9L <du9l@example.org>"
"#;

fn options() -> EvaluateOptions {
    EvaluateOptions { only: None, author: None, now: "Tue, 24 Nov 2026 08:00:00 +0000".into() }
}

fn folder(recipe: &str, files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("recipe.toml"), recipe).unwrap();
    for file in files {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "content\n").unwrap();
    }
    folder
}

fn evaluate_with(folder: &Path, lock: &Lock, options: &EvaluateOptions) -> Plan {
    let recipe = recipe::load(folder).unwrap();
    plan::evaluate(&recipe, lock, options).unwrap_or_else(|failure| panic!("{failure}"))
}

fn evaluate(recipe: &str, files: &[&str]) -> Plan {
    evaluate_with(folder(recipe, files).path(), &Lock::default(), &options())
}

fn versions(plan: &Plan) -> Vec<String> {
    plan.targets.iter().map(|t| t.version.to_string()).collect()
}

fn fails(recipe: &str, files: &[&str]) -> Vec<(&'static str, String)> {
    let folder = folder(recipe, files);
    let recipe = recipe::load(folder.path()).unwrap();
    let failure = plan::evaluate(&recipe, &Lock::default(), &options()).unwrap_err();
    failure.diagnostics.into_iter().map(|d| (d.code, d.message)).collect()
}

#[test]
fn hello_is_quilt_and_any() {
    let plan = evaluate(HELLO, &[]);
    assert_eq!(versions(&plan), ["2.12-1~ubuntu20.04.1", "2.12-1~ubuntu22.04.1", "2.12-1~ubuntu24.04.1"]);
    let target = &plan.targets[0];
    assert_eq!(target.format, Format::Quilt);
    assert_eq!(target.sources[0].location, Location::Url("https://ftp.gnu.org/gnu/hello/hello-2.12.tar.gz".into()));
    assert_eq!(target.build.system, BuildSystem::Auto);
    assert_eq!(target.packages[0].architectures, ["any"]);
    assert_eq!((target.section.as_str(), target.priority.as_str()), ("misc", "optional"));
    assert_eq!(target.packages[0].description, "In short: classic greeting, and a good example.");
    assert_eq!((target.tests[0].name.as_str(), target.tests[0].depends.as_slice()), ("test", &["@".to_string()][..]));
    assert_eq!(target.changelog[0].changes, ["* Initial release"]);
    assert_eq!(target.changelog[0].author, "Du9L <du9l@example.org>");
    assert_eq!(plan.lock.entries.len(), 1);
    assert_eq!(plan.lock.maintainer, None);
}

#[test]
fn a_unit_is_native_and_all() {
    let plan = evaluate(FLANNEL, &["xiaodu-flannel-tx-off.service"]);
    assert_eq!(versions(&plan)[1], "1.0~ubuntu22.04.1");
    let package = &plan.targets[0].packages[0];
    assert_eq!(plan.targets[0].format, Format::Native);
    assert_eq!(plan.targets[0].build.system, BuildSystem::None);
    assert_eq!(package.architectures, ["all"]);
    assert_eq!(package.relations.depends, ["ethtool"]);
    assert_eq!(package.units[0].file, PayloadFile::Recipe("xiaodu-flannel-tx-off.service".into()));
    assert!(package.units[0].enable && package.units[0].start);
}

#[test]
fn a_file_goes_where_the_recipe_says() {
    let plan = evaluate(PLUGIN, &["xiaodu-syntaxhighlighter-fix.php"]);
    let package = &plan.targets[0].packages[0];
    assert_eq!(package.install[0].file, PayloadFile::Recipe("xiaodu-syntaxhighlighter-fix.php".into()));
    assert_eq!(package.install[0].to, "/usr/share/wordpress/wp-content/plugins/");
    assert_eq!((plan.targets[0].section.as_str(), package.section.as_deref()), ("web", None));
}

#[test]
fn several_packages_inherit_and_globs_become_files() {
    let plan = evaluate(ICONS, &["icons/a.txt", "icons/b.txt", "icons/c.png", "extra.txt"]);
    assert_eq!(versions(&plan), ["3.2~ubuntu22.04.1", "3.2~deb13u1"]);
    let [first, second] = plan.targets[0].packages.as_slice() else { panic!("two packages") };
    assert_eq!(first.summary, "icon names for bars");
    assert_eq!(second.summary, "more icon names for bars");
    assert_eq!(first.install.len(), 2);
    assert_eq!(second.relations.depends, ["bar-icons (= ${binary:Version})"]);
}

#[test]
fn an_unchanged_lock_stays_as_it_is() {
    let folder = folder(HELLO, &[]);
    let first = evaluate_with(folder.path(), &Lock::default(), &options());
    let later = EvaluateOptions {
        now: "Wed, 25 Nov 2026 08:00:00 +0000".into(),
        author: Some("X Y <x@y.z>".into()),
        only: None,
    };
    let second = evaluate_with(folder.path(), &first.lock, &later);
    assert_eq!(second.lock, first.lock);
    assert_eq!(second.targets[0].changelog, first.targets[0].changelog);
}

#[test]
fn only_records_what_it_builds() {
    let folder = folder(HELLO, &[]);
    let only = EvaluateOptions { only: Some(Selector::parse("jammy").unwrap()), ..options() };
    let first = evaluate_with(folder.path(), &Lock::default(), &only);
    assert_eq!(versions(&first), ["2.12-1~ubuntu22.04.1"]);
    assert_eq!(first.lock.entries[0].versions.len(), 1);
    let second = evaluate_with(folder.path(), &first.lock, &options());
    assert_eq!(second.lock.entries.len(), 1, "the other series join the entry");
    assert_eq!(second.lock.entries[0].versions.len(), 3);

    let recipe = recipe::load(folder.path()).unwrap();
    let none = EvaluateOptions { only: Some(Selector::parse("debian").unwrap()), ..options() };
    let failure = plan::evaluate(&recipe, &Lock::default(), &none).unwrap_err();
    assert_eq!((failure.kind.exit_code(), failure.diagnostics[0].code), (2, "selector-matches-nothing"));
}

#[test]
fn the_maintainer_is_resolved_once_and_kept() {
    let recipe = HELLO.replace("maintainer = \"Du9L <du9l@example.org>\"", "");
    assert_eq!(fails(&recipe, &[])[0].0, "no-maintainer");
    let folder = folder(&recipe, &[]);
    let mine = EvaluateOptions { author: Some("Jane Doe <jane@example.org>".into()), ..options() };
    let first = evaluate_with(folder.path(), &Lock::default(), &mine);
    assert_eq!(first.lock.maintainer.as_deref(), Some("Jane Doe <jane@example.org>"));
    let theirs = EvaluateOptions { author: Some("John Roe <john@example.org>".into()), ..options() };
    let second = evaluate_with(folder.path(), &first.lock, &theirs);
    assert_eq!(second.targets[0].maintainer, "Jane Doe <jane@example.org>");
    assert_eq!(second.lock, first.lock);
}

#[test]
fn layers_replace_add_and_remove() {
    let recipe = format!(
        r#"{HELLO}
[build]
configure = ["--a"]
env = {{ A = "1", B = "2" }}
[when.ubuntu]
build-depends = ["xx", "yy"]
urgency = "low"
[when."jammy.."]
build-depends = {{ add = ["zz"], remove = ["xx"] }}
architectures = ["amd64"]
urgency = "high"
[when."jammy..".build]
configure = {{ add = ["--b={{{{ series.number }}}}"] }}
env = {{ B = "3" }}
"#
    );
    let plan = evaluate(&recipe, &[]);
    let [focal, jammy, _] = plan.targets.as_slice() else { panic!("three targets") };
    assert_eq!(focal.build_depends, ["xx", "yy"]);
    assert_eq!(jammy.build_depends, ["yy", "zz"]);
    assert_eq!((focal.urgency.as_str(), jammy.urgency.as_str()), ("low", "high"));
    assert_eq!(
        (focal.packages[0].architectures[0].as_str(), jammy.packages[0].architectures[0].as_str()),
        ("any", "amd64")
    );
    assert_eq!(focal.build.configure, ["--a"]);
    assert_eq!(jammy.build.configure, ["--a", "--b=22.04"]);
    assert_eq!(jammy.build.env, [("A".to_string(), "1".to_string()), ("B".to_string(), "3".to_string())]);
}

#[test]
fn templates_see_the_version_without_its_epoch() {
    let recipe = format!(
        r#"{SHORT}
series = ["jammy"]
upstream-version = '{{{{ version | replace("~", "-") }}}}'
conflicts = ["old (<< {{{{ debian_version }}}})"]
provides = ["{{{{ name }}}}-{{{{ series.name }}}}"]
[[source]]
url = "https://example.org/v{{{{ upstream_version }}}}.tar.gz"
"#
    );
    let target = &evaluate(&recipe, &[]).targets[0];
    assert_eq!(target.version.to_string(), "1:1.0~rc1-1~ubuntu22.04.1");
    assert_eq!(target.orig_version(), "1.0~rc1");
    assert_eq!(target.sources[0].location, Location::Url("https://example.org/v1.0-rc1.tar.gz".into()));
    assert_eq!(target.packages[0].relations.conflicts, ["old (<< 1:1.0~rc1-1~ubuntu22.04.1)"]);
    assert_eq!(target.packages[0].relations.provides, ["small-jammy"]);
}

#[test]
fn when_decides_sources_patches_packages_and_tests() {
    let recipe = format!(
        r#"{SHORT}
series = ["bionic", "jammy"]
[[source]]
url = "https://example.org/a.tar.gz"
[[source]]
url = "https://example.org/b.tar.gz"
component = "b"
when = "..bionic"
[[patch]]
file = "patches/new.patch"
when = "jammy.."
[[package]]
name = "small"
[[package]]
name = "small-old"
when = "bionic, arch=amd64"
[[test]]
run = "true"
[[test]]
run = "true"
when = "jammy, !arch=i386"
"#
    );
    let plan = evaluate(&recipe, &["patches/new.patch"]);
    let [bionic, jammy] = plan.targets.as_slice() else { panic!("two targets") };
    let counts = |t: &Target| (t.sources.len(), t.patches.len(), t.packages.len(), t.tests.len());
    assert_eq!((counts(bionic), counts(jammy)), ((2, 0, 2, 1), (1, 1, 1, 2)));
    assert_eq!(bionic.packages[1].architectures, ["amd64"]);
    assert_eq!((jammy.tests[1].name.as_str(), jammy.tests[1].architectures[0].as_str()), ("test-2", "!i386"));
    assert_eq!(jammy.patches[0].series_name(), "new.patch");
}

#[test]
fn what_the_folder_lacks_may_be_upstream() {
    let recipe = format!(
        "{HELLO}\n[install]\n\"contrib/*.sh\" = \"/usr/share/hello/\"\n\"mine.sh\" = {{ to = \"/usr/bin/mine\", mode = \"0750\" }}\n"
    );
    let target = &evaluate(&recipe, &["mine.sh"]).targets[0];
    let install = &target.packages[0].install;
    assert!(
        matches!(&install[0].file, PayloadFile::Upstream(pattern, place) if pattern == "contrib/*.sh" && place.line == 17)
    );
    assert_eq!((&install[1].file, install[1].mode), (&PayloadFile::Recipe("mine.sh".into()), Some(0o750)));
}

#[test]
fn everything_wrong_is_told_in_one_run() {
    let recipe = format!(
        "{SHORT}\nseries = [\"jamy\", \"noble\"]\nsumary = \"x\"\nunits = [\"gone.service\"]\ndepends = [\"a b\"]\n"
    );
    let codes: Vec<&str> = fails(&recipe, &[]).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["unknown-series", "unknown-key", "no-such-file", "bad-relation"]);
}

#[test]
fn overrides_are_listed_and_the_lock_keeps_the_changelog() {
    let target = evaluate(FLANNEL, &["xiaodu-flannel-tx-off.service", "debian/rules.mk", "debian/source/options"])
        .targets
        .remove(0);
    assert_eq!(target.overrides, ["rules.mk", "source/options"]);
    let wrong = fails(FLANNEL, &["xiaodu-flannel-tx-off.service", "debian/changelog", "debian/source/format"]);
    let codes: Vec<&str> = wrong.iter().map(|(code, _)| *code).collect();
    assert_eq!(codes, ["changelog-override", "format-override"]);
}

#[test]
fn the_recipes_of_this_repository_are_good() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for parent in ["examples", "recipes"] {
        for entry in std::fs::read_dir(root.join(parent)).unwrap() {
            let folder = entry.unwrap().path();
            let Ok(text) = std::fs::read_to_string(folder.join("recipe.toml")) else { continue };
            // what follows nginx needs a lock that only `pkgr update` makes: recipes_nginx.rs has one
            let follows_nginx = text.parse::<toml::Table>().unwrap().contains_key("nginx");
            if !follows_nginx || folder.join("recipe.lock").exists() {
                let lock = Lock::load(&folder.join("recipe.lock")).unwrap();
                let plan = evaluate_with(&folder, &lock, &options());
                assert!(plan.targets.len() >= 3, "{}", folder.display());
                count += 1;
            }
        }
    }
    assert!(count >= 4, "{count}");
}

#[test]
fn a_recipe_is_found_by_its_folder_or_its_file() {
    let folder = folder(HELLO, &[]);
    let by_file = recipe::load(&folder.path().join("recipe.toml")).unwrap();
    assert_eq!(recipe::load(folder.path()).unwrap().path(), by_file.path());
    assert_eq!(by_file.folder(), folder.path());
    let failure = recipe::load(&folder.path().join("other.toml")).unwrap_err();
    assert_eq!(failure.diagnostics[0].code, "no-recipe");
}

#[test]
fn findings_are_allowed_with_their_reasons() {
    let folder = folder(&format!("{HELLO}\n[lint]\nallow = {{ some-code = \"it is so\" }}\n"), &[]);
    let recipe = recipe::load(folder.path()).unwrap();
    assert_eq!(recipe.allowed_findings(), [("some-code".to_string(), "it is so".to_string())]);
}

#[test]
fn a_layer_can_give_a_series_a_version_of_its_own() {
    let recipe = format!("{HELLO}\n[when.focal]\nversion = \"2.10\"\nrevision = 3\n");
    let plan = evaluate(&recipe, &[]);
    assert_eq!(versions(&plan)[..2], ["2.10-3~ubuntu20.04.1", "2.12-1~ubuntu22.04.1"]);
    let Location::Url(url) = &plan.targets[0].sources[0].location else { panic!("a URL") };
    assert!(url.ends_with("hello-2.10.tar.gz"));
    assert_eq!(plan.lock.entries.len(), 2);
}

#[test]
fn a_broken_value_does_not_hide_or_draw_others() {
    let recipe = HELLO.replace("\"2.12\"", "\"2.12-1\"").replace("\"hello\"", "\"Hello\"")
        + "conflicts = 7\n[when.jammy]\nprovides = [\"x-{{ name }} (= {{ debian_version }})\"]\n";
    let recipe = recipe.replace("conflicts = 7\n", "") + "conflicts = [7]\n";
    let codes: Vec<&str> = fails(&recipe, &[]).into_iter().map(|(code, _)| code).collect();
    assert_eq!(codes, ["bad-name", "version-hyphen", "wrong-type"]);
}

#[test]
fn nameless_tests_take_the_names_that_are_free() {
    let recipe = format!(
        "{SHORT}series = [\"jammy\"]\n[[test]]\nrun = \"a\"\n[[test]]\nname = \"test\"\nrun = \"b\"\n[[test]]\nrun = \"c\"\n"
    );
    let names: Vec<String> = evaluate(&recipe, &[]).targets[0].tests.iter().map(|t| t.name.clone()).collect();
    assert_eq!(names, ["test-2", "test", "test-3"]);
}

#[test]
fn line_ends_of_other_systems_change_nothing() {
    let recipe = format!(
        "{SHORT}series = [\"jammy\"]\ndescription = \"\"\"\nOne\ntwo.\"\"\"\n[[test]]\nrun = \'\'\'\na\nb\n\'\'\'\n"
    );
    let unix = evaluate(&recipe, &[]).targets.remove(0);
    let dos = evaluate(&recipe.replace('\n', "\r\n"), &[]).targets.remove(0);
    assert_eq!((dos.packages[0].description.as_str(), dos.tests[0].run.as_str()), ("One\ntwo.", "a\nb\n"));
    assert_eq!(dos.tests, unix.tests);
}

const SNIPPETS: &[&str] = &[
    "\"",
    "'",
    "\"\"\"",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "{{",
    "}}",
    "{%",
    "=",
    "\n",
    ",",
    "\u{0}",
    "ü",
    "..",
    "!",
    "/",
    "../",
    "\\u00e9",
    "\\",
    "{{ name }}",
    "{{ x",
    "[[package]]\nname = \"aa\"\n",
    "[when.jammy]\n",
    "add = []",
    "when = \"jammy\"\n",
    "~",
    "-",
    ":",
    "|",
];

proptest::proptest! {
    #[test]
    fn no_recipe_makes_it_panic(
        edits in proptest::collection::vec((0usize..2000, 0usize..40, 0usize..SNIPPETS.len()), 1..6),
    ) {
        let mut text = format!("{HELLO}\n[build]\nenv = {{ A = \"ü{{{{ version }}}}\" }}\n[when.\"jammy..\"]\ndepends = {{ add = [\"aa | bb\"] }}\n");
        for (at, length, snippet) in edits {
            let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
            let (start, end) = (boundary(at % text.len()), boundary(at % text.len() + length));
            text.replace_range(start..end, SNIPPETS[snippet]);
        }
        if let Ok(recipe) = recipe::parse(Path::new("/nonexistent/recipe.toml"), text) {
            let _ = plan::evaluate(&recipe, &Lock::default(), &options());
        }
    }
}
