//! The table of keys: every key of recipe.toml once, with where it belongs, what
//! it takes and what it means. The walker, "did you mean", the JSON schema and
//! the check of docs/recipe.md all read this table and nothing else.

use super::check::{Check, Relation};
use super::selector::Context;

/// A kind of table in the recipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// The top level: the source and its one binary package.
    Root,
    /// `[[package]]`.
    Package,
    /// `[[source]]`.
    Source,
    /// `[[patch]]`.
    Patch,
    /// `[[test]]`.
    Test,
    /// `[build]`.
    Build,
    /// `[lint]`.
    Lint,
    /// `[nginx]`.
    Nginx,
    /// `[follow.NAME]`.
    Follow,
    /// `[watch]`.
    Watch,
    /// `[upload]`.
    Upload,
    /// An entry of `units`.
    Unit,
    /// A value of `[install]`.
    Install,
}

impl Table {
    /// As a recipe writes it.
    pub fn title(self) -> &'static str {
        match self {
            Table::Root => "the top level",
            Table::Package => "[[package]]",
            Table::Source => "[[source]]",
            Table::Patch => "[[patch]]",
            Table::Test => "[[test]]",
            Table::Build => "[build]",
            Table::Lint => "[lint]",
            Table::Nginx => "[nginx]",
            Table::Follow => "[follow.NAME]",
            Table::Watch => "[watch]",
            Table::Upload => "[upload]",
            Table::Unit => "an entry of `units`",
            Table::Install => "a value of `install`",
        }
    }

    /// All of them, in the order of the documentation.
    pub const ALL: &'static [Table] = &[
        Table::Root,
        Table::Package,
        Table::Source,
        Table::Patch,
        Table::Build,
        Table::Test,
        Table::Nginx,
        Table::Follow,
        Table::Watch,
        Table::Upload,
        Table::Lint,
        Table::Unit,
        Table::Install,
    ];
}

/// What a key of a table describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The source package, or an entry of its own kind.
    Source,
    /// A binary package: at the top level only while there is no `[[package]]`.
    Binary,
    /// The source, inherited by every `[[package]]`.
    Both,
}

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text(Check),
    /// A string or a whole number.
    TextOrNumber(Check),
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A list of strings.
    List(Check),
    /// A list of strings, each of which may be a table with a `file` instead.
    Records(Check, Table),
    /// A table of names and strings.
    Map(Check, Check),
    /// A table of files and destinations, each of which may be a table with a `to`.
    Files(Check, Table),
    /// A table of names and strings or lists of strings.
    Multimap(Check, Check),
    /// A table of keys.
    Table(Table),
    /// An array of tables.
    Tables(Table),
    /// A table of names and tables.
    Named(Check, Table),
    /// `[when."selector"]`.
    When,
    /// A selector.
    Selector(Context),
}

/// One key in one or more tables.
#[derive(Debug, PartialEq)]
pub struct Key {
    /// As written.
    pub name: &'static str,
    /// The tables that know it.
    pub tables: &'static [Table],
    /// What it describes.
    pub scope: Scope,
    /// What it takes.
    pub kind: Kind,
    /// Whether its table is wrong without it.
    pub required: bool,
    /// Whether `[when."…"]` may change it.
    pub layered: bool,
    /// What counts where it is absent, for the documentation; empty: nothing.
    pub default: &'static str,
    /// A value, as TOML; empty where a section of the documentation shows it.
    pub example: &'static str,
    /// One line.
    pub doc: &'static str,
}

const fn key(name: &'static str, tables: &'static [Table], kind: Kind, doc: &'static str) -> Key {
    Key { name, tables, scope: Scope::Source, kind, required: false, layered: true, default: "", example: "", doc }
}

impl Key {
    const fn scope(mut self, scope: Scope) -> Key {
        self.scope = scope;
        self
    }
    const fn required(mut self) -> Key {
        self.required = true;
        self
    }
    const fn fixed(mut self) -> Key {
        self.layered = false;
        self
    }
    const fn example(mut self, example: &'static str) -> Key {
        self.example = example;
        self
    }
    const fn default(mut self, default: &'static str) -> Key {
        self.default = default;
        self
    }

