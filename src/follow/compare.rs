//! What is different between two looks at a package, and what it means for the
//! modules that were built before: whether they go on loading into this nginx,
//! or may crash in it.

use crate::lock::{Followed, LockedFlavor, LockedMode, NginxFacts};

/// What a change means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// It was not in the lock.
    New,
    /// A new version of a package that is no nginx.
    Version,
    /// A new nginx into which modules built for the one before still load.
    PatchLevel,
    /// A new nginx for which modules built for the one before are not: they
    /// do not load, or load and may crash.
    Abi,
    /// A new nginx as [`Weight::PatchLevel`], which the recipe does not follow
    /// (`rebuild = "abi"`): the lock stays.
    Held,
    /// The same version, of which more or other things are known.
    Facts,
    /// The recipe does not follow it any longer.
    Gone,
}

impl Weight {
    /// In the JSON document.
    pub fn name(self) -> &'static str {
        match self {
            Weight::New => "new",
            Weight::Version => "version",
            Weight::PatchLevel => "patch-level",
            Weight::Abi => "abi",
            Weight::Held => "held",
            Weight::Facts => "facts",
            Weight::Gone => "gone",
        }
    }

    /// For people: what it means, and why it matters.
    pub fn meaning(self) -> &'static str {
        match self {
            Weight::New => "new in the lock",
            Weight::Version => "a new version",
            Weight::PatchLevel => "only a patch level: modules built before still load",
            Weight::Abi => "the ABI changed: modules built before do not load, or may crash",
            Weight::Held => "only a patch level, not followed (rebuild = \"abi\")",
            Weight::Facts => "the same version, looked up for more",
            Weight::Gone => "no longer followed",
        }
    }
}

/// One difference between the lock and the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// As the lock calls it.
    pub name: String,
    /// Code name.
    pub series: String,
    /// The source package.
    pub package: String,
    /// The version in the lock.
    pub old: Option<String>,
    /// The version in the archive.
    pub new: Option<String>,
    /// Where the archive has it.
    pub suite: Option<String>,
    /// What it means.
    pub weight: Weight,
    /// What is different, a line each.
    pub reasons: Vec<String>,
}

impl Change {
    /// Of what the lock did not have.
    pub(super) fn first(new: &Followed) -> Change {
        let reasons = new.nginx.as_ref().map(described).unwrap_or_default();
        Change { weight: Weight::New, reasons, old: None, ..Change::between(new, new) }
    }

    /// Of what is taken out of the lock.
    pub(super) fn gone(old: &Followed) -> Change {
        Change { weight: Weight::Gone, new: None, suite: None, ..Change::between(old, old) }
    }

    /// Whether the lock changes by it.
    pub fn is_applied(&self) -> bool {
        self.weight != Weight::Held
    }

    fn between(old: &Followed, new: &Followed) -> Change {
        Change {
            name: new.name.clone(),
            series: new.series.clone(),
            package: new.package.clone(),
            old: Some(old.version.clone()),
            new: Some(new.version.clone()),
            suite: Some(new.suite.clone()),
            weight: Weight::Version,
            reasons: Vec::new(),
        }
    }
}

fn described(facts: &NginxFacts) -> Vec<String> {
    let names: Vec<&str> = facts.flavors.iter().map(|flavor| flavor.name.as_str()).collect();
    let signatures = facts.signatures.keys().chain(facts.flavors.iter().flat_map(|flavor| flavor.signatures.keys()));
    let architectures: std::collections::BTreeSet<&str> = signatures.map(String::as_str).collect();
    let how = match facts.mode {
        LockedMode::Flavors => "flavors compiled separately",
        LockedMode::Dev => "one binary, built against with nginx-dev",
    };
    let architectures = architectures.into_iter().collect::<Vec<_>>().join(", ");
    vec![format!("{how}: {}; {architectures}", names.join(", "))]
}

