//! Real source packages of the release that the machine runs, fetched once by
//! apt through a configuration of its own: the machine's sources with `deb-src`
//! turned on, nothing of the machine's changed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// One fetch at a time within a test program.
static FETCHING: Mutex<()> = Mutex::new(());

/// The folder with the .dsc and its files of a source package, in `target/`.
pub fn source(package: &str) -> PathBuf {
    let _guard = FETCHING.lock().unwrap_or_else(|e| e.into_inner());
    let root = cache();
    let folder = root.join("sources").join(package);
    if dsc(&folder).is_some() {
        return folder;
    }
    let configuration = configure(&root);
    let partial = root.join("sources").join(format!("{package}.{}", std::process::id()));
    std::fs::create_dir_all(&partial).unwrap();
    apt(&configuration, &partial, &["source", "--download-only", "--only-source", package]);
    assert!(dsc(&partial).is_some(), "apt-get source {package} brought no .dsc");
    // another test program may have been quicker
    if std::fs::rename(&partial, &folder).is_err() {
        std::fs::remove_dir_all(&partial).unwrap();
    }
    folder
}

/// The upstream tarball alone of a source package: mirrors have more of these
/// than of whole source packages.
#[allow(dead_code)] // benches include this file too
pub fn orig(package: &str) -> PathBuf {
    let _guard = FETCHING.lock().unwrap_or_else(|e| e.into_inner());
    let root = cache();
    let folder = root.join("origs").join(package);
    let found = || {
        let entries = std::fs::read_dir(&folder).ok()?;
        entries.filter_map(|entry| Some(entry.ok()?.path())).find(|path| path.to_string_lossy().contains(".orig.tar."))
    };
    if found().is_none() {
        let configuration = configure(&root);
        let partial = root.join("origs").join(format!("{package}.{}", std::process::id()));
        std::fs::create_dir_all(&partial).unwrap();
        apt(&configuration, &partial, &["source", "--download-only", "--only-source", "--tar-only", package]);
        if std::fs::rename(&partial, &folder).is_err() {
            std::fs::remove_dir_all(&partial).unwrap();
        }
    }
    found().unwrap_or_else(|| panic!("apt-get source {package} brought no orig"))
}

/// The .dsc in a folder.
pub fn dsc(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries.filter_map(|entry| Some(entry.ok()?.path())).find(|path| path.extension().is_some_and(|e| e == "dsc"))
}

fn cache() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target"));
    let cache = target.join("apt");
    std::fs::create_dir_all(cache.join("sources")).unwrap();
    cache
}

/// Writes the configuration, and has apt fetch the lists if they are not there.
/// Programs that come here together wait for each other.
fn configure(root: &Path) -> PathBuf {
    let lock = std::fs::File::create(root.join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let configuration = root.join("apt.conf");
    let done = root.join("lists-are-there");
    if done.exists() {
        return configuration;
    }
    for folder in ["lists/partial", "archives/partial", "parts"] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    std::fs::write(root.join("sources.sources"), sources()).unwrap();
    let r = root.display();
    let text = format!(
        "Dir::Etc::SourceList \"{r}/sources.sources\";\nDir::Etc::SourceParts \"{r}/parts\";\n\
         Dir::State::Lists \"{r}/lists\";\nDir::Cache \"{r}\";\nDir::Cache::Archives \"{r}/archives\";\n\
         APT::Sandbox::User \"root\";\nAcquire::Languages \"none\";\n\
         #clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n"
    );
    std::fs::write(&configuration, text).unwrap();
    apt(&configuration, root, &["update"]);
    std::fs::write(done, "").unwrap();
    configuration
}

fn apt(configuration: &Path, folder: &Path, arguments: &[&str]) {
    let output = Command::new("apt-get")
        .args(["-q", "-y"])
        .args(arguments)
        .current_dir(folder)
        .env("APT_CONFIG", configuration)
        .env("LC_ALL", "C")
        .output()
        .expect("apt-get must be there");
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "apt-get {arguments:?}: {words}");
}

/// The distribution's own entries (`main` of its archive) of sources.list and
/// sources.list.d, as sources with deb-src. Security updates are left out: the
/// files of the superseded ones vanish, and mirrors lag behind.
fn sources() -> String {
    let mut text = String::new();
    let etc = Path::new("/etc/apt");
    let mut files = vec![etc.join("sources.list")];
    if let Ok(entries) = std::fs::read_dir(etc.join("sources.list.d")) {
        files.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    }
    files.sort();
    for file in files {
        let content = std::fs::read_to_string(&file).unwrap_or_default();
        if file.extension().is_some_and(|e| e == "sources") {
            content.split("\n\n").filter_map(stanza).for_each(|s| text.push_str(&s));
        } else {
            content.lines().filter_map(one_line).for_each(|s| text.push_str(&s));
        }
    }
    assert!(!text.is_empty(), "no archive of Debian or Ubuntu in /etc/apt");
    text
}

fn is_distribution(text: &str) -> bool {
    let named = ["debian", "ubuntu"].iter().any(|name| text.contains(name));
    named && text.contains(" main") && !text.contains("security")
}

fn stanza(stanza: &str) -> Option<String> {
    let lines: Vec<&str> = stanza.lines().filter(|l| !l.starts_with('#') && !l.starts_with("Types:")).collect();
    let text = lines.join("\n");
    is_distribution(&text).then(|| format!("Types: deb-src\n{}\n\n", text.trim()))
}

fn one_line(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("deb ")?.trim();
    let (options, rest) = match rest.strip_prefix('[').and_then(|r| r.split_once(']')) {
        Some((options, rest)) => (options, rest),
        None => ("", rest),
    };
    let mut words = rest.split_whitespace();
    let (uri, suite) = (words.next()?, words.next()?);
    let signed = options.split_whitespace().find_map(|o| o.strip_prefix("signed-by="));
    let signed = signed.map_or(String::new(), |key| format!("Signed-By: {key}\n"));
    let components: Vec<&str> = words.collect();
    let text = format!("URIs: {uri}\nSuites: {suite}\nComponents: {}\n{signed}", components.join(" "));
    is_distribution(&text).then(|| format!("Types: deb-src\n{text}\n"))
}
