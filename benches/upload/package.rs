//! A signed source package of five files that dput and pkgr take for one, with
//! noise for content, and the two commands that upload it.

use std::fs;
use std::path::{Path, PathBuf};

use pkgr::upload::Item;

use crate::PKGR;
use crate::measure::World;
use crate::upload_support::noise;

/// The package, the orig first and the .changes last.
pub struct Package {
    pub files: Vec<PathBuf>,
    changes: PathBuf,
    dput_configuration: PathBuf,
    secret: PathBuf,
}

/// One file by its path.
pub fn item(path: &Path) -> Item {
    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
    Item { path: path.to_path_buf(), name, size: path.metadata().expect("a file").len() }
}

impl Package {
    /// Writes it into a folder of its name.
    pub fn make(world: &World, name: &str, orig: usize) -> Package {
        let folder = world.folder.join(name);
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join(format!("{name}_1.0.orig.tar.gz")), noise(orig, 1)).expect("an orig");
        fs::write(folder.join(format!("{name}_1.0-1.debian.tar.xz")), noise(4_000, 2)).expect("a debian.tar");
        fs::write(folder.join(format!("{name}_1.0-1_source.buildinfo")), noise(3_000, 3)).expect("a .buildinfo");
        let sources = [format!("{name}_1.0.orig.tar.gz"), format!("{name}_1.0-1.debian.tar.xz")];
        let dsc = format!(
            "Format: 3.0 (quilt)\nSource: {name}\nBinary: {name}\nArchitecture: all\nVersion: 1.0-1\n\
             Maintainer: Bench <bench@example.org>\nStandards-Version: 4.6.2\n"
        );
        sign(world, &folder.join(format!("{name}_1.0-1.dsc")), &dsc, &sources, false);
        let mut all = sources.to_vec();
        all.extend([format!("{name}_1.0-1.dsc"), format!("{name}_1.0-1_source.buildinfo")]);
        let changes = format!(
            "Format: 1.8\nDate: Tue, 24 Nov 2026 12:00:00 +0000\nSource: {name}\nArchitecture: source\n\
             Version: 1.0-1\nDistribution: noble\nUrgency: medium\nMaintainer: Bench <bench@example.org>\n\
             Changed-By: Bench <bench@example.org>\nChanges:\n {name} (1.0-1) noble; urgency=medium\n .\n   * Release.\n"
        );
        let changes_file = folder.join(format!("{name}_1.0-1_source.changes"));
        sign(world, &changes_file, &changes, &all, true);
        all.push(format!("{name}_1.0-1_source.changes"));
        let files = all.iter().map(|file| folder.join(file)).collect();
        let dput_configuration = folder.join("dput.cf");
        Package { files, changes: changes_file, dput_configuration, secret: world.secret.clone() }
    }

    /// dput's whole command, without the memory of an earlier upload.
    pub fn dput(&self, port: u16) -> String {
        let text = format!(
            "[here]\nfqdn = 127.0.0.1:{port}\nmethod = ftp\nincoming = /incoming/\nlogin = anonymous\n\
             allow_unsigned_uploads = 0\npassive_ftp = 1\nprogress_indicator = 0\n"
        );
        fs::write(&self.dput_configuration, text).expect("dput.cf");
        format!("dput -f -c {} here {}", self.dput_configuration.display(), self.changes.display())
    }

    /// pkgr's, likewise.
    pub fn pkgr(&self, port: u16) -> String {
        let (key, changes) = (self.secret.display(), self.changes.display());
        format!("{PKGR} upload --force --key {key} ftp://127.0.0.1:{port}/incoming {changes}")
    }
}

/// Adds the lists of files and signs, as debsign does.
fn sign(world: &World, path: &Path, head: &str, files: &[String], with_section: bool) {
    fs::write(path.with_extension("text"), head).expect("a text");
    let section = if with_section { "misc optional " } else { "" };
    let names = files.join(" ");
    world.shell(&format!(
        "cd {folder}
         {{ cat {text}
            for list in Checksums-Sha1:sha1sum Checksums-Sha256:sha256sum Files:md5sum; do
                echo \"${{list%%:*}}:\"
                for file in {names}; do
                    more=; [ $list != Files:md5sum ] || more='{section}'
                    echo \" $(${{list#*:}} < $file | cut -d' ' -f1) $(stat -c %s $file) $more$file\"
                done
            done; }} > {text}.full
         gpg --batch --quiet --yes --digest-algo SHA512 --local-user {key} --clearsign --output {output} {text}.full
         rm {text} {text}.full",
        folder = path.parent().expect("a folder").display(),
        text = path.with_extension("text").display(),
        key = world.fingerprint,
        output = path.display(),
    ));
}
