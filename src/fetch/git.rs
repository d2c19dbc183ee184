//! A git tag or commit as a tarball whose bytes depend on the commit alone:
//! `git archive` with everything fixed that configuration could change, then xz.
//!
//! The system's git is spawned. While it talks to the network it has the user's
//! configuration (proxies, credentials, insteadOf): what it brings is known by
//! its commit. While it archives it has none. It asks for no password, runs no
//! hook, and speaks no transport that runs programs (`ext::`).
//!
//! Submodules are not in `git archive`'s tarball; a note says so.

mod tags;

pub use tags::tags;

use std::io::BufWriter;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::deb::checksums::Checksums;
use crate::diagnostic::Diagnostic;
use crate::fetch::cache::Cache;
use crate::fetch::compression::{self, Repackable};
use crate::fetch::digest;
use crate::fetch::error::FetchError;
use crate::listener::Listener;

/// What is wanted of a repository.
#[derive(Debug, Clone, Copy)]
pub enum Reference<'r> {
    /// A tag, by name.
    Tag(&'r str),
    /// A commit, by 40 hexadecimal digits.
    Commit(&'r str),
}

impl<'r> Reference<'r> {
    fn name(self) -> &'r str {
        match self {
            Reference::Tag(name) | Reference::Commit(name) => name,
        }
    }
}

/// A repository elsewhere, and what of it.
pub struct Repository<'g> {
    pub url: &'g str,
    pub reference: Reference<'g>,
    /// What a relative path starts from.
    pub folder: &'g Path,
    pub cache: &'g Cache,
    pub listener: &'g dyn Listener,
}

/// The tar inside the .tar.xz; more is no source package.
const LARGEST_TAR: u64 = 8 << 30;

