//! Times as cron(5) writes them, five fields, and as systemd.time(7) does.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::diagnostic::{Diagnostic, Failure, Kind};

/// A schedule: minute, hour, day of the month, month, day of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    fields: [Option<BTreeSet<u8>>; 5],
}

/// Why a text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// Not five fields.
    #[error("`{0}` does not have the five fields of a cron schedule")]
    Fields(String),
    /// A field that says nothing in its range.
    #[error("`{0}` is no {1} of a cron schedule")]
    Field(String, &'static str),
}

impl From<CronError> for Failure {
    fn from(error: CronError) -> Failure {
        let found = Diagnostic::error("bad-cron", error.to_string());
        let hint = "minute, hour, day of the month, month, day of the week, in numbers: `17 */6 * * *`";
        Failure::new(Kind::Usage, found.hint(hint))
    }
}

const FIELDS: [(&str, RangeInclusive<u8>); 5] =
    [("minute", 0..=59), ("hour", 0..=23), ("day of the month", 1..=31), ("month", 1..=12), ("day of the week", 0..=7)];

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

impl Cron {
    /// Reads `17 */6 * * *`: numbers, ranges, lists and steps.
    pub fn parse(text: &str) -> Result<Cron, CronError> {
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        if words.len() != FIELDS.len() {
            return Err(CronError::Fields(text.to_string()));
        }
        let mut fields: [Option<BTreeSet<u8>>; 5] = Default::default();
        for ((field, word), (name, range)) in fields.iter_mut().zip(&words).zip(&FIELDS) {
            if *word != "*" {
                let values = values(word, range).ok_or_else(|| CronError::Field(word.to_string(), name))?;
                *field = Some(values);
            }
        }
        Ok(Cron { text: words.join(" "), fields })
    }

    /// As cron writes it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// As OnCalendar= writes it, in UTC; twice where cron means either of two days.
    pub fn calendar(&self) -> Vec<String> {
        let [minute, hour, day, month, week] = &self.fields;
        let list = |values: &Option<BTreeSet<u8>>| match values {
            None => "*".to_string(),
            Some(values) => values.iter().map(|value| format!("{value:02}")).collect::<Vec<_>>().join(","),
        };
        let time = format!("{}:{}:00 UTC", list(hour), list(minute));
        let date = |day: &Option<BTreeSet<u8>>| format!("*-{}-{} {time}", list(month), list(day));
        let Some(week) = week else { return vec![date(day)] };
        let days: BTreeSet<usize> = week.iter().map(|day| usize::from(day % 7)).collect();
        let names: Vec<&str> = days.iter().filter_map(|day| DAYS.get(*day).copied()).collect();
        let weekly = format!("{} {}", names.join(","), date(&None));
        if day.is_some() { vec![date(day), weekly] } else { vec![weekly] }
    }
}

/// The values of a field that is more than `*`.
fn values(word: &str, range: &RangeInclusive<u8>) -> Option<BTreeSet<u8>> {
    let number = |text: &str| text.parse::<u8>().ok().filter(|value| range.contains(value));
    let mut all = BTreeSet::new();
    for part in word.split(',') {
        let (span, step) = match part.split_once('/') {
            Some((span, step)) => (span, step.parse::<usize>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let span = match span.split_once('-') {
            _ if span == "*" => range.clone(),
            Some((first, last)) => number(first)?..=number(last)?,
            None if part.contains('/') => number(span)?..=*range.end(),
            None => number(span)?..=number(span)?,
        };
        all.extend(span.step_by(step));
    }
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar(text: &str) -> Vec<String> {
        Cron::parse(text).unwrap().calendar()
    }

    #[test]
    fn schedules_are_read_and_written() {
        assert_eq!(calendar("17 */6 * * *"), ["*-*-* 00,06,12,18:17:00 UTC"]);
        assert_eq!(calendar("5 4 * * 1-5"), ["Mon,Tue,Wed,Thu,Fri *-*-* 04:05:00 UTC"]);
        assert_eq!(calendar("0 0 1,15 * 7"), ["*-*-01,15 00:00:00 UTC", "Sun *-*-* 00:00:00 UTC"]);
        assert_eq!(calendar("10-40/15 * * 2 *"), ["*-02-* *:10,25,40:00 UTC"]);
        assert_eq!(Cron::parse(" 1  2 * * * ").unwrap().text(), "1 2 * * *");
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in ["", "* * * *", "60 * * * *", "*/0 * * * *", "5-3 * * * *", "x * * * *", "1, * * * *", "'; * * * *"]
        {
            assert!(Cron::parse(text).is_err(), "{text}");
        }
    }
}
