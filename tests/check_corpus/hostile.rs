//! Input that wants to do harm: nothing panics, nothing takes more than its share
//! of memory or time, nothing outside the folder is read.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use crate::support::{Base, Files, Upload, check, check_sealed, gzip, tar_of};

/// Bytes of the .changes and .dsc are flipped, cut out, doubled and replaced.
fn damage() -> impl Strategy<Value = Vec<(bool, usize, usize, u8)>> {
    prop::collection::vec((any::<bool>(), any::<usize>(), 0usize..400, any::<u8>()), 1..6)
}

fn apply(bytes: &mut Vec<u8>, at: usize, length: usize, what: u8) {
    if bytes.is_empty() {
        return;
    }
    let start = at % bytes.len();
    let end = (start + length).min(bytes.len());
    match what % 5 {
        0 => drop(bytes.drain(start..end)),
        1 => bytes[start] = what,
        2 => {
            let part = bytes[start..end].to_vec();
            bytes.splice(start..start, part);
        }
        3 => drop(bytes.splice(start..end, *b"\n-----BEGIN PGP SIGNATURE-----\n")),
        _ => drop(bytes.splice(start..start, [0xff, 0, b'\n', b':', what])),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(damage in damage(), signed in any::<bool>(), base in prop::sample::select(vec![Base::Quilt, Base::One, Base::Native])) {
        let root = tempfile::tempdir().unwrap();
        let mut upload = Upload::new(base);
        if !signed {
            (upload.dsc.key, upload.changes.key) = (None, None);
        }
        let (dsc, changes) = (upload.dsc.name.clone(), upload.changes.name.clone());
        let mut files = upload.seal();
        for (in_dsc, at, length, what) in damage {
            apply(files.get_mut(if in_dsc { &dsc } else { &changes }).unwrap(), at, length, what);
        }
        let report = check_sealed(&upload, &files, root.path());
        prop_assert!(report.findings.iter().all(|finding| !finding.message.is_empty()));
    }
}

#[test]
fn any_bytes_at_all() {
    let root = tempfile::tempdir().unwrap();
    for (i, bytes) in [&b""[..], b"\0", b"\n", b":", b"Files:", &[0xff; 4096], b"-----BEGIN PGP SIGNED MESSAGE-----"]
        .iter()
        .enumerate()
    {
        let upload = Upload::new(Base::Native);
        let files = Files::from([(upload.changes.name.clone(), bytes.to_vec())]);
        let report = check_sealed(&upload, &files, &root.path().join(i.to_string()));
        assert_eq!(report.verdict, pkgr::check::Verdict::Rejected, "{bytes:?}");
    }
}

/// A control file of endless size is not read whole.
#[test]
fn a_control_file_has_a_limit() {
    let root = tempfile::tempdir().unwrap();
    let upload = Upload::new(Base::Native);
    let files = Files::from([(upload.changes.name.clone(), vec![b'a'; 5 << 20])]);
    let report = check_sealed(&upload, &files, root.path());
    assert_eq!(report.findings[0].rule.code, "control-file-missing");
}

/// 300 MB of zeros in debian/patches, in 300 kB; and the same as a small file that
/// promises to be large.
#[test]
fn bombs_are_left_alone() {
    let zeros = |size: u64| {
        gzip(&tar_of(|builder| {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(size);
            builder
                .append_data(&mut header, "debian/patches/series", std::io::Read::take(std::io::repeat(0), size))
                .unwrap();
        }))
    };
    let start = Instant::now();
    let root = tempfile::tempdir().unwrap();
    let mut upload = Upload::new(Base::Quilt);
    upload.rename("hello_1.0-1.debian.tar.xz", "hello_1.0-1.debian.tar.gz");
    upload.files.insert("hello_1.0-1.debian.tar.gz".into(), zeros(300 << 20));
    let report = check(upload, root.path());
    let codes: Vec<&str> = report.findings.iter().map(|finding| finding.rule.code).collect();
    assert_eq!(codes, ["unpacking-not-judged"], "{:?}", report.findings);
    assert!(start.elapsed() < Duration::from_secs(60));
}
