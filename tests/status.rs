//! `pkgr status` against a stand-in for Launchpad: the table, the document, every
//! exit code of `--wait`, and the page in a real browser.

mod browser;
mod common;
mod launchpad_support;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use browser::Theme;
use common::{Run, TestEnvironment, repository, run};
use launchpad_support::place::upload;
use launchpad_support::{Service, Upload};

struct World {
    environment: TestEnvironment,
    service: Service,
}

impl World {
    fn new() -> World {
        let service = Service::start();
        service.add_ppa("du9l", "nginx");
        World { environment: TestEnvironment::new(), service }
    }

    fn status(&self, arguments: &[&str]) -> Command {
        let mut command = self.environment.pkgr(&["status", "ppa:du9l/nginx"]);
        command.args(arguments).envs(self.service.environment());
        command
    }

    /// Looks often, and runs `then` while it waits.
    fn wait(&self, arguments: &[&str], then: impl FnOnce(&Service) + Send) -> Run {
        let mut command = self.status(&["--wait", "--interval", "0.1s"]);
        command.args(arguments);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let start = std::time::Instant::now();
                // it has begun to look
                while self.service.state().requests.len() < 3 && start.elapsed() < Duration::from_secs(10) {
                    std::thread::sleep(Duration::from_millis(10));
                }
                then(&self.service);
            });
            run(&mut command)
        })
    }
}

/// A PPA in the middle of everything.
fn busy() -> World {
    let world = World::new();
    let service = &world.service;
    let of = |source: &str, version: &str, series: &str| service.accept(&upload(source, version, series));
    for (series, number) in [("jammy", "22.04"), ("noble", "24.04"), ("resolute", "26.04")] {
        let old = of("libnginx-mod-brotli", &format!("1.0.0-1~ubuntu{number}.1"), series);
        service.publish(old);
    }
    let building = of("libnginx-mod-brotli", "1.0.1-1~ubuntu24.04.1", "noble");
    service.set_build_state(building, "amd64", "Currently building");
    let failed = of("libnginx-mod-brotli", "1.0.1-1~ubuntu26.04.1", "resolute");
    service.set_build_state(failed, "arm64", "Successfully built");
    let log = "dh_auto_build\ncc -c <a&b>.c\nngx_brotli.c:12:10: fatal error: brotli/encode.h: No such file or directory\n\
               make: *** [debian/rules:9: binary] Error 2\n------\nBuild finished at 2026-11-24\nCleanup\n";
    service.fail_build(failed, "amd64", "Failed to build", log);
    let helper = Upload {
        binaries: vec!["nginx-tools".into(), "nginx-tools-doc".into()],
        ..upload("nginx-tools", "2:3.10", "noble")
    };
    service.publish(service.accept(&helper));
    let waiting = of("nginx-tools", "2:3.10~ubuntu22.04.1", "jammy");
    service.set_dependencies(waiting, "arm64", "libnginx-dev (>= 1.28)");
    service.fail_build(waiting, "arm64", "Dependency wait", "missing: libnginx-dev\n");
    let built = of("nginx-tools", "2:3.10~ubuntu26.04.1", "resolute");
    service.build(built);
    service.mark_published(built);
    world
}

