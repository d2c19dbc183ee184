//! The names of a repository's tags, without fetching anything: `git ls-remote`.

use std::path::Path;

use super::{Reference, Repository};
use crate::fetch::cache::Cache;
use crate::fetch::error::FetchError;
use crate::listener::Listener;

/// The tags of a repository, by name, in git's order; a relative path starts
/// from `folder`.
pub fn tags(url: &str, folder: &Path, cache: &Cache, listener: &dyn Listener) -> Result<Vec<String>, FetchError> {
    let repository = Repository { url, reference: Reference::Tag("refs/tags"), folder, cache, listener };
    repository.check_words()?;
    let remote = repository.remote();
    // git wants to stand somewhere; it is no repository
    let nowhere = cache.folder("git")?;
    let output = repository.run(&nowhere, true, &["ls-remote", "--tags", "--refs", "--", &remote], "ls-remote")?;
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let name = |line: &str| line.split_once('\t')?.1.strip_prefix("refs/tags/").map(str::to_string);
    Ok(lines.lines().filter_map(name).collect())
}
