//! Whether the distribution has a module of the recipe in a package of its own:
//! two packages cannot have one file, and dpkg refuses the second, unless the
//! recipe says which of them gives way.
//!
//! The archive's index of packages, at hand anyway, has their names and no files;
//! the distributions name such a package after its module.

use super::Task;
use crate::diagnostic::{Diagnostic, Failure};
use crate::fetch::apt::{BinaryEntry, Scope};
use crate::plan::follow::Harvest;

/// The package that Debian and Ubuntu have a module in, where they have it:
/// `libnginx-mod-http-echo` for `ngx_http_echo_module.so`.
fn package_of(module: &str) -> String {
    let name = module.strip_suffix(".so").unwrap_or(module);
    let name = name.strip_suffix("_module").unwrap_or(name);
    let name = match name.strip_prefix("ngx_").unwrap_or(name) {
        "ndk_http" => "http_ndk",
        name => name,
    };
    format!("libnginx-mod-{}", name.to_lowercase().replace('_', "-"))
}

/// Warns of every module whose package the recipe does not mention; `nginx` are
/// the packages of nginx of that architecture.
pub(super) fn tell(
    task: &Task,
    wanted: &Harvest,
    (architecture, nginx): (&str, &[BinaryEntry]),
    scope: &Scope,
) -> Result<(), Failure> {
    let named = wanted.modules.iter().map(|module| (module, package_of(module)));
    let open: Vec<(&String, String)> = named.filter(|(_, package)| !wanted.gives_way.contains(package)).collect();
    if open.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = open.iter().map(|(_, package)| package.as_str()).collect();
    let found = task.archives.binaries(&names, architecture, scope)?;
    for (module, package) in open.iter().filter(|(_, package)| found.iter().any(|entry| entry.package == *package)) {
        task.listener.tell(warning(task, module, package, nginx));
    }
    Ok(())
}

fn warning(task: &Task, module: &str, package: &str, nginx: &[BinaryEntry]) -> Diagnostic {
    let series = &task.following.series;
    let message = format!("{series} has {module} in a package of its own, {package}");
    let mut warning = Diagnostic::warning("module-of-distribution", message).at(task.following.place.clone());
    let with: Vec<&str> =
        nginx.iter().filter(|e| names(&e.depends).any(|n| n == package)).map(|e| &*e.package).collect();
    if !with.is_empty() {
        warning = warning.because(format!("it comes with {}, for which the recipe need not build it", with.join(", ")));
    }
    warning
        .because("two packages cannot have one file: dpkg refuses to install the second")
        .hint(format!("conflicts = [\"{package}\"] and replaces = [\"{package}\"] let the recipe's take its place"))
}

/// The names in a list of relations.
fn names(relations: &str) -> impl Iterator<Item = &str> {
    let end = |c: char| c.is_whitespace() || matches!(c, '(' | ':' | '[' | '<');
    relations.split([',', '|']).map(move |relation| relation.trim().split(end).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_named_after_their_module() {
        for (module, package) in [
            ("ngx_http_headers_more_filter_module.so", "libnginx-mod-http-headers-more-filter"),
            ("ngx_stream_geoip2_module.so", "libnginx-mod-stream-geoip2"),
            ("ndk_http_module.so", "libnginx-mod-http-ndk"),
            ("ngx_nchan_module.so", "libnginx-mod-nchan"),
        ] {
            assert_eq!(package_of(module), package);
        }
    }
}