/// The difference between what the lock has and what was found; `headers` names
/// the headers that differ, where that can be told.
pub(super) fn compare(old: &Followed, new: &Followed, headers: impl FnOnce() -> Option<Vec<String>>) -> Option<Change> {
    // a version may be in several pockets, and be copied from one to the next
    if (Followed { suite: old.suite.clone(), ..new.clone() }) == *old {
        return None;
    }
    let same_version = old.version == new.version;
    let mut change = Change::between(old, new);
    let (Some(before), Some(after)) = (&old.nginx, &new.nginx) else {
        change.weight = if same_version { Weight::Facts } else { Weight::Version };
        return Some(change);
    };
    let mut abi = Vec::new();
    let upstream = |followed: &Followed| followed.parsed_version().map(|version| version.upstream);
    if let (Some(was), Some(is)) = (upstream(old), upstream(new)) {
        if was != is {
            abi.push(format!("nginx {was} became {is}: it loads modules of its own version only"));
        }
    }
    of_facts(before, after, &mut abi);
    let both_known = before.headers.is_some() && after.headers.is_some();
    if both_known && before.headers != after.headers {
        abi.push(headers_reason(headers()));
    }
    change.weight = match (abi.is_empty(), same_version) {
        (false, _) => Weight::Abi,
        (true, false) => Weight::PatchLevel,
        (true, true) => Weight::Facts,
    };
    change.reasons = abi;
    change.reasons.extend(coverage(before, after));
    if before.headers.is_some() && !both_known {
        change.reasons.push("its headers could not be compared".to_string());
    }
    Some(change)
}

fn headers_reason(changed: Option<Vec<String>>) -> String {
    match changed.filter(|changed| !changed.is_empty()) {
        Some(changed) => format!("headers of the patched source differ: {}", changed.join(", ")),
        None => "headers of the patched source differ".to_string(),
    }
}

fn of_facts(before: &NginxFacts, after: &NginxFacts, reasons: &mut Vec<String>) {
    if before.mode != after.mode {
        reasons.push("modules are built in another way now: the series has, or no longer has, nginx-dev".to_string());
        return;
    }
    if before.abi != after.abi {
        let name = |abi: &Option<String>| abi.clone().unwrap_or_else(|| "none".to_string());
        reasons.push(format!("{} became {}", name(&before.abi), name(&after.abi)));
    }
    let one = |facts: &NginxFacts| LockedFlavor {
        name: String::new(),
        package: "nginx".to_string(),
        over: None,
        configure: facts.configure.clone(),
        signatures: facts.signatures.clone(),
    };
    of_flavor(&one(before), &one(after), reasons);
    for was in &before.flavors {
        if let Some(is) = after.flavor(&was.name) {
            of_flavor(was, is, reasons);
        }
    }
}

fn of_flavor(was: &LockedFlavor, is: &LockedFlavor, reasons: &mut Vec<String>) {
    if was.over != is.over {
        reasons.push(format!("{} has its binary from elsewhere", was.package));
        return;
    }
    for (architecture, signature) in &was.signatures {
        if let Some(other) = is.signatures.get(architecture).filter(|other| *other != signature) {
            reasons.push(format!("signature of {} ({architecture}): {signature} became {other}", was.package));
        }
    }
    // where nothing was known of it, nothing has changed
    if was.signatures.is_empty() || was.configure == is.configure {
        return;
    }
    let words = |sign: char, these: &[String], others: &[String]| {
        let only = these.iter().filter(|word| !others.contains(word));
        only.map(|word| format!("{sign}{word}")).collect::<Vec<_>>()
    };
    let mut changed = words('-', &was.configure, &is.configure);
    changed.extend(words('+', &is.configure, &was.configure));
    if changed.is_empty() {
        changed.push("their order".to_string());
    }
    reasons.push(format!("configure arguments of {}: {}", was.package, changed.join(" ")));
}

