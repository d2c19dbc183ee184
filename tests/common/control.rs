//! Reading Debian control files as the tests need it: order and text of every
//! field kept byte for byte, a clear-text signature (RFC 9580 §7) taken off.
//! Its own small reader on purpose: the tests must not judge pkgr with pkgr.

use std::path::Path;

/// One paragraph: (name, value) in the order of the file. A value keeps its
/// continuation lines with their indentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paragraph {
    pub fields: Vec<(String, String)>,
}

/// One line of Files or Checksums-*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub digest: String,
    pub size: u64,
    /// Section and priority in a .changes, nothing elsewhere.
    pub kind: Vec<String>,
    pub name: String,
}

impl Paragraph {
    /// The one paragraph of a .dsc, .changes or .buildinfo, signed or not.
    pub fn read(path: &Path) -> Paragraph {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut all = parse(&unsigned(&text));
        assert_eq!(all.len(), 1, "{} has {} paragraphs", path.display(), all.len());
        all.remove(0)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A field that must be there.
    #[track_caller]
    pub fn need(&self, name: &str) -> &str {
        self.get(name).unwrap_or_else(|| panic!("no field {name} in {:?}", self.names()))
    }

    pub fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The lines of Files or Checksums-*.
    #[track_caller]
    pub fn files(&self, field: &str) -> Vec<Listed> {
        let lines = self.need(field).lines().skip(1);
        lines
            .map(|line| {
                let mut words: Vec<String> = line.split_whitespace().map(str::to_string).collect();
                assert!(words.len() >= 3, "{field}: {line}");
                let name = words.pop().unwrap();
                let digest = words.remove(0);
                Listed { digest, size: words.remove(0).parse().unwrap(), kind: words, name }
            })
            .collect()
    }
}

/// All paragraphs of a control file.
pub fn parse(text: &str) -> Vec<Paragraph> {
    let mut all = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in text.lines().chain([""]) {
        if line.trim().is_empty() {
            if !fields.is_empty() {
                all.push(Paragraph { fields: std::mem::take(&mut fields) });
            }
        } else if line.starts_with([' ', '\t']) {
            let last = fields.last_mut().expect("a continuation line before any field");
            last.1.push('\n');
            last.1.push_str(line);
        } else {
            let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("no field: {line}"));
            fields.push((name.to_string(), value.strip_prefix(' ').unwrap_or(value).to_string()));
        }
    }
    all
}

/// The signed text of a clear-signed message, or the text itself.
pub fn unsigned(text: &str) -> String {
    let Some(rest) = text.strip_prefix("-----BEGIN PGP SIGNED MESSAGE-----\n") else {
        return text.to_string();
    };
    let (_, rest) = rest.split_once("\n\n").expect("no end of the armor headers");
    let (body, signature) = rest.split_once("\n-----BEGIN PGP SIGNATURE-----\n").expect("no signature");
    assert!(signature.trim_end().ends_with("-----END PGP SIGNATURE-----"), "text after the signature");
    let lines: Vec<&str> = body.lines().map(|line| line.strip_prefix("- ").unwrap_or(line)).collect();
    lines.join("\n") + "\n"
}