#[test]
fn the_table_tells_all_states() {
    let world = busy();
    let run = run(&mut world.status(&[])).ok();
    let lines: Vec<Vec<&str>> =
        run.stdout.lines().map(|line| line.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect()).collect();
    assert_eq!(lines[0], ["SOURCE", "SERIES", "VERSION", "ARCH", "STATE", "ACCEPTED"]);
    let states: Vec<String> = lines[1..13].iter().map(|cells| cells[..5].join(" | ")).collect();
    assert_eq!(
        states,
        [
            "libnginx-mod-brotli | jammy | 1.0.0-1~ubuntu22.04.1 | amd64 | published",
            "libnginx-mod-brotli | jammy | 1.0.0-1~ubuntu22.04.1 | arm64 | published",
            "libnginx-mod-brotli | noble | 1.0.1-1~ubuntu24.04.1 | amd64 | building (users have 1.0.0-1~ubuntu24.04.1)",
            "libnginx-mod-brotli | noble | 1.0.1-1~ubuntu24.04.1 | arm64 | waiting (users have 1.0.0-1~ubuntu24.04.1)",
            "libnginx-mod-brotli | resolute | 1.0.1-1~ubuntu26.04.1 | amd64 | failed to build (users have 1.0.0-1~ubuntu26.04.1)",
            "libnginx-mod-brotli | resolute | 1.0.1-1~ubuntu26.04.1 | arm64 | built (users have 1.0.0-1~ubuntu26.04.1)",
            "nginx-tools | jammy | 2:3.10~ubuntu22.04.1 | amd64 | waiting",
            "nginx-tools | jammy | 2:3.10~ubuntu22.04.1 | arm64 | failed: dependency wait, libnginx-dev (>= 1.28)",
            "nginx-tools | noble | 2:3.10 | amd64 | published",
            "nginx-tools | noble | 2:3.10 | arm64 | published",
            "nginx-tools | resolute | 2:3.10~ubuntu26.04.1 | amd64 | built, not in the index yet: nginx-tools",
            "nginx-tools | resolute | 2:3.10~ubuntu26.04.1 | arm64 | built, not in the index yet: nginx-tools",
        ],
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("    ngx_brotli.c:12:10: fatal error: brotli/encode.h: No such file or directory\n"));
    assert!(!run.stdout.contains("Cleanup"), "{}", run.stdout);
    assert_eq!(world.service.state().violations, Vec::<String>::new());
}

#[test]
fn less_of_it() {
    let world = busy();
    let of = |arguments: &[&str]| {
        let run = run(&mut world.status(arguments)).ok();
        run.stdout
            .lines()
            .skip(1)
            .map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    let noble = ["nginx-tools noble", "nginx-tools noble"];
    assert_eq!(of(&["--source", "nginx-tools=2:3.10"]), noble);
    assert_eq!(of(&["--source", "nginx"]), Vec::<String>::new(), "no part of a name");
    let mut command = world.environment.pkgr(&["status", "ppa:du9l/nginx/noble", "--source", "nginx-tools"]);
    let run = run(command.envs(world.service.environment())).ok();
    assert_eq!(run.stdout.lines().count(), 3, "{}", run.stdout);
}

#[test]
fn the_document() {
    let world = busy();
    let run = run(&mut world.status(&["--json"])).ok();
    let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&document["schema"], &document["ok"], &document["target"]),
        (&"pkgr.status/1".into(), &true.into(), &"ppa:du9l/nginx".into())
    );
    assert_eq!(document["published"], false);
    let packages = document["packages"].as_array().unwrap();
    assert_eq!(packages.len(), 6);
    let failed = &packages[2];
    assert_eq!(
        (&failed["series"], &failed["status"], &failed["replaces"]),
        (&"resolute".into(), &"Pending".into(), &"1.0.0-1~ubuntu26.04.1".into())
    );
    let build = &failed["architectures"][0];
    assert_eq!((&build["stage"], &build["build-state"]), (&"failed".into(), &"Failed to build".into()));
    assert_eq!(build["log"]["lines"].as_array().unwrap().last().unwrap(), "make: *** [debian/rules:9: binary] Error 2");
    assert!(build["log-url"].as_str().unwrap().starts_with("http"));
    assert_eq!(packages[5]["architectures"][1]["missing"], serde_json::json!(["nginx-tools"]));
}

#[test]
fn waiting_until_it_is_published() {
    let world = World::new();
    let run = world.wait(&["--source", "hello=1.10"], |service| {
        let id = service.accept(&upload("hello", "1.10", "noble"));
        service.build(id);
        service.mark_published(id);
        std::thread::sleep(Duration::from_millis(300));
        service.write_index(id);
    });
    let run = run.ok();
    assert!(
        run.stderr.contains("Accepted hello 1.10\n") && run.stderr.contains("Published hello 1.10 on arm64\n"),
        "{}",
        run.stderr
    );
    assert_eq!(run.stdout.lines().filter(|line| line.contains("published")).count(), 2, "{}", run.stdout);
}

