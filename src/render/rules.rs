//! debian/rules: `dh $@` and the few targets that this package needs.
//!
//! What comes before or after one of debhelper's commands is an
//! `execute_before_` or `execute_after_` target where debhelper surely knows
//! them (12.8; every series at compat 13), an override that calls the command
//! itself elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::context;

use crate::plan::nginx::{Mode, Nginx};
use crate::plan::{Build, BuildSystem, PayloadFile, Target};

use super::staging::{Scope, Staging, base_name};
use super::systems::System;
use super::{RenderError, Tree, Upstream, nginx, payload, sh, template, units};

/// Where the recipe's build scripts travel.
const SCRIPTS: &str = "debian/scripts";

/// The order in which targets are written: that of dh's own sequence.
const ORDER: &[&str] = &[
    "dh_auto_clean",
    "dh_clean",
    "dh_update_autotools_config",
    "dh_auto_configure",
    "dh_auto_build",
    "dh_auto_test",
    "dh_auto_install",
    "dh_install",
    "dh_nginx",
    "dh_systemd_enable",
    "dh_systemd_start",
    "dh_installsystemd",
    "dh_link",
    "dh_fixperms",
    "dh_missing",
    "dh_builddeb",
];

/// What happens around and instead of one debhelper command.
#[derive(Default)]
struct Step {
    before: Vec<String>,
    /// Instead of the command; an empty list leaves it out.
    instead: Option<Vec<String>>,
    after: Vec<String>,
}

struct Rules<'a> {
    target: &'a Target,
    system: System,
    listing: Option<&'a dyn Upstream>,
    vendored: bool,
    steps: BTreeMap<(&'static str, Scope), Step>,
}

/// Renders debian/rules.
pub fn render(
    target: &Target,
    system: System,
    staging: &Staging,
    listing: Option<&dyn Upstream>,
) -> Result<String, RenderError> {
    let mut rules = Rules { target, system, listing, vendored: has_vendor(target, listing), steps: BTreeMap::new() };
    match &target.nginx {
        Some(nginx) => rules.nginx_steps(nginx),
        None => rules.build_steps(needs_silence(target, system, listing)),
    }
    for (&(after, scope), commands) in &staging.commands {
        rules.step(after.command(), scope).after.extend(commands.iter().cloned());
    }
    for (command, scope, lines) in units::overrides(target, listing) {
        rules.step(command, scope).instead = Some(lines);
    }
    rules.missing_files();
    rules.keep_from_cleaning(listing);
    rules.narrow();
    rules.write()
}

/// Adds the build scripts of the recipe as files.
pub fn add_scripts(build: &Build, tree: &mut Tree) {
    let scripts =
        [("prepare", &build.prepare), ("build", &build.build), ("check", &build.check), ("install", &build.install)];
    for (name, script) in scripts {
        if let Some(script) = script {
            tree.add(format!("{SCRIPTS}/{name}"), format!("{}\n", script.trim_end_matches('\n')));
        }
    }
}

/// Whether crates or modules stand in `vendor/`, from upstream or as a component.
fn has_vendor(target: &Target, listing: Option<&dyn Upstream>) -> bool {
    target.sources.iter().any(|source| source.component.as_deref() == Some("vendor"))
        || listing.is_some_and(|listing| !listing.glob("vendor/*").is_empty() || !listing.glob("vendor/*/*").is_empty())
}

/// Whether debhelper would find something to build where nothing is to be built.
fn needs_silence(target: &Target, system: System, listing: Option<&dyn Upstream>) -> bool {
    const BUILDABLE: &[&str] = &[
        "configure",
        "configure.ac",
        "configure.in",
        "CMakeLists.txt",
        "Build.PL",
        "Makefile.PL",
        "GNUmakefile",
        "makefile",
        "Makefile",
        "setup.py",
        "pyproject.toml",
        "meson.build",
        "build.xml",
        "build.ninja",
        "Cargo.toml",
        "go.mod",
        "pom.xml",
        "Rakefile",
        "package.json",
    ];
    if system.kind != BuildSystem::None {
        return false;
    }
    if target.sources.is_empty() {
        let files = target.packages.iter().flat_map(|package| &package.install);
        return files.map(|install| &install.file).any(|file| match file {
            crate::plan::PayloadFile::Recipe(path) | crate::plan::PayloadFile::Upstream(path, _) => {
                BUILDABLE.contains(&path.as_str()) || path.ends_with(".pro")
            }
        });
    }
    listing
        .is_none_or(|listing| BUILDABLE.iter().any(|file| listing.contains(file)) || !listing.glob("*.pro").is_empty())
}

