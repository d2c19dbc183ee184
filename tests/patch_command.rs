//! `pkgr patch`: what it makes of a recipe is judged by dpkg-source, which unpacks
//! the package built of it, and by quilt, which applies the patches one by one and
//! says where a hunk was not in its place.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::{TestEnvironment, run};

const RECIPE: &str = "# a recipe with comments\nname = \"demo\"\nversion = \"1.0\"   # of upstream\n\
    summary = \"a thing to patch\"\nlicense = \"MIT\"\nmaintainer = \"A B <a@example.org>\"\n\
    series = [\"jammy\", \"trixie\"] # two\n\n[[source]]\nurl = \"demo-{{ version }}.tar.gz\"\n";

const TAIL: &str = "\n# it is run\n[[test]]\nrun = \"true\"\n";

/// A file of numbered lines.
fn numbered(from: usize, to: usize) -> String {
    (from..=to).map(|i| format!("line {i}\n")).collect()
}

/// A folder with a recipe of `demo` and its tarball.
struct Demo {
    environment: TestEnvironment,
    folder: PathBuf,
}

impl Demo {
    fn new(files: &[(&str, &str)]) -> Demo {
        let environment = TestEnvironment::new();
        let folder = environment.work().join("recipe");
        fs::create_dir_all(&folder).unwrap();
        let demo = Demo { environment, folder };
        demo.tarball("1.0", files);
        demo.write("recipe.toml", &format!("{RECIPE}{TAIL}"));
        demo
    }

    fn tarball(&self, version: &str, files: &[(&str, &str)]) {
        let top = self.environment.path(format!("tmp/demo-{version}"));
        for (path, text) in files {
            let path = top.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut tar = self.environment.command("tar");
        tar.arg("-C").arg(self.environment.path("tmp")).arg("-czf");
        run(tar.arg(self.folder.join(format!("demo-{version}.tar.gz"))).arg(format!("demo-{version}"))).ok();
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.join(path)).unwrap()
    }

    fn pkgr(&self, arguments: &[&str]) -> common::Run {
        let mut command = self.environment.pkgr(arguments);
        let date = "1764000000"; // 2025-11-24
        run(command.current_dir(&self.folder).env("SOURCE_DATE_EPOCH", date))
    }

    fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.pkgr(arguments).stdout).unwrap()
    }

    /// The tree that dpkg-source makes of the package for a series; quilt has applied
    /// the same patches without fuzz before, and what it said comes too.
    fn judged(&self, series: &str) -> (PathBuf, String) {
        self.pkgr(&["build", "--no-sign", "--only", series, "-o", "dist"]).ok();
        let dist = self.folder.join("dist");
        let dsc = fs::read_dir(&dist).unwrap().map(|entry| entry.unwrap().path());
        let dsc = dsc.filter(|path| path.extension().is_some_and(|e| e == "dsc")).max().unwrap();
        let unpack = |more: &[&str], to: &Path| {
            let _ = fs::remove_dir_all(to);
            let mut command = self.environment.command("dpkg-source");
            run(command.args(["--no-check", "-x"]).args(more).arg(&dsc).arg(to)).ok()
        };
        let (tree, bare) = (self.environment.path("tmp/tree"), self.environment.path("tmp/bare"));
        unpack(&[], &tree);
        unpack(&["--skip-patches"], &bare);
        let mut quilt = self.environment.command("quilt");
        quilt.args(["push", "-a", "--fuzz=0"]).env("QUILT_PATCHES", "debian/patches").current_dir(&bare);
        let said = run(&mut quilt).ok().stdout;
        let trees = [&tree, &bare].map(|folder| {
            let mut all = common::snapshot(folder);
            all.retain(|path, _| !path.starts_with(".pc"));
            all
        });
        common::assert_same_files(&trees[0], &trees[1], "dpkg-source and quilt apply alike");
        fs::remove_dir_all(dist).unwrap();
        (tree, said)
    }
}

const FILES: [(&str, &str); 4] =
    [("src/a.c", "int a;\nint b;\nint c;\n"), ("src/with blank.txt", "one\n"), ("old.txt", "old\n"), ("run", "#!x\n")];

