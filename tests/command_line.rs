//! The command line as a contract: exit codes, streams, JSON, and the documents
//! made from the one clap tree.

use std::path::Path;
use std::process::{Command, Output};

fn pkgr(arguments: &[&str]) -> Output {
    let home = tempfile::tempdir().unwrap();
    Command::new(env!("CARGO_BIN_EXE_pkgr"))
        .args(arguments)
        .current_dir(home.path())
        .env_clear()
        .env("HOME", home.path())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn usage_errors_exit_with_2_and_say_so_on_stderr() {
    for arguments in [&["no-such-command"][..], &["build", "--orig", "perhaps"], &["build", "no-such-recipe"], &[]] {
        let output = pkgr(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn errors_are_json_where_json_is_wanted() {
    for (arguments, code) in [(&["build", "--json", "nowhere"][..], "no-recipe"), (&["--json", "bild"], "usage")] {
        let output = pkgr(arguments);
        assert_eq!(output.status.code(), Some(2));
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["ok"], false);
        assert_eq!(document["errors"][0]["code"], code, "{document:#}");
        assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    }
}

#[test]
fn a_wrong_configuration_is_shown_with_its_place() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.toml");
    std::fs::write(&config, "maintainer = \"A B <a@example.org>\"\nkeys = 1\n").unwrap();
    let output = pkgr(&["--config", config.to_str().unwrap(), "schema"]);
    assert_eq!(output.status.code(), Some(3));
    let message = text(&output.stderr);
    assert!(message.contains("config.toml:2:1") && message.contains("keys"), "{message}");
}

#[test]
fn schema_is_json_schema() {
    let output = pkgr(&["schema"]);
    assert!(output.status.success());
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    assert!(schema["properties"]["build-depends"].is_object());
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = pkgr(&["completions", shell]);
        assert!(output.status.success() && text(&output.stdout).contains("keep-going"), "{shell}");
    }
}

#[test]
fn manual_pages_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let output = pkgr(&["man", "-o", folder.path().to_str().unwrap()]);
    assert!(output.status.success());
    for path in text(&output.stdout).lines() {
        let page = std::fs::read_to_string(path).unwrap();
        assert!(page.contains(".TH") && page.contains("NAME"), "{path}");
    }
    assert!(folder.path().join("pkgr-build.1").exists());
    let page = text(&pkgr(&["man", "build"]).stdout);
    assert!(page.contains("keep\\-going") && page.contains("\\-\\-json"), "options of its own and global ones");
    assert_eq!(pkgr(&["man", "bild"]).status.code(), Some(2));
}

#[test]
fn documents_hold_what_is_printed() {
    for (arguments, key) in [(["completions", "bash"], "script"), (["man", "build"], "page")] {
        let printed = text(&pkgr(&arguments).stdout);
        let document = pkgr(&[&["--json"][..], &arguments].concat());
        let document: serde_json::Value = serde_json::from_slice(&document.stdout).unwrap();
        assert_eq!(document[key], printed, "{arguments:?}");
    }
}

/// A full disk must not pass for success.
#[test]
fn data_that_cannot_be_written_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_pkgr")).arg("schema").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("standard output"));
}

/// `PKGR_KEY` is a default, which an option may put aside.
#[test]
fn a_key_in_the_environment_does_not_contradict_no_sign() {
    let build = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pkgr"))
            .args(["build", "--no-sign", "nowhere"])
            .args(arguments)
            .env("PKGR_KEY", "none@example.org")
            .output()
            .unwrap();
        text(&output.stderr)
    };
    assert!(build(&[]).contains("no-recipe"));
    assert!(build(&["--key", "x"]).contains("cannot be used with"));
}

/// docs/commands.md is made from the help texts; UPDATE_GOLDEN=1 writes it anew.
#[test]
fn the_commands_document_is_up_to_date() {
    let mut root = pkgr::cli::command().disable_help_subcommand(true).term_width(100);
    root.build();
    let mut document = String::from("# Commands\n\nMade from the help texts: `pkgr COMMAND --help` says the same.\n");
    document.push_str(&format!("\n```text\n{}```\n", root.render_help()));
    for command in root.get_subcommands_mut() {
        let name = command.get_name().to_string();
        let help = command.render_long_help().to_string();
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        document.push_str(&format!("\n## pkgr {name}\n\n```text\n{}\n```\n", help.join("\n").trim_end()));
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == document, "docs/commands.md is old: UPDATE_GOLDEN=1 cargo test --test command_line");
}
