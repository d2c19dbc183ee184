//! Signatures, judged by the tools that will read them: gpg, gpgv, gpgme,
//! dscverify, dpkg-source, and debsign for comparison. All keys are throwaway.

#[path = "signing/world.rs"]
mod world;

use pkgr::sign::{Signer, sign_files, verify};
use sequoia_openpgp::Cert;
use sequoia_openpgp::parse::Parse;
use world::{World, native};

/// What the pieces of a clear-signed document must survive.
const NASTY: &[u8] = b"Source: x\nA: trailing \t \n-dash\n- dash\n--\nFrom here\n\xe9\xff not UTF-8\nCRLF\r\n\tTab\n\
    Description: it\n .\n -----BEGIN PGP SIGNATURE-----\n\n\nlast line without end";

#[test]
fn keys_of_gnupg_sign_what_debian_accepts() {
    for (algorithm, passphrase) in [
        ("rsa2048", ""),
        ("rsa3072", "with blank"),
        ("rsa4096", ""),
        ("ed25519", ""),
        ("ed25519", "pässwörd"),
        ("nistp256", "x"),
        ("nistp384", ""),
        ("nistp521", "y"),
    ] {
        let world = World::new();
        let key = world.make_key("Jane Doe <jane@example.org>", algorithm, "sign", passphrase);
        let file = world.export("--export-secret-keys", &key, passphrase);
        let signer = native(&file, passphrase).unwrap_or_else(|e| panic!("{algorithm}: {e}"));
        assert_eq!(signer.fingerprint(), key);
        let nasty = world.write("nasty.asc", signer.clearsign(NASTY).unwrap());
        world.must_verify(&[nasty]);
        let changes = world.package("p", "jammy");
        let written = sign_files(&signer, std::slice::from_ref(&changes)).unwrap();
        let names: Vec<_> = written.iter().map(|w| w.path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["hello_1.0.dsc", "hello_1.0_source.buildinfo", "hello_1.0_source.changes"]);
        world.must_pass(&changes);
    }
}

#[test]
fn many_protected_ed25519_keys_open() {
    let world = World::new();
    for number in 0..12 {
        let key = world.make_key(&format!("Jane {number} <jane@example.org>"), "ed25519", "sign", "secret");
        native(&world.export("--export-secret-keys", &key, "secret"), "secret").unwrap();
    }
}

#[test]
fn an_offline_primary_key_signs_by_its_subkey() {
    for passphrase in ["", "secret"] {
        let world = World::new();
        let key = world.make_key("Jane Doe <jane@example.org>", "rsa3072", "cert", passphrase);
        world.gpg(&["--passphrase", passphrase, "--quick-add-key", &key, "ed25519", "sign"]).must();
        world.gpg(&["--passphrase", passphrase, "--quick-add-key", &key, "rsa2048", "encr"]).must();
        let file = world.export("--export-secret-subkeys", &key, passphrase);
        let signer = native(&file, passphrase).unwrap();
        assert_eq!(signer.fingerprint(), key);
        let signed = signer.clearsign(b"A: b\n").unwrap();
        let public = Cert::from_file(world.export("--export", &key, "")).unwrap();
        let verified = verify::verify(&signed, &[public]).unwrap();
        assert_eq!(verified.fingerprint, key);
        assert_ne!(verified.signing_key, key);
        world.must_verify(&[world.write("signed.asc", signed)]);
        // without the subkey's secret only a stub is left
        let text = world.gpg(&["--list-secret-keys", "--with-colons", &key]).must().out;
        let subkey = text.lines().filter(|l| l.starts_with("grp:")).nth(1).unwrap().split(':').nth(9).unwrap();
        std::fs::remove_file(world.path(&format!("gnupg/private-keys-v1.d/{subkey}.key"))).unwrap();
        world.run("gpgconf", ["--kill", "all"]).must();
        let stub = world.export("--export-secret-keys", &key, passphrase);
        let failure = native(&stub, passphrase).unwrap_err();
        assert_eq!(failure.diagnostics[0].code, "key-without-secret");
    }
}