#[test]
fn an_edited_tree_becomes_a_patch() {
    let demo = Demo::new(&FILES);
    assert_eq!(demo.pkgr(&["patch", "new", "fix-it"]).ok().stdout, "fix-it.edit\n");
    let tree = demo.folder.join("fix-it.edit");
    assert_eq!(fs::read_to_string(tree.join("src/a.c")).unwrap(), FILES[0].1);
    fs::write(tree.join("src/a.c"), "int a;\nint two;\nint c;").unwrap();
    fs::write(tree.join("src/with blank.txt"), "one\ntwo\n").unwrap();
    fs::write(tree.join("src/a.c.orig"), "left over\n").unwrap();
    fs::create_dir(tree.join("tools")).unwrap();
    fs::write(tree.join("tools/new.sh"), "#!/bin/sh\n").unwrap();
    for file in ["tools/new.sh", "run"] {
        fs::set_permissions(tree.join(file), fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::write(tree.join("run"), "#!/bin/sh\n").unwrap();
    fs::remove_file(tree.join("old.txt")).unwrap();
    let said =
        demo.pkgr(&["patch", "new", "fix-it", "--from", "fix-it.edit", "-m", "repair it\n\nIt was broken."]).ok();
    assert_eq!(said.stdout, "patches/fix-it.patch\n");
    fs::remove_dir_all(&tree).unwrap();
    let header = "Description: repair it\n .\n It was broken.\nAuthor: A B <a@example.org>\nForwarded: no\n\
        Last-Update: 2025-11-24\n\n";
    assert!(demo.read("patches/fix-it.patch").starts_with(header), "{}", demo.read("patches/fix-it.patch"));
    // the recipe keeps every byte, and has an entry behind the sources
    let entry = "\n[[patch]]\nfile = \"patches/fix-it.patch\"\n";
    assert_eq!(demo.read("recipe.toml"), format!("{RECIPE}{entry}{TAIL}"));

    let (tree, said) = demo.judged("jammy");
    assert!(!said.contains("offset") && !said.contains("fuzz"), "{said}");
    assert_eq!(fs::read_to_string(tree.join("src/a.c")).unwrap(), "int a;\nint two;\nint c;");
    assert_eq!(fs::read_to_string(tree.join("src/with blank.txt")).unwrap(), "one\ntwo\n");
    assert!(!tree.join("old.txt").exists() && !tree.join("src/a.c.orig").exists());
    for file in ["tools/new.sh", "run"] {
        assert_eq!(fs::metadata(tree.join(file)).unwrap().permissions().mode() & 0o777, 0o755, "{file}");
    }

    // the next one is made on top of it, and for some targets only
    demo.pkgr(&["patch", "new", "more", "-o", "tree"]).ok();
    assert!(!demo.folder.join("tree/old.txt").exists());
    fs::write(demo.folder.join("tree/src/a.c"), "int a;\n").unwrap();
    demo.pkgr(&["patch", "new", "more", "--from", "tree", "--when", "trixie"]).ok();
    let list = demo.json(&["patch", "list", "--json"]);
    assert_eq!(list["patches"][1]["when"], serde_json::json!(["trixie"]));
    assert_eq!(list["patches"][1]["summary"], "more");
    let (tree, _) = demo.judged("trixie");
    assert_eq!(fs::read_to_string(tree.join("src/a.c")).unwrap(), "int a;\n");
}

#[test]
fn what_cannot_be_a_patch_changes_nothing() {
    let demo = Demo::new(&FILES);
    let before = common::snapshot(&demo.folder);
    let refused = |arguments: &[&str], exit: i32, code: &str| {
        let run = demo.pkgr(&[arguments, &["--json"]].concat()).exits(exit);
        let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(document["errors"][0]["code"], code, "{}", run.stdout);
    };
    refused(&["patch", "new", "../x"], 2, "bad-patch-name");
    refused(&["patch", "drop", "x"], 2, "no-such-patch");
    refused(&["patch", "refresh", "x"], 2, "no-such-patch");
    refused(&["patch", "new", "x", "--from", "."], 2, "not-a-copy");
    demo.write("patches/bad.patch", "--- a/src/a.c\n+++ b/src/a.c\n@@ -1,2 +1,2 @@\n-int x;\n+int y;\n int b;\n");
    refused(&["patch", "import", "patches/bad.patch"], 2, "patch-exists");
    fs::rename(demo.folder.join("patches/bad.patch"), demo.environment.path("tmp/bad.patch")).unwrap();
    fs::remove_dir(demo.folder.join("patches")).unwrap();
    let bad = demo.environment.path("tmp/bad.patch");
    refused(&["patch", "import", bad.to_str().unwrap()], 1, "patch-does-not-apply");
    common::assert_same_files(&before, &common::snapshot(&demo.folder), "nothing is written");

    let edited = demo.environment.path("tmp/edited");
    demo.pkgr(&["patch", "new", "x", "-o", edited.to_str().unwrap()]).ok();
    refused(&["patch", "new", "x", "-o", edited.to_str().unwrap()], 2, "folder-exists");
    let from = ["patch", "new", "x", "--from", edited.to_str().unwrap()];
    refused(&from, 2, "nothing-changed");
    fs::write(edited.join("src/a.c"), b"\0binary").unwrap();
    refused(&from, 1, "not-a-diff");
    common::assert_same_files(&before, &common::snapshot(&demo.folder), "nothing is written");
}

/// A patch with a mail's header, as git makes it.
fn mail(hunk: &str) -> String {
    format!(
        "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: C D <c@example.org>\n\
         Date: Mon, 24 Nov 2025 10:00:00 +0000\nSubject: [PATCH 2/3] Fix: the\n line\n\nBecause: it\nwas wrong.\n---\n \
         src/n | 2 +-\n\ndiff --git a/src/n b/src/n\nindex 0123456..789abcd 100644\n--- a/src/n\n+++ b/src/n\n{hunk}-- \n2.39.2\n"
    )
}

#[test]
fn patches_come_from_files_urls_and_commits() {
    let lines = numbered(1, 20);
    let demo = Demo::new(&[("src/n", &lines), ("src/m", "m\n")]);
    let hunk =
        "@@ -9,7 +9,7 @@ heading\n line 9\n line 10\n line 11\n-line 12\n+line twelve\n line 13\n line 14\n line 15\n";
    let text = mail(hunk);
    fs::write(demo.environment.path("tmp/0002-fix.patch"), &text).unwrap();
    demo.pkgr(&["patch", "import", demo.environment.path("tmp/0002-fix.patch").to_str().unwrap()]).ok();
    assert_eq!(
        demo.read("patches/0002-fix.patch"),
        text.replacen(" line\n\n", " line\nLast-Update: 2025-11-24\n\n", 1)
    );

    let bare = "--- a/src/m\n+++ b/src/m\n@@ -1 +1 @@\n-m\n+M\n";
    let url = serve(bare);
    let run = demo.pkgr(&["patch", "import", &format!("{url}/some-fix.diff")]).ok();
    assert_eq!(run.stdout, "patches/some-fix.diff\n");
    let header = format!("Description: some fix\nOrigin: {url}/some-fix.diff\nLast-Update: 2025-11-24\n\n");
    assert_eq!(demo.read("patches/some-fix.diff"), format!("{header}{bare}"));

    // a commit on top of what upstream had: its context is that of a tree further on
    let repository = demo.environment.path("tmp/repository");
    fs::create_dir_all(repository.join("src")).unwrap();
    let git = |arguments: &[&str]| {
        let mut git = demo.environment.command("git");
        git.args(["-c", "user.name=E F", "-c", "user.email=e@example.org", "-c", "init.defaultBranch=main"]);
        run_in(git.args(arguments), &repository)
    };
    git(&["init", "-q"]);
    fs::write(repository.join("src/n"), format!("new first\n{lines}")).unwrap();
    git(&["add", "."]);
    git(&["commit", "-qm", "start"]);
    fs::write(repository.join("src/n"), format!("new first\n{}", lines.replace("line 5\n", "line five\n"))).unwrap();
    git(&["commit", "-qam", "Spell five\n\nAs a word."]);
    let commit = git(&["rev-parse", "HEAD"]);
    let origin = format!("{}#HEAD", repository.display());
    let run = demo.pkgr(&["patch", "import", &origin, "--fuzz", "0"]).ok();
    assert_eq!(run.stdout, "patches/spell-five.patch\n");
    let text = demo.read("patches/spell-five.patch");
    assert!(text.contains(&format!("\nOrigin: commit:{}\n", commit.trim())), "{text}");
    assert!(text.contains("\nFrom: E F <e@example.org>\n") && text.contains("\n@@ -2,7 +2,7 @@"), "{text}");

    let (tree, said) = demo.judged("trixie");
    assert!(!said.contains("offset") && !said.contains("fuzz"), "{said}");
    let n = fs::read_to_string(tree.join("src/n")).unwrap();
    assert_eq!(n, lines.replace("line 5\n", "line five\n").replace("line 12\n", "line twelve\n"));
    assert_eq!(fs::read_to_string(tree.join("src/m")).unwrap(), "M\n");
}

fn run_in(command: &mut std::process::Command, folder: &Path) -> String {
    run(command.current_dir(folder)).ok().stdout
}

/// Answers every request with a text.
fn serve(text: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
            let _ = stream.write_all(format!("{head}{text}").as_bytes());
        }
    });
    format!("http://{address}")
}

