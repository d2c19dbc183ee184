//! Whether a module loads into an nginx, judged as nginx and the dynamic linker
//! judge it (`ngx_load_module`, `ngx_add_module`; dlopen(3) with RTLD_NOW), by
//! what both files say of themselves.
//!
//! Not judged: shared libraries that are missing or too old for the module, and
//! headers that changed without a change of the signature (the fingerprint of
//! the headers tells those).

use std::collections::BTreeSet;
use std::fmt;

use crate::nginx::binary::{Binary, Kind};
use crate::nginx::signature::Difference;
use crate::nginx::version::Version;

/// One reason why it does not load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// nginx itself, say.
    NotAModule,
    /// Of the module and of nginx.
    Architecture(String, String),
    /// Names that another module defines, which has to be loaded before.
    Needs {
        /// `stream`, `mail` or `ndk`.
        module: &'static str,
        /// The names.
        names: Vec<String>,
    },
    /// Names of nginx's that this nginx does not define.
    Undefined(Vec<String>),
    /// Of the module and of nginx.
    Version(Version, Version),
    /// In what the signatures differ.
    Signature(Vec<Difference>),
    /// One of its modules is in nginx, or was loaded before.
    AlreadyLoaded(String),
    /// One of the files does not tell: whose, and what.
    Untold(&'static str, &'static str),
}

impl Obstacle {
    /// Stable kebab-case identifier.
    pub fn code(&self) -> &'static str {
        match self {
            Obstacle::NotAModule => "not-a-module",
            Obstacle::Architecture(..) => "architecture-differs",
            Obstacle::Needs { .. } => "needs-module",
            Obstacle::Undefined(_) => "undefined-symbols",
            Obstacle::Version(..) => "version-differs",
            Obstacle::Signature(_) => "signature-differs",
            Obstacle::AlreadyLoaded(_) => "already-loaded",
            Obstacle::Untold(..) => "not-told",
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::NotAModule => f.write_str("it is nginx itself, not a module"),
            Obstacle::Architecture(module, nginx) => write!(f, "it is for {module}, nginx for {nginx}"),
            Obstacle::Needs { module, names } => {
                write!(f, "it needs the {module} module loaded before it, for {}", listed(names))
            }
            Obstacle::Undefined(names) => write!(f, "nginx does not define {}", listed(names)),
            Obstacle::Version(module, nginx) => write!(f, "it is compiled for nginx {module}, and this is {nginx}"),
            Obstacle::Signature(differences) => {
                f.write_str("its signature differs")?;
                let mut separator = ": ";
                for difference in differences {
                    write!(f, "{separator}{difference}")?;
                    separator = "; ";
                }
                Ok(())
            }
            Obstacle::AlreadyLoaded(name) => write!(f, "its {name} is already in nginx, or loaded before"),
            Obstacle::Untold(whose, what) => write!(f, "{whose} does not tell {what}"),
        }
    }
}

/// The first names of a list that may be long.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What keeps `module` from being loaded into `nginx` once the modules `before`
/// are loaded; nothing where it loads.
pub fn obstacles(module: &Binary, nginx: &Binary, before: &[&Binary]) -> Vec<Obstacle> {
    if module.kind != Kind::Module {
        return vec![Obstacle::NotAModule];
    }
    if module.architecture != nginx.architecture {
        // nothing else can be compared
        return vec![Obstacle::Architecture(module.architecture.clone(), nginx.architecture.clone())];
    }
    let mut found = undefined(module, nginx, before);
    match (module.version, nginx.version) {
        (Some(here), Some(there)) if here != there => found.push(Obstacle::Version(here, there)),
        (Some(_), Some(_)) => {}
        (None, _) => found.push(Obstacle::Untold("the module", "its version")),
        (_, None) => found.push(Obstacle::Untold("nginx", "its version")),
    }
    match (&module.signature, &nginx.signature) {
        (Some(here), Some(there)) if here != there => found.push(Obstacle::Signature(here.differences(there))),
        (Some(_), Some(_)) => {}
        (None, _) => found.push(Obstacle::Untold("the module", "its signature")),
        (_, None) => found.push(Obstacle::Untold("nginx", "its signature")),
    }
    let there: BTreeSet<&str> =
        before.iter().copied().chain([nginx]).flat_map(|b| &b.modules).map(|m| m.name.as_str()).collect();
    let twice = module.modules.iter().filter(|m| there.contains(m.name.as_str()));
    found.extend(twice.map(|m| Obstacle::AlreadyLoaded(m.name.clone())));
    found
}

/// Names of nginx's or of its modules' that nobody defines. Names of shared
/// libraries are not looked at.
fn undefined(module: &Binary, nginx: &Binary, before: &[&Binary]) -> Vec<Obstacle> {
    let defined = |name: &&String| nginx.defined.contains(*name) || before.iter().any(|b| b.defined.contains(*name));
    let mut missing: Vec<String> = module.undefined.iter().filter(|name| !defined(name)).cloned().collect();
    let makers = [("stream", "ngx_stream_"), ("mail", "ngx_mail_"), ("ndk", "ndk_")];
    let mut found = Vec::new();
    for (maker, prefix) in makers {
        let (names, rest) = missing.into_iter().partition::<Vec<_>, _>(|name| name.starts_with(prefix));
        missing = rest;
        if !names.is_empty() {
            found.push(Obstacle::Needs { module: maker, names });
        }
    }
    if !missing.is_empty() {
        found.push(Obstacle::Undefined(missing));
    }
    found
}