impl Repository<'_> {
    /// Archives the commit into the cache. `pinned` is the commit that a tag was
    /// when first seen; another one now is an error.
    pub fn archive(&self, pinned: Option<&str>, offline: bool, key: &str) -> Result<(Checksums, String), FetchError> {
        self.check_words()?;
        let remote = self.remote();
        let _guard = self.cache.lock(&format!("git {remote}"))?;
        let clone = self.cache.folder("git")?.join(digest::sha256(remote.as_bytes()));
        let wanted = match self.reference {
            Reference::Commit(commit) => Some(commit),
            Reference::Tag(_) => pinned,
        };
        let present = wanted.filter(|commit| self.commit_of(&clone, commit).is_some());
        let commit = match present {
            Some(commit) => commit.to_string(),
            None if offline && !self.is_local() => return Err(FetchError::Offline { key: key.to_string() }),
            None => self.bring(&clone, &remote)?,
        };
        if let (Some(pinned), Reference::Tag(tag)) = (pinned.filter(|pinned| *pinned != commit), self.reference) {
            return Err(FetchError::TagMoved {
                url: self.url.to_string(),
                tag: tag.to_string(),
                pinned: pinned.to_string(),
                found: commit,
            });
        }
        self.tell_submodules(&clone, &commit);
        let checksums = self.pack(&clone, &commit)?;
        Ok((checksums, commit))
    }

    /// Words that git would take for something else.
    fn check_words(&self) -> Result<(), FetchError> {
        let bad = |why: &str| FetchError::BadUrl { url: self.url.to_string(), why: why.to_string() };
        if self.url.starts_with('-') || self.url.contains("::") || self.url.contains(char::is_control) {
            return Err(bad("it is no repository"));
        }
        if let Some((scheme, _)) = self.url.split_once("://") {
            if !matches!(scheme, "https" | "http" | "ssh" | "git" | "git+ssh" | "file") {
                return Err(bad("pkgr lets git speak https, http, ssh, git and file"));
            }
        }
        let name = self.reference.name();
        let odd = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
        if name.is_empty() || name.starts_with('-') || name.contains("..") || name.contains(odd) {
            return Err(bad(&format!("{name:?} is no name of a tag or commit")));
        }
        Ok(())
    }

    /// A path, not a URL and not ssh's `host:path`.
    fn is_path(&self) -> bool {
        let colon = self.url.find(':').unwrap_or(usize::MAX);
        self.url.find('/').unwrap_or(usize::MAX) < colon || colon == usize::MAX
    }

    fn is_local(&self) -> bool {
        self.is_path() || self.url.starts_with("file://")
    }

    fn remote(&self) -> String {
        if !self.is_path() {
            return self.url.to_string();
        }
        let path = self.folder.join(self.url);
        path.canonicalize().unwrap_or(path).display().to_string()
    }

    /// Fetches what is wanted and no more; returns its commit.
    fn bring(&self, clone: &Path, remote: &str) -> Result<String, FetchError> {
        if holds_a_lock(clone) {
            // nobody else is at work (the cache's lock), so a git was killed here
            std::fs::remove_dir_all(clone).map_err(|e| FetchError::io("remove", clone, e))?;
        }
        if !clone.join("HEAD").exists() {
            std::fs::create_dir_all(clone).map_err(|e| FetchError::io("create", clone, e))?;
            self.run(clone, false, &["init", "--quiet", "--bare", "."], "init")?;
        }
        self.listener.started(self.url, None);
        let fetched = self.fetch(clone, remote);
        self.listener.finished(self.url);
        fetched?;
        let name = match self.reference {
            Reference::Tag(tag) => format!("refs/tags/{tag}"),
            Reference::Commit(commit) => commit.to_string(),
        };
        self.commit_of(clone, &name).ok_or_else(|| FetchError::Git {
            url: self.url.to_string(),
            reference: self.reference.name().to_string(),
            command: "rev-parse".to_string(),
            said: format!("{name} is no commit"),
        })
    }

    fn fetch(&self, clone: &Path, remote: &str) -> Result<(), FetchError> {
        let one = |what: &str| ["fetch", "--quiet", "--no-tags", "--depth=1", "--", remote, what].map(str::to_string);
        match self.reference {
            Reference::Tag(tag) => self.run_network(clone, &one(&format!("+refs/tags/{tag}:refs/tags/{tag}"))),
            // a server may refuse to hand out what no name points to
            Reference::Commit(commit) => self.run_network(clone, &one(commit)).or_else(|_| {
                let unshallow = if clone.join("shallow").exists() { "--unshallow" } else { "--no-tags" };
                let everything = [
                    "fetch",
                    "--quiet",
                    unshallow,
                    "--",
                    remote,
                    "+refs/heads/*:refs/heads/*",
                    "+refs/tags/*:refs/tags/*",
                ];
                self.run_network(clone, &everything.map(str::to_string))
            }),
        }
    }

    fn run_network(&self, clone: &Path, arguments: &[String]) -> Result<(), FetchError> {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.run(clone, true, &arguments, "fetch").map(|_| ())
    }

    /// The commit that a name means in the clone.
    fn commit_of(&self, clone: &Path, name: &str) -> Option<String> {
        if !clone.join("HEAD").exists() {
            return None;
        }
        let peeled = format!("{name}^{{commit}}");
        let output =
            self.run(clone, false, &["rev-parse", "--verify", "--quiet", "--end-of-options", &peeled], "rev-parse");
        let text = String::from_utf8(output.ok()?.stdout).ok()?;
        Some(text.trim().to_string()).filter(|commit| commit.len() >= 40)
    }

    fn tell_submodules(&self, clone: &Path, commit: &str) {
        let listed = self.run(clone, false, &["ls-tree", "--name-only", commit, ".gitmodules"], "ls-tree");
        if listed.is_ok_and(|output| !output.stdout.is_empty()) {
            let message = format!("submodules of {} are not in its archive", self.url);
            let hint = "name what is needed of them as [[source]] with a component";
            self.listener.tell(Diagnostic::warning("git-submodules", message).hint(hint));
        }
    }

    /// Writes the tar to a file first: if git fails half-way, nothing of it is
    /// taken for an archive.
    fn pack(&self, clone: &Path, commit: &str) -> Result<Checksums, FetchError> {
        let prefix = format!("--prefix={}/", top_folder(self.url, self.reference));
        let tar = self.cache.temporary()?;
        let write = |e| FetchError::io("write", tar.path(), e);
        let mut command = self.command(clone, false);
        command.args(["archive", "--format=tar", &prefix, commit]);
        command.stdout(tar.reopen().map_err(write)?);
        self.finish(command, "archive")?;
        let mut packed = self.cache.temporary()?;
        compression::repack(tar.path(), Repackable::Tar, BufWriter::new(packed.as_file_mut()), LARGEST_TAR)
            .map_err(|e| FetchError::io("compress", tar.path(), e))?;
        let checksums = digest::of_file(packed.path()).map_err(|e| FetchError::io("read", packed.path(), e))?;
        self.cache.insert(packed, &checksums)?;
        Ok(checksums)
    }

    fn run(&self, clone: &Path, network: bool, arguments: &[&str], what: &str) -> Result<Output, FetchError> {
        let mut command = self.command(clone, network);
        command.args(arguments);
        self.finish(command, what)
    }

    fn finish(&self, mut command: Command, what: &str) -> Result<Output, FetchError> {
        let child = command.stderr(Stdio::piped()).stdin(Stdio::null()).spawn();
        let output = child.and_then(|c| c.wait_with_output()).map_err(|error| FetchError::NoGit { error })?;
        if output.status.success() {
            return Ok(output);
        }
        Err(FetchError::Git {
            url: self.url.to_string(),
            reference: self.reference.name().to_string(),
            command: what.to_string(),
            said: String::from_utf8_lossy(&output.stderr).trim().to_string(),
        })
    }

    /// git in the clone. Without the network: without anybody's configuration,
    /// and with what shapes `git archive`'s bytes fixed.
    fn command(&self, clone: &Path, network: bool) -> Command {
        let mut command = Command::new("git");
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            let kept =
                network && (text.starts_with("GIT_SSH") || text.starts_with("GIT_SSL") || text == "GIT_PROXY_COMMAND");
            let user_configuration =
                network && matches!(&*text, "GIT_CONFIG_GLOBAL" | "GIT_CONFIG_SYSTEM" | "GIT_CONFIG_NOSYSTEM");
            if text.starts_with("GIT_") && !kept && !user_configuration {
                command.env_remove(name);
            }
        }
        command.current_dir(clone).stdout(Stdio::piped());
        command.env("GIT_DIR", ".").env("LC_ALL", "C").env("TZ", "UTC").env("GIT_TERMINAL_PROMPT", "0");
        command.env("GIT_ASKPASS", "true").env("SSH_ASKPASS", "true").env("GIT_ATTR_NOSYSTEM", "1");
        let protocols = if self.is_local() { "file" } else { "https:http:ssh:git" };
        command.env("GIT_ALLOW_PROTOCOL", protocols);
        if !network {
            command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        } else if std::env::var_os("GIT_SSH_COMMAND").is_none() && std::env::var_os("GIT_SSH").is_none() {
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command
    }
}

