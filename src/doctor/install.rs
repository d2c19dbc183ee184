//! How a program is installed on this system: the command to type, by os-release(5).

/// A program, by its package of each family of systems.
pub struct Package {
    /// Debian, Ubuntu and theirs.
    pub apt: &'static str,
    /// Fedora and theirs.
    pub dnf: &'static str,
    /// Arch.
    pub pacman: &'static str,
    /// Alpine.
    pub apk: &'static str,
    /// SUSE.
    pub zypper: &'static str,
    /// Homebrew.
    pub brew: &'static str,
}

/// git(1).
pub const GIT: Package = Package { apt: "git", dnf: "git", pacman: "git", apk: "git", zypper: "git", brew: "git" };
/// OpenSSH's client.
pub const SSH: Package = Package {
    apt: "openssh-client",
    dnf: "openssh-clients",
    pacman: "openssh",
    apk: "openssh-client",
    zypper: "openssh-clients",
    brew: "openssh",
};
/// GnuPG.
pub const GNUPG: Package =
    Package { apt: "gnupg", dnf: "gnupg2", pacman: "gnupg", apk: "gnupg", zypper: "gpg2", brew: "gnupg" };

/// The command that installs a package here.
pub fn command(package: &Package) -> String {
    if cfg!(target_os = "macos") {
        return format!("`brew install {}`", package.brew);
    }
    let files = ["/etc/os-release", "/usr/lib/os-release"];
    let text = files.iter().find_map(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    by_release(package, &text)
}

/// `ID`, and `ID_LIKE` where that is not known.
fn by_release(package: &Package, text: &str) -> String {
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or_default().trim().trim_matches(['"', '\'']).to_string()
    };
    let names = format!("{} {}", value("ID"), value("ID_LIKE"));
    let known = names.split_whitespace().find_map(|name| match name {
        "debian" | "ubuntu" => Some(format!("`apt install {}`", package.apt)),
        "fedora" | "rhel" | "centos" => Some(format!("`dnf install {}`", package.dnf)),
        "arch" => Some(format!("`pacman -S {}`", package.pacman)),
        "alpine" => Some(format!("`apk add {}`", package.apk)),
        "suse" | "opensuse" => Some(format!("`zypper install {}`", package.zypper)),
        _ => None,
    });
    known.unwrap_or_else(|| format!("install {}", package.apt))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_the_family_of_the_system() {
        let told = |text: &str| by_release(&SSH, text);
        assert_eq!(told("NAME=x\nID=debian\n"), "`apt install openssh-client`");
        assert_eq!(told("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), "`apt install openssh-client`");
        assert_eq!(told("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), "`dnf install openssh-clients`");
        assert_eq!(told("ID=alpine"), "`apk add openssh-client`");
        assert_eq!(told("ID=opensuse-leap\nID_LIKE='suse opensuse'"), "`zypper install openssh-clients`");
        assert_eq!(told(""), "install openssh-client");
    }
}
