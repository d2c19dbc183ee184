//! debian/copyright (copyright-format 1.0) from the recipe's SPDX expression.
//!
//! A licence's text is one of `templates/copyright/`, a pointer to
//! /usr/share/common-licenses where the series has it there (Policy 12.5), or
//! else the name of the file that holds it in the upstream tree; a native package
//! may have it in a file beside its recipe.

use minijinja::context;

use crate::deb::control::{Paragraph, write};
use crate::plan::{Location, Target};

use super::licence::{Expression, Licence};
use super::{RenderError, Upstream, nginx, template};

/// Files that hold a licence at the root of a tree, by usual name.
const LICENCE_FILES: &[&str] = &["LICENSE*", "LICENCE*", "COPYING*", "COPYRIGHT*", "UNLICENSE*", "LICENSES/*"];

/// Renders debian/copyright.
pub fn render(target: &Target, listing: Option<&dyn Upstream>) -> Result<String, RenderError> {
    let expression = Expression::parse(&target.license)?;
    let name = expression.debian_name();
    let mut paragraphs = vec![header(target), files("*", holders(target), &name)];
    if !target.sources.is_empty() {
        paragraphs.push(files("debian/*", vec![maintainer(target)], &name));
    }
    let mut licences = expression.licences();
    let of_nginx = Expression::parse("BSD-2-Clause")?;
    if nginx::brings_source(target) {
        // years would go stale with every nginx that is followed
        let holders = ["Igor Sysoev", "Nginx, Inc."].map(String::from).to_vec();
        paragraphs.push(files("nginx/*\n debian/nginx/patches/*", holders, &of_nginx.debian_name()));
        let missing = |licence: &&Licence| !licences.iter().any(|own| own.debian_name() == licence.debian_name());
        let missing: Vec<&Licence> = of_nginx.licences().into_iter().filter(missing).collect();
        licences.extend(missing);
    }
    for licence in licences {
        let text = text(target, licence, listing)?;
        let mut paragraph = Paragraph::new();
        paragraph.push("License", licence.debian_name() + &continued(&text));
        paragraphs.push(paragraph);
    }
    Ok(write(&paragraphs))
}

fn header(target: &Target) -> Paragraph {
    let mut paragraph = Paragraph::new();
    paragraph.push("Format", "https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/");
    paragraph.push("Upstream-Name", &*target.name);
    let main = target.sources.iter().find(|source| source.component.is_none());
    let url = main.and_then(|source| match &source.location {
        Location::Url(url) | Location::GitTag(url, _) | Location::GitCommit(url, _) => Some(url),
        Location::Path(_) | Location::Pool(_) => None,
    });
    if let Some(url) = target.homepage.as_ref().or(url) {
        paragraph.push("Source", &**url);
    }
    paragraph
}

fn files(pattern: &str, holders: Vec<String>, licence: &str) -> Paragraph {
    let mut paragraph = Paragraph::new();
    paragraph.push("Files", pattern);
    let value = match holders.as_slice() {
        [holder] => holder.clone(),
        several => several.iter().map(|holder| format!("\n {holder}")).collect(),
    };
    paragraph.push("Copyright", value);
    paragraph.push("License", licence);
    paragraph
}

fn holders(target: &Target) -> Vec<String> {
    if !target.copyright.is_empty() {
        return target.copyright.clone();
    }
    if target.sources.is_empty() {
        return vec![maintainer(target)];
    }
    vec![format!("The {} authors", target.name)]
}

/// The maintainer, with the year of the first changelog entry.
fn maintainer(target: &Target) -> String {
    let year = target.changelog.last().and_then(|entry| year(&entry.date));
    match year {
        Some(year) => format!("{year} {}", target.maintainer),
        None => target.maintainer.clone(),
    }
}

/// The year of an RFC 2822 date.
fn year(date: &str) -> Option<&str> {
    date.split_whitespace().find(|word| word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit()))
}

/// The text as continuation lines of a field.
fn continued(text: &str) -> String {
    let line = |line: &str| if line.is_empty() { "\n .".to_string() } else { format!("\n {line}") };
    text.trim_matches('\n').lines().map(line).collect()
}

