//! debian/changelog entries (deb-changelog(5)).

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Source package name.
    pub source: String,
    /// Full Debian version.
    pub version: String,
    /// Target distributions, separated by blanks (one series for us).
    pub distribution: String,
    /// `low`, `medium`, `high`, `emergency` or `critical`.
    pub urgency: String,
    /// The text between header and trailer: lines without the two-blank indent,
    /// e.g. `* New upstream version 1.2`.
    pub changes: Vec<String>,
    /// `Name <address>`.
    pub author: String,
    /// RFC 2822 date, verbatim.
    pub date: String,
}
