//! Each transport delivers what it was given, byte for byte and to the right
//! folder, to the servers that there are; and says why where it cannot.

mod upload_support;

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use pkgr::listener::Silent;
use pkgr::upload::{
    Cure, Destination, Family, Method, Options, Secret, SftpKey, Stage, Timeouts, TransferError, transfer,
};
use upload_support::{Daemon, PutServer, SshHome, Sshd, Vsftpd, assert_same, contents, files_in, free_port, package};

const PPA: &str = "~owner/ubuntu/name/noble";

fn destination(method: Method, port: u16, folder: &str) -> Destination {
    Destination {
        method,
        host: "127.0.0.1".to_string(),
        port: Some(port),
        login: None,
        folder: folder.to_string(),
        host_keys: Vec::new(),
    }
}

fn quick() -> Options {
    let timeouts = Timeouts { connect: Duration::from_secs(10), idle: Duration::from_secs(5) };
    Options { timeouts, ..Options::default() }
}

fn with_key(ssh: &SshHome) -> Options {
    Options { ssh: ssh.program.clone().into(), sftp_key: Some(SftpKey::Path(ssh.key.clone())), ..quick() }
}

fn to_daemon_by_sftp(daemon: &Daemon) -> Destination {
    let mut destination = destination(Method::Sftp, daemon.sftp, PPA);
    destination.login = Some(Daemon::LOGIN.to_string());
    destination.host_keys = vec![daemon.host_key.clone()];
    destination
}

/// Uploads a package that must not arrive.
#[track_caller]
fn failure(destination: &Destination, options: &Options) -> TransferError {
    let folder = tempfile::tempdir().unwrap();
    transfer(destination, &package(folder.path()), options, &Silent).unwrap_err()
}

#[test]
fn ftp_to_launchpads_daemon() {
    let daemon = Daemon::start();
    let folder = tempfile::tempdir().unwrap();
    let items = package(folder.path());
    transfer(&destination(Method::Ftp, daemon.ftp, PPA), &items, &quick(), &Silent).unwrap();
    let mut by_ipv6 = destination(Method::Ftp, daemon.ftp, "~owner/ubuntu/name");
    by_ipv6.host = "::1".to_string();
    by_ipv6.login = Some("someone".to_string());
    transfer(&by_ipv6, &items, &quick(), &Silent).unwrap();
    let sessions = daemon.received();
    let paths: Vec<&str> = sessions.iter().map(|session| session.path.as_str()).collect();
    assert_eq!(paths, [PPA, "~owner/ubuntu/name"]);
    for session in &sessions {
        assert_same(&session.files, &contents(&items));
    }
}

#[test]
fn sftp_to_launchpads_daemon() {
    let daemon = Daemon::start();
    let folder = tempfile::tempdir().unwrap();
    let items = package(folder.path());
    let destination = to_daemon_by_sftp(&daemon);
    transfer(&destination, &items, &with_key(&daemon.ssh), &Silent).unwrap();
    // as CI gives it: the text, and the end of the last line lost
    let text = SftpKey::Text(Secret::new(daemon.ssh.key_text().trim_end()));
    let options = Options { sftp_key: Some(text), ..with_key(&daemon.ssh) };
    transfer(&destination, &items, &options, &Silent).unwrap();
    // as a person has it: all in ~/.ssh/config, and with SendEnv, which newer daemons answer by waiting
    daemon.ssh.configure(&format!(
        "Host ppa\nHostName ::1\nPort {}\nUser {}\nIdentityFile {}\nSendEnv LANG LC_*\n",
        daemon.sftp,
        Daemon::LOGIN,
        daemon.ssh.key.display()
    ));
    let by_name = Destination { host: "ppa".to_string(), port: None, login: None, ..destination };
    transfer(&by_name, &items, &Options { sftp_key: None, ..options }, &Silent).unwrap();
    let sessions = daemon.received();
    assert_eq!(sessions.len(), 3);
    for session in &sessions {
        assert_eq!(session.path, PPA);
        assert_same(&session.files, &contents(&items));
    }
    assert_eq!(fs::read_to_string(&daemon.ssh.known_hosts).unwrap(), "", "known_hosts is the user's");
}

