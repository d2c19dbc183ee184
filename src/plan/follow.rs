//! What a recipe follows in the distributions' archives, per series, and what
//! the lock has found of it: the question that `pkgr update` answers, and its
//! answer as evaluation reads it.

use std::collections::BTreeMap;

use crate::deb::names;
use crate::diagnostic::{Diagnostic, Failure, Place};
use crate::lock::{Followed, Lock, PinnedFile};
use crate::recipe::Recipe;
use crate::recipe::keys::FLAVORS;
use crate::recipe::problems::Problems;
use crate::recipe::template::Follow;
use crate::recipe::value::{Item, Section, Value};
use crate::series::Series;

use super::PoolFile;
use super::layer::layered;

/// Pockets that are looked at where the recipe names none.
const POCKETS: [&str; 3] = ["release", "security", "updates"];

/// When a new version makes the lock move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rebuild {
    /// Every version.
    Always,
    /// Only one whose modules have to be built anew: another nginx version
    /// number, signature, configure arguments, headers or nginx-abi.
    Abi,
}

/// One package to be looked up in one series' archive.
#[derive(Debug, Clone)]
pub struct Following {
    /// As [`Followed::name`].
    pub name: String,
    /// In which archive.
    pub series: Series,
    /// The source package.
    pub package: String,
    /// `release`, `security`, `updates` and so on; the highest version counts.
    pub pockets: Vec<String>,
    /// What has to be found of nginx, where `[nginx]` follows it.
    pub nginx: Option<Harvest>,
    /// Where the recipe says so.
    pub place: Place,
}

/// What `[nginx]` wants to know of a series' nginx.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Harvest {
    /// Flavors that the recipe lists; their bases are wanted as well.
    pub flavors: Vec<String>,
    /// Architectures or wildcards; `any` alone where the recipe names none.
    pub architectures: Vec<String>,
    /// When the lock moves.
    pub rebuild: Rebuild,
    /// File names of the modules.
    pub modules: Vec<String>,
    /// Packages that the recipe's conflict with, break or replace.
    pub gives_way: Vec<String>,
}

/// Everything that a recipe follows, in the order of its series. Fails where
/// the recipe is wrong as written.
pub fn following(recipe: &Recipe) -> Result<Vec<Following>, Failure> {
    let mut problems = recipe.problems().clone();
    let mut all = Vec::new();
    for series in recipe.series() {
        let root = layered(recipe, series, &mut problems);
        all.extend(of_series(recipe, series, &root));
    }
    problems.into_result()?;
    Ok(all)
}

/// What is followed for one series, each name once.
pub(super) fn of_series(recipe: &Recipe, series: &Series, root: &Section) -> Vec<Following> {
    let mut all: Vec<Following> = Vec::new();
    let new = |name: &str, package: &str, span| Following {
        name: name.to_string(),
        series: series.clone(),
        package: package.to_string(),
        pockets: POCKETS.map(str::to_string).to_vec(),
        nginx: None,
        place: recipe.document().place(span),
    };
    for (name, section) in root.named("follow") {
        let package = section.text("package").map_or(&name.value, |text| &text.value);
        let mut following = new(&name.value, package, &name.span);
        if section.has("pockets") {
            following.pockets = texts(section, "pockets");
        }
        all.push(following);
    }
    if let (Some(nginx), Some(field)) = (root.table("nginx"), root.field("nginx")) {
        let harvest = harvest(nginx, root);
        match all.iter_mut().find(|following| following.name == "nginx") {
            Some(following) => following.nginx = Some(harvest),
            None => all.push(Following { nginx: Some(harvest), ..new("nginx", "nginx", &field.key_span) }),
        }
    }
    let holds = |section: &&Section| section.when().is_none_or(|selector| selector.matches(series));
    for package in root.tables("source").iter().filter(holds).filter_map(|section| section.text("apt")) {
        let name = apt_name(&package.value);
        if !all.iter().any(|following| following.name == name) {
            all.push(new(&name, &package.value, &package.span));
        }
    }
    all
}

fn harvest(nginx: &Section, root: &Section) -> Harvest {
    let architectures = texts(root, "architectures");
    Harvest {
        flavors: flavors(nginx),
        architectures: if architectures.is_empty() { vec!["any".to_string()] } else { architectures },
        rebuild: match nginx.text("rebuild").map(|text| text.value.as_str()) {
            Some("abi") => Rebuild::Abi,
            _ => Rebuild::Always,
        },
        modules: texts(nginx, "modules"),
        gives_way: ["conflicts", "breaks", "replaces"].iter().flat_map(|field| package_names(root, field)).collect(),
    }
}

