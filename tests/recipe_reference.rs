//! docs/recipe.md against the table of keys: its tables of keys are made from it
//! (`UPDATE_GOLDEN=1` writes them anew), its examples are recipes that work.

use std::path::{Path, PathBuf};

use pkgr::lock::Lock;
use pkgr::plan::{self, EvaluateOptions};
use pkgr::recipe::keys::{self, Key, Kind, Table};
use pkgr::recipe::{self, schema};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/recipe.md")
}

fn kind(key: &Key) -> String {
    match key.kind {
        Kind::Text(_) | Kind::Selector(_) => "string".into(),
        Kind::TextOrNumber(_) => "string or whole number".into(),
        Kind::Choice(words) => words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", "),
        Kind::Flag => "`true`, `false`".into(),
        Kind::List(_) => "list of strings".into(),
        Kind::Records(..) => "list of strings and tables".into(),
        Kind::Map(..) => "table of strings".into(),
        Kind::Files(..) => "table of strings and tables".into(),
        Kind::Multimap(..) => "table of strings and lists".into(),
        Kind::Table(_) | Kind::When => "table".into(),
        Kind::Tables(_) => "array of tables".into(),
        Kind::Named(..) => "table of tables".into(),
    }
}

fn rows(table: Table) -> String {
    let mut text = String::from("| key | takes | default | meaning, example |\n|---|---|---|---|\n");
    for key in keys::of(table) {
        let default = match (key.required, key.default) {
            (true, _) if table == Table::Package && key.scope == keys::Scope::Both => "the top level's",
            (true, _) => "required",
            (false, "") => "none",
            (false, default) => default,
        };
        let example = key.example.replace('|', "\\|");
        let example = if example.is_empty() { String::new() } else { format!(" `{example}`") };
        let templated = if key.is_templated() { " †" } else { "" };
        text += &format!("| `{}`{templated} | {} | {default} | {}{example} |\n", key.name, kind(key), key.doc);
    }
    text
}

/// The part of the text that a table's rows stand in.
fn block(text: &str, table: Table) -> std::ops::Range<usize> {
    let open = format!("<!-- keys: {} -->\n", table.title());
    let start = text.find(&open).unwrap_or_else(|| panic!("no block for {}", table.title())) + open.len();
    start..start + text[start..].find("<!-- end -->").unwrap()
}

#[test]
fn the_reference_has_every_key_as_the_code_has_it() {
    let mut text = std::fs::read_to_string(path()).unwrap();
    let mut stale = Vec::new();
    for table in Table::ALL {
        let place = block(&text, *table);
        if text[place.clone()] != rows(*table) {
            stale.push(table.title());
            text.replace_range(place, &rows(*table));
        }
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path(), &text).unwrap();
        return;
    }
    assert!(stale.is_empty(), "stale: {stale:?}; UPDATE_GOLDEN=1 writes them anew");
}

/// What the examples follow.
fn lock() -> Lock {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/follow/recipe.lock");
    Lock::load(&path).unwrap()
}

/// Recipe text and the files that it names.
fn evaluate(name: &str, text: &str, files: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("recipe.toml"), text).unwrap();
    for file in files {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "content\n").unwrap();
    }
    let options = EvaluateOptions { now: "Tue, 24 Nov 2026 08:00:00 +0000".into(), ..EvaluateOptions::default() };
    let recipe = recipe::load(folder.path()).unwrap_or_else(|failure| panic!("{name}: {failure}"));
    if let Err(failure) = plan::evaluate(&recipe, &lock(), &options) {
        panic!("{name}: {failure}\n{text}");
    }
}

const FILES: &[&str] = &[
    "hello.conf",
    "share/a.txt",
    "key",
    "hello.service",
    "hello.timer",
    "man/hello.1",
    "hello.bash",
    "_hello",
    "hello.fish",
    "README.md",
    "examples/a.conf",
    "hello-tmp.conf",
    "hello.postinst",
    "upstream.asc",
    "patches/fix-glibc.patch",
    "patches/fix.patch",
    "local.tar.gz",
];

#[test]
fn the_complete_recipes_of_the_reference_work() {
    let text = std::fs::read_to_string(path()).unwrap();
    let blocks: Vec<&str> = text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let complete: Vec<&&str> = blocks.iter().filter(|b| b.contains("\nseries") && b.contains("\nlicense")).collect();
    assert!(complete.len() >= 4, "{}", complete.len());
    for block in complete {
        evaluate("docs/recipe.md", block, FILES);
    }
}

