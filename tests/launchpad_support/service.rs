//! The answers of the stand-in, as lazr.restful gives them: JSON for objects and
//! collections, plain text for errors, parameters tried as JSON first.

use std::cmp::Reverse;

use pkgr::deb::checksums::Checksums;
use pkgr::deb::version::Version;
use serde_json::{Value, json};

use super::archive::{gzip, package_bytes};
use super::server::Answer;
use super::{BuildRecord, PRIMARY, PpaRecord, Publication, State, Upload};

/// The series that it knows: name, number, status.
const SERIES: [(&str, &str, &str); 4] = [
    ("resolute", "26.04", "Current Stable Release"),
    ("noble", "24.04", "Supported"),
    ("jammy", "22.04", "Supported"),
    ("groovy", "20.10", "Obsolete"),
];

/// The parameters of a question.
struct Parameters(Vec<(String, String)>);

/// Why a parameter cannot be taken: the text of a 400.
type Refused = String;

impl Parameters {
    fn of(target: &str) -> Parameters {
        let url = reqwest::Url::parse(&format!("http://h{target}")).unwrap();
        Parameters(url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The trap: what is valid JSON is taken as JSON, so that `1.10` is 1.1.
    fn value(&self, name: &str) -> Option<Value> {
        let raw = self.raw(name)?;
        Some(serde_json::from_str(raw).unwrap_or_else(|_| json!(raw))).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.value(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_string))
    }

    fn flag(&self, name: &str) -> Result<bool, Refused> {
        match self.value(name) {
            None => Ok(false),
            Some(Value::Bool(value)) => Ok(value),
            Some(other) => Err(format!("{name}: got 'str', expected bool: {other}")),
        }
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.raw(name)?.parse().ok()
    }
}

/// Answers one request.
pub fn answer(state: &mut State, target: &str, tag: Option<&str>) -> Answer {
    let path = target.split('?').next().unwrap_or_default().replace("%2B", "+").replace("%7E", "~");
    if let Some(rest) = path.strip_prefix("/devel/").or_else(|| path.strip_prefix("/devel").filter(|r| r.is_empty())) {
        return web_service(state, rest, target, tag);
    }
    if path.starts_with("/ppa/") {
        return match state.files.get(&path) {
            Some(bytes) => Answer::new("200 OK", "application/octet-stream", bytes.clone()),
            None => Answer::new("404 Not Found", "text/html", "<html>Not Found</html>"),
        };
    }
    if path == "/pks/lookup" {
        return keyserver(state, target);
    }
    if let Some((id, name)) = path.strip_prefix("/+sourcefiles/").and_then(|rest| rest.split_once('/')) {
        let there = format!("{}/librarian/source/{id}/{name}", state.address);
        return Answer::text("303 See Other", "").header("Location", &there);
    }
    if let Some((id, name)) = path.strip_prefix("/librarian/source/").and_then(|rest| rest.split_once('/')) {
        let publication = state.publications.iter().find(|publication| publication.id.to_string() == id);
        return match publication.and_then(|publication| publication.upload.files.get(name)) {
            Some(bytes) => Answer::new("200 OK", "application/octet-stream", bytes.clone()),
            None => not_found(name),
        };
    }
    let id = |text: &str| text.split('/').find_map(|part| part.parse::<u64>().ok());
    let log = id(&path).and_then(|id| build(state, id)).and_then(|build| Some((build.id, build.log.clone()?)));
    match (log, path.starts_with("/librarian/")) {
        (Some((_, log)), true) => {
            Answer::new("200 OK", "text/plain", gzip(log.as_bytes())).header("Content-Encoding", "gzip")
        }
        (Some((id, _)), false) if path.contains("/+files/") => {
            let there = format!("{}/librarian/{id}/buildlog.txt.gz", state.address);
            Answer::text("303 See Other", "").header("Location", &there)
        }
        _ => Answer::text("404 Not Found", "Not found"),
    }
}

fn build(state: &State, id: u64) -> Option<&BuildRecord> {
    state.publications.iter().flat_map(|publication| &publication.builds).find(|build| build.id == id)
}

fn keyserver(state: &State, target: &str) -> Answer {
    let wanted = Parameters::of(target).raw("search").unwrap_or_default().trim_start_matches("0x").to_uppercase();
    match state.ppas.iter().find(|ppa| ppa.key.fingerprint() == wanted) {
        Some(ppa) if state.hands_out_keys.1 => Answer::new("200 OK", "application/pgp-keys", ppa.key.armored()),
        _ => Answer::text("404 Not Found", "Not found"),
    }
}

fn web_service(state: &mut State, path: &str, target: &str, tag: Option<&str>) -> Answer {
    let parameters = Parameters::of(target);
    let parts: Vec<&str> = path.split('/').collect();
    let operation = parameters.raw("ws.op").unwrap_or_default().to_string();
    if tag.is_some() && (!operation.is_empty() || path == "ubuntu/series") {
        state.violations.push(format!("If-None-Match for a collection: {target}"));
    }
    let root = format!("{}/devel", state.address);
    match (parts.as_slice(), operation.as_str()) {
        (["ubuntu"], "") => entry(distribution(&root), tag),
        (["ubuntu"], "getSeries") => {
            let wanted = parameters.text("name_or_version").unwrap_or_default();
            match SERIES.iter().find(|(name, number, _)| wanted == *name || wanted == *number) {
                Some(found) => Answer::json(&series(&root, found)),
                None => Answer::text("404 Not Found", format!("No such distribution series: '{wanted}'.")),
            }
        }
        (["ubuntu", "series"], "") => {
            let all = SERIES.iter().map(|found| series(&root, found)).collect();
            collection(state, target, &parameters, all)
        }
        (["ubuntu", "+archive", "primary"], "") => entry(primary(&root), tag),
        (["ubuntu", "+archive", "primary"], operation) => {
            of_archive(state, PRIMARY.0, PRIMARY.1, operation, target, &parameters)
        }
        (["ubuntu", name], "") => match SERIES.iter().find(|(known, ..)| known == name) {
            Some(found) => entry(series(&root, found), tag),
            None => not_found(path),
        },
        ([owner, "+archive", "ubuntu", name], operation) => {
            let owner = owner.trim_start_matches('~').to_string();
            match state.ppa(&owner, name) {
                Some(ppa) if ppa.private => Answer::text("401 Unauthorized", "(<Archive>, 'name', 'launchpad.View')"),
                Some(ppa) => match operation {
                    "" => entry(archive(&root, ppa), tag),
                    "getSigningKeyData" => match (state.hands_out_keys.0, ppa.has_key) {
                        (true, true) => Answer::json(&json!(ppa.key.armored())),
                        (true, false) => Answer::json(&Value::Null),
                        _ => Answer::text("500 Internal Server Error", "GPGKeyTemporarilyNotFoundError"),
                    },
                    _ => of_archive(state, &owner, name, operation, target, &parameters),
                },
                None => not_found(path),
            }
        }
        ([owner, "+archive", "ubuntu", name, "processors"], "") => {
            match state.ppa(owner.trim_start_matches('~'), name) {
                Some(ppa) => {
                    let all = ppa.processors.iter().map(|name| processor(&root, name)).collect();
                    collection(state, target, &parameters, all)
                }
                None => not_found(path),
            }
        }
        ([_, "+archive", "primary", "+sourcepub", id] | [_, "+archive", "ubuntu", _, "+sourcepub", id], operation) => {
            of_source(state, id, operation, target, &parameters, tag)
        }
        ([_, "+archive", "ubuntu", _, "+binarypub", id], "binaryFileUrls") => binary_files(state, id, &parameters),
        _ => not_found(path),
    }
}

fn not_found(path: &str) -> Answer {
    Answer::text("404 Not Found", format!("Object: <lp>, name: '{path}'"))
}

fn bad(text: impl Into<String>) -> Answer {
    Answer::text("400 Bad Request", text)
}

/// A single object: its ETag is of its bytes.
fn entry(mut value: Value, tag: Option<&str>) -> Answer {
    let etag = format!("\"{}-lazr\"", Checksums::of(value.to_string().as_bytes()).sha1);
    value["http_etag"] = json!(etag);
    if tag == Some(etag.as_str()) {
        return Answer { status: "304 Not Modified", headers: format!("ETag: {etag}\r\n"), body: vec![] };
    }
    Answer::json(&value).header("ETag", &etag)
}

/// One page of entries, as `devel` pages.
fn collection(state: &State, target: &str, parameters: &Parameters, entries: Vec<Value>) -> Answer {
    let total = entries.len();
    if parameters.raw("ws.show") == Some("total_size") {
        return Answer::json(&json!(total));
    }
    let size = parameters.number("ws.size").unwrap_or(state.page_size);
    if size > 300 {
        return bad("Your request for a batch size of more than 300 is refused.");
    }
    let start = parameters.number("ws.start").unwrap_or(0);
    if start > 0 && parameters.number("memo") != Some(start) {
        return bad("memo: the link was not followed as it is");
    }
    let base: String = target.split("&ws.size=").next().unwrap_or(target).to_string();
    let joint = if base.contains('?') { "&" } else { "?" };
    let page: Vec<Value> = entries.into_iter().skip(start).take(size).collect();
    let after = start + page.len();
    let mut body = json!({"start": start, "entries": page});
    let link = |from: usize| format!("{}{base}{joint}ws.size={size}&memo={from}&ws.start={from}", state.address);
    if after < total {
        body["next_collection_link"] = json!(link(after));
        body["total_size_link"] = json!(format!("{}{base}{joint}ws.show=total_size", state.address));
    } else {
        body["total_size"] = json!(total);
    }
    if start > 0 {
        body["prev_collection_link"] = json!(link(start.saturating_sub(size)));
    }
    Answer::json(&body)
}

fn distribution(root: &str) -> Value {
    json!({
        "self_link": format!("{root}/ubuntu"), "resource_type_link": format!("{root}/#distribution"),
        "name": "ubuntu", "display_name": "Ubuntu", "supports_ppas": true, "development_series_alias": "devel",
        "current_series_link": format!("{root}/ubuntu/resolute"),
        "main_archive_link": format!("{root}/ubuntu/+archive/primary"),
        "series_collection_link": format!("{root}/ubuntu/series"),
    })
}

fn series(root: &str, (name, number, status): &(&str, &str, &str)) -> Value {
    json!({
        "self_link": format!("{root}/ubuntu/{name}"), "name": name, "version": number, "status": status,
        "displayname": name, "active": *status != "Obsolete", "supported": *status != "Obsolete",
        "main_archive_link": format!("{root}/ubuntu/+archive/primary"),
    })
}

fn primary(root: &str) -> Value {
    json!({
        "self_link": format!("{root}/ubuntu/+archive/primary"), "name": "primary", "reference": "ubuntu",
        "displayname": "Primary Archive for Ubuntu", "distribution_link": format!("{root}/ubuntu"),
        "private": false, "publish": true, "signing_key_fingerprint": null, "authorized_size": null,
    })
}

fn archive(root: &str, ppa: &PpaRecord) -> Value {
    let (owner, name) = (&ppa.owner, &ppa.name);
    let fingerprint = ppa.has_key.then(|| ppa.key.fingerprint());
    json!({
        "self_link": format!("{root}/~{owner}/+archive/ubuntu/{name}"), "name": name, "displayname": name,
        "reference": format!("~{owner}/ubuntu/{name}"), "distribution_link": format!("{root}/ubuntu"),
        "web_link": format!("https://launchpad.net/~{owner}/+archive/ubuntu/{name}"),
        "private": false, "publish": ppa.publish, "status": "Active",
        "authorized_size": ppa.authorized_size,
        "permit_obsolete_series_uploads": false, "signing_key_fingerprint": fingerprint,
        "processors_collection_link": format!("{root}/~{owner}/+archive/ubuntu/{name}/processors"),
    })
}

fn processor(root: &str, name: &str) -> Value {
    json!({
        "self_link": format!("{root}/+processors/{name}"), "resource_type_link": format!("{root}/#processor"),
        "name": name, "title": name, "description": name, "build_by_default": name == "amd64",
        "open_to_public": true, "restricted": false, "supports_virtualized": true, "supports_nonvirtualized": true,
    })
}

fn of_archive(
    state: &State,
    owner: &str,
    name: &str,
    operation: &str,
    target: &str,
    parameters: &Parameters,
) -> Answer {
    let its = |publication: &&Publication| publication.upload.owner == owner && publication.upload.ppa == name;
    let source = parameters.text("source_name");
    match operation {
        "getPublishedSources" => {
            let exact = match parameters.flag("exact_match") {
                Ok(exact) => exact,
                Err(text) => return bad(text),
            };
            let version = parameters.text("version");
            if version.is_some() && source.is_none() {
                return bad("The 'version' parameter can be used only together with the 'name' parameter.");
            }
            let series = parameters.text("distro_series");
            let matches = |publication: &&Publication| {
                let upload = &publication.upload;
                source.as_ref().is_none_or(|s| if exact { upload.source == *s } else { upload.source.contains(s) })
                    && version.as_ref().is_none_or(|version| upload.version == *version)
                    && parameters.text("status").is_none_or(|status| publication.status == status)
                    && series.as_ref().is_none_or(|series| series.ends_with(&format!("/ubuntu/{}", upload.series)))
            };
            let mut found: Vec<&Publication> = state.publications.iter().filter(its).filter(matches).collect();
            let version = |p: &Publication| Version::parse(&p.upload.version).unwrap();
            found.sort_by_key(|p| (p.upload.source.clone(), Reverse(version(p)), Reverse(p.id)));
            collection(state, target, parameters, found.into_iter().map(|p| source_publication(state, p)).collect())
        }
        "getBuildRecords" => {
            let is_meant = |p: &&Publication| source.as_ref().is_none_or(|name| p.upload.source.contains(name));
            let wanted = parameters.text("build_state");
            let publications = state.publications.iter().filter(its).filter(is_meant);
            let builds = publications.flat_map(|p| p.builds.iter().map(move |build| (p, build)));
            let builds = builds.filter(|(_, build)| wanted.as_ref().is_none_or(|state| build.state == *state));
            collection(state, target, parameters, builds.map(|(p, build)| build_entry(state, p, build)).collect())
        }
        "getBuildSummariesForSourceIds" => {
            let ids = parameters.value("source_ids");
            let Some(ids) = ids.as_ref().and_then(Value::as_array) else { return bad("source_ids: no list") };
            let ids: Vec<u64> = ids.iter().filter_map(Value::as_u64).collect();
            let found = state.publications.iter().filter(its).filter(|publication| ids.contains(&publication.id));
            Answer::json(&found.map(|p| (p.id.to_string(), summary(p))).collect::<serde_json::Map<_, _>>().into())
        }
        _ => bad(format!("No such operation: {operation}")),
    }
}

/// As BuildSet's statuses go: a failure first, then what is under way.
fn summary(publication: &Publication) -> Value {
    let (waiting, built) = ("Needs building", "Successfully built");
    let under_way = ["Currently building", "Uploading build", "Gathering build output", "Cancelling build"];
    let is_failed = |state: &str| state != waiting && state != built && !under_way.contains(&state);
    let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<Value> {
        let builds = publication.builds.iter().filter(|build| wanted(&build.state));
        builds.map(|build| json!({"arch_tag": build.architecture, "buildstate": build.state})).collect()
    };
    let failed = of(&is_failed);
    let queued = of(&|state| state == waiting);
    let running = of(&|state| under_way.contains(&state));
    let (status, builds) = match publication.status {
        _ if !failed.is_empty() => ("FAILEDTOBUILD", failed),
        _ if !queued.is_empty() => ("NEEDSBUILD", queued),
        _ if !running.is_empty() => ("BUILDING", running),
        "Published" => ("FULLYBUILT", of(&|_| true)),
        _ => ("FULLYBUILT_PENDING", of(&|_| true)),
    };
    json!({"status": status, "builds": builds})
}

fn archive_link(state: &State, upload: &Upload) -> String {
    let root = format!("{}/devel", state.address);
    match (upload.owner.as_str(), upload.ppa.as_str()) {
        PRIMARY => format!("{root}/ubuntu/+archive/primary"),
        (owner, name) => format!("{root}/~{owner}/+archive/ubuntu/{name}"),
    }
}

fn source_link(state: &State, publication: &Publication) -> String {
    format!("{}/+sourcepub/{}", archive_link(state, &publication.upload), publication.id)
}

fn source_publication(state: &State, publication: &Publication) -> Value {
    let upload = &publication.upload;
    let published = (publication.status != "Pending").then_some(&publication.created);
    json!({
        "self_link": source_link(state, publication),
        "display_name": format!("{} {} in {}", upload.source, upload.version, upload.series),
        "source_package_name": upload.source, "source_package_version": upload.version,
        "status": publication.status, "pocket": "Release", "component_name": "main", "section_name": "misc",
        "distro_series_link": format!("{}/devel/ubuntu/{}", state.address, upload.series),
        "archive_link": archive_link(state, upload),
        "date_created": publication.created, "date_published": published, "date_removed": null,
        "package_signer_link": null, "removal_comment": null,
    })
}

fn build_entry(state: &State, publication: &Publication, build: &BuildRecord) -> Value {
    let upload = &publication.upload;
    let log = format!("{}/~{}/+build/{}/+files/buildlog.txt.gz", state.address, upload.owner, build.id);
    let page = format!("https://launchpad.net/~{}/+archive/ubuntu/{}/+build/{}", upload.owner, upload.ppa, build.id);
    let log = build.log.as_ref().map(|_| log);
    let of_upload = log.as_ref().filter(|_| build.state == "Failed to upload");
    json!({
        "self_link": format!("{}/devel/~{}/+archive/ubuntu/{}/+build/{}", state.address, upload.owner, upload.ppa, build.id),
        "arch_tag": build.architecture, "buildstate": build.state, "web_link": page,
        "source_package_name": upload.source, "source_package_version": upload.version, "pocket": "Release",
        "build_log_url": log, "upload_log_url": of_upload, "dependencies": build.dependencies,
        "datebuilt": null, "title": format!("{} build of {} {}", build.architecture, upload.source, upload.version),
    })
}

fn of_source(
    state: &State,
    id: &str,
    operation: &str,
    target: &str,
    parameters: &Parameters,
    tag: Option<&str>,
) -> Answer {
    let found = state.publications.iter().find(|publication| publication.id.to_string() == id);
    let Some(publication) = found else { return not_found(id) };
    match operation {
        "" => entry(source_publication(state, publication), tag),
        "getBuilds" => {
            let builds = publication.builds.iter().map(|build| build_entry(state, publication, build)).collect();
            collection(state, target, parameters, builds)
        }
        "getPublishedBinaries" => collection(state, target, parameters, binaries(state, publication)),
        "sourceFileUrls" => {
            let url = |name: &String| format!("{}/+sourcefiles/{}/{name}", state.address, publication.id);
            let meta = |(name, bytes): (&String, &Vec<u8>)| {
                let sums = Checksums::of(bytes);
                json!({"url": url(name), "size": sums.size, "sha1": null, "sha256": sums.sha256})
            };
            match parameters.flag("include_meta") {
                Ok(true) => Answer::json(&publication.upload.files.iter().map(meta).collect()),
                Ok(false) => Answer::json(&publication.upload.files.keys().map(url).collect::<Vec<_>>().into()),
                Err(text) => bad(text),
            }
        }
        _ => bad(format!("No such operation: {operation}")),
    }
}

/// Of each binary package and its debug symbols, in each architecture.
fn binaries(state: &State, publication: &Publication) -> Vec<Value> {
    let upload = &publication.upload;
    let mut found = Vec::new();
    for build in publication.builds.iter().filter(|b| publication.binaries && b.state == "Successfully built") {
        for (number, name) in upload.binaries.iter().enumerate() {
            for (name, is_debug) in [(name.clone(), false), (format!("{name}-dbgsym"), true)] {
                found.push(json!({
                    "self_link": format!("{}/devel/~{}/+archive/ubuntu/{}/+binarypub/{}.{number}", state.address, upload.owner, upload.ppa, build.id),
                    "binary_package_name": name, "binary_package_version": upload.version, "is_debug": is_debug,
                    "status": publication.status, "architecture_specific": true,
                    "distro_arch_series_link": format!("{}/devel/ubuntu/{}/{}", state.address, upload.series, build.architecture),
                }));
            }
        }
    }
    found
}

fn binary_files(state: &State, id: &str, parameters: &Parameters) -> Answer {
    let found = id.split_once('.').and_then(|(build, number)| {
        let (build, number): (u64, usize) = (build.parse().ok()?, number.parse().ok()?);
        let publication = state.publications.iter().find(|p| p.builds.iter().any(|b| b.id == build))?;
        let build = publication.builds.iter().find(|b| b.id == build)?;
        Some((publication.upload.binaries.get(number)?.clone(), publication.upload.version.clone(), build))
    });
    let Some((name, version, build)) = found else { return not_found(id) };
    let sums = Checksums::of(&package_bytes(&name, &version, &build.architecture));
    let url = format!("https://launchpad.net/+files/{name}_{version}_{}.deb", build.architecture);
    match parameters.flag("include_meta") {
        Ok(true) => Answer::json(&json!([{"url": url, "size": sums.size, "sha1": sums.sha1, "sha256": sums.sha256}])),
        Ok(false) => Answer::json(&json!([url])),
        Err(text) => bad(text),
    }
}