/// The packages that a list of relations names, whatever the versions.
fn package_names(section: &Section, field: &str) -> Vec<String> {
    let end = |c: char| c.is_whitespace() || matches!(c, '(' | ':' | '[' | '<');
    let first = |text: &String| text.split(end).next().unwrap_or_default().to_string();
    texts(section, field).iter().map(first).collect()
}

/// The flavors that `[nginx]` lists, or all of them.
pub(super) fn flavors(nginx: &Section) -> Vec<String> {
    match nginx.has("flavors") {
        true => texts(nginx, "flavors"),
        false => FLAVORS.iter().map(|flavor| flavor.to_string()).collect(),
    }
}

/// The strings of a list that has no templates.
fn texts(section: &Section, name: &str) -> Vec<String> {
    match section.field(name).map(|field| &field.value) {
        Some(Value::List(items)) => items.iter().map(Item::identity).map(str::to_string).collect(),
        _ => Vec::new(),
    }
}

/// How the lock calls what `apt = "PACKAGE"` follows.
pub(super) fn apt_name(package: &str) -> String {
    format!("apt:{package}")
}

/// What the lock has of what one series follows.
#[derive(Debug, Clone, Default)]
pub(super) struct Resolved<'l> {
    found: BTreeMap<String, &'l Followed>,
    names: Vec<String>,
    missing: Vec<Following>,
}

impl<'l> Resolved<'l> {
    /// Looks everything up.
    pub(super) fn of(followings: &[Following], lock: &'l Lock) -> Resolved<'l> {
        let mut resolved = Resolved::default();
        for following in followings {
            resolved.names.push(following.name.clone());
            let found = lock.follow(&following.name, &following.series.name);
            let usable = |found: &&Followed| {
                found.package == following.package && (following.nginx.is_none() || found.nginx.is_some())
            };
            match found.filter(usable) {
                Some(found) => drop(resolved.found.insert(following.name.clone(), found)),
                None => resolved.missing.push(following.clone()),
            }
        }
        resolved
    }

    /// What the lock lacks.
    pub(super) fn missing(&self) -> &[Following] {
        &self.missing
    }

    /// What was found under a name.
    pub(super) fn get(&self, name: &str) -> Option<&'l Followed> {
        self.found.get(name).copied()
    }

    /// The templates' variables. What was not found has an error of its own;
    /// what stands for it here draws no other.
    pub(super) fn variables(&self) -> BTreeMap<String, Follow> {
        let of = |name: &String| match self.found.get(name) {
            Some(found) => Follow {
                version: found.version.clone(),
                upstream: found.parsed_version().map_or_else(|| "0".to_string(), |version| version.upstream),
            },
            None => Follow { version: "0".to_string(), upstream: "0".to_string() },
        };
        let named = self.names.iter().filter(|name| !name.starts_with("apt:"));
        named.map(|name| (name.clone(), of(name))).collect()
    }

    /// The versions that an entry is for, besides nginx's.
    pub(super) fn versions(&self, with_nginx: bool) -> BTreeMap<String, String> {
        let counted = self.found.iter().filter(|(name, _)| with_nginx || *name != "nginx");
        counted.map(|(name, found)| (name.clone(), found.version.clone())).collect()
    }
}

/// Says what the lock lacks: the series of one package in one error.
pub(super) fn tell_missing<'f>(missing: impl Iterator<Item = &'f Following>, problems: &mut Problems) {
    let mut together: Vec<(&Following, Vec<&str>)> = Vec::new();
    // what is no name of a package has an error of its own
    for following in missing.filter(|following| names::check_source(&following.package).is_ok()) {
        let alike = |first: &Following| first.package == following.package && first.place == following.place;
        match together.iter_mut().find(|(first, _)| alike(first)) {
            Some((_, series)) => series.push(&following.series.name),
            None => together.push((following, vec![&following.series.name])),
        }
    }
    for (first, series) in together {
        let message = format!("the lock does not know {} of {}", first.package, series.join(", "));
        let hint = "run `pkgr update`: it looks the package up and pins what it finds";
        problems.push(Diagnostic::error("not-resolved", message).at(first.place.clone()).hint(hint));
    }
}

/// A file of a followed package.
pub(super) fn pool_file(followed: &Followed, file: &PinnedFile) -> PoolFile {
    PoolFile {
        series: followed.series.clone(),
        path: format!("{}/{}", followed.directory, file.file),
        sha256: file.sha256.clone(),
        size: file.size,
    }
}
