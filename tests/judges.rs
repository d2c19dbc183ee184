//! The judges of `common` judge rightly: what dpkg-dev itself makes and debsign
//! signs passes, and faults planted into it are found.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::judge::{self, Package};
use common::{TestEnvironment, changes_in, reference, repository, run};

/// A source package of the hello example, made by dpkg-buildpackage; `spoil`
/// changes files of the folder between packing and signing.
fn classic(environment: &TestEnvironment, spoil: impl Fn(&Path)) -> Package {
    let folder = environment.work();
    let script = "tar xf hello-2.12.tar.gz && mv hello-2.12.tar.gz hello_2.12.orig.tar.gz && cd hello-2.12
        mkdir -p debian/source && echo '3.0 (quilt)' > debian/source/format
        printf '%s\\n' '#!/usr/bin/make -f' '%:' '\tdh $@' > debian/rules && chmod 755 debian/rules
        printf '%s\\n' 'Source: hello' 'Section: misc' 'Priority: optional' 'Maintainer: Du9L <du9l@example.org>' \\
            'Build-Depends: debhelper-compat (= 13)' 'Standards-Version: 4.6.2' '' 'Package: hello' \\
            'Architecture: any' 'Depends: ${shlibs:Depends}, ${misc:Depends}' 'Description: hi' ' hi' > debian/control
        printf '%s\\n' 'hello (2.12-1~deb12u1) bookworm; urgency=medium' '' '  * Hi.' '' \\
            ' -- Du9L <du9l@example.org>  Tue, 24 Nov 2026 08:00:00 +0000' > debian/changelog
        umask 022; dpkg-buildpackage -S -us -uc -d";
    fs::copy(repository().join("examples/hello/hello-2.12.tar.gz"), folder.join("hello-2.12.tar.gz")).unwrap();
    run(environment.command("sh").args(["-ec", script])).ok();
    spoil(&folder);
    let changes = changes_in(&folder).remove(0);
    run(environment
        .command("debsign")
        .args(["--no-conf", "--re-sign", "-k", &environment.key().fingerprint])
        .arg(&changes))
    .ok();
    Package::of(&changes)
}

#[test]
fn what_dpkg_dev_makes_is_accepted() {
    let environment = TestEnvironment::new();
    let package = classic(&environment, |_| ());
    let tree = judge::accept(&environment, &package);
    let found = reference::differences(&environment, &package, &tree);
    // dpkg's own .buildinfo has the fields of the machine that pkgr leaves out
    let found: Vec<_> = found.iter().filter(|difference| !difference.starts_with(".buildinfo: fields")).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn another_field_or_order_is_a_difference() {
    let environment = TestEnvironment::new();
    let package = classic(&environment, |folder| {
        let changes = changes_in(folder).remove(0);
        let text = fs::read_to_string(&changes).unwrap();
        fs::write(&changes, text.replace("Urgency: medium", "Urgency: high")).unwrap();
    });
    let tree = judge::accept(&environment, &package);
    let found = reference::differences(&environment, &package, &tree).join("\n");
    assert!(found.contains(".changes: Urgency"), "{found}");
}

#[test]
fn an_unsigned_or_changed_file_is_refused() {
    let refused = |spoil: fn(&Package) -> PathBuf| {
        let environment = TestEnvironment::new();
        let package = classic(&environment, |_| ());
        spoil(&package);
        let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| judge::accept(&environment, &package)));
        assert!(judged.is_err(), "the judge accepted it");
    };
    refused(|package| {
        let text = fs::read_to_string(&package.buildinfo).unwrap();
        fs::write(&package.buildinfo, common::control::unsigned(&text)).unwrap();
        package.buildinfo.clone()
    });
    refused(|package| {
        let tarball = package.dsc.with_file_name("hello_2.12-1~deb12u1.debian.tar.xz");
        let mut bytes = fs::read(&tarball).unwrap();
        bytes.push(0);
        fs::write(&tarball, bytes).unwrap();
        tarball
    });
    refused(|package| {
        let text = fs::read_to_string(&package.dsc).unwrap();
        fs::write(&package.dsc, text + "\n").unwrap();
        package.dsc.clone()
    });
}
