//! Architecture names and wildcards as dpkg knows them (dpkg-architecture(1),
//! Policy 11.1.1): what `any-amd64` or `linux-any` covers.
//!
//! A name stands for a tuple of ABI, libc, operating system and CPU; the tables
//! are facts of dpkg's cputable and tupletable.

const CPUS: &[&str] = &[
    "alpha",
    "amd64",
    "arc",
    "arm",
    "arm64",
    "armeb",
    "avr32",
    "hppa",
    "i386",
    "ia64",
    "loong64",
    "m32r",
    "m68k",
    "mips",
    "mips64",
    "mips64el",
    "mips64r6",
    "mips64r6el",
    "mipsel",
    "mipsr6",
    "mipsr6el",
    "nios2",
    "or1k",
    "powerpc",
    "powerpcel",
    "ppc64",
    "ppc64el",
    "riscv64",
    "s390",
    "s390x",
    "sh3",
    "sh3eb",
    "sh4",
    "sh4eb",
    "sparc",
    "sparc64",
    "tilegx",
];

type Tuple<'a> = [&'a str; 4];

/// Names that stand for one tuple.
const EXCEPTIONS: &[(&str, Tuple<'static>)] = &[
    ("uclibc-linux-armel", ["eabi", "uclibc", "linux", "arm"]),
    ("musl-linux-armhf", ["eabihf", "musl", "linux", "arm"]),
    ("arm64ilp32", ["ilp32", "gnu", "linux", "arm64"]),
    ("armhf", ["eabihf", "gnu", "linux", "arm"]),
    ("armel", ["eabi", "gnu", "linux", "arm"]),
    ("mipsn32r6el", ["abin32", "gnu", "linux", "mips64r6el"]),
    ("mipsn32r6", ["abin32", "gnu", "linux", "mips64r6"]),
    ("mipsn32el", ["abin32", "gnu", "linux", "mips64el"]),
    ("mipsn32", ["abin32", "gnu", "linux", "mips64"]),
    ("mips64r6el", ["abi64", "gnu", "linux", "mips64r6el"]),
    ("mips64r6", ["abi64", "gnu", "linux", "mips64r6"]),
    ("mips64el", ["abi64", "gnu", "linux", "mips64el"]),
    ("mips64", ["abi64", "gnu", "linux", "mips64"]),
    ("powerpcspe", ["spe", "gnu", "linux", "powerpc"]),
    ("x32", ["x32", "gnu", "linux", "amd64"]),
    ("kfreebsd-armhf", ["eabihf", "gnu", "kfreebsd", "arm"]),
    ("uclinux-armel", ["eabi", "uclibc", "uclinux", "arm"]),
    ("mint-m68k", ["base", "tos", "mint", "m68k"]),
];

/// Prefixes before a CPU, and the first three parts of the tuple.
const SYSTEMS: &[(&str, [&str; 3])] = &[
    ("uclibc-linux-", ["base", "uclibc", "linux"]),
    ("musl-linux-", ["base", "musl", "linux"]),
    ("kfreebsd-", ["base", "gnu", "kfreebsd"]),
    ("knetbsd-", ["base", "gnu", "knetbsd"]),
    ("kopensolaris-", ["base", "gnu", "kopensolaris"]),
    ("hurd-", ["base", "gnu", "hurd"]),
    ("dragonflybsd-", ["base", "bsd", "dragonflybsd"]),
    ("freebsd-", ["base", "bsd", "freebsd"]),
    ("openbsd-", ["base", "bsd", "openbsd"]),
    ("netbsd-", ["base", "bsd", "netbsd"]),
    ("darwin-", ["base", "bsd", "darwin"]),
    ("aix-", ["base", "sysv", "aix"]),
    ("solaris-", ["base", "sysv", "solaris"]),
    ("uclinux-", ["base", "uclibc", "uclinux"]),
    ("", ["base", "gnu", "linux"]),
];

/// Whether dpkg knows the name, or the wildcard covers a name that it knows.
/// `all` and `source` are none of these.
pub fn is_known(name: &str) -> bool {
    match wildcard_tuple(name) {
        Some(wildcard) => known_tuples().any(|tuple| matches(tuple, wildcard)),
        None => tuple(name).is_some(),
    }
}

/// Whether a part of the name is `any`.
pub fn is_wildcard(name: &str) -> bool {
    wildcard_tuple(name).is_some()
}

/// Whether `wildcard` (or a plain name) covers the architecture `name`.
pub fn covers(wildcard: &str, name: &str) -> bool {
    if wildcard == name || wildcard == "any" {
        return true;
    }
    match (wildcard_tuple(wildcard).or_else(|| tuple(wildcard)), tuple(name)) {
        (Some(pattern), Some(tuple)) => matches(tuple, pattern),
        _ => false,
    }
}

fn matches(tuple: Tuple, pattern: Tuple) -> bool {
    tuple.iter().zip(pattern).all(|(part, wanted)| wanted == "any" || wanted == *part)
}

fn tuple(name: &str) -> Option<Tuple<'_>> {
    let name = match name.strip_prefix("linux-") {
        Some(cpu) => cpu.split('-').next().unwrap_or(cpu),
        None => name,
    };
    if let Some((_, tuple)) = EXCEPTIONS.iter().find(|(exception, _)| *exception == name) {
        return Some(*tuple);
    }
    SYSTEMS.iter().find_map(|(prefix, [abi, libc, system])| {
        let cpu = name.strip_prefix(prefix)?;
        CPUS.contains(&cpu).then_some([*abi, *libc, *system, cpu])
    })
}

fn wildcard_tuple(name: &str) -> Option<Tuple<'_>> {
    let parts: Vec<&str> = name.splitn(4, '-').collect();
    if !parts.contains(&"any") {
        return None;
    }
    let mut tuple = ["any"; 4];
    if parts.len() > 1 {
        for (place, part) in tuple.iter_mut().rev().zip(parts.iter().rev()) {
            *place = part;
        }
    }
    Some(tuple)
}

fn known_tuples() -> impl Iterator<Item = Tuple<'static>> {
    let regular =
        SYSTEMS.iter().flat_map(|(_, [abi, libc, system])| CPUS.iter().map(move |cpu| [*abi, *libc, *system, *cpu]));
    EXCEPTIONS.iter().map(|(_, tuple)| *tuple).chain(regular)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_wildcards() {
        for name in ["amd64", "armhf", "i386", "any", "linux-any", "any-amd64", "kfreebsd-amd64", "gnu-any-any", "x32"]
        {
            assert!(is_known(name), "{name}");
        }
        for name in ["amd46", "all", "source", "any-amd46", "windows-any", "", "x86_64", "any-any-any-any-any"] {
            assert!(!is_known(name), "{name}");
        }
    }

    #[test]
    fn coverage() {
        for (wildcard, name, expected) in [
            ("linux-any", "arm64", true),
            ("linux-any", "armhf", true),
            ("linux-any", "kfreebsd-amd64", false),
            ("any-amd64", "kfreebsd-amd64", true),
            ("any-amd64", "x32", true),
            ("any-arm", "armhf", true),
            ("any", "amd64", true),
            ("amd64", "amd64", true),
            ("amd64", "i386", false),
            ("linux-any", "all", false),
        ] {
            assert_eq!(covers(wildcard, name), expected, "{wildcard} {name}");
        }
    }
}