    /// Whether `{{ }}` is expanded in its strings.
    pub fn is_templated(&self) -> bool {
        match self.kind {
            Kind::Text(check) | Kind::TextOrNumber(check) | Kind::List(check) | Kind::Records(check, _) => {
                check.is_templated()
            }
            Kind::Map(_, check) | Kind::Files(check, _) | Kind::Multimap(_, check) => check.is_templated(),
            _ => false,
        }
    }
}

impl Key {
    /// Whether `flavor` is known in its templates under `[nginx]`: in what
    /// describes a package that is made once per flavor.
    pub fn knows_flavor(&self) -> bool {
        let of_package = self.scope == Scope::Binary || matches!(self.name, "summary" | "description");
        let of_record = self.tables.iter().any(|table| matches!(table, Table::Unit | Table::Install));
        let own = |table, name| self.tables.contains(&table) && self.name == name;
        of_package
            || of_record
            || own(Table::Package, "name")
            || own(Table::Nginx, "package")
            || own(Table::Test, "depends")
    }
}

/// The key of that name in a table.
pub fn find(table: Table, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|k| k.name == name && k.tables.contains(&table))
}

/// The keys of a table, in the order of the documentation.
pub fn of(table: Table) -> impl Iterator<Item = &'static Key> {
    KEYS.iter().filter(move |k| k.tables.contains(&table))
}

const ROOT: &[Table] = &[Table::Root];
const BINARY: &[Table] = &[Table::Root, Table::Package];
const PACKAGE: &[Table] = &[Table::Package];
const SOURCE: &[Table] = &[Table::Source];
const BUILD: &[Table] = &[Table::Build];
const TEST: &[Table] = &[Table::Test];
const NGINX: &[Table] = &[Table::Nginx];
const FOLLOW: &[Table] = &[Table::Follow];
const WATCH: &[Table] = &[Table::Watch];

const fn source(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    key(name, ROOT, kind, doc)
}
const fn binary(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    key(name, BINARY, kind, doc).scope(Scope::Binary)
}
const fn shared(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    key(name, BINARY, kind, doc).scope(Scope::Both)
}
const fn relation(name: &'static str, relation: Relation, doc: &'static str) -> Key {
    binary(name, Kind::List(Check::Relation(relation)), doc).default("[]")
}
const fn payload(name: &'static str, check: Check, doc: &'static str) -> Key {
    binary(name, Kind::List(check), doc).default("[]")
}

/// Values of `build.system`.
pub const SYSTEMS: &[&str] = &["auto", "autotools", "cmake", "meson", "make", "cargo", "go", "python", "none"];
/// Values of `priority`.
pub const PRIORITIES: &[&str] = &["required", "important", "standard", "optional"];
/// Values of `urgency`.
pub const URGENCIES: &[&str] = &["low", "medium", "high", "emergency", "critical"];
/// Values of `multi-arch`.
pub const MULTI_ARCH: &[&str] = &["same", "foreign", "allowed", "no"];
/// Values of `nginx.depends`.
pub const DEPENDS: &[&str] = &["range", "exact"];
/// Values of `nginx.rebuild`.
pub const REBUILD: &[&str] = &["always", "abi"];
/// Pockets of an archive.
pub const POCKETS: &[&str] = &["release", "security", "updates", "proposed", "backports"];
/// nginx's flavors, where the recipe lists none.
pub const FLAVORS: &[&str] = &["core", "light", "full", "extras"];
/// Keys of `[watch]` that say where to look.
pub const WATCHED: &[&str] = &["github", "gitlab", "url", "pypi", "git"];
/// Names in `scripts`.
pub const SCRIPTS: &[&str] = &["preinst", "postinst", "prerm", "postrm", "config"];

