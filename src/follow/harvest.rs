//! What nginx's own packages say that modules have to be built with, read out of
//! the flavors' .debs for every architecture, without running anything.
//!
//! How a series has its modules built is told by the archive and by nothing
//! else: where a package provides `dh-sequence-nginx`, it is by that.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Task;
use super::error::FollowError;
use super::memo;
use super::shipped;
use crate::deb::architecture;
use crate::deb::archive::{self, Limits};
use crate::diagnostic::{self, Diagnostic, Failure};
use crate::fetch::apt::{BinaryEntry, Scope, SourceEntry};
use crate::lock::{LockedFlavor, LockedMode, NginxFacts};
use crate::nginx::binary::{Binary, Kind};
use crate::parallel;
use crate::plan::follow::Harvest;
use crate::recipe::keys::FLAVORS;

const SEQUENCE: &str = "dh-sequence-nginx";
const ABI: &str = "nginx-abi-";
const EXECUTABLE: &[u8] = b"usr/sbin/nginx";

/// Downloads at a time: packages are small, and the archive is far away.
const AT_A_TIME: usize = 4;

/// What one executable was built with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Built {
    configure: Vec<String>,
    signature: String,
}

/// What the packages of a version of nginx say; the headers are left for the
/// source to tell.
pub(super) fn facts(task: &Task, entry: &SourceEntry, scope: &Scope) -> Result<NginxFacts, Failure> {
    let Some(wanted) = &task.following.nginx else {
        return Err(FollowError::NoFlavors { flavors: String::new(), version: entry.version.to_string() }.into());
    };
    let architectures = architectures(task, wanted)?;
    let mut packages: Vec<(String, Vec<BinaryEntry>)> = Vec::new();
    for (name, is_named) in &architectures {
        let found = of_architecture(task, entry, scope, name)?;
        if found.built.is_empty() {
            missing(task, entry, name, *is_named, &found)?;
            continue;
        }
        packages.push((name.clone(), found.built));
    }
    let Some((first, of_first)) = packages.first() else {
        return Err(
            FollowError::NoFlavors { flavors: wanted.flavors.join(", "), version: entry.version.to_string() }.into()
        );
    };
    let mode = match task.archives.providers(SEQUENCE, first, scope)?.is_empty() {
        true => LockedMode::Flavors,
        false => LockedMode::Dev,
    };
    let wanted_packages: Vec<String> = match mode {
        LockedMode::Flavors => wanted.flavors.iter().map(|name| format!("nginx-{name}")).collect(),
        LockedMode::Dev => vec!["nginx".to_string()],
    };
    bring(task, &packages, &wanted_packages)?;
    shipped::tell(task, wanted, (first, of_first), scope)?;
    let harvest = Harvesting { task, entry, packages: &packages };
    match mode {
        LockedMode::Flavors => harvest.flavors(wanted),
        LockedMode::Dev => harvest.dev(wanted),
    }
}

/// The architectures to look at, each with whether the recipe names it, rather
/// than a wildcard that covers it.
fn architectures(task: &Task, wanted: &Harvest) -> Result<Vec<(String, bool)>, Failure> {
    let mut names: Vec<(String, bool)> = Vec::new();
    let plain = wanted.architectures.iter().filter(|name| *name != "any" && !architecture::is_wildcard(name));
    names.extend(plain.filter(|name| *name != "all").map(|name| (name.clone(), true)));
    if wanted.architectures.iter().any(|name| name == "any" || architecture::is_wildcard(name)) {
        for name in task.archives.architectures(&task.following.series)? {
            let covered = wanted.architectures.iter().any(|wildcard| architecture::covers(wildcard, &name));
            if covered && !names.iter().any(|(other, _)| *other == name) {
                names.push((name, false));
            }
        }
    }
    Ok(names)
}

/// nginx's packages of one architecture.
struct OfArchitecture {
    /// Those of the version that is followed.
    built: Vec<BinaryEntry>,
    /// The newest of other versions.
    other: Option<String>,
}

fn of_architecture(
    task: &Task,
    entry: &SourceEntry,
    scope: &Scope,
    architecture: &str,
) -> Result<OfArchitecture, Failure> {
    let mut names = vec!["nginx".to_string()];
    names.extend(FLAVORS.iter().map(|flavor| format!("nginx-{flavor}")));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = task.archives.binaries(&names, architecture, scope)?;
    let of_source = all.into_iter().filter(|binary| binary.source == entry.package);
    let (mut built, others): (Vec<_>, Vec<_>) = of_source.partition(|b| b.source_version == entry.version);
    // the same version in two pockets is one package
    built.dedup_by(|a, b| a.package == b.package && a.version == b.version);
    // packages for all architectures come with the first build, and tell nothing of this one
    if built.iter().all(|binary| binary.architecture == "all") {
        built.clear();
    }
    let specific = others.iter().filter(|binary| binary.architecture != "all");
    let other = specific.max_by(|a, b| a.version.cmp(&b.version)).map(|b| format!("{} {}", b.package, b.version));
    Ok(OfArchitecture { built, other })
}