#[test]
fn waiting_for_what_the_ppa_has() {
    let world = World::new();
    let id = world.service.accept(&upload("hello", "1", "noble"));
    let other = world.service.accept(&upload("hello", "1~1", "jammy"));
    let run = world.wait(&["--json"], |service| {
        service.publish(other);
        service.publish(id);
    });
    let document: serde_json::Value = serde_json::from_str(&run.ok().stdout).unwrap();
    assert_eq!((&document["published"], document["packages"].as_array().unwrap().len()), (&true.into(), 2));
}

#[test]
fn waiting_in_vain_exits_with_4() {
    let world = World::new();
    let run = world.wait(&["--source", "hello=1", "--timeout", "0.6s"], |_| {}).exits(4);
    assert!(
        run.stderr.contains("error[upload-not-accepted]") && run.stderr.contains("no mail is sent"),
        "{}",
        run.stderr
    );
    assert!(run.stdout.contains("not accepted"), "{}", run.stdout);
    world.service.requests();

    let id = world.service.accept(&upload("hello", "1", "noble"));
    let run = world.wait(&[], |service| {
        service.fail_build(id, "arm64", "Failed to build", "a.c:1: error: no\n-----\nBuild finished at 1\n");
    });
    let run = run.exits(4);
    assert!(
        run.stderr.contains("error[build-failed]: hello 1 (noble) on arm64") && run.stderr.contains("a.c:1: error: no"),
        "{}",
        run.stderr
    );
    world.service.requests();

    let id = world.service.accept(&upload("hello", "2", "noble"));
    world.service.set_build_state(id, "amd64", "Currently building");
    let run = world.wait(&["--timeout", "0.6s"], |_| {}).exits(4);
    assert!(
        run.stderr.contains("error[publication-timeout]") && run.stderr.contains("amd64: Currently building"),
        "{}",
        run.stderr
    );
    world.service.requests();

    let run = world.wait(&["--source", "hello=2", "--json"], |service| service.withdraw(id, "Deleted")).exits(4);
    let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&document["ok"], &document["errors"][0]["code"]), (&false.into(), &"upload-superseded".into()));
    world.service.requests();

    let run = world.wait(&["--source", "absent"], |_| {}).exits(4);
    assert!(run.stderr.contains("error[package-not-in-ppa]"), "{}", run.stderr);
}

#[test]
fn other_exit_codes() {
    let world = World::new();
    run(&mut world.environment.pkgr(&["status", "du9l/nginx"])).exits(2);
    run(&mut world.status(&["--timeout", "soon"])).exits(2);
    let missing = run(world.environment.pkgr(&["status", "ppa:du9l/none"]).envs(world.service.environment())).exits(4);
    assert!(missing.stderr.contains("Launchpad has no ~du9l/+archive/ubuntu/none"), "{}", missing.stderr);
    let empty = run(&mut world.status(&[])).ok();
    assert_eq!(empty.stdout, "");
    // a port that nobody listens on
    let away = run(world.status(&["--wait"]).env("PKGR_LAUNCHPAD", "http://127.0.0.1:1/devel")).exits(3);
    assert!(
        away.stderr.contains("error[launchpad-unreachable]") && away.stderr.contains("asked 5 times"),
        "{}",
        away.stderr
    );
    run(world.status(&[]).env("PKGR_LAUNCHPAD", "launchpad.net")).exits(3);
}

#[test]
fn the_configuration_names_the_service() {
    let world = World::new();
    let id = world.service.accept(&upload("hello", "1", "noble"));
    world.service.publish(id);
    let lines: Vec<String> = world
        .service
        .environment()
        .iter()
        .map(|(name, value)| {
            format!("{} = \"{value}\"\n", name.trim_start_matches("PKGR_").to_lowercase().replace('_', "-"))
        })
        .collect();
    let file = world.environment.path("config.toml");
    std::fs::write(&file, lines.concat()).unwrap();
    let arguments = ["status", "ppa:du9l/nginx", "--config", file.to_str().unwrap()];
    // a variable would go before it
    let run = run(world.environment.pkgr(&arguments).env_remove("PKGR_LAUNCHPAD")).ok();
    assert_eq!(run.stdout.matches("published").count(), 2, "{}", run.stdout);
}