#[test]
fn vsftpd_by_ipv4_and_ipv6_and_without_epsv() {
    let folder = tempfile::tempdir().unwrap();
    let items = package(folder.path());
    for (address, more) in [("127.0.0.1", ""), ("::1", ""), ("127.0.0.1", "cmds_denied=EPSV\npasv_address=192.0.2.1")] {
        let server = Vsftpd::start(address, more);
        let mut destination = destination(Method::Ftp, server.port, "/incoming/");
        destination.host = address.to_string();
        transfer(&destination, &items, &quick(), &Silent).unwrap();
        assert_same(&files_in(&server.incoming()), &contents(&items));
    }
}

#[test]
fn what_vsftpd_refuses_is_told() {
    let server = Vsftpd::start("127.0.0.1", "");
    let mut refused = destination(Method::Ftp, server.port, "incoming");
    refused.login = Some("root".to_string());
    let error = failure(&refused, &Options { password: Some(Secret::new("wrong")), ..quick() });
    assert_eq!((&error.stage, error.cure, error.refused), (&Stage::Login, Cure::OtherWay, true), "{error}");
    assert!(error.reason.contains("530") && !error.reason.contains("wrong"), "{error}");
    let error = failure(&destination(Method::Ftp, server.port, "nowhere"), &quick());
    assert_eq!(error.stage, Stage::Send("hello_1.0.orig.tar.gz".to_string()));
    assert!(error.refused && error.reason.contains("553"), "{error}");
    assert!(files_in(&server.incoming()).is_empty());
}

#[test]
fn openssh_and_the_two_ways_to_trust_it() {
    let server = Sshd::start();
    let folder = tempfile::tempdir().unwrap();
    let items = package(folder.path());
    let mut destination = destination(Method::Sftp, server.port, server.incoming().to_str().unwrap());
    destination.host_keys = vec!["SHA256:".to_string() + &"x".repeat(43), server.host_key.clone()];
    let options = with_key(&server.ssh);
    transfer(&destination, &items, &options, &Silent).unwrap_or_else(|e| panic!("{e}\n{}", server.log()));
    assert_same(&files_in(&server.incoming()), &contents(&items));
    // a second upload replaces the first, shorter files too
    let shorter = [upload_support::item(folder.path(), "hello_1.0.orig.tar.gz", b"short")];
    destination.host_keys = Vec::new();
    server.ssh.trust("127.0.0.1", server.port, &server.public_host_key());
    transfer(&destination, &shorter, &options, &Silent).unwrap();
    assert_eq!(fs::read(server.incoming().join("hello_1.0.orig.tar.gz")).unwrap(), b"short");
    destination.folder.push_str("/missing");
    let error = failure(&destination, &options);
    assert!(error.refused && error.cure == Cure::OtherWay && error.reason.contains("no such file"), "{error}");
}

#[test]
fn a_host_key_that_nobody_vouches_for_is_refused() {
    let daemon = Daemon::start();
    let options = with_key(&daemon.ssh);
    let mut destination = to_daemon_by_sftp(&daemon);
    let refused = |destination: &Destination, options: &Options, words: &str| {
        let error = failure(destination, options);
        assert_eq!((&error.stage, error.cure, error.refused), (&Stage::Connect, Cure::OtherWay, false), "{error}");
        assert!(error.reason.contains(words), "{error}");
    };
    destination.host_keys = Vec::new();
    refused(&destination, &options, "is not in known_hosts");
    // whatever the user's configuration or dput.cf says
    daemon.ssh.configure("StrictHostKeyChecking no\n");
    refused(&destination, &options, "is not in known_hosts");
    let lax = Options { ssh_options: vec!["StrictHostKeyChecking=no".to_string()], ..options.clone() };
    refused(&destination, &lax, "is not in known_hosts");
    // Launchpad's real key, shown by nobody here
    destination.host_keys = vec!["SHA256:MGq+4hxD7RduVTcfwlwwboZnsgJC6SL/NltM8ye+gNg".to_string()];
    refused(&destination, &options, "neither in known_hosts nor SHA256:MGq+");
    // known_hosts has another key: it counts, also where the fingerprint would do
    destination.host_keys = vec![daemon.host_key.clone()];
    let other = SshHome::new();
    upload_support::ssh::make_key(&other.key.with_extension("rsa"), &["-t", "rsa", "-b", "2048"]);
    daemon.ssh.trust("127.0.0.1", daemon.sftp, &other.key.with_extension("rsa.pub"));
    refused(&destination, &options, "is not the one in known_hosts");
    assert!(daemon.received().is_empty(), "nobody logged in");
}

