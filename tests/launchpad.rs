//! Launchpad's web service, asked through a stand-in that speaks its shapes over
//! real HTTP, on good days and on bad ones.

mod launchpad_support;

use std::time::{Duration, Instant};

use launchpad_support::place::{Place, ppa, upload};
use launchpad_support::{Fault, Service};
use pkgr::diagnostic::{Failure, Kind};
use pkgr::fetch::Options;
use pkgr::launchpad::*;

fn failure(error: LaunchpadError) -> (Kind, &'static str) {
    let failure = Failure::from(error);
    (failure.kind, failure.diagnostics[0].code)
}

#[test]
fn distribution_series_and_archives() {
    let place = Place::new();
    let client = place.client();
    let ubuntu = client.distribution("ubuntu").unwrap();
    assert!(ubuntu.supports_ppas && ubuntu.main_archive_link.ends_with("/ubuntu/+archive/primary"));
    let series = client.series("ubuntu").unwrap();
    assert!(series.iter().any(|s| s.name == "noble" && s.active && s.status == SeriesStatus::Supported));
    assert!(series.iter().any(|s| s.name == "groovy" && !s.active));
    // a number that JSON would shorten
    assert_eq!(client.series_named("ubuntu", "20.10").unwrap().name, "groovy");
    let error = client.series_named("ubuntu", "20.1").unwrap_err();
    assert!(error.is_missing());
    assert_eq!(client.primary("ubuntu").unwrap().displayname, "Primary Archive for Ubuntu");
    let archive = client.archive(&ppa()).unwrap();
    assert_eq!((archive.reference.as_str(), archive.authorized_size), ("~du9l/ubuntu/nginx", Some(8192)));
    assert!(client.signing_key(&archive).unwrap().unwrap().starts_with("-----BEGIN PGP PUBLIC KEY"));
    assert_eq!(place.service.state().violations, Vec::<String>::new());
}

#[test]
fn no_such_ppa_and_a_private_one() {
    let place = Place::new();
    let error = place.client().archive(&"ppa:du9l/none".parse().unwrap()).unwrap_err();
    assert_eq!(failure(error), (Kind::Remote, "launchpad-not-found"));
    place.service.state().ppas[0].private = true;
    let error = place.client().archive(&ppa()).unwrap_err();
    assert!(error.to_string().contains("du9l"), "{error}");
    assert_eq!(failure(error), (Kind::Remote, "launchpad-private"));
}