#[test]
fn a_new_upstream_version_refreshes_what_moved_and_names_what_does_not_apply() {
    let lines = numbered(1, 40);
    let demo = Demo::new(&[("src/n", &lines), ("src/m", "m\n")]);
    let hunks = "@@ -9,7 +9,7 @@ heading\n line 9\n line 10\n line 11\n-line 12\n+line twelve\n line 13\n line 14\n line 15\n\
        @@ -29,7 +29,7 @@\n line 29\n line 30\n line 31\n-line 32\n+line thirty-two\n line 33\n line 34\n line 35\n";
    let moved = mail(hunks);
    let clean = "Description: stays\r\n\n--- a/src/m\n+++ b/src/m\n@@ -1 +1 @@\n-m\n+M\n";
    let gone = "Description: does not fit\n\n--- a/src/n\n+++ b/src/n\n@@ -20,3 +20,3 @@\n line 20\n-line 21\n+line xxi\n line 22\n";
    let entries = ["moved", "clean", "gone"].map(|name| format!("\n[[patch]]\nfile = \"patches/{name}.patch\"\n"));
    demo.write("patches/moved.patch", &moved);
    demo.write("patches/clean.patch", clean);
    demo.write("patches/gone.patch", gone);
    demo.write("recipe.toml", &format!("{RECIPE}{}{TAIL}", entries.concat()));
    demo.pkgr(&["build", "--no-sign"]).ok();
    assert_eq!(demo.pkgr(&["patch", "refresh"]).ok().stdout, "", "nothing is to do");

    // upstream has three lines more above, an other context at 33, and line 21 is gone
    let new = format!("a\nb\nc\n{}", lines.replace("line 33\nline 34\n", "line 33\nother\n").replace("line 21\n", ""));
    demo.tarball("1.1", &[("src/n", &new), ("src/m", "m\n")]);
    demo.write("recipe.toml", &format!("{RECIPE}{}{TAIL}", entries.concat()).replace("\"1.0\"", "\"1.1\""));
    let list = demo.pkgr(&["patch", "list"]).ok().stdout;
    let states: Vec<&str> = list.lines().map(|line| line.split("all  ").nth(1).unwrap()).collect();
    assert!(states[0].starts_with("needs fuzz 2 ") && states[1].starts_with("applies "), "{list}");
    assert!(states[2].starts_with("fails: hunk 1 does not apply to `src/n`"), "{list}");
    demo.pkgr(&["build", "--no-sign"]).exits(1);

    let run = demo.pkgr(&["patch", "refresh"]).exits(1);
    assert_eq!(run.stdout, "patches/moved.patch\n");
    for fact in ["patches/gone.patch:5:1", "hunk 1 does not apply to `src/n`", "has at line 22", "pkgr patch drop"] {
        assert!(run.stderr.contains(fact), "{fact} is not in\n{}", run.stderr);
    }
    assert_eq!(demo.read("patches/gone.patch"), gone);
    assert_eq!(demo.read("patches/clean.patch"), clean);
    let expected = moved
        .replace("@@ -9,7 +9,7 @@ heading", "@@ -12,7 +12,7 @@ heading")
        .replace("@@ -29,7 +29,7 @@", "@@ -31,7 +31,7 @@")
        .replace(" line 34\n", " other\n");
    assert_eq!(demo.read("patches/moved.patch"), expected, "nothing but numbers and context is new");

    assert_eq!(demo.pkgr(&["patch", "drop", "gone"]).ok().stdout, "patches/gone.patch\n");
    assert!(!demo.folder.join("patches/gone.patch").exists());
    let recipe = format!("{RECIPE}{}{TAIL}", entries[..2].concat()).replace("\"1.0\"", "\"1.1\"");
    assert_eq!(demo.read("recipe.toml"), recipe);
    let (tree, said) = demo.judged("jammy");
    assert!(!said.contains("offset") && !said.contains("fuzz"), "{said}");
    let n = fs::read_to_string(tree.join("src/n")).unwrap();
    assert_eq!(n, new.replace("line 12\n", "line twelve\n").replace("line 32\n", "line thirty-two\n"));
}

