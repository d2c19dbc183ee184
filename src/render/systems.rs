//! The build systems: what each needs from the archive, how dh is told of it,
//! and which of its steps debhelper does not know.
//!
//! `auto` is debhelper's own detection, in its own order (debhelper(7), "BUILD
//! SYSTEM"), looked up in the listing of the upstream tree where there is one:
//! build dependencies cannot be detected when the package is built.

use crate::plan::{BuildSystem, Target};

use super::RenderError;
use super::Upstream;

/// How a target is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct System {
    /// As the recipe says, or as detected; `Auto` where nothing was.
    pub kind: BuildSystem,
    /// Whether the recipe says so: then dh is told.
    pub explicit: bool,
    /// Whether configure has to be made first, which old compat levels do not do.
    pub autoreconf: bool,
    /// Whether the Python project has no setup.py.
    pub pyproject: bool,
}

impl System {
    /// Decides for a target.
    pub fn of(target: &Target, listing: Option<&dyn Upstream>) -> System {
        let has = |path: &str| listing.is_some_and(|listing| listing.contains(path));
        let explicit = target.build.system != BuildSystem::Auto;
        let kind = match target.build.system {
            // whatever its payload is called, nothing in it is to be built
            BuildSystem::Auto if target.sources.is_empty() && target.build.has_no_step() => BuildSystem::None,
            BuildSystem::Auto => detect(&has),
            explicit => explicit,
        };
        let autotools = kind == BuildSystem::Autotools;
        System {
            kind,
            explicit,
            autoreconf: autotools && target.toolchain.compat < 10 && listing.is_some() && !has("configure"),
            pyproject: kind == BuildSystem::Python && has("pyproject.toml") && !has("setup.py"),
        }
    }

    /// What keeps this system from working on the target's series.
    pub fn missing_in(self, target: &Target) -> Option<RenderError> {
        let series = &target.series;
        let missing = |system, reason| Some(RenderError::SystemMissing { system, series: series.name.clone(), reason });
        if target.build.build.is_some() {
            return None;
        }
        match self.kind {
            BuildSystem::Meson if target.toolchain.compat < 10 => missing("meson", "its debhelper does not know meson"),
            BuildSystem::Python if self.pyproject && !series.is_since("jammy") && !series.is_since("bookworm") => {
                missing("python", "it has no pybuild-plugin-pyproject, and upstream has no setup.py")
            }
            _ => None,
        }
    }

    /// Arguments of dh.
    pub fn dh_arguments(self) -> Vec<&'static str> {
        let mut arguments = Vec::new();
        if self.autoreconf {
            arguments.push("--with autoreconf");
        }
        let name = match self.kind {
            // debhelper would take a setup.py for Python 2's
            BuildSystem::Python => {
                arguments.push("--with python3");
                "--buildsystem=pybuild"
            }
            _ if !self.explicit => return arguments,
            BuildSystem::Autotools => "--buildsystem=autoconf",
            BuildSystem::Cmake => "--buildsystem=cmake",
            BuildSystem::Meson => "--buildsystem=meson",
            BuildSystem::Make => "--buildsystem=makefile",
            BuildSystem::Auto | BuildSystem::Cargo | BuildSystem::Go | BuildSystem::None => return arguments,
        };
        arguments.push(name);
        arguments
    }

    /// Build dependencies, debhelper's own aside.
    pub fn build_depends(self, target: &Target) -> Vec<String> {
        let compiled = target.packages.iter().any(|package| package.is_arch_dependent());
        let names: &[&str] = match self.kind {
            BuildSystem::Autotools if self.autoreconf => &["dh-autoreconf"],
            BuildSystem::Cmake => &["cmake"],
            BuildSystem::Meson => &["meson"],
            BuildSystem::Cargo => &["cargo", "rustc"],
            BuildSystem::Go => &["golang-any"],
            BuildSystem::Python => {
                let python = if compiled { "python3-all-dev" } else { "python3-all" };
                let setup = if self.pyproject { "pybuild-plugin-pyproject" } else { "python3-setuptools" };
                return ["dh-python", python, setup].map(String::from).to_vec();
            }
            BuildSystem::Auto | BuildSystem::Autotools | BuildSystem::Make | BuildSystem::None => &[],
        };
        names.iter().map(ToString::to_string).collect()
    }

    /// Whether dpkg's compiler flags reach the build.
    pub fn takes_compiler_flags(self, target: &Target) -> bool {
        let compiled = target.packages.iter().any(|package| package.is_arch_dependent());
        let builds = match self.kind {
            BuildSystem::None => target.build.build.is_some(),
            BuildSystem::Cargo | BuildSystem::Go => false,
            _ => true,
        };
        compiled && builds
    }

    /// The template of the steps that debhelper does not know.
    pub fn steps(self) -> Option<&'static str> {
        match self.kind {
            BuildSystem::Cargo => Some(include_str!("../../templates/rules/cargo")),
            BuildSystem::Go => Some(include_str!("../../templates/rules/go")),
            BuildSystem::None => Some(""),
            _ => None,
        }
    }
}

/// debhelper's order, then what it has no detection for.
fn detect(has: &dyn Fn(&str) -> bool) -> BuildSystem {
    const FILES: &[(&[&str], BuildSystem)] = &[
        (&["configure", "configure.ac", "configure.in"], BuildSystem::Autotools),
        (&["CMakeLists.txt"], BuildSystem::Cmake),
        (&["Build.PL", "Makefile.PL"], BuildSystem::Auto),
        (&["GNUmakefile", "makefile", "Makefile"], BuildSystem::Make),
        (&["setup.py"], BuildSystem::Python),
        (&["meson.build"], BuildSystem::Meson),
        (&["pyproject.toml"], BuildSystem::Python),
        (&["Cargo.toml"], BuildSystem::Cargo),
        (&["go.mod"], BuildSystem::Go),
    ];
    let found = FILES.iter().find(|(files, _)| files.iter().any(|file| has(file)));
    found.map_or(BuildSystem::Auto, |(_, system)| *system)
}

impl crate::plan::Build {
    /// Whether the recipe gives no step of its own.
    fn has_no_step(&self) -> bool {
        [&self.prepare, &self.build, &self.check, &self.install].into_iter().all(Option::is_none)
    }
}
