//! What the keys of a table must have to do with each other, and selectors that
//! are true for no target: faults that no single value shows.

use crate::diagnostic::Diagnostic;
use crate::series::Series;

use super::document::Document;
use super::problems::Problems;
use super::selector::Selector;
use super::value::{Section, Value, When};
use super::{keys, suggest};

/// Checks a whole recipe.
pub fn check(document: &Document, root: &Section, series: &[Series], problems: &mut Problems) {
    let mut checker = Checker { document, series, problems, flavors: flavors(root) };
    checker.no_series(root);
    for name in ["source", "patch", "package", "test"] {
        for section in root.tables(name) {
            checker.own_selector(section);
        }
    }
    for block in blocks(root) {
        checker.selector(&block.selector, &block.span);
    }
    root.tables("source").iter().for_each(|section| checker.source(section, root));
    checker.nginx(root);
    checker.follows(root);
    checker.watch(root);
}

struct Checker<'a> {
    document: &'a Document,
    series: &'a [Series],
    problems: &'a mut Problems,
    /// Of all targets.
    flavors: Vec<String>,
}

/// The blocks of `[when]`.
fn blocks(root: &Section) -> &[When] {
    match root.field("when").map(|f| &f.value) {
        Some(Value::When(blocks)) => blocks,
        _ => &[],
    }
}

