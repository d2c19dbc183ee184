//! Who puts which file in place: debhelper's `debian/PACKAGE.install` and its
//! like where they can, a command in debian/rules where they cannot (a new
//! name, a mode, a name that debhelper would take apart).

use std::collections::BTreeMap;

use crate::plan::{Install, Package, PayloadFile, Target};

use super::payload::path_in_tree;
use super::{RenderError, Tree, Upstream, sh, units};

/// The debhelper command behind which something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum After {
    /// dh_install.
    Install,
    /// dh_link.
    Link,
    /// dh_fixperms.
    Fixperms,
}

impl After {
    /// The command's name.
    pub fn command(self) -> &'static str {
        match self {
            After::Install => "dh_install",
            After::Link => "dh_link",
            After::Fixperms => "dh_fixperms",
        }
    }
}

/// Which packages a command of debian/rules is for: a source of both kinds is
/// often built for one of them alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// All packages.
    All,
    /// Those of architecture.
    Arch,
    /// Those for all architectures.
    Indep,
}

impl Scope {
    /// What dh appends to the name of a target.
    pub fn suffix(self) -> &'static str {
        match self {
            Scope::All => "",
            Scope::Arch => "-arch",
            Scope::Indep => "-indep",
        }
    }

    /// The scope of `package`: narrow only where the source has both kinds.
    pub fn of(target: &Target, package: &Package) -> Scope {
        let arch = package.is_arch_dependent();
        match target.packages.iter().all(|other| other.is_arch_dependent() == arch) {
            true => Scope::All,
            false if arch => Scope::Arch,
            false => Scope::Indep,
        }
    }
}

/// The files and commands that put things in place.
#[derive(Debug, Default)]
pub struct Staging {
    /// Lines of debhelper's files, by name in debian/.
    helpers: BTreeMap<String, Vec<String>>,
    /// Shell commands, quoted for make.
    pub commands: BTreeMap<(After, Scope), Vec<String>>,
}

impl Staging {
    /// Decides for every package of a target; what matches nothing upstream is
    /// added to `errors`.
    pub fn of(target: &Target, listing: Option<&dyn Upstream>, tree: &Tree, errors: &mut Vec<RenderError>) -> Staging {
        let mut staging = Staging::default();
        for package in &target.packages {
            Stager { target, package, listing, tree, errors, staging: &mut staging }.stage();
        }
        staging
    }

    /// Adds debhelper's files.
    pub fn add(&self, tree: &mut Tree) {
        for (name, lines) in &self.helpers {
            tree.add(format!("debian/{name}"), lines.join("\n") + "\n");
        }
    }
}

struct Stager<'a> {
    target: &'a Target,
    package: &'a Package,
    listing: Option<&'a dyn Upstream>,
    /// With the payload in it.
    tree: &'a Tree,
    errors: &'a mut Vec<RenderError>,
    staging: &'a mut Staging,
}

