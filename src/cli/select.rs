//! Options that several commands share: which recipes, which targets, which key.

use std::path::PathBuf;

use crate::cli::Context;
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::recipe::selector::Selector;
use crate::sign::{Backend, Signer};

/// Recipes and a selection of their targets.
#[derive(clap::Args, Debug)]
pub struct Recipes {
    /// recipe.toml, or a folder that holds one
    #[arg(value_name = "RECIPE", default_value = "recipe.toml")]
    pub recipes: Vec<PathBuf>,
    /// Only targets that match, e.g. `jammy`, `focal..`, `ubuntu,!noble`
    #[arg(long, value_name = "SELECTOR")]
    pub only: Option<String>,
}

impl Recipes {
    /// The parsed `--only`.
    pub fn only(&self) -> Result<Option<Selector>, Failure> {
        Ok(self.only.as_deref().map(Selector::parse).transpose()?)
    }
}

/// The recipe files that are meant: a folder means the recipe.toml in it.
pub fn recipe_files(recipes: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    recipes.iter().map(|path| recipe_file(path)).collect()
}

fn recipe_file(path: &std::path::Path) -> Result<PathBuf, Failure> {
    let file = if path.is_dir() { path.join("recipe.toml") } else { path.to_path_buf() };
    if file.is_file() {
        return Ok(file);
    }
    let message = format!("there is no recipe at {}", file.display());
    let hint = "name a recipe.toml or the folder that holds it";
    Err(Failure::new(Kind::Usage, Diagnostic::error("no-recipe", message).hint(hint)))
}

/// Which key signs.
#[derive(clap::Args, Debug)]
pub struct Key {
    /// Fingerprint, key id or user id in GnuPG, or the path of an armored secret key [env: PKGR_KEY]
    // not clap's `env`: a variable that is set must not contradict --no-sign
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// Who signs: pkgr itself with a key from a file, or GnuPG
    #[arg(long, value_name = "BACKEND")]
    pub backend: Option<Backend>,
}

/// The names of the key, from the options, the environment and the configuration.
pub struct Named {
    first: Option<String>,
    configured: Option<String>,
    backend: Option<Backend>,
}

impl Named {
    /// What is named here and now.
    pub fn of(key: &Key, context: &Context) -> Named {
        Named {
            first: key.key.clone().or_else(|| environment("PKGR_KEY")),
            configured: context.config.key.clone(),
            backend: key.backend,
        }
    }

    /// What `find` finds by the first of them; `PKGR_SIGNING_KEY` goes before the
    /// configuration.
    pub fn first<T>(
        &self,
        find: impl Fn(Option<&str>, &dyn Fn(&str) -> Option<String>, Option<Backend>) -> Result<Option<T>, Failure>,
    ) -> Result<Option<T>, Failure> {
        match find(self.first.as_deref(), &environment, self.backend)? {
            None => find(self.configured.as_deref(), &environment, self.backend),
            found => Ok(found),
        }
    }
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Key {
    /// The signer that the options, the environment (`PKGR_SIGNING_KEY`) and the
    /// configuration lead to; `None` where no key is named anywhere.
    pub fn signer(&self, context: &Context) -> Result<Option<Signer>, Failure> {
        Named::of(self, context).first(Signer::resolve)
    }
}
