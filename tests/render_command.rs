//! `pkgr render`: what goes where, one file on stdout, and `--diff`.

mod common;

use common::{TestEnvironment, run};

fn hello_under_git(environment: &TestEnvironment) -> std::path::PathBuf {
    let recipe = environment.copy("examples/hello");
    for arguments in [
        &["init", "-q"][..],
        &["add", "-A"],
        &["-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-q", "-m", "first"],
    ] {
        run(environment.command("git").args(arguments).current_dir(&recipe)).ok();
    }
    recipe
}

#[test]
fn several_targets_get_a_folder_each_and_one_gets_the_folder() {
    let environment = TestEnvironment::new();
    let recipe = environment.copy("examples/hello");
    run(environment.pkgr(&["render", "-o", "all"]).arg(&recipe)).ok();
    assert!(environment.work().join("all/jammy/debian/control").is_file());
    run(environment.pkgr(&["render", "-o", "one", "--only", "jammy"]).arg(&recipe)).ok();
    assert!(environment.work().join("one/debian/control").is_file());
}

/// The recipe's debian/ is its author's.
#[test]
fn overrides_are_never_written_over() {
    let environment = TestEnvironment::new();
    let recipe = environment.copy("examples/hello");
    std::fs::create_dir(recipe.join("debian")).unwrap();
    std::fs::write(recipe.join("debian/NEWS"), "mine\n").unwrap();
    let before = common::snapshot(&recipe);
    let render = |arguments: &[&str]| {
        run(environment.pkgr(&["render", "--only", "jammy"]).args(arguments).current_dir(&recipe)).exits(2)
    };
    assert!(render(&["-o", "."]).stderr.contains("output-is-recipe"));
    render(&["-o", "../hello/."]);
    assert_eq!(common::snapshot(&recipe), before);
}

#[test]
fn one_file_on_stdout_unless_targets_disagree() {
    let environment = TestEnvironment::new();
    let recipe = environment.copy("examples/hello");
    let format = run(environment.pkgr(&["render", "--stdout", "source/format"]).arg(&recipe)).ok();
    assert_eq!(format.stdout, "3.0 (quilt)\n");
    let differ = run(environment.pkgr(&["render", "--stdout", "control"]).arg(&recipe)).exits(2);
    assert!(differ.stderr.contains("--only"), "{}", differ.stderr);
    run(environment.pkgr(&["render", "--stdout", "no-such-file"]).arg(&recipe)).exits(2);
}

#[test]
fn the_difference_that_one_line_makes() {
    let environment = TestEnvironment::new();
    let recipe = hello_under_git(&environment);
    let nothing = run(environment.pkgr(&["render", "--diff"]).arg(&recipe)).ok();
    assert_eq!(nothing.stdout, "");
    let text = std::fs::read_to_string(recipe.join("recipe.toml")).unwrap();
    let text = text.replace("maintainer  =", "depends = [\"bc\"]\nmaintainer  =");
    std::fs::write(recipe.join("recipe.toml"), text).unwrap();
    let before = common::snapshot(&recipe);
    let changed = run(environment.pkgr(&["render", "--diff"]).arg(&recipe)).ok();
    assert!(
        changed.stdout.contains("+++ b/debian/control\n") && changed.stdout.contains("\n+ bc,\n"),
        "{}",
        changed.stdout
    );
    assert_eq!(changed.stdout.lines().filter(|line| line.starts_with('+')).count() % 2, 0);
    common::assert_same_files(&before, &common::snapshot(&recipe), "render --diff changes nothing");
    run(environment.pkgr(&["render", "--diff=nope"]).arg(&recipe)).exits(2);
}

#[test]
fn without_git_there_is_nothing_to_compare_with() {
    let environment = TestEnvironment::new();
    let recipe = environment.copy("examples/hello");
    let refused = run(environment.pkgr(&["render", "--diff"]).arg(&recipe)).exits(2);
    assert!(refused.stderr.contains("no git work tree"), "{}", refused.stderr);
}