#[test]
fn an_unknown_account_and_a_foreign_key_are_refused() {
    let daemon = Daemon::start();
    let mut destination = to_daemon_by_sftp(&daemon);
    let foreign = SshHome::new();
    let error =
        failure(&destination, &Options { sftp_key: Some(SftpKey::Path(foreign.key.clone())), ..with_key(&daemon.ssh) });
    assert_eq!((&error.stage, error.cure, error.refused), (&Stage::Login, Cure::OtherWay, true), "{error}");
    assert!(error.reason.contains("Permission denied"), "{error}");
    destination.login = Some("nobody-here".to_string());
    let error = failure(&destination, &with_key(&daemon.ssh));
    assert_eq!((&error.stage, error.cure, error.refused), (&Stage::Login, Cure::OtherWay, true), "{error}");
    assert!(error.reason.contains("No such Launchpad account: nobody-here"), "{error}");
    assert!(daemon.received().is_empty());
}

#[test]
fn what_is_not_there_can_be_tried_again_and_a_missing_ssh_cannot() {
    for method in [Method::Ftp, Method::Sftp, Method::Http] {
        let ssh = SshHome::new();
        let error = failure(&destination(method, free_port(), "x"), &with_key(&ssh));
        assert_eq!(
            (error.stage, error.cure, error.refused),
            (Stage::Connect, Cure::Retry, false),
            "{method:?}: {}",
            error.reason
        );
        let mut unknown = destination(method, 1, "x");
        unknown.host = "no-such-host.invalid".to_string();
        let error = failure(&unknown, &with_key(&ssh));
        assert_eq!(
            (error.stage, error.cure, error.refused),
            (Stage::Connect, Cure::Retry, false),
            "{method:?}: {}",
            error.reason
        );
    }
    let without = Options { ssh: "no-such-ssh".into(), ..quick() };
    let error = failure(&destination(Method::Sftp, 1, "x"), &without);
    assert_eq!(error.cure, Cure::OtherWay);
    assert!(error.reason.contains("install openssh-client"), "{error}");
}

#[test]
fn a_peer_that_says_nothing_ends_in_time() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let ssh = SshHome::new();
    let short = Timeouts { connect: Duration::from_secs(1), idle: Duration::from_secs(1) };
    for method in [Method::Ftp, Method::Sftp] {
        let start = Instant::now();
        let error = failure(&destination(method, port, "x"), &Options { timeouts: short, ..with_key(&ssh) });
        assert_eq!((error.stage, error.cure), (Stage::Connect, Cure::Retry), "{}", error.reason);
        assert!(start.elapsed() < Duration::from_secs(5));
    }
    // more than the buffers of a connection take
    let folder = tempfile::tempdir().unwrap();
    let items = [upload_support::item(folder.path(), "large", &vec![0; 20 << 20])];
    let options = Options { timeouts: short, ..quick() };
    let error = transfer(&destination(Method::Http, port, "x"), &items, &options, &Silent).unwrap_err();
    assert_eq!((error.stage, error.cure), (Stage::Send("large".to_string()), Cure::Retry), "{}", error.reason);
    assert!(error.reason.contains("has not stirred"), "{}", error.reason);
}

#[test]
fn a_local_folder() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let items = package(folder.path());
    let incoming = tempfile::tempdir().unwrap();
    let mut destination = destination(Method::Local, 0, incoming.path().to_str().unwrap());
    fs::write(incoming.path().join(&items[0].name), "an older one").unwrap();
    transfer(&destination, &items, &quick(), &Silent).unwrap();
    assert_same(&files_in(incoming.path()), &contents(&items));
    for item in &items {
        assert_eq!(incoming.path().join(&item.name).metadata().unwrap().permissions().mode() & 0o777, 0o644);
    }
    destination.folder.push_str("/missing");
    let error = failure(&destination, &quick());
    assert_eq!((&error.stage, error.cure, error.refused), (&Stage::Connect, Cure::None, false), "{error}");
    assert!(error.reason.contains("/missing: No such file"), "{error}");
}

