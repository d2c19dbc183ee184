//! One evaluated target: a recipe and its lock, seen from one series. Concrete
//! values only, no template left to expand, no selector left to decide. What
//! the packages look like per series (debhelper, policy) is in [`toolchain`].

mod evaluate;
mod evaluator;
pub mod follow;
mod layer;
mod modules;
pub mod nginx;
pub mod order;
mod package;
mod payload;
mod source;
mod test;
pub mod toolchain;
mod versions;
pub mod watch;

use std::path::PathBuf;

use crate::deb::changelog::Entry;
use crate::deb::version::Version;
use crate::diagnostic::Place;
use crate::series::Series;
pub use evaluate::{EvaluateOptions, Plan, evaluate};
use toolchain::Toolchain;
pub use versions::record_again;
use watch::Watch;

/// The source format (dpkg-source(1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `3.0 (quilt)`: upstream tarballs and a debian.tar.
    Quilt,
    /// `3.0 (native)`: one tarball.
    Native,
}

impl Format {
    /// As debian/source/format and the .dsc write it.
    pub fn name(self) -> &'static str {
        match self {
            Format::Quilt => "3.0 (quilt)",
            Format::Native => "3.0 (native)",
        }
    }
}

/// One source package for one series: everything needed to write it.
#[derive(Debug, Clone)]
pub struct Target {
    /// The series it is for.
    pub series: Series,
    /// debhelper and policy of that series.
    pub toolchain: Toolchain,
    /// The recipe's folder, for the files it names.
    pub folder: PathBuf,
    /// Source package name.
    pub name: String,
    /// Full Debian version.
    pub version: Version,
    /// The recipe's version without epoch, as templates and scripts see it.
    pub recipe_version: String,
    /// What upstream writes.
    pub upstream_version: String,
    /// Source format.
    pub format: Format,
    /// `Name <address>`.
    pub maintainer: String,
    /// `Name <address>` each.
    pub uploaders: Vec<String>,
    /// URL.
    pub homepage: Option<String>,
    /// URL, with an optional ` -b branch`.
    pub vcs_git: Option<String>,
    /// SPDX expression.
    pub license: String,
    /// `years holder` each, as DEP-5 writes them; empty: inferred by `render`.
    pub copyright: Vec<String>,
    /// Archive section of the source.
    pub section: String,
    /// Archive priority of the source.
    pub priority: String,
    /// Urgency of the newest changelog entry.
    pub urgency: String,
    /// The recipe's own build dependencies, one clause each (`a | b`), without debhelper's.
    pub build_depends: Vec<String>,
    /// Build-Depends-Indep, one clause each.
    pub build_depends_indep: Vec<String>,
    /// Build-Conflicts, one clause each.
    pub build_conflicts: Vec<String>,
    /// Upstream files; the first without a component is the main orig.
    pub sources: Vec<Source>,
    /// Patches in the order of application.
    pub patches: Vec<Patch>,
    /// How it is built.
    pub build: Build,
    /// Binary packages, at least one.
    pub packages: Vec<Package>,
    /// autopkgtests.
    pub tests: Vec<Test>,
    /// `[nginx]`.
    pub nginx: Option<nginx::Nginx>,
    /// `[watch]`, where the target has upstream files.
    pub watch: Option<Watch>,
    /// Changelog, newest entry first, at least one; the first is for `version`.
    pub changelog: Vec<Entry>,
    /// Files under the recipe's `debian/`, relative to it, in byte order.
    pub overrides: Vec<String>,
}

impl Target {
    /// The version without epoch and revision: what orig files are named by.
    pub fn orig_version(&self) -> &str {
        &self.version.upstream
    }
}

/// Where an upstream file comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// An http, https or file URL.
    Url(String),
    /// A file beside the recipe, relative to its folder, inside it.
    Path(String),
    /// A git repository (URL or path) at a tag.
    GitTag(String, String),
    /// A git repository (URL or path) at a commit of 40 hexadecimal digits.
    GitCommit(String, String),
    /// A file of a distribution's archive, pinned by the lock's `[[follow]]`.
    Pool(PoolFile),
}

/// A file in the pool of a distribution's archive, named by the lock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PoolFile {
    /// Code name of the series whose archive has it.
    pub series: String,
    /// `pool/main/n/nginx/nginx_1.18.0.orig.tar.gz`.
    pub path: String,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

impl PoolFile {
    /// Its name without folders.
    pub fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

impl Location {
    /// How the lock knows it: the URL or path, `git+URL#REFERENCE`, or
    /// `SERIES:PATH` of a pool.
    pub fn key(&self) -> String {
        match self {
            Location::Url(url) => url.clone(),
            Location::Path(path) => path.clone(),
            Location::GitTag(url, reference) | Location::GitCommit(url, reference) => {
                format!("git+{url}#{reference}")
            }
            Location::Pool(file) => format!("{}:{}", file.series, file.path),
        }
    }
}

/// One `[[source]]`.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it comes from.
    pub location: Location,
    /// Component name: `orig-NAME.tar`.
    pub component: Option<String>,
    /// Expected digest from the recipe, lower-case hexadecimal.
    pub sha256: Option<String>,
    /// Detached OpenPGP signature.
    pub signature: Option<Location>,
    /// Keyring that the signature is verified with, relative to the folder.
    pub keyring: Option<String>,
    /// Where the recipe names it.
    pub place: Place,
}

/// One `[[patch]]`.
#[derive(Debug, Clone)]
pub struct Patch {
    /// Relative to the recipe's folder.
    pub file: String,
    /// Where the recipe names it.
    pub place: Place,
}