/// Every key.
#[rustfmt::skip]
pub static KEYS: &[Key] = &[
    source("name", Kind::Text(Check::SourceName), "Name of the source package, and of its one binary package.").required().fixed().example(r#""hello""#),
    source("version", Kind::Text(Check::Version), "`[epoch:]upstream`, without the revision: pkgr makes the Debian version.").required().example(r#""1:2.12~rc1""#),
    source("upstream-version", Kind::Text(Check::UpstreamVersion), "What upstream calls this version, where Debian's spelling differs: `1.0-rc1` for `1.0~rc1`.").default("`version` without its epoch").example(r#""2.12-rc1""#),
    source("revision", Kind::TextOrNumber(Check::Revision), "Debian revision, counted anew with each upstream version.").default("1").example(r#"2"#),
    source("series", Kind::List(Check::Series), "Code names of the Ubuntu and Debian series to build for.").required().fixed().example(r#"["jammy", "noble", "trixie"]"#),
    source("maintainer", Kind::Text(Check::Person), "`Name <address>`.").default("`DEBFULLNAME` and `DEBEMAIL`, then the configuration; kept in the lock").fixed().example(r#""Jane Doe <jane@example.org>""#),
    source("uploaders", Kind::List(Check::Uploader), "Co-maintainers, `Name <address>` each.").default("[]").example(r#"["John Roe <john@example.org>"]"#),
    source("homepage", Kind::Text(Check::Url), "Upstream's web page.").example(r#""https://example.org/hello/""#),
    source("vcs-git", Kind::Text(Check::VcsGit), "Git repository of the packaging, with ` -b BRANCH` if need be.").example(r#""https://example.org/hello.git -b debian""#),
    source("license", Kind::Text(Check::License), "SPDX licence expression of the upstream work.").required().example(r#""GPL-3.0-or-later OR MIT""#),
    source("copyright", Kind::List(Check::Line), "`YEARS HOLDER` each.").default("the maintainer for a native package, else \"The NAME authors\"").example(r#"["2010-2018 Example Inc."]"#),
    shared("section", Kind::Text(Check::Section), "Archive section.").default("misc").example(r#""web""#),
    shared("priority", Kind::Choice(PRIORITIES), "Archive priority.").default("optional").example(r#""optional""#),
    source("urgency", Kind::Choice(URGENCIES), "Urgency of the newest changelog entry.").default("medium").example(r#""low""#),
    source("build-depends", Kind::List(Check::Relation(Relation::BuildDepends)), "What the build needs, without debhelper.").default("[]").example(r#"["libssl-dev (>= 3)", "valgrind [amd64] <!nocheck>"]"#),
    source("build-depends-indep", Kind::List(Check::Relation(Relation::BuildDepends)), "What only the build of `all` packages needs.").default("[]").example(r#"["pandoc"]"#),
    source("build-conflicts", Kind::List(Check::Relation(Relation::BuildConflicts)), "What must not be installed during the build.").default("[]").example(r#"["autoconf2.13"]"#),

    key("name", PACKAGE, Kind::Text(Check::PackageName), "Name of the binary package.").required().example(r#""hello-data""#),
    shared("summary", Kind::Text(Check::Summary), "One line that says what it is, without a full stop.").required().example(r#""friendly greeting""#),
    shared("description", Kind::Text(Check::Prose), "Paragraphs, separated by empty lines.").default("a sentence made from `summary`").example(r#""Prints a greeting.\n\nNothing else.""#),
    shared("architectures", Kind::List(Check::Architecture), "`all`, `any`, or architecture names.").default("`any` where something is built, else `all`").example(r#"["amd64", "arm64"]"#),
    shared("multi-arch", Kind::Choice(MULTI_ARCH), "Multi-Arch field.").example(r#""foreign""#),
    relation("depends", Relation::Depends, "Packages without which it does not work.").example(r#"["hello-data (= ${source:Version})", "curl | wget"]"#),
    relation("pre-depends", Relation::Depends, "Packages that must work before it is unpacked.").example(r#"["init-system-helpers (>= 1.54~)"]"#),
    relation("recommends", Relation::Depends, "Packages found with it in all but unusual installations.").example(r#"["ca-certificates"]"#),
    relation("suggests", Relation::Depends, "Packages that make it more useful.").example(r#"["hello-doc"]"#),
    relation("enhances", Relation::Conflicts, "Packages that it makes more useful.").example(r#"["bash"]"#),
    relation("breaks", Relation::Conflicts, "Packages that it breaks.").example(r#"["hello-common (<< 2)"]"#),
    relation("conflicts", Relation::Conflicts, "Packages that cannot be installed with it.").example(r#"["mailutils"]"#),
    relation("replaces", Relation::Conflicts, "Packages whose files it may overwrite.").example(r#"["hello-common (<< 2)"]"#),
    relation("provides", Relation::Provides, "Virtual packages that it provides.").example(r#"["greeter", "hello-abi (= 2)"]"#),
    binary("transitional", Kind::List(Check::PackageName), "Former names of it: each is made an empty package that brings this one.").default("[]").example(r#"["hello-traditional"]"#),
    binary("install", Kind::Files(Check::Destination, Table::Install), "Files or globs of the recipe's folder, or of the upstream tree, and where they go.").example(r#"{ "hello.conf" = "/etc/hello/", "share/*.txt" = "/usr/share/hello/", "key" = { to = "/etc/hello/key", mode = "0640" } }"#),
    payload("files", Check::StagedPattern, "Patterns of what upstream's own install step put into debian/tmp.").example(r#"["usr/lib/*/lib*.so.*"]"#),
    binary("units", Kind::Records(Check::Unit, Table::Unit), "systemd units.").default("[]").example(r#"["hello.service", { file = "hello.timer", enable = false }]"#),
    payload("conffiles", Check::Absolute, "Configuration files outside /etc, absolute paths.").example(r#"["/var/lib/hello/state.conf"]"#),
    binary("links", Kind::Multimap(Check::Absolute, Check::Absolute), "Symbolic links: what they point to, and where they are.").example(r#"{ "/usr/bin/hello" = ["/usr/bin/hi", "/usr/bin/moin"] }"#),
    payload("dirs", Check::Absolute, "Empty folders, absolute paths.").example(r#"["/var/lib/hello"]"#),
    payload("manpages", Check::Manpage, "Manual pages, `NAME.SECTION`.").example(r#"["man/hello.1"]"#),
    payload("completions", Check::Completion, "Shell completions: `NAME.bash`, `_NAME` (zsh) or `NAME.fish`.").example(r#"["hello.bash", "_hello", "hello.fish"]"#),
    payload("docs", Check::Pattern, "Files for /usr/share/doc/PACKAGE.").example(r#"["README.md"]"#),
    payload("examples", Check::Pattern, "Files for /usr/share/doc/PACKAGE/examples.").example(r#"["examples/*.conf"]"#),
    payload("sysusers", Check::Sysusers, "sysusers.d(5) files, `NAME.conf`.").example(r#"["hello.conf"]"#),
    payload("tmpfiles", Check::Tmpfiles, "tmpfiles.d(5) files, `NAME.conf`.").example(r#"["hello-tmp.conf"]"#),
    binary("scripts", Kind::Map(Check::ScriptName, Check::RecipePath), "Maintainer scripts: preinst, postinst, prerm, postrm, config.").example(r#"{ postinst = "hello.postinst" }"#),
    key("when", PACKAGE, Kind::Selector(Context::Binary), "Targets and architectures that have this package.").default("all").example(r#""jammy.., arch=amd64""#),

    source("source", Kind::Tables(Table::Source), "Upstream files; none makes a native package.").fixed(),
    key("url", SOURCE, Kind::Text(Check::Location), "http, https or file URL, or a path beside the recipe.").example(r#""https://example.org/hello-{{ version }}.tar.gz""#),
    key("git", SOURCE, Kind::Text(Check::Git), "Git repository; wants `tag` or `commit`.").example(r#""https://example.org/hello.git""#),
    key("tag", SOURCE, Kind::Text(Check::Tag), "Tag of the git repository.").example(r#""v{{ upstream_version }}""#),
    key("commit", SOURCE, Kind::Text(Check::Commit), "Commit of the git repository, 40 hexadecimal digits.").example(r#""0123456789abcdef0123456789abcdef01234567""#),
    key("apt", SOURCE, Kind::Text(Check::SourceName), "Source package of the target's own archive, whose orig tarball it is.").example(r#""jansson""#),
    key("follow", SOURCE, Kind::Text(Check::FollowName), "Name of a `[follow.NAME]`, whose orig tarball it is.").example(r#""php""#),
    key("component", SOURCE, Kind::Text(Check::Component), "Name of an additional tarball, unpacked as a folder of that name.").default("the main tarball").example(r#""psol-x64""#),
    key("sha256", SOURCE, Kind::Text(Check::Sha256), "Digest that the file must have.").default("pinned by the lock").example(r#""cf04af86dc085268c5f4470fbae49b18afbc221b78096aab842d934a76bad0ab""#),
    key("signature", SOURCE, Kind::Text(Check::Location), "Detached OpenPGP signature: URL, or path beside the recipe; wants `keyring`.").example(r#""https://example.org/hello-{{ version }}.tar.gz.sig""#),
    key("keyring", SOURCE, Kind::Text(Check::RecipePath), "Keys that upstream signs with, a file beside the recipe.").example(r#""upstream.asc""#),
    key("when", SOURCE, Kind::Selector(Context::Source), "Targets that have this source.").default("all").example(r#""..bionic""#),

    source("patch", Kind::Tables(Table::Patch), "Patches of the upstream tree, in the order of application.").fixed(),
    key("file", &[Table::Patch], Kind::Text(Check::RecipePath), "Unified diff beside the recipe, applied with -p1 and no fuzz.").required().example(r#""patches/fix-glibc.patch""#),
    key("when", &[Table::Patch], Kind::Selector(Context::Source), "Targets that have this patch.").default("all").example(r#""jammy..""#),

    source("build", Kind::Table(Table::Build), "How it is built."),
    key("system", BUILD, Kind::Choice(SYSTEMS), "Build system; `auto` lets debhelper detect it.").default("auto, or none for a native package without a build script").example(r#""cmake""#),
    key("configure", BUILD, Kind::List(Check::Argument), "Arguments of the configure step.").default("[]").example(r#"["--disable-nls", "-DVERSION={{ version }}"]"#),
    key("env", BUILD, Kind::Map(Check::EnvName, Check::Argument), "Environment of every step.").example(r#"{ BUILD_TYPE = "Release" }"#),
    key("prepare", BUILD, Kind::Text(Check::Script), "Script run before the configure step.").example(r#""./autogen.sh""#),
    key("build", BUILD, Kind::Text(Check::Script), "Script instead of the build step.").example(r#""make all""#),
    key("check", BUILD, Kind::Text(Check::Script), "Script instead of the test step.").example(r#""make test""#),
    key("install", BUILD, Kind::Text(Check::Script), "Script instead of the install step; installs into `$DESTDIR`.").example(r#""make install DESTDIR=$DESTDIR""#),

    source("package", Kind::Tables(Table::Package), "Binary packages, where there are several.").fixed(),

    source("test", Kind::Tables(Table::Test), "Tests of the installed packages (autopkgtest).").fixed(),
    key("name", TEST, Kind::Text(Check::TestName), "File name of the test.").default("`test`, then `test-2` and so on").example(r#""smoke""#),
    key("run", TEST, Kind::Text(Check::Script), "The test, a script for `sh -e`.").required().example(r#""hello --version""#),
    key("depends", TEST, Kind::List(Check::Relation(Relation::Test)), "What the test needs; `@` is the built packages.").default("[\"@\"]").example(r#"["@", "curl"]"#),
    key("restrictions", TEST, Kind::List(Check::Restriction), "autopkgtest restrictions such as `needs-root`.").default("[]").example(r#"["needs-root", "allow-stderr"]"#),
    key("when", TEST, Kind::Selector(Context::Binary), "Targets and architectures that have this test.").default("all").example(r#""ubuntu, !arch=i386""#),

    source("lint", Kind::Table(Table::Lint), "Findings that are right to stay.").fixed(),
    key("allow", &[Table::Lint], Kind::Map(Check::Code, Check::Reason), "Code of a finding, and why it is allowed.").example(r#"{ "no-copyright-holder" = "public domain" }"#),

    key("file", &[Table::Unit], Kind::Text(Check::Unit), "The unit file.").required().example(r#""hello.service""#),
    key("enable", &[Table::Unit], Kind::Flag, "Enabled on installation.").default("true").example(r#"false"#),
    key("start", &[Table::Unit], Kind::Flag, "Started on installation, restarted on upgrade.").default("as `enable`").example(r#"false"#),

    key("to", &[Table::Install], Kind::Text(Check::Destination), "Destination: ending in `/` a folder, else the new name.").required().example(r#""/etc/hello/""#),
    key("mode", &[Table::Install], Kind::Text(Check::Mode), "Permission bits in octal.").default("0644, or 0755 where the executable bit is set").example(r#""0640""#),

    source("nginx", Kind::Table(Table::Nginx), "A dynamic module for the distribution's own nginx."),
    key("flavors", NGINX, Kind::List(Check::Flavor), "nginx's flavors that get a package each.").default(r#"["core", "light", "full", "extras"]"#).example(r#"["core", "extras"]"#),
    key("modules", NGINX, Kind::List(Check::Module), "File names of the modules that are built.").required().example(r#"["ngx_pagespeed.so"]"#),
    key("package", NGINX, Kind::Text(Check::PackageName), "Names of the flavors' packages.").default("`{{ name }}-nginx-{{ flavor }}`").example(r#""{{ name }}-nginx-{{ flavor }}""#),
    key("enable", NGINX, Kind::Flag, "Whether installing a package loads the modules.").default("true").example(r#"false"#),
    key("env", NGINX, Kind::Map(Check::EnvName, Check::Argument), "Environment of the modules' configure step and build.").example(r#"{ PSOL_BUILDTYPE = "Release" }"#),
    key("prepare", NGINX, Kind::Text(Check::Script), "Script run before the configure step.").example(r#""ln -sfn psol-x64 psol""#),
    key("needs", NGINX, Kind::List(Check::PackageName), "`stream`, `mail`, or packages of modules that have to be loaded before.").default("[]").example(r#"["stream", "libnginx-mod-http-ndk"]"#),
    key("depends", NGINX, Kind::Choice(DEPENDS), "On which nginx: up to the next upstream patch level, or exactly the one built for.").default("range").example(r#""exact""#),
    key("split", NGINX, Kind::Flag, "One source package per flavor, where flavors are compiled separately.").default("false").example(r#"true"#),
    key("rebuild", NGINX, Kind::Choice(REBUILD), "When a new nginx makes `pkgr update` move: every version, or only another ABI.").default("always").example(r#""abi""#),

    source("follow", Kind::Named(Check::FollowName, Table::Follow), "`[follow.NAME]`: distribution packages to follow.").fixed(),
    key("package", FOLLOW, Kind::Text(Check::SourceName), "The source package.").default("the name").example(r#""php8.1""#),
    key("pockets", FOLLOW, Kind::List(Check::Pocket), "Pockets of the archive, of which the highest version counts.").default(r#"["release", "security", "updates"]"#).example(r#"["release", "security"]"#),

    source("watch", Kind::Table(Table::Watch), "Where new upstream versions appear.").fixed(),
    key("github", WATCH, Kind::Text(Check::Repository), "Repository on GitHub, `OWNER/NAME`.").example(r#""openresty/headers-more-nginx-module""#),
    key("gitlab", WATCH, Kind::Text(Check::Forge), "Project on GitLab: `GROUP/NAME`, or the URL of one elsewhere.").example(r#""https://salsa.debian.org/nginx-team/nginx""#),
    key("url", WATCH, Kind::Text(Check::Url), "Page whose links are looked through.").example(r#""https://nginx.org/download/""#),
    key("pypi", WATCH, Kind::Text(Check::Project), "Project on PyPI.").example(r#""jinja2""#),
    key("git", WATCH, Kind::Text(Check::Git), "Git repository whose tags are looked through.").example(r#""https://example.org/hello.git""#),
    key("tag", WATCH, Kind::Text(Check::VersionPattern), "Regular expression that the whole tag, or the whole name of a linked file, matches, with a group `version`.").default("a version, perhaps after `v`, `release-` or the name").example(r#"'v(?<version>[\d.]+)-stable'"#),
    key("prereleases", WATCH, Kind::Flag, "Whether pre-releases count.").default("false").example(r#"true"#),

    source("upload", Kind::Table(Table::Upload), "Where `pkgr upload` sends it.").fixed(),
    key("to", &[Table::Upload], Kind::Text(Check::UploadTarget), "A PPA, a section of dput.cf, a profile of the configuration, or a URL.").required().example(r#""ppa:du9l/ngx-pagespeed""#),

    source("when", Kind::When, "`[when.\"SELECTOR\"]`: keys that other values replace on some targets.").fixed(),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_key_once() {
        for table in Table::ALL {
            let mut names: Vec<&str> = of(*table).map(|k| k.name).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{table:?}");
        }
    }
}