#[test]
fn a_key_made_elsewhere_is_understood_by_gnupg() {
    use sequoia_openpgp::cert::{CertBuilder, CipherSuite};
    use sequoia_openpgp::serialize::SerializeInto;
    for (suite, passphrase) in
        [(CipherSuite::Cv25519, None), (CipherSuite::RSA4k, Some("secret")), (CipherSuite::P256, None)]
    {
        let world = World::new();
        let (cert, _) = CertBuilder::new()
            .set_profile(sequoia_openpgp::Profile::RFC4880)
            .unwrap()
            .add_userid("Jane Doe <jane@example.org>")
            .set_cipher_suite(suite)
            .set_password(passphrase.map(Into::into))
            .add_signing_subkey()
            .generate()
            .unwrap();
        let file = world.write("key.asc", cert.as_tsk().armored().to_vec().unwrap());
        world.gpg(&["--import", world.write("pub.asc", cert.armored().to_vec().unwrap()).to_str().unwrap()]).must();
        let signer = native(&file, passphrase.unwrap_or_default()).unwrap();
        let changes = world.package("p", "noble");
        sign_files(&signer, std::slice::from_ref(&changes)).unwrap();
        world.must_pass(&changes);
    }
}

#[test]
fn unusable_keys_are_refused_with_their_own_code() {
    let world = World::new();
    let user = "Jane Doe <jane@example.org>";
    let mut cases = Vec::new();
    let expired = world.make_key_at(Some("20200101T000000"), "Old <old@example.org>", "ed25519", "sign", "", "1y");
    cases.push((world.export("--export-secret-keys", &expired, ""), "", "key-expired"));
    let revoked = world.make_key("Lost <lost@example.org>", "ed25519", "sign", "");
    let revocation = std::fs::read_to_string(world.path(&format!("gnupg/openpgp-revocs.d/{revoked}.rev"))).unwrap();
    let revocation = world.write("revocation", revocation.replace(":-----BEGIN", "-----BEGIN"));
    world.gpg(&["--import", revocation.to_str().unwrap()]).must();
    cases.push((world.export("--export-secret-keys", &revoked, ""), "", "key-revoked"));
    let encrypting = world.make_key("Reader <reader@example.org>", "rsa2048", "cert", "");
    world.gpg(&["--passphrase", "", "--quick-add-key", &encrypting, "rsa2048", "encr"]).must();
    cases.push((world.export("--export-secret-keys", &encrypting, ""), "", "key-not-for-signing"));
    let good = world.make_key(user, "ed25519", "sign", "hush-hush");
    let secret = world.export("--export-secret-keys", &good, "hush-hush");
    cases.push((world.export("--export", &good, ""), "", "key-without-secret"));
    cases.push((secret.clone(), "not-this", "wrong-passphrase"));
    cases.push((secret.clone(), "", "no-passphrase"));
    let weak = world.make_key("Weak <weak@example.org>", "rsa1024", "sign", "");
    let dsa = world.make_key("Weak <dsa@example.org>", "dsa2048", "sign", "");
    cases.push((world.export("--export-secret-keys", &weak, ""), "", "key-weak"));
    cases.push((world.export("--export-secret-keys", &dsa, ""), "", "key-weak"));
    let brainpool = world.make_key("Curve <curve@example.org>", "brainpoolP256r1", "sign", "");
    cases.push((world.export("--export-secret-keys", &brainpool, ""), "", "key-algorithm"));
    let all = std::fs::read(&secret).unwrap();
    let two = [all.clone(), std::fs::read(world.export("--export-secret-keys", &weak, "")).unwrap()].concat();
    cases.push((world.write("two.asc", two), "hush-hush", "several-keys"));
    cases.push((world.write("text", "hello\n"), "", "not-a-key"));
    cases.push((world.write("cut.asc", &all[..all.len() / 2]), "hush-hush", "key-invalid"));
    cases.push((world.write("stump.asc", &all[..80]), "hush-hush", "not-a-key"));
    cases.push((world.path("keys/missing.asc"), "", "key-not-found"));

    let changes = world.package("p", "jammy");
    let before = std::fs::read(&changes).unwrap();
    for (file, passphrase, code) in cases {
        let arguments = ["sign", "--json", changes.to_str().unwrap(), "--key", file.to_str().unwrap()];
        let variables: &[(&str, &str)] =
            if passphrase.is_empty() { &[] } else { &[("PKGR_SIGNING_KEY_PASSPHRASE", passphrase)] };
        let mut command = world.command("setsid"); // no terminal that could be asked
        let said =
            command.arg("--wait").arg(env!("CARGO_BIN_EXE_pkgr")).args(arguments).envs(variables.iter().copied());
        let said = said.output().unwrap();
        let out = String::from_utf8_lossy(&said.stdout);
        assert!(
            out.contains(&format!("\"{code}\"")),
            "{file:?}: {code}: {out}{}",
            String::from_utf8_lossy(&said.stderr)
        );
        assert_eq!(said.status.code(), Some(3), "{code}");
        assert_eq!(std::fs::read(&changes).unwrap(), before);
        let told = format!("{out}{}", String::from_utf8_lossy(&said.stderr));
        assert!(!told.contains("hush-hush") && !told.contains("not-this"), "{told}");
    }
}

