//! The flagship's recipe with stand-ins for the sources that it names: see
//! tests/pagespeed_stand_in. What it is changed in is here, and nothing else is.

use std::fs;
use std::path::{Path, PathBuf};

use super::common::{TestEnvironment, copy_tree, repository, run};
use super::recipe::{SERIES, edited};

/// The recipe's series, and its ranges of Ubuntu's: instead of each the series of
/// Debian that has what it is about, which is flavors compiled separately and
/// i386, glibc 2.34, nginx 1.23.
const TARGETS: &[(&str, &str)] = &[
    (r#"["xenial", "bionic", "focal", "jammy", "noble", "resolute"]"#, SERIES),
    (r#"when      = "..bionic""#, r#"when      = "..bullseye""#),
    (r#"[when."focal.."]"#, r#"[when."bookworm.."]"#),
    (r#"when = "jammy..""#, r#"when = "bookworm..""#),
    (r#"when = "noble..""#, r#"when = "trixie..""#),
];

/// Its sources, and the one digest that it names.
const SOURCES: &[(&str, &str)] = &[
    ("https://github.com/apache/incubator-pagespeed-ngx/archive/v{{ version }}-stable.tar.gz", "module.tar.gz"),
    ("https://dl.google.com/dl/page-speed/psol/{{ version }}-x64.tar.gz", "psol-x64.tar.gz"),
    ("https://dl.google.com/dl/page-speed/psol/{{ version }}-ia32.tar.gz", "psol-ia32.tar.gz"),
];
const DIGEST: &str = "df3ba3c8fc54e13845d0a1daa7a6e3d983126c23912851bbf8ba35be646a434f";

/// The recipe with its stand-ins beside it.
pub fn flagship(environment: &TestEnvironment) -> PathBuf {
    let (x64, ia32) = (psol(environment, "x64", "-m64"), psol(environment, "ia32", "-m32"));
    let said = run(environment.command("sha256sum").arg(&x64)).ok().stdout;
    let digest = (DIGEST, said.split_whitespace().next().unwrap());
    let edits = [TARGETS, SOURCES, &[digest]].concat();
    let folder = edited(environment, "ngx-pagespeed", &edits, "");
    for tarball in [x64, ia32] {
        fs::rename(&tarball, folder.join(tarball.file_name().unwrap())).unwrap();
    }
    let module = environment.path("incubator-pagespeed-ngx-1.13.35.2-stable");
    copy_tree(&stand_in().join("module"), &module);
    pack(environment, &module, &folder.join("module.tar.gz"));
    folder
}

fn stand_in() -> PathBuf {
    repository().join("tests/pagespeed_stand_in")
}

/// A tarball of PSOL's layout: `psol/include` and one library.
fn psol(environment: &TestEnvironment, architecture: &str, flag: &str) -> PathBuf {
    let parent = environment.path(format!("psol-{architecture}"));
    let psol = parent.join("psol");
    copy_tree(&stand_in().join("psol/include"), &psol.join("include"));
    let library = psol.join(format!("lib/Release/linux/{architecture}"));
    fs::create_dir_all(&library).unwrap();
    let object = parent.join("automatic.o");
    let mut compile = environment.command("g++");
    compile.args([flag, "-c", "-O2", "-fPIC", "-o"]).arg(&object);
    run(compile.arg(stand_in().join("psol/automatic.cc"))).ok();
    run(environment.command("ar").arg("rcD").arg(library.join("pagespeed_automatic.a")).arg(object)).ok();
    let tarball = environment.path(format!("psol-{architecture}.tar.gz"));
    pack(environment, &psol, &tarball);
    tarball
}

/// A tarball with this one folder at its top.
fn pack(environment: &TestEnvironment, folder: &Path, tarball: &Path) {
    let mut tar = environment.command("tar");
    tar.arg("-czf").arg(tarball).arg("-C").arg(folder.parent().unwrap()).arg(folder.file_name().unwrap());
    run(&mut tar).ok();
}