impl Stager<'_> {
    fn stage(&mut self) {
        let package = self.package;
        for install in &package.install {
            self.install(install);
        }
        for pattern in &package.files {
            let pattern = pattern.trim_start_matches('/');
            let pattern = pattern.strip_prefix("debian/tmp/").unwrap_or(pattern);
            self.helper("install", pattern.to_string());
        }
        for unit in &package.units {
            self.put_into(&unit.file, units::folder(&self.target.series));
        }
        for (list, folder) in [(&package.sysusers, "usr/lib/sysusers.d"), (&package.tmpfiles, "usr/lib/tmpfiles.d")] {
            for file in list {
                self.put_into(file, folder);
            }
        }
        for file in &package.completions {
            self.completion(file);
        }
        let documentation = format!("usr/share/doc/{}", package.name);
        self.listed("docs", &package.docs, &documentation);
        self.listed("examples", &package.examples, &format!("{documentation}/examples"));
        self.manpages();
        self.links_and_folders();
    }

    fn install(&mut self, install: &Install) {
        let to = install.to.trim_start_matches('/');
        let Some(files) = self.resolve(&install.file) else { return };
        if let Some(folder) = to.strip_suffix('/') {
            for file in &files {
                self.put(file, folder);
            }
        } else if let ([file], false) = (files.as_slice(), self.is_open_pattern(&install.file)) {
            if base_name(file) == base_name(to) {
                self.put(file, parent(to));
            } else {
                self.put_as(file, to);
            }
        } else {
            self.many_matches(install, files.len());
            return;
        }
        if let Some(mode) = install.mode {
            for file in &files {
                let path = match to.strip_suffix('/') {
                    Some(folder) => join(folder, base_name(file)),
                    None => to.to_string(),
                };
                let command = format!("chmod {mode:04o} {}", self.staged(&path));
                self.command(After::Fixperms, command);
            }
        }
    }

    fn many_matches(&mut self, install: &Install, count: usize) {
        if let PayloadFile::Upstream(pattern, place) = &install.file {
            let (pattern, to, place) = (pattern.clone(), install.to.clone(), Box::new(place.clone()));
            self.errors.push(RenderError::ManyMatches { pattern, count, to, place });
        }
    }

    /// Whether a pattern could not be resolved, for want of a listing.
    fn is_open_pattern(&self, file: &PayloadFile) -> bool {
        matches!(file, PayloadFile::Upstream(pattern, _) if self.listing.is_none() && is_pattern(pattern))
    }

    /// The paths in the tree that a payload file stands for. A pattern that
    /// debhelper reads as we do stays one, so that debian/ remains readable.
    fn resolve(&mut self, file: &PayloadFile) -> Option<Vec<String>> {
        let (pattern, place) = match file {
            PayloadFile::Recipe(path) => return Some(vec![path_in_tree(self.target.format, path)]),
            PayloadFile::Upstream(pattern, place) => (pattern, place),
        };
        let Some(listing) = self.listing else { return Some(vec![pattern.clone()]) };
        if listing.contains(pattern) {
            return Some(vec![pattern.clone()]);
        }
        let found = listing.glob(pattern);
        if found.is_empty() {
            self.errors.push(RenderError::NoMatch { pattern: pattern.clone(), place: Box::new(place.clone()) });
            return None;
        }
        Some(found)
    }

    fn put_into(&mut self, file: &PayloadFile, folder: &str) {
        for file in self.resolve(file).unwrap_or_default() {
            self.put(&file, folder);
        }
    }

    fn put(&mut self, file: &str, folder: &str) {
        if is_simple(file) && is_simple(folder) {
            let folder = if folder.is_empty() { "/" } else { folder };
            self.helper("install", format!("{file} {folder}"));
        } else {
            self.put_as(file, &join(folder, base_name(file)));
        }
    }

    fn put_as(&mut self, file: &str, to: &str) {
        let source = if is_pattern(file) { sh::pattern(file) } else { sh::word(file) };
        let own = self.tree.files.get(file);
        let command = match own {
            Some(own) => {
                let mode = if own.executable { "0755" } else { "0644" };
                format!("install -D -p -m {mode} {source} {}", self.staged(to))
            }
            // upstream's file brings its mode, and may be a folder
            None => {
                let folder = self.staged(parent(to));
                let to = if is_pattern(file) { folder.clone() } else { self.staged(to) };
                format!("mkdir -p {folder} && cp -a {source} {to}")
            }
        };
        self.command(After::Install, command);
    }

    fn completion(&mut self, file: &PayloadFile) {
        for path in self.resolve(file).unwrap_or_default() {
            let name = base_name(&path);
            if let Some(program) = name.strip_suffix(".bash") {
                self.put_as(&path, &join("usr/share/bash-completion/completions", program));
            } else if name.ends_with(".fish") {
                self.put(&path, "usr/share/fish/vendor_completions.d");
            } else if name.starts_with('_') {
                self.put(&path, "usr/share/zsh/vendor-completions");
            } else {
                self.put(&path, "usr/share/bash-completion/completions");
            }
        }
    }

    /// Files that a helper of their own takes, from a list of bare paths.
    fn listed(&mut self, helper: &str, files: &[PayloadFile], folder: &str) {
        for file in files {
            for path in self.resolve(file).unwrap_or_default() {
                if is_simple(&path) {
                    self.helper(helper, path);
                } else {
                    self.put_as(&path, &join(folder, base_name(&path)));
                }
            }
        }
    }

    fn manpages(&mut self) {
        let package = self.package;
        for file in &package.manpages {
            for path in self.resolve(file).unwrap_or_default() {
                if is_simple(&path) {
                    self.helper("manpages", path);
                } else {
                    let name = base_name(&path).trim_end_matches(".gz");
                    let section = name.rsplit('.').next().and_then(|s| s.chars().next()).unwrap_or('1');
                    self.put_as(&path, &format!("usr/share/man/man{section}/{}", base_name(&path)));
                }
            }
        }
    }

    fn links_and_folders(&mut self) {
        let package = self.package;
        for (to, from) in &package.links {
            let (to, from) = (to.trim_start_matches('/'), from.trim_start_matches('/'));
            if is_simple(to) && is_simple(from) {
                self.helper("links", format!("{to} {from}"));
            } else {
                let command = format!("dh_link -p{} {} {}", package.name, sh::word(to), sh::word(from));
                self.command(After::Link, command);
            }
        }
        for folder in &package.dirs {
            let folder = folder.trim_start_matches('/');
            if is_simple(folder) {
                self.helper("dirs", folder.to_string());
            } else {
                let command = format!("mkdir -p {}", self.staged(folder));
                self.command(After::Install, command);
            }
        }
        for path in &package.conffiles {
            self.helper("conffiles", path.clone());
        }
    }

    /// The path in the package's staging folder, as a word of a command.
    fn staged(&self, path: &str) -> String {
        let path = join(&format!("debian/{}", self.package.name), path);
        if is_pattern(&path) && self.listing.is_none() { sh::pattern(&path) } else { sh::word(&path) }
    }

    fn helper(&mut self, suffix: &str, line: String) {
        self.staging.helpers.entry(format!("{}.{suffix}", self.package.name)).or_default().push(line);
    }

    fn command(&mut self, after: After, command: String) {
        let scope = Scope::of(self.target, self.package);
        let command = only_if_built(self.target, self.package, command);
        self.staging.commands.entry((after, scope)).or_default().push(command);
    }
}

/// A package for some architectures among others is not built everywhere: then
/// a command for it must do nothing.
pub fn only_if_built(target: &Target, package: &Package, command: String) -> String {
    let everywhere = |architecture: &String| architecture == "all" || architecture == "any";
    if target.packages.len() == 1 || package.architectures.iter().any(everywhere) {
        return command;
    }
    format!("if dh_listpackages | grep -qx {}; then {command}; fi", sh::word(&package.name))
}

/// Whether debhelper reads this path in a list as one path, for every compat level.
fn is_simple(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-+=:,./@%~^*?[]".contains(&b);
    path.bytes().all(plain) && !path.contains("**")
}

fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// The last part of a path.
pub fn base_name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") }
}