#[test]
fn the_key_may_be_in_the_environment() {
    let world = World::new();
    let one = world.make_key("One <one@example.org>", "ed25519", "sign", "secret");
    let other = world.make_key("Other <other@example.org>", "ed25519", "sign", "secret");
    let block = [&one, &other]
        .map(|key| std::fs::read_to_string(world.export("--export-secret-keys", key, "secret")).unwrap())
        .concat();
    let variable = |name: &str| match name {
        "PKGR_SIGNING_KEY" => Some(block.clone()),
        "PKGR_SIGNING_KEY_PASSPHRASE" => Some("secret".to_string()),
        _ => None,
    };
    let signer = Signer::resolve(Some(&other.to_lowercase()), &variable, None).unwrap().unwrap();
    assert!(matches!(signer, Signer::Native(_)));
    assert_eq!(signer.fingerprint(), other);
    let failure = Signer::resolve(None, &variable, None).unwrap_err();
    assert_eq!(failure.diagnostics[0].code, "several-keys");
    assert!(Signer::resolve(None, &|_| None, None).unwrap().is_none());
    assert!(Signer::resolve(None, &|_| Some(" ".into()), None).unwrap().is_none());
}

/// What stands in the variable is secret, so what is no key is not quoted.
#[test]
fn a_key_that_was_damaged_on_the_way_is_not_told() {
    for damaged in ["LS0tLS1CRUdJTiBQR1AgUFJJVkFURSBLRVk=", "lQVYBGdFAKEBDADJ\nxAABB", "hunter2"] {
        let variable = |name: &str| (name == "PKGR_SIGNING_KEY").then(|| damaged.to_string());
        let failure = Signer::resolve(None, &variable, None).unwrap_err();
        assert_eq!(failure.diagnostics[0].code, "no-key-in-variable");
        assert!(!format!("{failure:?}").contains(damaged));
    }
}

#[test]
fn gnupg_signs_with_its_own_keys() {
    for (algorithm, passphrase) in [("rsa2048", ""), ("ed25519", "secret")] {
        let world = World::new();
        let key = world.make_key("Jane Doe <jane@example.org>", algorithm, "sign", passphrase);
        let changes = world.package("p", "jammy");
        let name = changes.to_str().unwrap();
        let variables: &[(&str, &str)] =
            if passphrase.is_empty() { &[] } else { &[("PKGR_SIGNING_KEY_PASSPHRASE", passphrase)] };
        for named in [&key[..], &key[24..], "jane@example.org", &format!("0x{key}"), &format!("{key}!")] {
            world.pkgr(&["sign", name, "--key", named], variables).must();
            world.must_pass(&changes);
        }
        let forced = world.export("--export-secret-keys", &key, passphrase);
        let said = world.pkgr(&["sign", name, "--key", forced.to_str().unwrap(), "--backend", "gpg"], variables);
        assert_eq!(said.code, 3, "{}", said.err);
    }
}