/// What it means that an architecture has nothing of this version: an error where
/// the recipe names it and it is merely late.
fn missing(
    task: &Task,
    entry: &SourceEntry,
    name: &str,
    is_named: bool,
    found: &OfArchitecture,
) -> Result<(), FollowError> {
    let version = entry.version.to_string();
    match (&found.other, is_named) {
        (Some(found), true) => {
            Err(FollowError::NotBuilt { version, architecture: name.to_string(), found: found.clone() })
        }
        (None, false) => Ok(()),
        (found, _) => {
            let series = &task.following.series;
            let message = format!("nginx {version} of {series} is not there for {name}: it is left out");
            let mut warning = Diagnostic::warning("follow-no-architecture", message);
            if let Some(found) = found {
                warning = warning.because(format!("the archive has {found} for it"));
            }
            task.listener.tell(warning.hint("`[when.\"…\"]` gives a series architectures of its own"));
            Ok(())
        }
    }
}

/// Reads the executables of packages several at a time, so that each is known
/// when it is asked for. What is in none of them is not asked for here.
fn bring(task: &Task, packages: &[(String, Vec<BinaryEntry>)], wanted: &[String]) -> Result<(), Failure> {
    let of = |(architecture, entries): &'_ (String, Vec<BinaryEntry>)| {
        let chosen = entries.iter().filter(|entry| entry.architecture != "all" && wanted.contains(&entry.package));
        chosen.map(|entry| (architecture.clone(), entry.clone())).collect::<Vec<_>>()
    };
    let all: Vec<(String, BinaryEntry)> = packages.iter().flat_map(of).collect();
    let read = parallel::map(&all, AT_A_TIME, |(architecture, entry)| read(task, entry, architecture));
    diagnostic::all(read).map(drop)
}

/// The executable in a package; `None` where it has none.
fn read(task: &Task, entry: &BinaryEntry, architecture: &str) -> Result<Option<Built>, Failure> {
    let question = format!("nginx built 1 {} {architecture}", entry.file.sha256);
    memo::remembered(task.fetcher.cache(), &question, || {
        let path = task.archives.pool_file(&entry.site, &entry.directory, &entry.file)?;
        Ok(built(&path, &entry.file.name, architecture)?)
    })
}

/// The packages by architecture, being read.
struct Harvesting<'a> {
    task: &'a Task<'a>,
    entry: &'a SourceEntry,
    packages: &'a [(String, Vec<BinaryEntry>)],
}