#[test]
fn every_example_of_a_key_works() {
    let head = |without: &str| -> String {
        [
            ("name", "\"hello\""),
            ("version", "\"2.12\""),
            ("summary", "\"greeting\""),
            ("license", "\"MIT\""),
            ("maintainer", "\"Jane Doe <jane@example.org>\""),
            ("series", "[\"bionic\", \"jammy\", \"noble\", \"trixie\"]"),
        ]
        .iter()
        .filter(|(key, _)| *key != without)
        .map(|(key, value)| format!("{key} = {value}\n"))
        .collect()
    };
    let source = "[[source]]\nurl = \"https://example.org/a.tar.gz\"\n";
    for table in Table::ALL {
        for key in keys::of(*table).filter(|k| !k.example.is_empty()) {
            let line = format!("{} = {}\n", key.name, key.example);
            let with = |name: &str, other: &str| if key.name == name { String::new() } else { other.to_string() };
            let text = match table {
                Table::Root => format!("{}{line}{source}", head(key.name)),
                Table::Package => format!(
                    "{}{source}[[package]]\nname = \"hello\"\n[[package]]\n{}{line}",
                    head(""),
                    with("name", "name = \"hello-x\"\n")
                ),
                Table::Source => {
                    let location = match key.name {
                        "git" => "tag = \"v1\"\n",
                        "tag" | "commit" => "git = \"https://example.org/a.git\"\n",
                        "url" | "apt" | "follow" => "",
                        "signature" => "url = \"https://example.org/b.tar.gz\"\nkeyring = \"upstream.asc\"\n",
                        "keyring" => {
                            "url = \"https://example.org/b.tar.gz\"\nsignature = \"https://example.org/b.sig\"\n"
                        }
                        _ => "url = \"https://example.org/b.tar.gz\"\n",
                    };
                    let component = with("component", "component = \"extra\"\n");
                    let follow = "[follow.php]\npackage = \"php8.1\"\n";
                    format!("{}{source}[[source]]\n{location}{component}{line}{follow}", head(""))
                }
                Table::Patch => {
                    format!("{}{source}[[patch]]\n{}{line}", head(""), with("file", "file = \"patches/fix.patch\"\n"))
                }
                Table::Test => format!("{}[[test]]\n{}{line}", head(""), with("run", "run = \"true\"\n")),
                Table::Build => format!("{}{source}[build]\n{line}", head("")),
                Table::Nginx => {
                    let modules = with("modules", "modules = [\"x.so\"]\n");
                    format!("{}{source}[nginx]\n{modules}{line}", head(""))
                }
                Table::Follow => {
                    let package = with("package", "package = \"php8.1\"\n");
                    format!("{}{source}[follow.php]\n{package}{line}", head(""))
                }
                Table::Watch => {
                    let place = if keys::WATCHED.contains(&key.name) { "" } else { "github = \"a/b\"\n" };
                    format!("{}{source}[watch]\n{place}{line}", head(""))
                }
                Table::Upload => format!("{}{source}[upload]\n{line}", head("")),
                Table::Lint => format!("{}[lint]\n{line}", head("")),
                Table::Unit => {
                    let file = with("file", "file = \"hello.service\", ");
                    format!("{}units = [{{ {file}{} }}]\n", head(""), line.trim_end())
                }
                Table::Install => {
                    let to = with("to", "to = \"/etc/hello/\", ");
                    format!("{}[install]\n\"hello.conf\" = {{ {to}{} }}\n", head(""), line.trim_end())
                }
            };
            evaluate(&format!("{} of {}", key.name, table.title()), &text, FILES);
        }
    }
}

#[test]
fn every_key_has_an_example_or_a_section_of_its_own() {
    for table in Table::ALL {
        for key in keys::of(*table).filter(|k| k.example.is_empty()) {
            let own = matches!(key.kind, Kind::Table(_) | Kind::Tables(_) | Kind::Named(..) | Kind::When);
            assert!(own, "{} of {}", key.name, table.title());
        }
    }
}

#[test]
fn the_schema_is_made_of_the_same_keys() {
    let schema = schema::json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let properties = schema["properties"].as_object().unwrap();
    let names: Vec<&str> = keys::of(Table::Root).map(|k| k.name).collect();
    assert_eq!(properties.keys().map(String::as_str).collect::<Vec<_>>(), names);
    assert_eq!(properties["revision"]["examples"][0], 2);
    assert!(properties["package"]["items"]["required"].as_array().unwrap().iter().all(|name| name == "name"));
}