#[test]
fn the_page_in_a_browser() {
    let world = busy();
    let page = world.environment.path("work/status.html");
    run(&mut world.status(&["--html", "status.html"])).ok();
    let document = browser::document(&world.environment, &page);
    for part in [
        "<html lang=\"en\">",
        "<caption>",
        "<th scope=\"col\">noble<small>24.04</small></th>",
        "<th scope=\"row\">libnginx-mod-brotli</th>",
        "<span class=\"version\">1.0.1-1~ubuntu26.04.1</span>",
        "✗ <a href=\"#libnginx-mod-brotli-resolute-amd64\">amd64 failed to build</a>",
        "<details id=\"libnginx-mod-brotli-resolute-amd64\" open=\"\">",
        "cc -c &lt;a&amp;b&gt;.c",
        "It waits for libnginx-dev (&gt;= 1.28).",
        "users have 1.0.0-1~ubuntu24.04.1",
        "● 4 published",
    ] {
        assert!(document.contains(part), "{part}\n{document}");
    }
    assert!(
        !document.contains("<script") && !document.contains(" src=") && !document.contains("onclick"),
        "it runs nothing"
    );

    let themes = colors();
    let (light, _) = browser::picture(&world.environment, &page, Theme::Light, (1200, 1100));
    let (dark, _) = browser::picture(&world.environment, &page, Theme::Dark, (1200, 1100));
    for (picture, colors) in [(&light, &themes.0), (&dark, &themes.1)] {
        assert!(picture.colors() > 100, "it is not blank");
        assert!(picture.count(&colors["page"]) > picture.points.len() / 3, "the theme's own background");
        for stage in ["published", "building", "waiting", "failed", "built"] {
            let back = format!("{stage}-back");
            assert!(picture.count(&colors[&back]) > 500, "{stage} is seen");
        }
    }
    assert!(light.brightness() > 215.0 && dark.brightness() < 50.0, "{} {}", light.brightness(), dark.brightness());
    // on a telephone the matrix scrolls, and the page does not
    let (narrow, _) = browser::picture(&world.environment, &page, Theme::Light, (500, 1600));
    assert!(narrow.colors() > 100 && narrow.width == 500);
}

/// The colours of the page by their names: light, dark.
fn colors() -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let text = std::fs::read_to_string(repository().join("templates/status.html")).unwrap();
    let (light, dark) = text.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let dark = dark.split("* {").next().unwrap();
    let read = |text: &str| {
        let parts = text.split([';', '{']).filter_map(|part| part.trim().strip_prefix("--")?.split_once(": "));
        parts.filter(|(_, value)| value.starts_with('#')).map(|(n, v)| (n.to_string(), v.to_string())).collect()
    };
    (read(light), read(dark))
}

#[test]
fn every_text_of_the_page_has_contrast() {
    let luminance = |color: &str| {
        let part = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let [r, g, b] = browser::rgb(color).map(part);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    let (light, dark) = colors();
    for theme in [light, dark] {
        assert_eq!(theme.len(), 16, "{theme:?}");
        let mut pairs: Vec<(String, String)> = ["published", "built", "building", "waiting", "failed"]
            .map(|stage| (stage.to_string(), format!("{stage}-back")))
            .to_vec();
        for back in ["page", "raised"] {
            pairs.extend(["text", "quiet", "link"].map(|text| (text.to_string(), back.to_string())));
        }
        for (text, back) in pairs {
            let (a, b) = (luminance(&theme[&text]), luminance(&theme[&back]));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= 4.5, "{text} on {back}: {contrast:.2} (WCAG 2, 1.4.3)");
        }
    }
}