impl Harvesting<'_> {
    /// Flavors compiled separately: those that the recipe lists, and those that
    /// they are over.
    fn flavors(&self, wanted: &Harvest) -> Result<NginxFacts, Failure> {
        let mut waiting: Vec<String> = wanted.flavors.clone();
        let mut flavors: Vec<LockedFlavor> = Vec::new();
        while let Some(name) = waiting.pop() {
            if flavors.iter().any(|flavor| flavor.name == name) {
                continue;
            }
            // what the series lacks is an error of evaluation, with its place
            let Some(flavor) = self.flavor(&name)? else { continue };
            waiting.extend(flavor.over.clone());
            flavors.push(flavor);
        }
        if flavors.is_empty() {
            let version = self.entry.version.to_string();
            return Err(FollowError::NoFlavors { flavors: wanted.flavors.join(", "), version }.into());
        }
        flavors.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(NginxFacts {
            mode: LockedMode::Flavors,
            abi: None,
            headers: None,
            configure: Vec::new(),
            signatures: BTreeMap::new(),
            flavors,
        })
    }

    fn flavor(&self, name: &str) -> Result<Option<LockedFlavor>, Failure> {
        let package = format!("nginx-{name}");
        let mut flavor = LockedFlavor {
            name: name.to_string(),
            package: package.clone(),
            over: None,
            configure: Vec::new(),
            signatures: BTreeMap::new(),
        };
        let mut meta = None;
        for (architecture, packages) in self.packages {
            let Some(entry) = packages.iter().find(|entry| entry.package == package) else { continue };
            match read(self.task, entry, architecture)? {
                Some(built) => self.add(&mut flavor, architecture, built),
                None => meta = Some(entry),
            }
        }
        match meta {
            None if flavor.signatures.is_empty() => Ok(None),
            Some(entry) if flavor.signatures.is_empty() => {
                let base = bases(&entry.depends).find(|base| base != name);
                let base = base.ok_or_else(|| FollowError::NoBase { package: package.clone() })?;
                flavor.over = Some(base);
                Ok(Some(flavor))
            }
            _ => Ok(Some(flavor)),
        }
    }

    /// Adds what the flavor is on one more architecture. The arguments are one
    /// list for all: the first architecture's.
    fn add(&self, flavor: &mut LockedFlavor, architecture: &str, built: Built) {
        if flavor.signatures.is_empty() {
            flavor.configure = built.configure;
        } else if flavor.configure != built.configure {
            self.tell_difference(&flavor.package, architecture, &flavor.configure, &built.configure);
        }
        flavor.signatures.insert(architecture.to_string(), built.signature);
    }

    fn tell_difference(&self, package: &str, architecture: &str, kept: &[String], other: &[String]) {
        let series = &self.task.following.series;
        let message = format!("{package} of {series} is configured in another way for {architecture}");
        let mut warning = Diagnostic::warning("follow-configure-differs", message);
        for word in kept.iter().filter(|word| !other.contains(word)) {
            warning = warning.because(format!("without {word}"));
        }
        for word in other.iter().filter(|word| !kept.contains(word)) {
            warning = warning.because(format!("with {word}"));
        }
        let hint = "modules are configured alike for all architectures; the build compares their signatures";
        self.task.listener.tell(warning.hint(hint));
    }

    /// One binary, and metapackages over it.
    fn dev(&self, wanted: &Harvest) -> Result<NginxFacts, Failure> {
        let all = || self.packages.iter().flat_map(|(_, packages)| packages);
        let has = |package: &str| all().any(|entry| entry.package == package);
        let mut names: Vec<&String> = wanted.flavors.iter().filter(|name| has(&format!("nginx-{name}"))).collect();
        names.sort();
        let flavors: Vec<LockedFlavor> = names
            .into_iter()
            .map(|name| LockedFlavor {
                name: name.clone(),
                package: format!("nginx-{name}"),
                over: None,
                configure: Vec::new(),
                signatures: BTreeMap::new(),
            })
            .collect();
        // read as a flavor is, for it is one in all but its name
        let mut one = LockedFlavor {
            name: String::new(),
            package: "nginx".to_string(),
            over: None,
            configure: Vec::new(),
            signatures: BTreeMap::new(),
        };
        for (architecture, packages) in self.packages {
            for entry in packages.iter().filter(|entry| entry.architecture != "all") {
                if let Some(built) = read(self.task, entry, architecture)? {
                    self.add(&mut one, architecture, built);
                    break;
                }
            }
        }
        if flavors.is_empty() || one.signatures.is_empty() {
            let version = self.entry.version.to_string();
            return Err(FollowError::NoFlavors { flavors: wanted.flavors.join(", "), version }.into());
        }
        let abi = all().find_map(|entry| provided(&entry.provides).find(|name| name.starts_with(ABI)));
        Ok(NginxFacts {
            mode: LockedMode::Dev,
            abi,
            headers: None,
            configure: one.configure,
            signatures: one.signatures,
            flavors,
        })
    }
}

fn built(path: &Path, name: &str, architecture: &str) -> Result<Option<Built>, FollowError> {
    let bad = |why: String| FollowError::BadDeb { deb: name.to_string(), why };
    let file = File::open(path).map_err(|e| bad(e.to_string()))?;
    let package =
        archive::read(file, &|path| path == EXECUTABLE, &Limits::default()).map_err(|e| bad(e.to_string()))?;
    let Some(file) = package.files.first() else { return Ok(None) };
    let binary = Binary::read(&file.content).map_err(|e| bad(format!("usr/sbin/nginx: {e}")))?;
    let silent = |what| FollowError::Silent { deb: name.to_string(), what };
    if binary.kind != Kind::Nginx {
        return Err(silent("what nginx it has"));
    }
    if binary.architecture != architecture {
        return Err(FollowError::WrongArchitecture { deb: name.to_string(), found: binary.architecture });
    }
    let arguments = binary.arguments.ok_or_else(|| silent("what it was configured with"))?;
    let signature = binary.signature.ok_or_else(|| silent("its signature"))?;
    // no part is asked back here: whether a module needs one is the recipe's to say
    let words = arguments.for_modules(&[]).map_err(|e| bad(e.to_string()))?;
    let configure = words.arguments.into_iter().chain(words.defines).collect();
    Ok(Some(Built { configure, signature: signature.to_string() }))
}

/// Names of flavors among the relations of a metapackage.
fn bases(depends: &str) -> impl Iterator<Item = String> + '_ {
    let names = provided(depends);
    names.filter_map(|name| {
        let flavor = name.strip_prefix("nginx-")?.to_string();
        FLAVORS.contains(&flavor.as_str()).then_some(flavor)
    })
}

/// The names in a list of relations.
fn provided(relations: &str) -> impl Iterator<Item = String> + '_ {
    relations.split([',', '|']).map(|relation| {
        let end = |c: char| c.is_whitespace() || matches!(c, '(' | ':' | '[' | '<');
        relation.trim().split(end).next().unwrap_or_default().to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metapackage_names_its_base_first() {
        let of = |depends: &str| bases(depends).collect::<Vec<_>>();
        assert_eq!(of("nginx-core (>= 1.18) | nginx-light:any, libc6"), ["core", "light"]);
        assert_eq!(of("nginx-common (= 1), iproute2, nginx-dev"), Vec::<String>::new());
    }
}