/// Every flavor that some target may have.
fn flavors(root: &Section) -> Vec<String> {
    let Some(nginx) = root.table("nginx") else { return Vec::new() };
    let layers = blocks(root).iter().filter_map(|block| block.section.table("nginx"));
    let named = std::iter::once(nginx).chain(layers).filter_map(|section| section.field("flavors"));
    let mut flavors: Vec<String> = named
        .flat_map(|field| match &field.value {
            Value::List(items) => items.as_slice(),
            Value::Change { add, .. } => add.as_slice(),
            _ => &[],
        })
        .map(|item| item.identity().to_string())
        .collect();
    if !nginx.has("flavors") {
        flavors.extend(keys::FLAVORS.iter().map(|flavor| flavor.to_string()));
    }
    flavors
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
        let named = selector.flavors().next().is_some();
        if named && !self.flavors.iter().any(|flavor| selector.matches_flavor(flavor)) {
            let hint = match self.flavors.is_empty() {
                true => "there are flavors only where a package is expanded by `[nginx]`".to_string(),
                false => format!("the flavors are {}", self.flavors.join(", ")),
            };
            return self.tell(
                "selector-matches-nothing",
                format!("`{}` is true for no target", selector.text()),
                span,
                &hint,
            );
        }
        if !self.series.iter().any(|s| selector.matches(s)) {
            let names: Vec<&str> = self.series.iter().map(|s| s.name.as_str()).collect();
            let hint = format!("the targets are {}", names.join(", "));
            self.tell("selector-matches-nothing", format!("`{}` is true for no target", selector.text()), span, &hint);
        }
    }

    fn source(&mut self, section: &Section, root: &Section) {
        const KINDS: [&str; 4] = ["url", "git", "apt", "follow"];
        let mut kinds = KINDS.iter().filter_map(|kind| section.field(kind));
        match (kinds.next(), kinds.next()) {
            (Some(one), Some(other)) => {
                let message = format!("a source has either `{}` or `{}`", one.key.name, other.key.name);
                self.tell("source-kinds", message, &other.key_span, "");
            }
            (None, _) if !KINDS.iter().any(|kind| section.has(kind)) => {
                let message = "the source has none of `url`, `git`, `apt` and `follow`";
                self.tell("source-kinds", message, &section.span, "say where it comes from");
            }
            _ => {}
        }
        self.git(section);
        self.distribution(section, root);
        if section.has("apt") || section.has("follow") {
            return;
        }
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

    /// A source from the distribution's archive.
    fn distribution(&mut self, section: &Section, root: &Section) {
        if let Some(follow) = section.text("follow") {
            let mut names: Vec<&str> = root.named("follow").iter().map(|(name, _)| name.value.as_str()).collect();
            names.extend(root.has("nginx").then_some("nginx"));
            if !names.contains(&follow.value.as_str()) && !root.broken.contains(&"follow") {
                let hint = suggest::hint(&follow.value, names)
                    .unwrap_or_else(|| format!("`[follow.{}]` says what is followed", follow.value));
                let message = format!("nothing is followed under the name `{}`", follow.value);
                self.tell("unknown-follow", message, &follow.span, &hint);
            }
        }
        if section.has("apt") || section.has("follow") {
            for field in ["signature", "keyring"].iter().filter_map(|name| section.field(name)) {
                let message = format!("`{}` is for files of upstream's own", field.key.name);
                let hint = "what the archive has is verified by the archive's own signature";
                self.tell("signature-of-archive", message, &field.key_span, hint);
            }
        }
    }

    /// `[nginx]` makes the packages, the build and the revision itself.
    fn nginx(&mut self, root: &Section) {
        if !root.has("nginx") {
            for field in blocks(root).iter().filter_map(|block| block.section.field("nginx")) {
                let hint = "write `[nginx]` at the top level, and here what differs";
                self.tell("nginx-in-when", "`[nginx]` for some targets only", &field.key_span, hint);
            }
            return;
        }
        if !root.has("source") {
            if let Some(field) = root.field("nginx") {
                let hint = "`[[source]]` says where the module's own tarball is";
                self.tell("nginx-without-source", "an `[nginx]` without a `[[source]]`", &field.key_span, hint);
            }
        }
        let own = [
            ("build", "build-of-nginx", "`env` and `prepare` stand in `[nginx]`"),
            (
                "revision",
                "revision-of-nginx",
                "the version of nginx takes its place: `VERSION+nginx1.18.0-6ubuntu14.4`",
            ),
            ("files", "files-of-nginx", "the modules are installed by pkgr, other files by `install`"),
        ];
        let sections = std::iter::once(root).chain(blocks(root).iter().map(|block| &block.section));
        for section in sections {
            for (key, code, hint) in own {
                if let Some(field) = section.field(key) {
                    self.tell(code, format!("`{key}` has no meaning beside `[nginx]`"), &field.key_span, hint);
                }
            }
            for item in section.list("architectures").iter().filter(|item| item.identity() == "all") {
                let message = "a module of nginx is built for each architecture, never for `all`";
                self.tell("nginx-for-all", message, item.span(), "leave `architectures` out, or name some");
            }
        }
        for component in root.tables("source").iter().filter_map(|section| section.text("component")) {
            if component.value == "nginx" {
                let message = "the component `nginx` is nginx itself, which `[nginx]` adds";
                self.tell("duplicate-component", message, &component.span, "give it another name");
            }
        }
    }

    fn follows(&mut self, root: &Section) {
        for (name, section) in root.named("follow") {
            if !section.has("package") && crate::deb::names::check_source(&name.value).is_err() {
                let message = format!("`{}` is no name of a package, and `package` does not say which", name.value);
                self.tell("follow-without-package", message, &name.span, "add `package = \"NAME\"`");
            }
        }
    }

    fn watch(&mut self, root: &Section) {
        let Some(watch) = root.table("watch") else { return };
        let mut places = keys::WATCHED.iter().filter_map(|name| watch.field(name));
        let (first, second) = (places.next(), places.next());
        match (first, second) {
            (Some(one), Some(other)) => {
                let message = format!("`[watch]` has either `{}` or `{}`", one.key.name, other.key.name);
                self.tell("watch-kinds", message, &other.key_span, "");
            }
            (None, _) if !keys::WATCHED.iter().any(|name| watch.has(name)) => {
                let hint = format!("one of {}", keys::WATCHED.join(", "));
                self.tell("watch-kinds", "`[watch]` does not say where to look", &watch.span, &hint);
            }
            (Some(one), _) if one.key.name == "pypi" => {
                if let Some(tag) = watch.field("tag") {
                    self.tell("watch-tag", "PyPI has versions, not tags", &tag.key_span, "leave `tag` out");
                }
            }
            _ => {}
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
