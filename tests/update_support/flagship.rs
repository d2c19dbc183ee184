//! recipes/ngx-pagespeed with stand-ins for what its sources are: its own files
//! but for the addresses of the three tarballs, and the digest of the one that
//! cannot be the same. The stand-ins have the layout of the real ones.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::common::run;
use super::World;
use super::nginx::{BIONIC, FOCAL, JAMMY, NOBLE, Nginx, RESOLUTE, XENIAL};

/// The series that the recipe names, oldest first.
pub const SERIES: [Nginx; 6] = [XENIAL, BIONIC, FOCAL, JAMMY, NOBLE, RESOLUTE];

/// The tarball of the module.
const MODULE: &[(&str, &str)] = &[
    ("LICENSE", "Apache License, Version 2.0\n"),
    ("config", "ngx_addon_name=ngx_pagespeed\nif [ ! -d \"$ngx_addon_dir/psol\" ]; then exit 1; fi\n"),
    (
        "src/ngx_pagespeed.cc",
        "ngx_int_t ps_set_cache_control(ngx_http_request_t* r, char* cache_control) {\n  return r->headers_out.cache_control.elts == NULL;\n}\n\nbool ps_get_cache_control(ngx_http_request_t* r, GoogleString* cache_control) {\n  return r->headers_out.cache_control.elts != NULL;\n}\n",
    ),
];

/// The recipe in the work folder, and its tarballs on the world's server.
pub fn flagship(world: &World) -> PathBuf {
    let folder = world.environment.copy("recipes/ngx-pagespeed");
    stand_ins(world, "1.13.35.2");
    redirect(&folder.join("recipe.toml"), &format!("{}/upstream/", world.address));
    folder
}

/// The tarballs of a version on the world's server.
pub fn stand_ins(world: &World, version: &str) {
    let upstream = world.environment.path("archive/upstream");
    fs::create_dir_all(&upstream).unwrap();
    let tarball = |name: &str, top: &str, files: &[(&str, &str)]| {
        let tree = world.environment.path("stand-in");
        let _ = fs::remove_dir_all(&tree);
        for (path, text) in files {
            let path = tree.join(top).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut tar = world.environment.command("tar");
        tar.args(["--sort=name", "--owner=0", "--group=0", "--mode=u+rwX,go=rX", "--mtime=@1500000000"]);
        tar.args(["--use-compress-program=gzip -n", "-cf"]).arg(upstream.join(name));
        run(tar.arg("-C").arg(tree).arg(top)).ok();
    };
    tarball(&format!("v{version}-stable.tar.gz"), &format!("incubator-pagespeed-ngx-{version}-stable"), MODULE);
    for psol in ["x64", "ia32"] {
        let library = format!("lib/Release/linux/{psol}/pagespeed_automatic.a");
        let files = [(library.as_str(), "!<arch>\n"), ("include/pagespeed/kernel/base/basictypes.h", "// PSOL's\n")];
        tarball(&format!("{version}-{psol}.tar.gz"), "psol", &files);
    }
}

/// Nothing but the addresses, and PSOL's digest, is another afterwards.
fn redirect(recipe: &Path, to: &str) {
    let text = fs::read_to_string(recipe).unwrap();
    let mut lines = Vec::new();
    let mut redirected = 0;
    for line in text.lines() {
        if line.starts_with("sha256 ") {
            continue;
        }
        let (head, file) = match line.trim_start().starts_with("url ") {
            true => line.rsplit_once('/').unwrap(),
            false => ("", line),
        };
        redirected += usize::from(!head.is_empty());
        lines.push(match head {
            "" => file.to_string(),
            _ => format!("url = \"{to}{file}"),
        });
    }
    assert_eq!((redirected, text.lines().count() - lines.len()), (3, 1), "{text}");
    fs::write(recipe, lines.join("\n") + "\n").unwrap();
}