/// Whether dh_clean deletes files of this name (its "other temp files").
fn looks_left_over(path: &str) -> bool {
    let name = base_name(path);
    [".orig", ".rej", ".bak", "~"].iter().any(|end| name.ends_with(end))
        || (name.len() > 1 && name.starts_with('#') && name.ends_with('#'))
        || ["DEADJOE", ".SUMS", "TAGS"].contains(&name)
        || (name.ends_with(".P") && path.contains(".deps/"))
}

impl Rules<'_> {
    fn step(&mut self, command: &'static str, scope: Scope) -> &mut Step {
        self.steps.entry((command, scope)).or_default()
    }

    fn build_steps(&mut self, silence: bool) {
        let build = &self.target.build;
        for command in ["dh_auto_clean", "dh_auto_configure", "dh_auto_build", "dh_auto_test", "dh_auto_install"] {
            let lines = match self.system.steps() {
                Some("") if silence => Vec::new(),
                Some("") | None => continue,
                Some(_) => self.lines_of(command),
            };
            self.step(command, Scope::All).instead = Some(lines);
        }
        if build.prepare.is_some() {
            // with dh_update_autotools_config the work on the tree begins; compat 9 may lack it
            let first =
                if self.target.toolchain.compat < 10 { "dh_auto_configure" } else { "dh_update_autotools_config" };
            self.step(first, Scope::All).before.push(format!("sh -e {SCRIPTS}/prepare"));
        }
        if !build.configure.is_empty() {
            let arguments: Vec<String> = build.configure.iter().map(|argument| sh::word(argument)).collect();
            let command = format!("dh_auto_configure -- \\\n\t\t{}", arguments.join(" \\\n\t\t"));
            self.step("dh_auto_configure", Scope::All).instead = Some(vec![command]);
        }
        if build.build.is_some() {
            self.step("dh_auto_build", Scope::All).instead = Some(vec![format!("sh -e {SCRIPTS}/build")]);
        }
        if build.check.is_some() {
            self.step("dh_auto_test", Scope::All).instead = Some(vec![format!("sh -e {SCRIPTS}/check")]);
        }
        if build.install.is_some() {
            let line = format!("DESTDIR={} sh -e {SCRIPTS}/install", self.destdir());
            self.step("dh_auto_install", Scope::All).instead = Some(vec![line]);
        } else if self.splits_files() && self.target.packages.len() == 1 && self.system.steps().is_none() {
            let line = "dh_auto_install --destdir=debian/tmp".to_string();
            self.step("dh_auto_install", Scope::All).instead = Some(vec![line]);
        } else if let ([package], None) = (self.target.packages.as_slice(), self.system.steps()) {
            // debhelper counts the former names as packages, and would use debian/tmp
            if !package.formerly.is_empty() {
                let line = format!("dh_auto_install --destdir=debian/{}", package.name);
                self.step("dh_auto_install", Scope::All).instead = Some(vec![line]);
            }
        }
    }

    fn nginx_steps(&mut self, nginx: &Nginx) {
        for more in nginx::steps(self.target, nginx) {
            let step = self.step(more.command, more.scope);
            step.before.extend(more.before);
            step.instead = more.instead.or(step.instead.take());
        }
    }

    /// Whether packages pick their files from debian/tmp.
    fn splits_files(&self) -> bool {
        self.target.packages.iter().any(|package| !package.files.is_empty())
    }

    /// Where the install step puts things.
    fn destdir(&self) -> String {
        match self.target.packages.as_slice() {
            [package] if package.files.is_empty() => format!("\"$(CURDIR)/debian/{}\"", package.name),
            _ => "\"$(CURDIR)/debian/tmp\"".to_string(),
        }
    }

    /// One step of a build system that debhelper does not know.
    fn lines_of(&self, step: &str) -> Vec<String> {
        let Some(template) = self.system.steps() else { return Vec::new() };
        let values = context! { step, destdir => self.destdir(), vendored => self.vendored };
        let text = template::fill(template, values);
        text.lines().filter(|line| !line.is_empty()).map(String::from).collect()
    }

    /// What no package takes must fail the build. From compat 13 on it does;
    /// before 11 it is dh_install that knows.
    fn missing_files(&mut self) {
        if !self.splits_files() {
            return;
        }
        match self.target.toolchain.compat {
            ..=10 => self.step("dh_install", Scope::All).instead = Some(vec!["dh_install --fail-missing".to_string()]),
            11 | 12 => {
                self.step("dh_missing", Scope::All).instead = Some(vec!["dh_missing --fail-missing".to_string()])
            }
            _ => {}
        }
    }

    /// dh_clean deletes what looks like an editor's or patch's leavings anywhere in
    /// the tree, before anything is built: files that a package takes are spared.
    fn keep_from_cleaning(&mut self, listing: Option<&dyn Upstream>) {
        let mut spared = BTreeSet::new();
        for file in self.target.packages.iter().flat_map(payload::taken_by) {
            match (file, listing) {
                (PayloadFile::Recipe(path), _) => drop(spared.insert(payload::path_in_tree(self.target.format, path))),
                (PayloadFile::Upstream(path, _), Some(listing)) if !listing.contains(path) => {
                    spared.extend(listing.glob(path));
                }
                (PayloadFile::Upstream(path, _), _) => drop(spared.insert(path.clone())),
            }
        }
        spared.retain(|path| looks_left_over(path));
        if !spared.is_empty() {
            // -X takes a part of the path, and makes a regular expression of it in which dots alone are quoted
            let plain = |path: &str| path.rsplit(['*', '+', '?', '[', ']', '^', '$', '\\']).next().map(sh::word);
            let options: BTreeSet<String> = spared.iter().filter_map(|path| plain(path)).collect();
            let options: Vec<String> = options.iter().map(|option| format!(" -X{option}")).collect();
            self.step("dh_clean", Scope::All).instead = Some(vec![format!("dh_clean{}", options.concat())]);
        }
    }

    /// A target for all packages hides those for some (dh(1)): where a command
    /// has both, the general part moves into each of the others.
    fn narrow(&mut self) {
        let scoped = |(command, scope): &(&'static str, Scope)| (*scope != Scope::All).then_some(*command);
        let commands: BTreeSet<&'static str> = self.steps.keys().filter_map(scoped).collect();
        for command in commands {
            let Some(general) = self.steps.remove(&(command, Scope::All)) else { continue };
            for scope in [Scope::Arch, Scope::Indep] {
                let step = self.step(command, scope);
                step.before.splice(0..0, general.before.iter().cloned());
                step.after.splice(0..0, general.after.iter().cloned());
                step.instead = step.instead.take().or_else(|| general.instead.clone());
            }
        }
    }

    fn has_scripts(&self) -> bool {
        let build = &self.target.build;
        let of_nginx = self.target.nginx.as_ref().and_then(|nginx| nginx.prepare.as_ref());
        [build.prepare.as_ref(), build.build.as_ref(), build.check.as_ref(), build.install.as_ref(), of_nginx]
            .into_iter()
            .any(|script| script.is_some())
    }

    fn exports(&self) -> Result<Vec<String>, RenderError> {
        let nginx = self.target.nginx.as_ref();
        let environment = || self.target.build.env.iter().chain(nginx.iter().flat_map(|nginx| &nginx.env));
        let given = |name: &str| environment().any(|(key, _)| key == name);
        let mut exports = Vec::new();
        if nginx.is_some() && !given("DEB_BUILD_MAINT_OPTIONS") {
            exports.push(format!("DEB_BUILD_MAINT_OPTIONS = {}", nginx::hardening(self.target)));
        } else if self.system.takes_compiler_flags(self.target) && !given("DEB_BUILD_MAINT_OPTIONS") {
            exports.push("DEB_BUILD_MAINT_OPTIONS = hardening=+all".to_string());
        }
        let own = self.lines_of("environment");
        exports.extend(own.into_iter().filter(|line| !line.split(' ').next().is_some_and(given)));
        for (name, value) in environment() {
            if value.contains(['\n', '\r']) {
                return Err(RenderError::EnvironmentLines { name: name.clone() });
            }
            exports.push(format!("{name} = {}", sh::make_value(value)));
        }
        if self.has_scripts() {
            exports.push(format!("PKGR_NAME = {}", sh::make_value(&self.target.name)));
            exports.push(format!("PKGR_VERSION = {}", sh::make_value(&self.target.recipe_version)));
        }
        for (name, value) in nginx.map(nginx::environment).unwrap_or_default() {
            exports.push(format!("{name} = {}", sh::make_value(&value)));
        }
        Ok(exports)
    }

    fn includes(&self) -> Vec<&'static str> {
        let mut includes = Vec::new();
        // signatures are known by architecture
        let flavors = self.target.nginx.as_ref().is_some_and(|nginx| nginx.mode == Mode::Flavors);
        if self.has_scripts() || flavors {
            includes.push("include /usr/share/dpkg/architecture.mk");
        }
        includes
    }

    fn write(&self) -> Result<String, RenderError> {
        let mut arguments = self.system.dh_arguments();
        let has_units = self.target.packages.iter().any(|package| !package.units.is_empty());
        if self.target.toolchain.dh_systemd && has_units {
            arguments.insert(0, "--with systemd");
        }
        let position = |command: &str| ORDER.iter().position(|known| *known == command);
        let mut steps: Vec<_> = self.steps.iter().collect();
        steps.sort_by_key(|((command, scope), _)| (position(command), *scope));
        let mut empty = Vec::new();
        let mut targets = Vec::new();
        for ((command, scope), step) in steps {
            if step.is_empty() {
                empty.push(format!("override_{command}{}", scope.suffix()));
                continue;
            }
            let unless_nocheck = *command == "dh_auto_test" && self.target.toolchain.compat < 13;
            for (name, lines) in step.targets(command, *scope, self.target.toolchain.compat) {
                targets.push(context! { name, lines, unless_nocheck });
            }
        }
        let included = self.target.overrides.iter().any(|path| path == "rules.mk");
        let text = template::fill(
            include_str!("../../templates/rules/rules"),
            context! {
                includes => self.includes(),
                exports => self.exports()?,
                dh_arguments => arguments,
                empty,
                silent => self.system.kind == BuildSystem::None && self.target.nginx.is_none(),
                targets,
                nginx => self.target.nginx.as_ref().and_then(|nginx| nginx::rules(self.target, nginx, self.listing)),
                included,
            },
        );
        Ok(text)
    }
}

impl Step {
    fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty() && self.instead.as_ref().is_some_and(Vec::is_empty)
    }

    /// The targets of make that this step becomes.
    fn targets(&self, command: &str, scope: Scope, compat: u8) -> Vec<(String, Vec<String>)> {
        let suffix = scope.suffix();
        let whole = |body: &[String]| {
            let lines = self.before.iter().chain(body).chain(&self.after).cloned().collect();
            vec![(format!("override_{command}{suffix}"), lines)]
        };
        match &self.instead {
            Some(lines) => whole(lines),
            None if compat < 13 => whole(&[command.to_string()]),
            None => [("before", &self.before), ("after", &self.after)]
                .into_iter()
                .filter(|(_, lines)| !lines.is_empty())
                .map(|(when, lines)| (format!("execute_{when}_{command}{suffix}"), lines.clone()))
                .collect(),
        }
    }
}