impl Patch {
    /// Its name in debian/patches: the path below the recipe's `patches/`, or
    /// the whole path where it is elsewhere.
    pub fn series_name(&self) -> &str {
        self.file.strip_prefix("patches/").unwrap_or(&self.file)
    }
}

/// Build systems that the language names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuildSystem {
    /// debhelper detects it.
    Auto,
    /// configure, make.
    Autotools,
    /// CMake.
    Cmake,
    /// Meson.
    Meson,
    /// A plain Makefile.
    Make,
    /// cargo, offline.
    Cargo,
    /// go, offline.
    Go,
    /// pybuild.
    Python,
    /// Nothing is built.
    None,
}

/// `[build]`.
#[derive(Debug, Clone)]
pub struct Build {
    /// The build system.
    pub system: BuildSystem,
    /// Arguments after `dh_auto_configure --`.
    pub configure: Vec<String>,
    /// Exported to every step, in the recipe's order.
    pub env: Vec<(String, String)>,
    /// Run under `sh -e` in the root of the tree before configuring.
    pub prepare: Option<String>,
    /// Instead of dh_auto_build.
    pub build: Option<String>,
    /// Instead of dh_auto_test.
    pub check: Option<String>,
    /// Instead of dh_auto_install; `$DESTDIR` is debian/tmp, or the one package's folder.
    pub install: Option<String>,
}

/// The relations of a binary package, one clause each (`a | b`), substvars allowed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Relations {
    pub depends: Vec<String>,
    pub pre_depends: Vec<String>,
    pub recommends: Vec<String>,
    pub suggests: Vec<String>,
    pub enhances: Vec<String>,
    pub breaks: Vec<String>,
    pub conflicts: Vec<String>,
    pub replaces: Vec<String>,
    pub provides: Vec<String>,
}

/// One binary package.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// First line of Description.
    pub summary: String,
    /// The rest of Description, plain paragraphs separated by empty lines; never empty.
    pub description: String,
    /// Archive section where it differs from the source's.
    pub section: Option<String>,
    /// Archive priority where it differs from the source's.
    pub priority: Option<String>,
    /// `all`, `any`, or architecture names.
    pub architectures: Vec<String>,
    /// `same`, `foreign`, `allowed`.
    pub multi_arch: Option<String>,
    /// Relations of the recipe, without the substvars that `render` adds.
    pub relations: Relations,
    /// Former names: each becomes an empty package of the same architectures that
    /// depends on this one. They are no packages of the target's.
    pub formerly: Vec<String>,
    /// `[install]`: files put at given places.
    pub install: Vec<Install>,
    /// Patterns of what the upstream's install step left in debian/tmp.
    pub files: Vec<String>,
    /// systemd units.
    pub units: Vec<Unit>,
    /// Absolute paths of conffiles outside /etc (files under /etc are found by debhelper).
    pub conffiles: Vec<String>,
    /// Symbolic links: (what it points to, where it is), both absolute.
    pub links: Vec<(String, String)>,
    /// Empty folders, absolute.
    pub dirs: Vec<String>,
    /// Manual pages.
    pub manpages: Vec<PayloadFile>,
    /// Shell completions, with the shell by the file's name (`NAME.bash`, `_NAME`, `NAME.fish`).
    pub completions: Vec<PayloadFile>,
    /// For /usr/share/doc/PACKAGE.
    pub docs: Vec<PayloadFile>,
    /// For /usr/share/doc/PACKAGE/examples.
    pub examples: Vec<PayloadFile>,
    /// sysusers.d(5) files.
    pub sysusers: Vec<PayloadFile>,
    /// tmpfiles.d(5) files.
    pub tmpfiles: Vec<PayloadFile>,
    /// Maintainer scripts: (`postinst`, recipe file).
    pub scripts: Vec<(String, PayloadFile)>,
}

impl Package {
    /// Whether it is built once per architecture.
    pub fn is_arch_dependent(&self) -> bool {
        self.architectures.iter().any(|a| a != "all")
    }
}

/// A file that a package takes: from the recipe's folder or, where it is not
/// there, from the upstream tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayloadFile {
    /// Relative to the recipe's folder; exists and is a file inside it.
    Recipe(String),
    /// A path or glob in the root of the upstream tree, to be checked against
    /// the tarball; the place is where the recipe names it.
    Upstream(String, Place),
}

/// One line of `[install]`; a glob of the recipe's folder has become one per file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// What.
    pub file: PayloadFile,
    /// Absolute destination: ending in `/` a folder, else the new name.
    pub to: String,
    /// Permission bits, where given.
    pub mode: Option<u32>,
}

/// One systemd unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The unit file; its base name is the unit's name.
    pub file: PayloadFile,
    /// Enabled on installation.
    pub enable: bool,
    /// Started on installation, restarted on upgrade.
    pub start: bool,
}

/// One `[[test]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Its name, a file name in debian/tests.
    pub name: String,
    /// The script, run by `sh -e`.
    pub run: String,
    /// Depends of debian/tests/control; `@` is the built packages.
    pub depends: Vec<String>,
    /// Restrictions of debian/tests/control.
    pub restrictions: Vec<String>,
    /// Architecture of debian/tests/control, each perhaps with its `!`; empty: all.
    pub architectures: Vec<String>,
    /// Under `[nginx]`: the flavor that it is for. `depends` names that flavor's
    /// packages instead of `@`, and `render` enables the modules before `run`.
    pub flavor: Option<String>,
}