#[test]
fn http_put() {
    let server = PutServer::start(|_| "201 Created".to_string());
    let folder = tempfile::tempdir().unwrap();
    let items = package(folder.path());
    let mut destination = destination(Method::Http, server.port, "/in coming/");
    transfer(&destination, &items, &quick(), &Silent).unwrap();
    let puts = server.puts();
    let names: Vec<String> = puts.iter().map(|put| put.path.rsplit('/').next().unwrap().to_string()).collect();
    assert_eq!(names, items.iter().map(|item| item.name.clone()).collect::<Vec<_>>(), "in order");
    assert!(puts.iter().all(|put| put.path.starts_with("/in%20coming/") && put.authorization.is_none()));
    assert_same(&names.into_iter().zip(puts.into_iter().map(|put| put.body)).collect(), &contents(&items));
    assert_eq!(server.connections(), 1);
    destination.login = Some("me".to_string());
    transfer(&destination, &items, &Options { password: Some(Secret::new("pass")), ..quick() }, &Silent).unwrap();
    transfer(&destination, &items, &Options { token: Some(Secret::new("abc")), ..quick() }, &Silent).unwrap();
    let fields: Vec<_> = server.puts().into_iter().skip(5).map(|put| put.authorization.unwrap()).collect();
    assert!(fields[..5].iter().all(|field| field == "Basic bWU6cGFzcw=="), "{fields:?}");
    assert!(fields[5..].iter().all(|field| field == "Bearer abc"), "{fields:?}");
}

#[test]
fn what_an_http_server_refuses_is_told_and_no_changes_goes() {
    for (answer, cure) in [
        ("401 Unauthorized", Cure::OtherWay),
        ("403 Forbidden", Cure::OtherWay),
        ("404 Not Found", Cure::OtherWay),
        ("302 Found\r\nLocation: http://192.0.2.1/", Cure::OtherWay),
        ("429 Too Many Requests", Cure::Retry),
        ("503 Service Unavailable", Cure::Retry),
        ("507 Insufficient Storage", Cure::Retry),
    ] {
        let at_dsc = move |put: &upload_support::put::Put| {
            if put.path.ends_with(".dsc") { answer.to_string() } else { "201 Created".to_string() }
        };
        let server = PutServer::start(at_dsc);
        let error = failure(&destination(Method::Http, server.port, "in"), &quick());
        assert_eq!((error.cure, error.refused), (cure, true), "{answer}: {error}");
        assert!(error.reason.contains(&answer[..3]), "{error}");
        assert!(server.puts().iter().all(|put| !put.path.ends_with(".changes")));
    }
}

#[test]
fn a_file_that_changes_on_the_way_stops_the_upload() {
    struct Meddler(PathBuf);
    impl pkgr::listener::Listener for Meddler {
        fn tell(&self, _: pkgr::diagnostic::Diagnostic) {}
        fn started(&self, what: &str, _: Option<u64>) {
            if what.ends_with(".dsc") {
                fs::write(&self.0, "another").unwrap();
            }
        }
    }
    let daemon = Daemon::start();
    let server = PutServer::start(|_| "201 Created".to_string());
    let incoming = tempfile::tempdir().unwrap();
    for destination in [
        destination(Method::Ftp, daemon.ftp, PPA),
        to_daemon_by_sftp(&daemon),
        destination(Method::Http, server.port, "in"),
        destination(Method::Local, 0, incoming.path().to_str().unwrap()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let items = package(folder.path());
        // one that was sent already
        let meddler = Meddler(items[2].path.clone());
        let error = transfer(&destination, &items, &with_key(&daemon.ssh), &meddler).unwrap_err();
        assert_eq!(error.cure, Cure::None, "{error}");
        assert!(error.reason.contains("changed while it was uploaded"), "{error}");
    }
    let sessions = daemon.received();
    assert!(sessions.len() == 2 && sessions.iter().all(|session| !session.is_submitted()));
    assert!(server.puts().iter().all(|put| !put.path.ends_with(".changes")));
    assert!(files_in(incoming.path()).keys().all(|name| !name.ends_with(".changes")));
}

#[test]
fn the_family_of_addresses_can_be_chosen() {
    let daemon = Daemon::start();
    let folder = tempfile::tempdir().unwrap();
    let items = package(folder.path());
    for family in [Family::V4, Family::V6] {
        for mut destination in [destination(Method::Ftp, daemon.ftp, PPA), to_daemon_by_sftp(&daemon)] {
            let options = Options { family: Some(family), ..with_key(&daemon.ssh) };
            destination.host = if family == Family::V4 { "::1" } else { "127.0.0.1" }.to_string();
            let error = transfer(&destination, &items, &options, &Silent).unwrap_err();
            assert_eq!(error.stage, Stage::Connect, "{error}");
        }
    }
    assert!(daemon.received().is_empty());
}