#[test]
fn one_file_serves_targets_whose_upstreams_differ_or_says_that_it_cannot() {
    let lines = numbered(1, 30);
    let demo = Demo::new(&[("src/n", &lines)]);
    demo.tarball("2.0", &[("src/n", &format!("a\nb\n{lines}"))]);
    let patch = "--- a/src/n\n+++ b/src/n\n@@ -9,7 +9,7 @@\n line 9\n line 10\n line 11\n-line 12\n+line twelve\n line 13\n line 14\n line 15\n";
    let sources = "[[source]]\nurl = \"demo-1.0.tar.gz\"\nwhen = \"jammy\"\n\n[[source]]\nurl = \"demo-2.0.tar.gz\"\nwhen = \"trixie\"\n";
    let recipe = |more: &str| {
        let text = RECIPE.replace("[[source]]\nurl = \"demo-{{ version }}.tar.gz\"\n", sources);
        demo.write("recipe.toml", &format!("{text}{more}"));
    };
    let entry = "\n[[patch]]\nfile = \"patches/x.patch\"\n";
    recipe(entry);
    demo.write("patches/x.patch", patch);
    let list = demo.pkgr(&["patch", "list"]).ok().stdout;
    assert!(list.contains("applies (jammy); applies, 1 hunk moved (trixie)"), "{list}");
    // exact for one and fit for the other: a rewrite would only turn them round
    assert_eq!(demo.pkgr(&["patch", "refresh"]).ok().stdout, "");
    // neither: it becomes exact for the first
    demo.write("patches/x.patch", &patch.replace("-9,7 +9,7", "-5,7 +5,7"));
    assert_eq!(demo.pkgr(&["patch", "refresh"]).ok().stdout, "patches/x.patch\n");
    assert_eq!(demo.read("patches/x.patch"), patch);
    assert_eq!(demo.pkgr(&["patch", "refresh", ".", "--only", "trixie"]).ok().stdout, "patches/x.patch\n");
    assert_eq!(demo.read("patches/x.patch"), patch.replace("-9,7 +9,7", "-11,7 +11,7"));

    // the context differs: no one form fits both
    demo.tarball("2.0", &[("src/n", &lines.replace("line 13\n", "other\n"))]);
    fs::remove_file(demo.folder.join("recipe.lock")).ok();
    demo.write("patches/x.patch", &patch.replace("line 15", "line xv"));
    let run = demo.pkgr(&["patch", "refresh", "--fuzz", "3", "--json"]).exits(1);
    assert!(run.stdout.contains("\"patch-needs-splitting\""), "{}", run.stdout);
    assert_eq!(demo.read("patches/x.patch"), patch.replace("line 15", "line xv"), "nothing is written");
}
