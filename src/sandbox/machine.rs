//! What this machine is and has: its architecture, the programs of an engine.

use std::path::{Path, PathBuf};

use super::error::SandboxError;

/// A program, and the package of Debian and Ubuntu that has it.
pub type Program = (&'static str, &'static str);

/// Fails with the list of what is missing, all at once.
pub fn require(programs: &[Program]) -> Result<(), SandboxError> {
    let absent: Vec<&Program> = programs.iter().filter(|(name, _)| find(name).is_none()).collect();
    if absent.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = absent.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    Err(SandboxError::Programs { missing: absent.iter().map(|(name, _)| *name).collect(), packages })
}

/// Where a program is: in PATH, or where the system's own programs are, which
/// are not in everybody's.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// Debian's name of this machine's architecture.
pub fn native() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "x86" => "i386",
        "aarch64" => "arm64",
        "arm" => "armhf",
        "powerpc64" => "ppc64el",
        "loongarch64" => "loong64",
        other => other, // riscv64 and s390x have one name
    }
}

/// The architecture to build for: the one asked for, where this machine runs
/// it, or its own.
pub fn architecture(wanted: Option<&str>) -> Result<String, SandboxError> {
    let (machine, wanted) = (native(), wanted.unwrap_or(native()));
    match (machine, wanted) {
        ("amd64", "i386") | ("arm64", "armhf" | "armel") => Ok(wanted.to_string()),
        _ if machine == wanted => Ok(wanted.to_string()),
        _ => Err(SandboxError::Architecture { machine: machine.to_string(), wanted: wanted.to_string() }),
    }
}

/// The argument of setarch(8) under which the kernel says that it is of this
/// architecture; `None` where it does so anyway.
pub fn personality(architecture: &str) -> Option<&'static str> {
    (architecture != native()).then_some("linux32")
}

/// Whether this process is root.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(Path::new("/proc/self")).is_ok_and(|metadata| metadata.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let error = require(&[("sh", "dash"), ("no-such-a", "a"), ("no-such-b", "a")]).unwrap_err();
        assert_eq!(error.to_string(), "not installed: no-such-a, no-such-b");
        let failure = crate::diagnostic::Failure::from(error);
        assert_eq!(failure.kind.exit_code(), 3);
        assert_eq!(failure.diagnostics[0].hints, ["on Debian and Ubuntu: apt install a"]);
    }

    #[test]
    fn foreign_architectures_are_refused() {
        assert_eq!(architecture(None).unwrap(), native());
        assert!(architecture(Some("s390x")).is_err() || native() == "s390x");
    }
}
