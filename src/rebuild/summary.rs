//! A report as Markdown, for the page of a CI job (`--summary`): a headline,
//! one table, and below it what moved and what failed. GitHub Flavored Markdown,
//! which GitLab renders too.

use std::fmt::Write;

use super::report::{Outcome, Package, RecipeReport, Report, first_message};
use crate::diagnostic::Failure;

/// The page.
pub fn markdown(report: &Report) -> String {
    let mut page = format!("## pkgr rebuild: {}\n", headline(report));
    for recipe in &report.recipes {
        section(&mut page, recipe);
    }
    page
}

/// What matters most, in one line.
pub fn headline(report: &Report) -> String {
    let count = |wanted: fn(&Outcome) -> bool| {
        report.recipes.iter().flat_map(|recipe| &recipe.packages).filter(|p| wanted(&p.outcome)).count()
    };
    let numbers = [
        (report.failures().count(), "failed"),
        (count(|o| matches!(o, Outcome::Published)), "published"),
        (count(|o| matches!(o, Outcome::Uploaded)), "uploaded"),
        (count(|o| matches!(o, Outcome::Awaited(_) | Outcome::Unsettled(_))), "awaited"),
        (count(|o| matches!(o, Outcome::Pending(_))), "to be done"),
    ];
    let said: Vec<String> =
        numbers.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    if said.is_empty() { "everything is up to date".to_string() } else { said.join(", ") }
}

fn section(page: &mut String, recipe: &RecipeReport) {
    let _ = write!(page, "\n### {} → {}\n\n", text(&recipe.recipe.display().to_string()), code(&recipe.target));
    if !recipe.packages.is_empty() {
        page.push_str("| series | package | version | | why |\n|---|---|---|---|---|\n");
        recipe.packages.iter().for_each(|package| row(page, package));
    }
    for change in recipe.changes.iter().filter(|change| change.is_applied()) {
        let versions = [&change.old, &change.new].map(|version| version.as_deref().unwrap_or("nothing"));
        let (series, package) = (text(&change.series), text(&change.package));
        let _ = write!(page, "\n{series}: {package} {} → {}, ", code(versions[0]), code(versions[1]));
        let _ = writeln!(page, "{}", text(change.weight.meaning()));
        change.reasons.iter().for_each(|reason| _ = writeln!(page, "- {}", text(reason)));
    }
    recipe.failures.iter().for_each(|failure| details(page, "the recipe", failure));
    for package in &recipe.packages {
        if let Outcome::Failed(step, failure) = &package.outcome {
            details(page, &format!("{} of {} {}", step.name(), package.source, package.version), failure);
        }
    }
}

fn row(page: &mut String, package: &Package) {
    let mark = match package.outcome {
        Outcome::Failed(..) => "❌",
        Outcome::Pending(_) | Outcome::Awaited(_) | Outcome::Unsettled(_) => "⏳",
        Outcome::Skipped(_) => "➖",
        Outcome::Current | Outcome::Uploaded | Outcome::Published => "✅",
    };
    let outcome = text(&package.outcome.describe());
    let (series, source, version) = (text(&package.series), text(&package.source), code(&package.version));
    let _ = writeln!(page, "| {series} | {source} | {version} | {mark} {outcome} | {} |", text(&package.reason));
}

fn details(page: &mut String, what: &str, failure: &Failure) {
    let _ = write!(page, "\n<details><summary>{}: {}</summary>\n\n", text(what), text(first_message(failure)));
    for diagnostic in &failure.diagnostics {
        let mut lines = vec![format!("{}: {}", diagnostic.code, diagnostic.message)];
        lines.extend(diagnostic.notes.iter().cloned());
        lines.extend(diagnostic.hints.iter().map(|hint| format!("hint: {hint}")));
        page.push_str(&block(&lines.join("\n")));
    }
    page.push_str("\n</details>\n");
}

/// A fenced block that its content cannot close.
fn block(content: &str) -> String {
    let longest = content.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{content}\n{fence}\n")
}

/// Text that Markdown and HTML leave as it is, on one line of a table.
fn text(plain: &str) -> String {
    let mut out = String::new();
    for c in plain.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' | '\r' => out.push(' '),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '#' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

fn code(plain: &str) -> String {
    let safe: String = plain.chars().filter(|c| !matches!(c, '`' | '|' | '\n' | '\r')).collect();
    format!("`{safe}`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Diagnostic;
    use crate::rebuild::report::Step;

    fn package(series: &str, outcome: Outcome) -> Package {
        Package {
            source: "hello".into(),
            series: series.into(),
            version: "1.0-1~ubuntu22.04.1".into(),
            reason: "Rebuild for nginx 1.18.0-6ubuntu14.4".into(),
            outcome,
        }
    }

    #[test]
    fn a_quiet_run_says_so() {
        let recipe = RecipeReport { packages: vec![package("jammy", Outcome::Current)], ..RecipeReport::default() };
        let report = Report { recipes: vec![recipe] };
        assert!(report.is_quiet());
        assert!(markdown(&report).starts_with("## pkgr rebuild: everything is up to date\n"), "{}", markdown(&report));
    }

    #[test]
    fn what_failed_is_on_top_and_nothing_escapes_its_place() {
        let failure = Failure::recipe(Diagnostic::error("bad", "a | b <script>").because("```\nmore"));
        let packages =
            vec![package("jammy", Outcome::Failed(Step::Check, failure)), package("noble", Outcome::Uploaded)];
        let recipe = RecipeReport { target: "ppa:o/n".into(), packages, ..RecipeReport::default() };
        let page = markdown(&Report { recipes: vec![recipe] });
        assert!(page.starts_with("## pkgr rebuild: 1 failed, 1 uploaded\n"), "{page}");
        assert!(page.contains("| ❌ check failed: a \\| b &lt;script&gt; |"), "{page}");
        assert!(page.contains("````text\nbad: a | b <script>\n```\nmore\n````\n"), "{page}");
    }
}
