//! A stanza of Sources or Packages as what it says about a package. The index is
//! signed, and is yet not trusted with paths, sizes and names: an archive that
//! has gone bad must not write outside the pool's shape.

use super::Suite;
use super::error::AptError;
use super::index::Stanza;
use super::release::is_sha256;
use crate::deb::names;
use crate::deb::version::Version;

/// A larger file is no package.
const LARGEST_FILE: u64 = 64 << 30;

/// A file of the pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolFile {
    /// Its name, without a folder.
    pub name: String,
    /// 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

/// A version of a source package, as an index lists it.
#[derive(Debug, Clone)]
pub struct SourceEntry {
    /// The source package.
    pub package: String,
    /// Its version.
    pub version: Version,
    /// Where it was found.
    pub suite: Suite,
    /// `main`.
    pub component: String,
    /// The archive's address, without a slash at its end.
    pub site: String,
    /// The folder of its files, relative to the archive's address.
    pub directory: String,
    /// The .dsc.
    pub dsc: PoolFile,
    /// All other files, in the index's order.
    pub files: Vec<PoolFile>,
    /// Names of its binary packages.
    pub binaries: Vec<String>,
}

impl SourceEntry {
    /// The orig tarballs among its files, the main one first.
    pub fn origs(&self) -> Vec<&PoolFile> {
        let is_orig = |file: &&PoolFile| file.name.contains(".orig") && !file.name.ends_with(".asc");
        let mut origs: Vec<&PoolFile> = self.files.iter().filter(is_orig).collect();
        origs.sort_by_key(|file| !file.name.contains(".orig.tar."));
        origs
    }
}

/// A version of a binary package, as an index lists it.
#[derive(Debug, Clone)]
pub struct BinaryEntry {
    /// The binary package.
    pub package: String,
    /// Its version.
    pub version: Version,
    /// `amd64`, `all`.
    pub architecture: String,
    /// The source package's name.
    pub source: String,
    /// The source package's version.
    pub source_version: Version,
    /// Where it was found.
    pub suite: Suite,
    /// `main`.
    pub component: String,
    /// The archive's address, without a slash at its end.
    pub site: String,
    /// The folder of the .deb, relative to the archive's address.
    pub directory: String,
    /// The .deb.
    pub file: PoolFile,
    /// `Depends`, empty where there is none.
    pub depends: String,
    /// `Provides`, empty where there is none.
    pub provides: String,
}

impl BinaryEntry {
    /// Whether it provides a name, in any version; a package provides its own.
    pub fn is_provider_of(&self, name: &str) -> bool {
        let first = |relation: &str| {
            relation.trim().split(|c: char| c.is_whitespace() || c == '(' || c == ':').next().map(str::to_string)
        };
        self.package == name || self.provides.split(',').any(|relation| first(relation).as_deref() == Some(name))
    }
}

/// Fields by name, read by debcontrol, which keeps duplicates.
struct Fields<'f>(Vec<debcontrol::Field<'f>>);

impl<'f> Fields<'f> {
    fn parse(text: &'f [u8]) -> Result<Fields<'f>, String> {
        let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8")?;
        let mut paragraphs = debcontrol::parse_str(text).map_err(|e| format!("it is no stanza: {e}"))?;
        let (Some(paragraph), true) = (paragraphs.pop(), paragraphs.is_empty()) else {
            return Err("it is not one stanza".to_string());
        };
        let fields = paragraph.fields;
        for (i, field) in fields.iter().enumerate() {
            if fields.iter().skip(i + 1).any(|other| other.name.eq_ignore_ascii_case(field.name)) {
                return Err(format!("it has two fields {}", field.name));
            }
        }
        Ok(Fields(fields))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value.trim())
    }

    fn need(&self, name: &str) -> Result<&str, String> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| format!("it has no {name}"))
    }
}

/// A source package; `None` for what is kept for its licence's sake only.
pub fn source(stanza: &Stanza) -> Result<Option<SourceEntry>, AptError> {
    read_source(stanza).map_err(|why| refused(stanza, why))
}

/// A binary package.
pub fn binary(stanza: &Stanza) -> Result<BinaryEntry, AptError> {
    read_binary(stanza).map_err(|why| refused(stanza, why))
}

fn refused(stanza: &Stanza, why: String) -> AptError {
    let text = String::from_utf8_lossy(&stanza.text);
    let package = text.lines().find_map(|line| line.strip_prefix("Package: ")).unwrap_or("a package").to_string();
    AptError::BadEntry { package, index: stanza.index.clone(), why }
}