/// Whether git left one of its lock files, at the top or among the references.
fn holds_a_lock(folder: &Path) -> bool {
    std::fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| {
        let name = entry.file_name();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        match is_folder {
            true => (name == "refs" || folder.iter().any(|part| part == "refs")) && holds_a_lock(&entry.path()),
            false => name.to_string_lossy().ends_with(".lock"),
        }
    })
}

const SETTINGS: [&str; 10] = [
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.autocrlf=false",
    "core.eol=lf",
    "core.abbrev=12", // $Format:%h$ would else grow with the clone
    "core.quotePath=true",
    "tar.umask=0022",
    "fetch.fsckObjects=true",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
];

/// NAME-VERSION of the repository and the reference. dpkg-source strips it; it
/// is part of the bytes, so it depends on nothing else.
fn top_folder(url: &str, reference: Reference) -> String {
    let name = url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let name = name.strip_suffix(".git").unwrap_or(name);
    let version = match reference {
        Reference::Tag(tag) => {
            let digits = tag.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            digits.unwrap_or(tag)
        }
        Reference::Commit(commit) => commit.get(..12).unwrap_or(commit),
    };
    let plain = |c: char| if c.is_ascii_alphanumeric() || "+-._~".contains(c) { c } else { '-' };
    let folder: String = format!("{name}-{version}").chars().map(plain).collect();
    folder.trim_start_matches(['.', '-']).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_folder_is_named_by_repository_and_reference() {
        let folder = |url, tag| top_folder(url, Reference::Tag(tag));
        assert_eq!(folder("https://example.org/a/hello.git", "v1.2"), "hello-1.2");
        assert_eq!(folder("git@example.org:hello", "release/1.2"), "hello-release-1.2");
        assert_eq!(folder("../hello/", "vim-9"), "hello-vim-9");
        let commit = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(top_folder("/x/y", Reference::Commit(commit)), "y-0123456789ab");
    }

    #[test]
    fn what_git_would_misread_is_refused() {
        let cache = Cache::new(Some("unused".into())).unwrap();
        let check = |url, tag| {
            let listener = crate::listener::Silent;
            let reference = Reference::Tag(tag);
            Repository { url, reference, folder: Path::new("."), cache: &cache, listener: &listener }.check_words()
        };
        assert!(check("https://example.org/x", "v1").is_ok());
        assert!(check("git@example.org:x", "v1").is_ok());
        assert!(check("ext::sh -c id", "v1").is_err());
        assert!(check("--upload-pack=id", "v1").is_err());
        assert!(check("ftp://example.org/x", "v1").is_err());
        assert!(check("https://example.org/x", "-v1").is_err());
        assert!(check("https://example.org/x", "a b").is_err());
        assert!(check("https://example.org/x", "v1^{}").is_err());
    }
}