#[test]
fn a_version_is_not_mistaken_for_a_number() {
    let place = Place::new();
    let (short, long) = (upload("hello", "1.1", "noble"), upload("hello", "1.10", "noble"));
    let (short, long) = (place.service.accept(&short), place.service.accept(&long));
    place.service.accept(&upload("hello-world", "1.10", "noble"));
    let archive = place.archive();
    let ids = |version| {
        let query = SourceQuery::of("hello").version(version);
        let found = place.client().published_sources(&archive, &query).unwrap();
        found.iter().map(|p| p.id().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((ids("1.10"), ids("1.1"), ids("1e3")), (vec![long], vec![short], vec![]));
    // the stand-in has the trap: an unquoted 1.10 is 1.1 to it
    let url =
        format!("{}?ws.op=getPublishedSources&source_name=hello&exact_match=true&version=1.10", archive.self_link);
    let text = reqwest::blocking::get(&url).unwrap().text().unwrap();
    assert!(text.contains("\"1.1\"") && !text.contains("\"1.10\""), "{text}");
    let url = format!("{}?ws.op=getPublishedSources&source_name=hello&exact_match=True", archive.self_link);
    let refused = reqwest::blocking::get(&url).unwrap();
    assert_eq!(refused.status().as_u16(), 400);
}

#[test]
fn queries_by_status_and_series() {
    let place = Place::new();
    let noble = place.service.accept(&upload("hello", "2~ubuntu24.04.1", "noble"));
    let jammy = place.service.accept(&upload("hello", "2~ubuntu22.04.1", "jammy"));
    place.service.publish(jammy);
    let archive = place.archive();
    let ids = |query: SourceQuery| {
        let found = place.client().published_sources(&archive, &query).unwrap();
        found.iter().map(|p| p.id().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids(SourceQuery::of("hello")), [noble, jammy]);
    assert_eq!(ids(SourceQuery::of("hello").status(PublishingStatus::Pending)), [noble]);
    assert_eq!(ids(SourceQuery::default().series(Some("jammy"))), [jammy]);
    let builds = place.client().build_records(&archive, Some("hello"), Some(&BuildState::NeedsBuilding)).unwrap();
    assert_eq!(builds.len(), 2, "of noble only");
    let refused =
        place.client().published_sources(&archive, &SourceQuery { version: Some("1".into()), ..Default::default() });
    let failure = Failure::from(refused.unwrap_err());
    assert_eq!((failure.kind, failure.diagnostics[0].code), (Kind::Remote, "launchpad-refused"));
    assert!(failure.diagnostics[0].notes.iter().any(|note| note.contains("together with the 'name'")), "{failure:?}");
}

#[test]
fn the_bytes_that_ubuntu_has_published() {
    let place = Place::new();
    let orig: (&str, &[u8]) = ("hello_2.10+dfsg.orig.tar.gz", b"the orig");
    place.service.publish_in_ubuntu("hello", "2.10+dfsg-1", "noble", &[("hello_2.10+dfsg-1.dsc", b"dsc"), orig]);
    place.service.publish_in_ubuntu("hello", "2.9-1", "jammy", &[]);
    let client = place.client();
    let primary = client.primary("ubuntu").unwrap();
    let found = client.published_sources(&primary, &SourceQuery::of("hello")).unwrap();
    assert_eq!(found.iter().map(|p| p.series()).collect::<Vec<_>>(), ["noble", "jammy"]);
    let files = client.source_files(&found[0]).unwrap();
    let file = files.iter().find(|file| file.name() == orig.0).unwrap();
    let path = client.file(file).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), orig.1);
    place.service.requests();
    assert_eq!(client.file(file).unwrap(), path);
    assert_eq!(place.service.requests(), Vec::<String>::new(), "it is in the cache");
    let wrong = PublishedFile { sha256: Some("0".repeat(64)), ..file.clone() };
    assert!(matches!(client.file(&wrong).unwrap_err(), LaunchpadError::Shape { .. }));
    let longer = PublishedFile { size: Some(3), sha256: Some("1".repeat(64)), ..file.clone() };
    assert!(client.file(&longer).is_err());
}

/// The stand-in takes and refuses as Launchpad does.
#[test]
fn uploads_are_judged_by_what_the_archive_has() {
    let place = Place::new();
    place.service.publish_in_ubuntu("hello", "1.0-1", "noble", &[("hello_1.0.orig.tar.gz", b"ubuntu's")]);
    let folder = tempfile::tempdir().unwrap();
    let send = |version: &str, series: &str, orig: Option<&[u8]>, with_orig: bool| {
        let name = "hello_1.0.orig.tar.gz";
        let path = |name: &str| folder.path().join(name);
        let line = |name: &str| format!(" 00 1 misc optional {name}\n");
        let dsc = format!("hello_{version}.dsc");
        std::fs::write(path(&dsc), format!("Source: hello\nBinary: hello, hello-doc\nArchitecture: any all\nVersion: {version}\nFiles:\n 00 1 {name}\n")).unwrap();
        if let Some(bytes) = orig {
            std::fs::write(path(name), bytes).unwrap();
        }
        let files = if with_orig { line(&dsc) + &line(name) } else { line(&dsc) };
        let changes = path(&format!("hello_{version}_source.changes"));
        std::fs::write(&changes, format!("Source: hello\nVersion: {version}\nDistribution: {series}\nFiles:\n{files}"))
            .unwrap();
        place.service.receive("du9l", "nginx", &changes, &["amd64", "arm64"])
    };
    let refused = send("1.0-1~1", "noble", Some(b"ours"), true).unwrap_err();
    assert!(refused.contains("already exists in nginx, but uploaded version has different contents"), "{refused}");
    let id = send("1.0-1~2", "noble", None, false).unwrap();
    assert_eq!(place.service.state().publication(id).upload.binaries, ["hello", "hello-doc"]);
    assert_eq!(place.service.state().publication(id).builds.len(), 2);
    assert!(send("1.0-1~2", "jammy", None, false).unwrap_err().contains("already accepted in ubuntu/noble"));
    assert!(send("1.0-1~1", "noble", None, false).unwrap_err().contains("Version older than that in the archive"));
    send("1.0-1~1", "jammy", Some(b"ubuntu's"), true).unwrap();
}

#[test]
fn pages_are_followed_as_they_are_linked() {
    let place = Place::new();
    for number in 0..7 {
        place.service.accept(&upload(&format!("package{number}"), "1", "noble"));
    }
    let archive = place.archive();
    place.service.state().page_size = 3;
    place.service.requests();
    let all = place.client().published_sources(&archive, &SourceQuery::default()).unwrap();
    let names: Vec<&str> = all.iter().map(|p| p.source_package_name.as_str()).collect();
    assert_eq!(names, ["package0", "package1", "package2", "package3", "package4", "package5", "package6"]);
    let requests = place.service.requests();
    assert_eq!(requests.len(), 4, "{requests:?}");
    assert!(requests[1].ends_with("ws.show=total_size"), "{requests:?}");
    assert!(requests[3].ends_with("&ws.size=3&memo=6&ws.start=6"), "{requests:?}");
}

#[test]
fn single_objects_are_asked_conditionally_and_collections_never() {
    let place = Place::new();
    let id = place.service.accept(&upload("hello", "1", "noble"));
    let archive = place.archive();
    let query = SourceQuery::of("hello");
    let first = place.client().published_sources(&archive, &query).unwrap().remove(0);
    let unchanged = || place.client().source_publication(&first).unwrap();
    assert_eq!((unchanged().status, unchanged().status), (PublishingStatus::Pending, PublishingStatus::Pending));
    place.service.publish(id);
    assert_eq!(unchanged().status, PublishingStatus::Published, "the ETag has changed");
    assert_eq!(place.client().published_sources(&archive, &query).unwrap()[0].status, PublishingStatus::Published);
    assert_eq!(place.service.state().violations, Vec::<String>::new());
    // a 304 without a copy to go with it is no answer
    place.service.fault("+sourcepub", Fault::Text("304 Not Modified", ""));
    let fresh = tempfile::tempdir().unwrap();
    let options = Options { cache: Some(fresh.path().into()), ..Options::default() };
    let client = Client::new(place.service.settings(), options, &place.recorder).unwrap();
    assert!(client.source_publication(&first).is_err());
}

#[test]
fn bad_days_pass() {
    let place = Place::new();
    place.service.accept(&upload("hello", "1", "noble"));
    let archive = place.archive();
    place.service.fault("+archive/ubuntu/nginx", Fault::HalfUnannounced);
    assert_eq!(place.archive(), archive);
    // 900 seconds is what Launchpad always says: a hint, and no sentence
    for fault in
        [Fault::Busy(900), Fault::Half, Fault::HalfUnannounced, Fault::Hangup, Fault::Slow(Duration::from_secs(1))]
    {
        place.service.fault("getPublishedSources", fault.clone());
        let start = Instant::now();
        let found = place.client().published_sources(&archive, &SourceQuery::default());
        assert_eq!(found.unwrap_or_else(|e| panic!("{fault:?}: {e}")).len(), 1);
        assert!(start.elapsed() < Duration::from_secs(3), "{fault:?}");
    }
}

#[test]
fn bad_days_that_do_not_pass() {
    let place = Place::new();
    let archive = place.archive();
    let ask = |client: &Client| client.published_sources(&archive, &SourceQuery::default()).unwrap_err();
    for _ in 0..3 {
        place.service.fault("getPublishedSources", Fault::Busy(1));
    }
    let error = ask(&place.client());
    assert!(error.is_passing() && error.to_string().contains("503"), "{error}");
    let failure = Failure::from(error);
    assert_eq!(failure.kind, Kind::Environment);
    assert!(failure.diagnostics[0].notes.iter().any(|note| note.contains("OOPS-5f6a2b3c4d")), "{failure:?}");
    // each byte comes in time, and the whole never
    place.service.fault("getPublishedSources", Fault::Dribble(Duration::from_millis(300)));
    let start = Instant::now();
    let error = ask(&place.client_within(Duration::from_millis(900)));
    assert!(matches!(error, LaunchpadError::Slow { .. }), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(3));
    place.service.fault("getPublishedSources", Fault::Portal);
    let error = ask(&place.client());
    assert!(matches!(error, LaunchpadError::Shape { .. }), "{error:?}");
    let offline = Options { offline: true, cache: Some(place.folder.path().into()), ..Options::default() };
    let client = Client::new(place.service.settings(), offline, &place.recorder).unwrap();
    assert!(matches!(ask(&client), LaunchpadError::Offline { .. }));
}

#[test]
fn nobody_else_is_asked() {
    let place = Place::new();
    let (archive, other) = (place.archive(), Service::start());
    other.add_ppa("du9l", "nginx");
    let there = format!("{}/devel/~du9l/+archive/ubuntu/nginx", other.address());
    place.service.fault("getPublishedSources", Fault::Redirect(there.clone()));
    let error = place.client().published_sources(&archive, &SourceQuery::default()).unwrap_err();
    assert!(matches!(error, LaunchpadError::Foreign { .. }), "{error:?}");
    let foreign = Archive { self_link: there, ..archive };
    let error = place.client().published_sources(&foreign, &SourceQuery::default()).unwrap_err();
    assert_eq!(failure(error), (Kind::Environment, "launchpad-foreign-link"));
    let error = place.client().log_tail(&format!("{}/log", other.address()), 5).unwrap_err();
    assert!(matches!(error, LaunchpadError::Foreign { .. }), "{error:?}");
    assert_eq!(other.requests(), Vec::<String>::new());
}

#[test]
fn the_end_of_a_log_through_the_librarian() {
    let place = Place::new();
    let id = place.service.accept(&upload("hello", "1", "noble"));
    let long: String = (0..200_000).map(|line| format!("line {line}\n")).collect();
    place.service.fail_build(
        id,
        "amd64",
        "Failed to build",
        &format!("{long}error: no\n----\nBuild finished at 2026\nCleanup\n"),
    );
    let archive = place.archive();
    let client = place.client();
    let publication = client.published_sources(&archive, &SourceQuery::of("hello")).unwrap().remove(0);
    let builds = client.builds(&publication).unwrap();
    let failed = builds.iter().find(|build| build.buildstate == BuildState::FailedToBuild).unwrap();
    let log = failed.build_log_url.as_deref().unwrap();
    place.service.fault("/librarian/", Fault::Half);
    let tail = client.log_tail(log, 3).unwrap();
    assert_eq!(
        (tail.lines, tail.whole),
        (["line 199998", "line 199999", "error: no"].map(String::from).to_vec(), false)
    );
}