/// Architectures and flavors that came or went: of no matter to modules that are
/// there, and yet to be told.
fn coverage(before: &NginxFacts, after: &NginxFacts) -> Vec<String> {
    let mut lines = Vec::new();
    for flavor in after.flavors.iter().filter(|flavor| before.flavor(&flavor.name).is_none()) {
        lines.push(format!("flavor {} is new", flavor.name));
    }
    for flavor in &before.flavors {
        let Some(is) = after.flavor(&flavor.name) else {
            lines.push(format!("flavor {} is no longer there", flavor.name));
            continue;
        };
        for name in is.signatures.keys().filter(|name| !flavor.signatures.contains_key(*name)) {
            lines.push(format!("{} is known for {name}", flavor.package));
        }
        for name in flavor.signatures.keys().filter(|name| !is.signatures.contains_key(*name)) {
            lines.push(format!("{} is no longer there for {name}", flavor.package));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::PinnedFile;
    use std::collections::BTreeMap;

    fn followed(version: &str, change: impl Fn(&mut NginxFacts)) -> Followed {
        let pinned = |file: String| PinnedFile { file, sha256: "ab".repeat(32), size: 1 };
        let mut nginx = NginxFacts {
            mode: LockedMode::Flavors,
            abi: None,
            headers: Some("cd".repeat(32)),
            configure: vec![],
            signatures: BTreeMap::new(),
            flavors: vec![LockedFlavor {
                name: "core".into(),
                package: "nginx-core".into(),
                over: None,
                configure: vec!["--with-compat".into()],
                signatures: BTreeMap::from([("amd64".into(), "8,4,8,0".into())]),
            }],
        };
        change(&mut nginx);
        Followed {
            name: "nginx".into(),
            series: "jammy".into(),
            package: "nginx".into(),
            version: version.into(),
            suite: "jammy-security".into(),
            directory: "pool/main/n/nginx".into(),
            dsc: pinned(format!("nginx_{version}.dsc")),
            debian: Some(pinned(format!("nginx_{version}.debian.tar.xz"))),
            origs: vec![pinned("nginx_1.18.0.orig.tar.gz".into())],
            nginx: Some(nginx),
        }
    }

    fn weigh(version: &str, change: impl Fn(&mut NginxFacts)) -> (Weight, String) {
        let headers = || Some(vec!["src/core/ngx_connection.h changed".to_string()]);
        let change = compare(&followed("1.18.0-6ubuntu14.4", |_| ()), &followed(version, change), headers).unwrap();
        (change.weight, change.reasons.join("\n"))
    }

    #[test]
    fn what_a_new_nginx_means() {
        let old = followed("1.18.0-6ubuntu14.4", |_| ());
        assert_eq!(compare(&old, &old, || None), None);
        let next = "1.18.0-6ubuntu14.5";
        assert_eq!(weigh(next, |_| ()), (Weight::PatchLevel, String::new()));
        let (weight, why) = weigh(next, |nginx| nginx.headers = Some("ef".repeat(32)));
        assert_eq!(weight, Weight::Abi);
        assert!(why.contains("src/core/ngx_connection.h changed"), "{why}");
        let (weight, why) = weigh(next, |nginx| {
            nginx.flavors[0].signatures.insert("amd64".into(), "8,4,8,1".into());
            nginx.flavors[0].configure = vec!["--with-debug".into()];
        });
        assert_eq!(weight, Weight::Abi);
        assert!(why.contains("8,4,8,0 became 8,4,8,1") && why.contains("---with-compat +--with-debug"), "{why}");
        assert_eq!(weigh("1.20.0-1", |_| ()).0, Weight::Abi);
        assert_eq!(weigh(next, |nginx| nginx.mode = LockedMode::Dev).0, Weight::Abi);
        assert_eq!(weigh(next, |nginx| nginx.abi = Some("nginx-abi-2".into())).0, Weight::Abi);
    }

    #[test]
    fn an_architecture_more_is_no_change_of_the_abi() {
        let old = followed("1.18.0-6ubuntu14.4", |_| ());
        let copied = Followed { suite: "jammy-updates".into(), ..old.clone() };
        assert_eq!(compare(&old, &copied, || None), None);
        let more = |nginx: &mut NginxFacts| {
            drop(nginx.flavors[0].signatures.insert("arm64".into(), "8,4,8,1".into()));
        };
        assert_eq!(weigh("1.18.0-6ubuntu14.4", more), (Weight::Facts, "nginx-core is known for arm64".into()));
    }
}
