//! The clients of the languages: which lock file each reads, and how it is called
//! so that it fetches what that file pins, and installs nothing.

use std::fmt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::VendorError;
use crate::diagnostic::Failure;
use crate::listener::Listener;

/// A language's package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Tool {
    /// Rust: Cargo.lock
    Cargo,
    /// Go: go.sum
    Go,
    /// JavaScript: package-lock.json
    Npm,
    /// Python: requirements.txt
    Pip,
}

const ALL: [Tool; 4] = [Tool::Cargo, Tool::Go, Tool::Npm, Tool::Pip];

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.program())
    }
}

impl Tool {
    fn program(self) -> &'static str {
        match self {
            Tool::Cargo => "cargo",
            Tool::Go => "go",
            Tool::Npm => "npm",
            Tool::Pip => "pip",
        }
    }

    /// Debian's package of it.
    pub fn package(self) -> &'static str {
        match self {
            Tool::Cargo => "cargo",
            Tool::Go => "golang-go",
            Tool::Npm => "npm",
            Tool::Pip => "python3-pip",
        }
    }

    fn lock_file(self) -> &'static str {
        match self {
            Tool::Cargo => "Cargo.lock",
            Tool::Go => "go.sum",
            Tool::Npm => "package-lock.json",
            Tool::Pip => "requirements.txt",
        }
    }

    /// What the recipe has to do with the component besides; `None` where the build
    /// system finds it.
    pub fn preparation(self) -> Option<&'static str> {
        match self {
            Tool::Cargo | Tool::Go => None,
            Tool::Npm => Some("ln -sfn vendor/node_modules node_modules && npm rebuild --offline --ignore-scripts"),
            Tool::Pip => Some("pip install --no-index --find-links vendor -r requirements.txt --target debian/python"),
        }
    }

    /// The one tool whose lock file stands in the root of a tree.
    pub(super) fn detect(root: &Path, source: &str) -> Result<Tool, VendorError> {
        let found: Vec<Tool> = ALL.into_iter().filter(|tool| root.join(tool.lock_file()).is_file()).collect();
        match found.as_slice() {
            [tool] => Ok(*tool),
            [] => Err(VendorError::NoLockFile(source.to_string())),
            _ => Err(VendorError::Several(source.to_string(), found)),
        }
    }

    /// Fetches the dependencies of the tree at `root` into its folder `into`.
    pub(super) fn fetch(self, root: &Path, into: &str, listener: &dyn Listener) -> Result<(), Failure> {
        let target = root.join(into);
        match self {
            Tool::Cargo => {
                let said = self.run(root, &["vendor", "--locked", "--versioned-dirs", into], listener)?;
                // the configuration that it prints names every other place
                let foreign = said.lines().find(|line| line.starts_with("[source.\"") && line.contains("git+"));
                if let Some(line) = foreign {
                    return Err(VendorError::Foreign(line.to_string()).into());
                }
            }
            Tool::Go => drop(self.run(root, &["mod", "vendor", "-o", into], listener)?),
            Tool::Npm => {
                self.run(root, &["ci", "--ignore-scripts", "--no-audit", "--no-fund"], listener)?;
                let modules = root.join("node_modules");
                if modules.is_dir() {
                    // links to programs: `npm rebuild` makes them anew
                    remove_bin_folders(&modules)?;
                    create(&target)?;
                    std::fs::rename(&modules, target.join("node_modules"))
                        .map_err(|e| Failure::io("move", &modules, &e))?;
                }
            }
            Tool::Pip => {
                let options = ["download", "--no-deps", "--no-binary", ":all:", "--disable-pip-version-check"];
                let files = ["--requirement", "requirements.txt", "--dest", into];
                self.run(root, &[&options[..], &files].concat(), listener)?;
            }
        }
        create(&target)
    }

    fn run(self, root: &Path, arguments: &[&str], listener: &dyn Listener) -> Result<String, Failure> {
        let shown = format!("{self} {}", arguments.join(" "));
        listener.detail(&shown);
        let mut command = Command::new(self.program());
        command.args(arguments).current_dir(root).stdin(Stdio::null());
        // Go fetches another Go, and rustup another Rust, where a tree asks for one
        command.env("GOTOOLCHAIN", "local").env("GOFLAGS", "-mod=mod");
        let output = command.output().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Failure::from(VendorError::Missing(self)),
            _ => VendorError::Failed(shown.clone(), error.to_string()).into(),
        })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.trim().lines().collect();
        let last = lines.get(lines.len().saturating_sub(12)..).unwrap_or_default().join("\n");
        Err(VendorError::Failed(shown, last).into())
    }
}

fn create(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|e| Failure::io("create", folder, &e))
}

/// Removes every `.bin` below a node_modules.
fn remove_bin_folders(modules: &Path) -> Result<(), Failure> {
    let mut waiting = vec![modules.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|e| Failure::io("read", &folder, &e))?;
        for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
            let path = entry.path();
            let is_bin = entry.file_name() == ".bin" && folder.ends_with("node_modules");
            if is_bin {
                std::fs::remove_dir_all(&path).map_err(|e| Failure::io("remove", &path, &e))?;
            } else {
                waiting.push(path);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_file_tells_the_tool() {
        let root = tempfile::tempdir().unwrap();
        assert!(matches!(Tool::detect(root.path(), "x"), Err(VendorError::NoLockFile(_))));
        std::fs::write(root.path().join("go.sum"), "").unwrap();
        assert_eq!(Tool::detect(root.path(), "x").unwrap(), Tool::Go);
        std::fs::write(root.path().join("Cargo.lock"), "").unwrap();
        assert!(matches!(Tool::detect(root.path(), "x"), Err(VendorError::Several(..))));
    }
}
