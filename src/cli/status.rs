//! `pkgr status`.

mod page;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::{Context, Output};
use crate::diagnostic::{Diagnostic, Failure, Kind};
use crate::files;
use crate::launchpad::{Client, Clock, Expected, Filter, Outcome, PackageState, Ppa, SystemClock, WaitOptions, wait};
use crate::listener::Listener;
use crate::upload::{Arrival, Asking};

/// Tell what a PPA holds, and how far its builds are
///
/// For every source package, series and architecture: the newest version, and
/// whether it is accepted, waiting, building, built, published or failed, with the
/// end of a failed build's log. Published means that the PPA's own apt index,
/// verified by the PPA's key, has every binary package of it: users can install it.
///
/// With --wait it exits with 0 only when everything is published, and with 4 where
/// something failed, was superseded, or was not there in time.
///
/// Launchpad is asked anonymously. Another service is named by launchpad,
/// ppa-archive and keyserver in config.toml, or by PKGR_LAUNCHPAD,
/// PKGR_PPA_ARCHIVE and PKGR_KEYSERVER.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// ppa:owner/name, or ppa:owner/name/series for one series of it
    #[arg(value_name = "TARGET")]
    target: String,
    /// Only this source package; with --wait and a version: until that is published
    #[arg(long, value_name = "NAME[=VERSION]")]
    source: Vec<String>,
    /// Wait until everything is published, or cannot be any more
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    waiting: Waiting,
    /// Also write a page for the browser, which needs nothing but itself
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// How long commands wait for Launchpad.
#[derive(clap::Args, Debug)]
pub struct Waiting {
    /// Longest time to wait, such as 90m or 3h
    #[arg(long, value_name = "TIME", default_value = "3h", value_parser = duration)]
    timeout: Duration,
    /// Time between two looks at Launchpad; up to twice that while nothing moves
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration, env = "PKGR_POLL_INTERVAL")]
    interval: Duration,
    /// Longest time for an upload to be accepted, such as 10m
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration, env = "PKGR_ACCEPTANCE")]
    pub acceptance: Duration,
}

impl Waiting {
    /// For an upload whose confirmation was lost.
    pub fn asking<'a>(&self, arrival: &'a dyn Arrival) -> Asking<'a> {
        Asking { arrival, acceptance: self.acceptance, interval: self.interval }
    }

    /// For [`wait`].
    pub fn options<'c>(&self, clock: &'c dyn Clock) -> WaitOptions<'c> {
        WaitOptions {
            timeout: self.timeout,
            first_interval: self.interval,
            longest_interval: self.interval.saturating_mul(2),
            acceptance: self.acceptance,
            ..WaitOptions::new(clock)
        }
    }
}

/// What `--source` names.
struct Source<'s> {
    name: &'s str,
    version: Option<&'s str>,
}

/// Looks, or waits; prints the table on stdout.
pub fn run(args: &Args, context: &Context) -> Result<Output, Failure> {
    let ppa: Ppa = args.target.parse()?;
    let sources: Vec<Source> = args.source.iter().map(|text| source(text)).collect();
    let client = Client::new(context.config.launchpad(), context.fetching(), &context.printer)?;
    let mut output = Output::default();
    let states = match args.wait {
        false => survey(&client, &ppa, &sources)?,
        true => {
            let clock = SystemClock::start();
            let outcome = wait_for(&client, &ppa, &sources, &args.waiting.options(&clock), &context.printer)?;
            output.failures = outcome.failures(&ppa);
            outcome.ended.into_iter().map(|ended| ended.state).collect()
        }
    };
    if states.is_empty() {
        context.printer.status("Empty", &format!("{ppa} holds nothing of this"));
    }
    if let Some(file) = &args.html {
        let now = jiff::Timestamp::now();
        files::write_atomically(file, page::page(&ppa, &states, now).as_bytes(), false)?;
        context.printer.status("Written", &file.display().to_string());
    }
    // what failed while waiting is told with its log on stderr
    output.text = table::table(&states, !args.wait);
    output.json.insert("target".into(), json!(ppa.to_string()));
    output.json.insert("published".into(), json!(states.iter().all(PackageState::is_published)));
    output.json.insert("packages".into(), states.iter().map(document).collect());
    Ok(output)
}

fn survey(client: &Client, ppa: &Ppa, sources: &[Source]) -> Result<Vec<PackageState>, Failure> {
    let filter = Filter { sources: sources.iter().map(|source| source.name.to_string()).collect(), series: None };
    let mut states = client.survey(ppa, &filter)?;
    let is_meant = |source: &Source, state: &PackageState| {
        source.name == state.source && source.version.is_none_or(|version| version == state.version)
    };
    states.retain(|state| sources.is_empty() || sources.iter().any(|source| is_meant(source, state)));
    Ok(states)
}

/// Where no version is named, the newest ones that the PPA has accepted are meant.
fn wait_for(
    client: &Client,
    ppa: &Ppa,
    sources: &[Source],
    options: &WaitOptions,
    listener: &dyn Listener,
) -> Result<Outcome, Failure> {
    let mut expected = Vec::new();
    let named = |source: &Source, version: &str| Expected {
        source: source.name.to_string(),
        version: version.to_string(),
        series: ppa.series.clone(),
    };
    expected.extend(sources.iter().filter_map(|source| source.version.map(|version| named(source, version))));
    let open: Vec<&Source> = sources.iter().filter(|source| source.version.is_none()).collect();
    if sources.is_empty() || !open.is_empty() {
        let filter = Filter { sources: open.iter().map(|source| source.name.to_string()).collect(), series: None };
        let states = client.survey(ppa, &filter)?;
        if let Some(absent) = open.iter().find(|source| !states.iter().any(|state| state.source == source.name)) {
            let message = format!("{ppa} has no {}", absent.name);
            let hint = "name the version that was uploaded, NAME=VERSION, to wait until it is accepted";
            return Err(Failure::new(Kind::Remote, Diagnostic::error("package-not-in-ppa", message).hint(hint)));
        }
        expected.extend(states.into_iter().map(|state| Expected {
            source: state.source,
            version: state.version,
            series: Some(state.series),
        }));
    }
    wait(client, ppa, &expected, options, listener)
}

fn source(text: &str) -> Source<'_> {
    match text.split_once('=') {
        Some((name, version)) => Source { name, version: Some(version) },
        None => Source { name: text, version: None },
    }
}

fn document(state: &PackageState) -> Value {
    serde_json::to_value(state).unwrap_or_default()
}

/// `45`, `45s`, `0.5s`, `90m`, `3h`
fn duration(text: &str) -> Result<Duration, String> {
    let units = [('s', 1.0), ('m', 60.0), ('h', 3600.0)];
    let parsed = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, *seconds)));
    let (number, seconds) = parsed.unwrap_or((text, 1.0));
    let time = number.parse::<f64>().ok().and_then(|number| Duration::try_from_secs_f64(number * seconds).ok());
    match time {
        Some(time) if time > Duration::ZERO => Ok(time),
        _ => Err("a time is a number with s, m or h behind it".to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(duration("90m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("0.5s"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("7"), Ok(Duration::from_secs(7)));
        for text in ["", "h", "-1s", "0", "1d", "NaN", "1e300h", "ü"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