fn read_source(stanza: &Stanza) -> Result<Option<SourceEntry>, String> {
    let fields = Fields::parse(&stanza.text)?;
    if fields.get("Extra-Source-Only") == Some("yes") {
        return Ok(None);
    }
    let package = fields.need("Package")?;
    names::check_source(package).map_err(|e| e.to_string())?;
    let mut files = Vec::new();
    let listed = fields.get("Checksums-Sha256").ok_or("it has no Checksums-Sha256")?;
    for line in listed.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let [sha256, size, name] = words.as_slice() else {
            return Err(format!("`{}` is no line of Checksums-Sha256", line.trim()));
        };
        let file = pool_file(name, sha256, size)?;
        if files.iter().any(|other: &PoolFile| other.name == file.name) {
            return Err(format!("it lists {name} twice"));
        }
        files.push(file);
    }
    let place = files.iter().position(|file| file.name.ends_with(".dsc")).ok_or("it lists no .dsc")?;
    let dsc = files.remove(place);
    let binaries = fields.get("Binary").unwrap_or_default().split([',', '\n', ' ']).map(str::trim);
    Ok(Some(SourceEntry {
        package: package.to_string(),
        version: version(fields.need("Version")?)?,
        suite: stanza.suite.clone(),
        component: stanza.component.clone(),
        site: stanza.site.clone(),
        directory: folder(fields.need("Directory")?)?,
        dsc,
        files,
        binaries: binaries.filter(|name| !name.is_empty()).map(str::to_string).collect(),
    }))
}

fn read_binary(stanza: &Stanza) -> Result<BinaryEntry, String> {
    let fields = Fields::parse(&stanza.text)?;
    let package = fields.need("Package")?;
    names::check_package(package).map_err(|e| e.to_string())?;
    let version_text = fields.need("Version")?;
    let source = fields.get("Source").unwrap_or(package);
    let (source, source_version) = match source.split_once('(') {
        Some((name, version)) => (name.trim(), version.trim_end_matches(')').trim()),
        None => (source, version_text),
    };
    let path = fields.need("Filename")?;
    let (directory, name) = path.rsplit_once('/').ok_or_else(|| format!("`{path}` names no folder of the pool"))?;
    Ok(BinaryEntry {
        package: package.to_string(),
        version: version(version_text)?,
        architecture: fields.need("Architecture")?.to_string(),
        source: source.to_string(),
        source_version: version(source_version)?,
        suite: stanza.suite.clone(),
        component: stanza.component.clone(),
        site: stanza.site.clone(),
        directory: folder(directory)?,
        file: pool_file(name, fields.need("SHA256")?, fields.need("Size")?)?,
        depends: fields.get("Depends").unwrap_or_default().to_string(),
        provides: fields.get("Provides").unwrap_or_default().to_string(),
    })
}

fn version(text: &str) -> Result<Version, String> {
    Version::parse(text).map_err(|e| e.to_string())
}

fn pool_file(name: &str, sha256: &str, size: &str) -> Result<PoolFile, String> {
    if !is_plain(name) {
        return Err(format!("`{}` is no file name", name.escape_debug()));
    }
    if !is_sha256(sha256) {
        return Err(format!("`{}` is no SHA-256", sha256.escape_debug()));
    }
    let size = size.parse::<u64>().ok().filter(|size| *size <= LARGEST_FILE);
    let size = size.ok_or_else(|| format!("the size of {name} is absurd"))?;
    Ok(PoolFile { name: name.to_string(), sha256: sha256.to_ascii_lowercase(), size })
}

/// A relative path that stays below the archive's address.
fn folder(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/');
    match text.split('/').all(is_plain) {
        true => Ok(text.to_string()),
        false => Err(format!("`{}` leaves the pool", text.escape_debug())),
    }
}

