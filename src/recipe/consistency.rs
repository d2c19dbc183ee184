//! What the keys of a table must have to do with each other, and selectors that
//! are true for no target: faults that no single value shows.

use crate::diagnostic::Diagnostic;
use crate::series::Series;

use super::document::Document;
use super::problems::Problems;
use super::selector::Selector;
use super::value::{Section, Value};

/// Checks a whole recipe.
pub fn check(document: &Document, root: &Section, series: &[Series], problems: &mut Problems) {
    let mut checker = Checker { document, series, problems };
    checker.no_series(root);
    for name in ["source", "patch", "package", "test"] {
        for section in root.tables(name) {
            checker.own_selector(section);
        }
    }
    if let Some(Value::When(blocks)) = root.field("when").map(|f| &f.value) {
        for block in blocks {
            checker.selector(&block.selector, &block.span);
        }
    }
    root.tables("source").iter().for_each(|section| checker.source(section));
}

struct Checker<'a> {
    document: &'a Document,
    series: &'a [Series],
    problems: &'a mut Problems,
}

impl Checker<'_> {
    fn tell(&mut self, code: &'static str, message: impl Into<String>, span: &super::document::Span, hint: &str) {
        let diagnostic = Diagnostic::error(code, message).at(self.document.place(span));
        self.problems.push(if hint.is_empty() { diagnostic } else { diagnostic.hint(hint) });
    }

    fn no_series(&mut self, root: &Section) {
        let Some(field) = root.field("series") else { return };
        if root.list("series").is_empty() && self.problems.is_empty() {
            self.tell("no-series", "`series` names no series", &field.span, "`series = [\"jammy\", \"noble\"]`");
        }
    }

    fn own_selector(&mut self, section: &Section) {
        if let (Some(selector), Some(field)) = (section.when(), section.field("when")) {
            self.selector(selector, &field.span);
        }
    }

    fn selector(&mut self, selector: &Selector, span: &super::document::Span) {
        if self.series.is_empty() {
            return;
        }
        if selector.flavors().any(|(_, negated)| !negated) {
            let hint = "there are flavors only where a package is expanded by `[nginx]`";
            return self.tell(
                "selector-matches-nothing",
                format!("`{}` is true for no target", selector.text()),
                span,
                hint,
            );
        }
        if !self.series.iter().any(|s| selector.matches(s)) {
            let names: Vec<&str> = self.series.iter().map(|s| s.name.as_str()).collect();
            let hint = format!("the targets are {}", names.join(", "));
            self.tell("selector-matches-nothing", format!("`{}` is true for no target", selector.text()), span, &hint);
        }
    }

    fn source(&mut self, section: &Section) {
        if section.has("apt") || section.has("follow") {
            return;
        }
        match (section.field("url"), section.field("git")) {
            (Some(_), Some(git)) => self.tell("source-kinds", "a source has either `url` or `git`", &git.key_span, ""),
            (None, None) if !section.has("url") && !section.has("git") => {
                self.tell(
                    "source-kinds",
                    "the source has neither `url` nor `git`",
                    &section.span,
                    "say where it comes from",
                );
            }
            _ => {}
        }
        self.git(section);
        if let (Some(signature), false) = (section.field("signature"), section.has("keyring")) {
            let hint = "`keyring` names the file with the keys that upstream signs with";
            self.tell("signature-without-keyring", "`signature` needs a `keyring`", &signature.key_span, hint);
        }
        if let (Some(keyring), false) = (section.field("keyring"), section.has("signature")) {
            self.tell(
                "keyring-without-signature",
                "`keyring` without a `signature` verifies nothing",
                &keyring.key_span,
                "",
            );
        }
    }

    fn git(&mut self, section: &Section) {
        let (tag, commit) = (section.field("tag"), section.field("commit"));
        if let Some(git) = section.field("git") {
            match (tag, commit) {
                (Some(_), Some(commit)) => {
                    self.tell("git-reference", "a git source has either `tag` or `commit`", &commit.key_span, "");
                }
                (None, None) if !section.has("tag") && !section.has("commit") => {
                    self.tell("git-reference", "a git source needs a `tag` or a `commit`", &git.key_span, "");
                }
                _ => {}
            }
            if let Some(signature) = section.field("signature") {
                self.tell("signature-of-git", "`signature` is for files, not for git", &signature.key_span, "");
            }
        } else if !section.has("git") {
            for field in [tag, commit].into_iter().flatten() {
                self.tell(
                    "git-reference",
                    format!("`{}` belongs to a `git` source", field.key.name),
                    &field.key_span,
                    "",
                );
            }
        }
    }
}