fn text(target: &Target, licence: &Licence, listing: Option<&dyn Upstream>) -> Result<String, RenderError> {
    let known = if licence.exception.is_none() { known_text(target, licence) } else { None };
    if let Some(text) = known {
        return Ok(text);
    }
    let mut found: Vec<String> = LICENCE_FILES
        .iter()
        .flat_map(|pattern| listing.map(|listing| listing.glob(pattern)).unwrap_or_default())
        .collect();
    found.sort();
    found.dedup();
    if found.is_empty() {
        if let Some(text) = recipe_text(target) {
            return Ok(text);
        }
        let id = match &licence.exception {
            Some(exception) => format!("{} WITH {exception}", licence.id),
            None => licence.id.clone(),
        };
        return Err(RenderError::UnknownLicenceText { id });
    }
    let name = licence.debian_name();
    Ok(template::fill(include_str!("../../templates/copyright/upstream"), context! { name, files => found }))
}

/// The licences of a target whose text is neither known here nor beside the recipe,
/// by SPDX id. Where there is an upstream tree, it may have them.
pub fn licences_without_text(target: &Target) -> Result<Vec<String>, RenderError> {
    let expression = Expression::parse(&target.license)?;
    let lacks = |licence: &&&Licence| {
        let known = if licence.exception.is_none() { known_text(target, licence) } else { None };
        known.or_else(|| recipe_text(target)).is_none()
    };
    Ok(expression.licences().iter().filter(lacks).map(|licence| licence.id.clone()).collect())
}

/// The licence beside the recipe, which is the licence of a native package.
fn recipe_text(target: &Target) -> Option<String> {
    const NAMES: &[&str] =
        &["LICENSE", "LICENCE", "COPYING", "LICENSE.txt", "LICENCE.txt", "LICENSE.md", "COPYING.txt"];
    if !target.sources.is_empty() {
        return None;
    }
    NAMES.iter().find_map(|name| std::fs::read_to_string(target.folder.join(name)).ok())
}

fn known_text(target: &Target, licence: &Licence) -> Option<String> {
    if let Some((family, version, or_later)) = licence.gnu() {
        return gnu_text(family, version, or_later);
    }
    let later_than = |ubuntu: &str, debian: &str| target.series.is_since(ubuntu) || target.series.is_since(debian);
    let text = match licence.id.as_str() {
        "MIT" => include_str!("../../templates/copyright/MIT"),
        "BSD-2-Clause" => include_str!("../../templates/copyright/BSD-2-Clause"),
        "BSD-3-Clause" => include_str!("../../templates/copyright/BSD-3-Clause"),
        "ISC" => include_str!("../../templates/copyright/ISC"),
        "Zlib" => include_str!("../../templates/copyright/Zlib"),
        "0BSD" => include_str!("../../templates/copyright/0BSD"),
        "Unlicense" => include_str!("../../templates/copyright/Unlicense"),
        "BSL-1.0" => include_str!("../../templates/copyright/BSL-1.0"),
        "Apache-2.0" => include_str!("../../templates/copyright/Apache-2.0"),
        "Artistic-1.0-Perl" => include_str!("../../templates/copyright/Artistic"),
        // base-files 9.9 and 10.1
        "MPL-1.1" if later_than("bionic", "stretch") => include_str!("../../templates/copyright/MPL-1.1"),
        "MPL-2.0" if later_than("bionic", "stretch") => include_str!("../../templates/copyright/MPL-2.0"),
        "CC0-1.0" if later_than("bionic", "buster") => include_str!("../../templates/copyright/CC0-1.0"),
        _ => return None,
    };
    Some(text.to_string())
}

/// The notice that GNU's licences ask for, and the pointer to the full text.
fn gnu_text(family: &str, version: &str, or_later: bool) -> Option<String> {
    let (template, names): (&str, &[&str]) = match (family, version) {
        ("GPL", "1" | "2" | "3") => (include_str!("../../templates/copyright/GPL"), &["GNU General Public License"]),
        ("LGPL", "2") => (include_str!("../../templates/copyright/LGPL"), &["GNU Library General Public License"]),
        ("LGPL", "2.1" | "3") => {
            (include_str!("../../templates/copyright/LGPL"), &["GNU Lesser General Public License"])
        }
        ("GFDL-NIV", "1.2" | "1.3") => {
            (include_str!("../../templates/copyright/GFDL"), &["GNU Free Documentation License"])
        }
        _ => return None,
    };
    let file = format!("{}-{version}", family.trim_end_matches("-NIV"));
    Some(template::fill(template, context! { name => names[0], version, or_later, file }))
}