/// One step of a path, of the characters that archives use.
fn is_plain(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+-._~:%=@,".contains(&b);
    !name.is_empty() && name.len() <= 255 && !name.starts_with('.') && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::super::Pocket;
    use super::*;
    use crate::series::catalog;

    const SOURCE: &str = "Package: nginx\nBinary: nginx, nginx-doc,\n nginx-dev\nVersion: 1.22.1-9\nDirectory: pool/main/n/nginx\nChecksums-Sha256:\n 1111111111111111111111111111111111111111111111111111111111111111 3 nginx_1.22.1-9.dsc\n 2222222222222222222222222222222222222222222222222222222222222222 4 nginx_1.22.1.orig-doc.tar.gz\n 3333333333333333333333333333333333333333333333333333333333333333 5 nginx_1.22.1.orig.tar.gz\n 3333333333333333333333333333333333333333333333333333333333333333 5 nginx_1.22.1.orig.tar.gz.asc\n";
    const BINARY: &str = "Package: nginx-dev\nSource: nginx (1.22.1-9)\nVersion: 1.22.1-9+b1\nArchitecture: all\nProvides: dh-nginx (= 1), dh-sequence-nginx\nFilename: pool/main/n/nginx/nginx-dev_1.22.1-9_all.deb\nSize: 7\nSHA256: 1111111111111111111111111111111111111111111111111111111111111111\n";

    fn stanza(text: impl Into<Vec<u8>>) -> Stanza {
        Stanza {
            text: text.into(),
            suite: Suite::new(catalog().find("bookworm").unwrap(), Pocket::Release).unwrap(),
            site: "http://m.example".to_string(),
            component: "main".to_string(),
            index: "bookworm/main/source/Sources".to_string(),
        }
    }

    #[test]
    fn a_source() {
        let entry = source(&stanza(SOURCE)).unwrap().unwrap();
        assert_eq!(entry.binaries, ["nginx", "nginx-doc", "nginx-dev"]);
        assert_eq!((entry.dsc.name.as_str(), entry.dsc.size, entry.files.len()), ("nginx_1.22.1-9.dsc", 3, 3));
        let origs: Vec<&str> = entry.origs().iter().map(|file| file.name.as_str()).collect();
        assert_eq!(origs, ["nginx_1.22.1.orig.tar.gz", "nginx_1.22.1.orig-doc.tar.gz"]);
        assert!(source(&stanza(format!("{SOURCE}Extra-Source-Only: yes\n"))).unwrap().is_none());
    }

    #[test]
    fn a_binary() {
        let entry = binary(&stanza(BINARY)).unwrap();
        assert_eq!((entry.source.as_str(), entry.source_version.to_string()), ("nginx", "1.22.1-9".to_string()));
        assert!(entry.is_provider_of("dh-sequence-nginx") && entry.is_provider_of("dh-nginx"));
        assert!(!entry.is_provider_of("nginx"));
    }

    #[test]
    fn hostile_content_is_refused() {
        for (from, to, why) in [
            ("pool/main", "../main", "leaves the pool"),
            ("pool/main", "/main", "leaves the pool"),
            ("pool/main", "pool//main", "leaves the pool"),
            ("pool/main", "pool/main?x", "leaves the pool"),
            (" nginx_1.22.1-9.dsc", " ../x.dsc", "no file name"),
            (" nginx_1.22.1-9.dsc", " a\\b.dsc", "no file name"),
            (" nginx_1.22.1-9.dsc", " x", "no .dsc"),
            (" 3 nginx", " 99999999999999 nginx", "absurd"),
            (" 3 nginx", " -3 nginx", "absurd"),
            ("11111 3", "1111g 3", "no SHA-256"),
            ("Checksums-Sha256", "Files", "no Checksums-Sha256"),
            ("orig.tar.gz.asc", "orig.tar.gz", "twice"),
            ("Package: nginx", "Package: Nginx/..", "not allowed"),
            ("1.22.1-9\nDir", "x\nDir", "does not begin with a digit"),
            ("Version", "version: 1\nVersion", "two fields"),
        ] {
            assert!(SOURCE.contains(from), "{from}");
            let error = source(&stanza(SOURCE.replacen(from, to, 1))).unwrap_err().to_string();
            assert!(error.contains(why), "{to}: {error}");
        }
        let mut text = SOURCE.as_bytes().to_vec();
        text.extend_from_slice(b"Maintainer: \xff\n");
        assert!(source(&stanza(text)).unwrap_err().to_string().contains("not UTF-8"));
        let error = binary(&stanza(BINARY.replace("pool/main/n/nginx/nginx", "pool/../../etc/nginx"))).unwrap_err();
        assert!(error.to_string().contains("leaves the pool"));
        assert!(binary(&stanza(BINARY.replace("Size: 7", "Size: 7e9"))).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..99), from in 0..300usize) {
            for text in [SOURCE, BINARY] {
                let mut changed = text.as_bytes().to_vec();
                let from = from.min(changed.len());
                changed.splice(from..from, bytes.iter().copied());
                let (_, _) = (source(&stanza(changed.clone())), binary(&stanza(changed)));
            }
        }
    }
}