#[test]
fn gnupgs_unusable_keys_are_refused() {
    let world = World::new();
    let changes = world.package("p", "jammy");
    world.make_key_at(Some("20200101T000000"), "Old <old@example.org>", "ed25519", "sign", "", "1y");
    world.make_key("Reader <reader@example.org>", "ed25519", "cert", "");
    let locked = world.make_key("Locked <locked@example.org>", "ed25519", "sign", "secret");
    let revoked = world.make_key("Lost <lost@example.org>", "ed25519", "sign", "");
    let revocation = std::fs::read_to_string(world.path(&format!("gnupg/openpgp-revocs.d/{revoked}.rev"))).unwrap();
    let revocation = world.write("revocation", revocation.replace(":-----BEGIN", "-----BEGIN"));
    world.gpg(&["--import", revocation.to_str().unwrap()]).must();
    world.make_key("Twin <twin@example.org>", "ed25519", "sign", "");
    world.gpg(&["--passphrase", "", "--quick-gen-key", "Twin <twin@example.org>", "rsa2048", "sign"]).must();
    // an agent that has nobody to ask
    world.write("gnupg/gpg-agent.conf", format!("{}pinentry-program /bin/false\n", world::AGENT));
    world.run("gpgconf", ["--kill", "all"]).must();
    for (key, variables, code) in [
        ("old@example.org", &[][..], "key-expired"),
        ("reader@example.org", &[], "key-not-for-signing"),
        ("lost@example.org", &[], "key-revoked"),
        ("twin@example.org", &[], "gpg-several-keys"),
        ("nobody@example.org", &[], "gpg-no-key"),
        ("0123456789ABCDEF0123456789ABCDEF01234567", &[], "gpg-no-key"),
        ("89ABCDEF", &[], "short-key-id"),
        ("locked@example.org", &[], "gpg-refused"),
        (&locked, &[("PKGR_SIGNING_KEY_PASSPHRASE", "wrong")], "wrong-passphrase"),
        ("old@example.org", &[("PATH", "/nonexistent")], "gpg-missing"),
    ] {
        let said = world.pkgr(&["sign", "--json", changes.to_str().unwrap(), "--key", key], variables);
        assert!(said.out.contains(&format!("\"{code}\"")), "{key}: {code}: {}{}", said.out, said.err);
        assert_eq!(said.code, 3, "{key}");
    }
}

#[test]
fn the_result_is_debsigns_but_for_the_signature() {
    let world = World::new();
    let key = world.make_key("Jane Doe <jane@example.org>", "rsa2048", "sign", "");
    let ours = world.package("ours", "jammy");
    std::fs::create_dir(world.path("theirs")).unwrap();
    for entry in std::fs::read_dir(world.path("ours")).unwrap().flatten().filter(|e| e.path().is_file()) {
        std::fs::copy(entry.path(), world.path("theirs").join(entry.file_name())).unwrap();
    }
    let theirs = world.path("theirs/hello_1.0_source.changes");
    world.run("debsign", ["--no-conf", &format!("-k{key}"), theirs.to_str().unwrap()]).must();
    world.must_pass(&theirs);
    let signer = native(&world.export("--export-secret-keys", &key, ""), "").unwrap();
    sign_files(&signer, std::slice::from_ref(&ours)).unwrap();
    let head = |path: &std::path::Path| {
        let text = std::fs::read_to_string(path).unwrap();
        text.split("-----BEGIN PGP SIGNATURE-----").next().unwrap().to_string()
    };
    let dsc = "hello_1.0.dsc";
    assert_eq!(head(&ours.with_file_name(dsc)), head(&theirs.with_file_name(dsc)));
    // the digests of what is signed differ, nothing else does
    for name in ["hello_1.0_source.buildinfo", "hello_1.0_source.changes"] {
        let (ours, theirs) = (head(&ours.with_file_name(name)), head(&theirs.with_file_name(name)));
        let differing: Vec<&str> = ours.lines().zip(theirs.lines()).filter(|(a, b)| a != b).map(|(a, _)| a).collect();
        assert_eq!(ours.lines().count(), theirs.lines().count());
        assert!(differing.iter().all(|line| line.ends_with(".dsc") || line.ends_with(".buildinfo")), "{differing:?}");
    }
}

