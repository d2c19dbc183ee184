//! Timestamps after file names: `diff -N` dates files that do not exist at the
//! epoch, in local time.

/// Whether a timestamp is within a day of the epoch: GNU patch takes more than
/// 25 hours before and less than 26 hours after it for "there is no such file",
/// as every time zone's epoch lies there.
pub(super) fn is_epoch(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    seconds(text).is_some_and(|seconds| seconds > -25 * 3600 && seconds < 26 * 3600)
}

/// Seconds from the epoch, of `1970-01-01 01:00:00.000 +0100` and of
/// `Thu Jan  1 01:00:00 1970`; `None` for other forms and other years than 1969 and 1970.
fn seconds(text: &str) -> Option<i64> {
    let mut words = text.split_ascii_whitespace();
    let first = words.next()?;
    let (day, clock, zone) = if first.contains('-') {
        (date(first)?, words.next()?, words.next())
    } else {
        let month = words.next()?;
        let day_of_month: i64 = words.next()?.parse().ok()?;
        let clock = words.next()?;
        let mut rest: Vec<&str> = words.collect();
        let year = rest.iter().position(|w| *w == "1970" || *w == "1969")?;
        let day = match (rest.remove(year), month) {
            ("1970", "Jan") => day_of_month - 1,
            ("1969", "Dec") => day_of_month - 32,
            _ => return None,
        };
        (day, clock, rest.first().copied())
    };
    Some(day * 86400 + time(clock)? - zone.map_or(Some(0), offset)?)
}

/// Days from the epoch.
fn date(text: &str) -> Option<i64> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?.parse::<i64>().ok()?);
    match (year, month.parse().ok()?) {
        ("1970", 1) => Some(day - 1),
        ("1969", 12) => Some(day - 32),
        _ => None,
    }
}

/// Seconds of a clock; fractions do not matter.
fn time(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let hours: i64 = parts.next()?.parse().ok()?;
    let minutes: i64 = parts.next()?.parse().ok()?;
    let seconds = parts.next().unwrap_or("0");
    let seconds: i64 = seconds.split('.').next()?.parse().ok()?;
    Some(hours * 3600 + minutes * 60 + seconds)
}

/// Seconds east of Greenwich, of `+0100`, `+01:00`, `UTC`, `GMT`, `Z`.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "UTC" | "GMT" | "Z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.strip_prefix(['+', '-'])?.chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 {
        return None;
    }
    let value: i64 = digits.parse().ok()?;
    Some(sign * (value / 100 * 3600 + value % 100 * 60))
}

#[cfg(test)]
mod tests {
    use super::is_epoch;

    #[test]
    fn every_zone_has_its_epoch() {
        assert!(is_epoch(b"1970-01-01 00:00:00.000000000 +0000"));
        assert!(is_epoch(b"1970-01-01 12:00:00.000000000 +1200"));
        assert!(is_epoch(b"1969-12-31 16:00:00 -0800"));
        assert!(is_epoch(b"Thu Jan  1 01:00:00 1970"));
        assert!(is_epoch(b"Wed Dec 31 19:00:00 1969 -0500"));
        assert!(!is_epoch(b"1970-01-03 00:00:00 +0000"));
        assert!(!is_epoch(b"2020-01-01 00:00:00 +0000"));
        assert!(!is_epoch(b"(revision 0)"));
        assert!(!is_epoch(b""));
    }
}
