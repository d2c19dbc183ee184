//! What `[nginx]` means for one target: which nginx is followed, how that series
//! has its modules built, and what each flavor was configured with. The facts
//! are the lock's; nothing is looked up here.
//!
//! The packages that follow from it (names, relations, ranges) are in
//! [`super::Target::packages`] like any others; what builds the modules is for
//! `render` to write.

use std::collections::BTreeMap;

use crate::deb::version::Version;

use super::PoolFile;

/// How a series has modules of its nginx built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Flavors compiled separately: each module is built once per flavor, in
    /// the distribution's own source, patched.
    Flavors,
    /// One binary, and `nginx-dev` with `dh-sequence-nginx` to build against.
    Dev,
}

/// `[nginx]` for one target.
#[derive(Debug, Clone)]
pub struct Nginx {
    /// How modules are built there.
    pub mode: Mode,
    /// Full version of the followed nginx: `1.18.0-6ubuntu14.4`.
    pub version: Version,
    /// The flavors, as the recipe lists them; with `split` the one of this target.
    pub flavors: Vec<Flavor>,
    /// `NAME-nginx`: in [`Mode::Dev`] the package with the modules, in
    /// [`Mode::Flavors`] the virtual one that the flavors' packages provide,
    /// conflict with and replace.
    pub real_package: String,
    /// File names of the modules, `ngx_x.so`.
    pub modules: Vec<String>,
    /// Whether installing the package enables the modules.
    pub enable: bool,
    /// Environment of the configure step and the build, in the recipe's order.
    pub env: Vec<(String, String)>,
    /// Run under `sh -e` in the root of the tree before configuring.
    pub prepare: Option<String>,
    /// `stream`, `mail`, or packages of other modules. What they mean for
    /// Depends is in the packages' relations already.
    pub needs: Vec<String>,
    /// `depends = "exact"`: in the packages' relations already.
    pub exact: bool,
    /// With `split = true` in [`Mode::Flavors`]: this target's one flavor.
    pub split: Option<String>,
    /// Architectures for which the lock has every compiled flavor's signature,
    /// in byte order.
    pub architectures: Vec<String>,
    /// The distribution's debian/patches of that revision, (path below
    /// debian/patches, bytes) in the order of its series file; only in
    /// [`Mode::Flavors`]. Evaluation leaves it empty: the bytes are in
    /// [`Nginx::packaging`], and whoever has that file at hand puts them here
    /// before rendering.
    pub patches: Vec<(String, Vec<u8>)>,
    /// The distribution's debian.tar of that revision; only in [`Mode::Flavors`].
    pub packaging: Option<PoolFile>,
    /// `nginx-abi-1.24.0-1`, only in [`Mode::Dev`].
    pub abi: Option<String>,
}

impl Nginx {
    /// The flavors with a build of their own.
    pub fn compiled(&self) -> impl Iterator<Item = &Flavor> {
        self.flavors.iter().filter(|flavor| flavor.compiled)
    }
}

/// One flavor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flavor {
    /// `core`.
    pub name: String,
    /// The package made for it, `NAME-nginx-core`: one of the target's packages.
    pub package: String,
    /// The distribution's package, `nginx-core`.
    pub nginx_package: String,
    /// Whether the modules are built for it. One that is not has a metapackage:
    /// in [`Mode::Dev`] over [`Nginx::real_package`], in [`Mode::Flavors`] over
    /// the package of the flavor whose binary it shares. A flavor without a
    /// binary of its own whose base the recipe does not list is built, with the
    /// facts of that base.
    pub compiled: bool,
    /// Arguments of nginx's configure, without those that name modules, compiler
    /// or linker flags; empty in [`Mode::Dev`] and where not compiled.
    pub configure: Vec<String>,
    /// Signature that nginx checks a module by, per architecture; empty where
    /// not compiled.
    pub signatures: BTreeMap<String, String>,
}