#[test]
fn signed_files_are_signed_again() {
    let world = World::new();
    let changes = world.package("p", "jammy");
    let old = world.make_key("Old <old@example.org>", "ed25519", "sign", "");
    let new = world.make_key("New <new@example.org>", "ed25519", "sign", "");
    for key in [&old, &new, &new] {
        let signer = native(&world.export("--export-secret-keys", key, ""), "").unwrap();
        sign_files(&signer, std::slice::from_ref(&changes)).unwrap();
        world.must_pass(&changes);
        let said = world.gpg(&["--status-fd", "1", "--verify", changes.to_str().unwrap()]).must();
        assert!(said.out.contains(&format!("VALIDSIG {key}")), "{}", said.out);
        let text = std::fs::read_to_string(&changes).unwrap();
        assert_eq!(text.matches("-----BEGIN PGP SIGNATURE-----").count(), 1);
    }
}

#[test]
fn an_interrupted_run_can_be_repeated() {
    let world = World::new();
    let key = world.make_key("Jane Doe <jane@example.org>", "ed25519", "sign", "");
    let signer = native(&world.export("--export-secret-keys", &key, ""), "").unwrap();
    for rounds_before in [0, 1] {
        let folder = format!("p{rounds_before}");
        let changes = world.package(&folder, "jammy");
        for _ in 0..rounds_before {
            sign_files(&signer, std::slice::from_ref(&changes)).unwrap();
        }
        let names = ["hello_1.0.dsc", "hello_1.0_source.buildinfo", "hello_1.0_source.changes"];
        let read = || names.map(|name| std::fs::read(changes.with_file_name(name)).unwrap());
        let before = read();
        sign_files(&signer, std::slice::from_ref(&changes)).unwrap();
        let after = read();
        // as a kill after the first or second file leaves it
        for done in [1, 2] {
            for (number, name) in names.iter().enumerate() {
                let bytes = if number < done { &after[number] } else { &before[number] };
                std::fs::write(changes.with_file_name(name), bytes).unwrap();
            }
            sign_files(&signer, std::slice::from_ref(&changes)).unwrap();
            world.must_pass(&changes);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let world = World::new();
    let key = world.make_key("Jane Doe <jane@example.org>", "ed25519", "sign", "");
    let signer = native(&world.export("--export-secret-keys", &key, ""), "").unwrap();
    let refused = |path: &std::path::Path, code: &str| {
        let failure = pkgr::diagnostic::Failure::from(sign_files(&signer, &[path.to_path_buf()]).unwrap_err());
        assert_eq!(failure.diagnostics[0].code, code, "{failure}");
        failure
    };
    let unreleased = world.package("unreleased", "UNRELEASED");
    assert_eq!(refused(&unreleased, "unreleased").kind.exit_code(), 1);
    assert_eq!(refused(&world.write("x.deb", ""), "not-signable").kind.exit_code(), 2);
    refused(&world.path("missing.dsc"), "io");

    let changes = world.package("p", "jammy");
    let before = std::fs::read(&changes).unwrap();
    let dsc = changes.with_file_name("hello_1.0.dsc");
    let tarball = changes.with_file_name("hello_1.0.tar.xz");
    for (file, code) in [(&dsc, "checksum-mismatch"), (&tarball, "checksum-mismatch")] {
        let whole = std::fs::read(file).unwrap();
        std::fs::write(file, [&whole[..], b"X-Added: field\n"].concat()).unwrap();
        let failure = refused(&changes, code);
        assert!(failure.diagnostics[0].notes.iter().any(|note| note.starts_with("size: listed")), "{failure:?}");
        std::fs::write(file, whole).unwrap();
    }
    std::fs::rename(&dsc, world.path("away")).unwrap();
    refused(&changes, "listed-file-missing");
    std::fs::rename(world.path("away"), &dsc).unwrap();
    let text = String::from_utf8(before.clone()).unwrap();
    std::fs::write(&changes, text.replace("hello_1.0.dsc", "../hello_1.0.dsc")).unwrap();
    refused(&changes, "bad-file-name");
    let signed = String::from_utf8(signer.clearsign(&before).unwrap()).unwrap();
    std::fs::write(&changes, format!("{signed}trailing: text\n")).unwrap();
    refused(&changes, "malformed-signature");
    std::fs::write(&changes, &before).unwrap();
    assert!(!pkgr::sign::is_signed(&std::fs::read(&dsc).unwrap()), "a refusal leaves every file as it was");
    sign_files(&signer, std::slice::from_ref(&changes)).unwrap();
    world.must_pass(&changes);
}

#[test]
fn tampering_is_noticed() {
    let world = World::new();
    let key = world.make_key("Jane Doe <jane@example.org>", "ed25519", "sign", "");
    let signer = native(&world.export("--export-secret-keys", &key, ""), "").unwrap();
    let signed = String::from_utf8(signer.clearsign(b"Source: hello\nVersion: 1.0\n").unwrap()).unwrap();
    let cert = Cert::from_file(world.export("--export", &key, "")).unwrap();
    assert!(verify::verify(signed.as_bytes(), std::slice::from_ref(&cert)).is_ok());
    let tampered = signed.replace("1.0", "1.1");
    let file = world.write("tampered.asc", &tampered);
    assert!(!world.gpg(&["--verify", file.to_str().unwrap()]).success);
    assert!(!signer.has_signed(tampered.as_bytes()));
    assert!(verify::verify(tampered.as_bytes(), &[cert]).is_err());
}

#[test]
fn single_files_and_several_at_once() {
    let world = World::new();
    let key = world.make_key("Jane Doe <jane@example.org>", "ed25519", "sign", "");
    let signer = native(&world.export("--export-secret-keys", &key, ""), "").unwrap();
    let changes = world.package("a", "jammy");
    let dsc = changes.with_file_name("hello_1.0.dsc");
    assert_eq!(sign_files(&signer, std::slice::from_ref(&dsc)).unwrap().len(), 1);
    world.must_verify(std::slice::from_ref(&dsc));
    // a .buildinfo alone brings its .dsc, whose first signature it does not list
    let buildinfo = changes.with_file_name("hello_1.0_source.buildinfo");
    assert_eq!(sign_files(&signer, std::slice::from_ref(&buildinfo)).unwrap().len(), 2);
    world.must_verify(std::slice::from_ref(&buildinfo));
    // a folder's worth: each file once
    let other = world.package("b", "noble");
    let written = sign_files(&signer, &[dsc, buildinfo, changes.clone(), other.clone()]).unwrap();
    assert_eq!(written.len(), 6);
    world.must_pass(&changes);
    world.must_pass(&other);
}

#[test]
fn many_threads_sign_with_one_key() {
    let world = World::new();
    let key = world.make_key("Jane Doe <jane@example.org>", "ed25519", "sign", "secret");
    let signer = native(&world.export("--export-secret-keys", &key, "secret"), "secret").unwrap();
    let cert = Cert::from_file(world.export("--export", &key, "")).unwrap();
    let items: Vec<u32> = (0..64).collect();
    let good = pkgr::parallel::map(&items, 8, |number| {
        let text = format!("Number: {number}\n");
        let signed = signer.clearsign(text.as_bytes()).unwrap();
        verify::verify(&signed, std::slice::from_ref(&cert))
            .is_ok_and(|v| v.text.trim_ascii() == text.trim_ascii().as_bytes())
    });
    assert!(good.iter().all(|good| *good));
}
