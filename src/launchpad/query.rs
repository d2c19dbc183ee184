//! Questions as URLs. The service tries every parameter as JSON first: an
//! unquoted `1.10` would arrive as the number 1.1, so texts are sent as JSON
//! strings, and booleans as the bare words `true` and `false`.

use reqwest::Url;

use super::types::PublishingStatus;

/// The parameters of a named operation.
pub(super) struct Operation {
    url: Url,
}

impl Operation {
    /// `ws.op=NAME` on an object.
    pub fn new(mut object: Url, name: &str) -> Operation {
        object.query_pairs_mut().append_pair("ws.op", name);
        Operation { url: object }
    }

    /// A text.
    pub fn text(self, name: &str, value: &str) -> Operation {
        self.json(name, &serde_json::Value::from(value))
    }

    /// A text, if there is one.
    pub fn maybe(self, name: &str, value: Option<&str>) -> Operation {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// A boolean.
    pub fn flag(self, name: &str, value: bool) -> Operation {
        self.json(name, &serde_json::Value::from(value))
    }

    /// A list of numbers.
    pub fn numbers(self, name: &str, values: &[u64]) -> Operation {
        self.json(name, &serde_json::Value::from(values))
    }

    fn json(mut self, name: &str, value: &serde_json::Value) -> Operation {
        self.url.query_pairs_mut().append_pair(name, &value.to_string());
        self
    }

    /// The URL to ask.
    pub fn url(self) -> Url {
        self.url
    }
}

/// Which source publications of an archive; everything that is `None` does not
/// matter.
#[derive(Debug, Clone, Default)]
pub struct SourceQuery {
    /// Exactly this source package.
    pub source: Option<String>,
    /// Exactly this version; the service wants `source` with it.
    pub version: Option<String>,
    /// Only this status.
    pub status: Option<PublishingStatus>,
    /// Only this series, by its name.
    pub series: Option<String>,
}

impl SourceQuery {
    /// All publications of a source package.
    pub fn of(source: &str) -> SourceQuery {
        SourceQuery { source: Some(source.to_string()), ..SourceQuery::default() }
    }

    /// Only this version of it.
    pub fn version(self, version: &str) -> SourceQuery {
        SourceQuery { version: Some(version.to_string()), ..self }
    }

    /// Only this status.
    pub fn status(self, status: PublishingStatus) -> SourceQuery {
        SourceQuery { status: Some(status), ..self }
    }

    /// Only this series.
    pub fn series(self, series: Option<&str>) -> SourceQuery {
        SourceQuery { series: series.map(str::to_string), ..self }
    }

    /// The question to an archive; `distribution` is the URL of the archive's.
    pub(super) fn url(&self, archive: Url, distribution: &str) -> Url {
        let operation = Operation::new(archive, "getPublishedSources")
            .maybe("source_name", self.source.as_deref())
            .flag("exact_match", true) // else any name that contains it
            .maybe("version", self.version.as_deref())
            .maybe("status", self.status.as_ref().map(PublishingStatus::name));
        match &self.series {
            Some(series) => operation.text("distro_series", &format!("{distribution}/{series}")).url(),
            None => operation.url(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Url {
        Url::parse("https://api.launchpad.net/devel/~o/+archive/ubuntu/p").unwrap()
    }

    #[test]
    fn texts_are_json_and_booleans_are_bare() {
        let query = SourceQuery::of("g++").version("1.10").status(PublishingStatus::Published).series(Some("noble"));
        let url = query.url(archive(), "https://api.launchpad.net/devel/ubuntu");
        assert_eq!(
            url.as_str(),
            "https://api.launchpad.net/devel/~o/+archive/ubuntu/p?ws.op=getPublishedSources\
             &source_name=%22g%2B%2B%22&exact_match=true&version=%221.10%22&status=%22Published%22\
             &distro_series=%22https%3A%2F%2Fapi.launchpad.net%2Fdevel%2Fubuntu%2Fnoble%22"
        );
    }

    #[test]
    fn numbers_and_quotes() {
        let url = Operation::new(archive(), "x").numbers("source_ids", &[12, 34]).text("t", "a\"b\\&=").url();
        let pairs: Vec<_> = url.query_pairs().map(|(_, value)| value.into_owned()).collect();
        assert_eq!(pairs, ["x", "[12,34]", r#""a\"b\\&=""#]);
    }
}
