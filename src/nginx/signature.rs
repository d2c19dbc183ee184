//! The signature by which nginx tells whether a module was compiled with the
//! same features: sizes of three types, then one bit per feature
//! (`NGX_MODULE_SIGNATURE` in src/core/ngx_module.h).
//!
//! 33 bits from nginx 1.9.11 on, 34 since 1.11.5 brought `--with-compat`, which
//! sets those bits that only add fields.

use std::fmt;
use std::str::FromStr;

/// `8,4,8,0011…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signature {
    /// Size of a pointer in bytes.
    pub pointer: u8,
    /// Size of `sig_atomic_t` in bytes.
    pub atomic: u8,
    /// Size of `time_t` in bytes.
    pub time: u8,
    /// One `0` or `1` for each feature.
    bits: String,
}

/// Text that is no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the signature of an nginx module")]
pub struct NoSignature(String);

/// One thing in which two signatures differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// The size of a type: its name, here, there.
    Size(&'static str, u8, u8),
    /// A feature: its number from 1, and whether it is on here and there.
    Feature {
        /// Counted from 1, as in nginx's macros.
        number: usize,
        /// What the bit says.
        feature: &'static str,
        /// The first signature has it.
        here: bool,
        /// The second one has it.
        there: bool,
    },
    /// The number of features: here, there. Another age of nginx.
    Length(usize, usize),
}

/// What the bits say, the first one at 0. Names are of the features; where
/// nginx gave a bit a new meaning, both are told.
const FEATURES: [&str; 34] = [
    "kqueue",
    "IOCP",
    "asynchronous file I/O (--with-file-aio)",
    "sendfile without disk I/O",
    "eventfd",
    "epoll",
    "keepalive tuning per socket",
    "IPv6",
    "IPV6_V6ONLY (always on since 1.11)",
    "SO_REUSEPORT (always on since 1.11)",
    "accept filters",
    "TCP_DEFER_ACCEPT (always on since 1.11)",
    "setfib",
    "TCP fast open",
    "Unix sockets",
    "variadic macros",
    "MD5 of a library (before 1.11.2)",
    "HTTP/3 (--with-http_v3_module; SHA-1 of a library before 1.11.2)",
    "openat",
    "atomic operations",
    "POSIX semaphores",
    "threads (--with-threads)",
    "PCRE (--without-pcre takes it out)",
    "TLS (--with-http_ssl_module)",
    "HTTP/2 (--with-http_v2_module; always on since 1.11)",
    "gzip (--without-http_gzip_module takes it out)",
    "degradation (--with-http_degradation_module; always on since 1.11)",
    "X-Forwarded-For (of the proxy, realip, geo or geoip module)",
    "real IP (--with-http_realip_module)",
    "headers beyond the usual ones (of the dav, gzip_static or mp4 module)",
    "DAV (--with-http_dav_module)",
    "cache (--without-http-cache takes it out)",
    "upstream zones (--without-http_upstream_zone_module takes them out)",
    "--with-compat",
];

/// Fewer is no signature, more is one of a future nginx.
const BITS: std::ops::RangeInclusive<usize> = 33..=64;

impl Signature {
    /// One `0` or `1` for each feature.
    pub fn bits(&self) -> &str {
        &self.bits
    }

    /// Whether nginx was configured `--with-compat`.
    pub fn is_compat(&self) -> bool {
        self.bits.as_bytes().get(33) == Some(&b'1')
    }

    /// The signature that stands somewhere in a file as a text of its own, for
    /// files whose symbols do not lead to it.
    pub fn find(bytes: &[u8]) -> Option<Signature> {
        memchr::memchr_iter(b',', bytes).find_map(|comma| {
            let rest = bytes.get(comma.checked_sub(1)?..)?;
            let before = comma.checked_sub(2).and_then(|i| bytes.get(i));
            if before.is_some_and(|byte| *byte != 0) {
                return None;
            }
            let end = memchr::memchr(0, rest.get(..128.min(rest.len()))?)?;
            std::str::from_utf8(rest.get(..end)?).ok()?.parse().ok()
        })
    }

    /// In what another signature differs; nothing if and only if they are equal.
    pub fn differences(&self, other: &Signature) -> Vec<Difference> {
        let sizes = [
            ("pointer", self.pointer, other.pointer),
            ("sig_atomic_t", self.atomic, other.atomic),
            ("time_t", self.time, other.time),
        ];
        let sizes = sizes.into_iter().filter(|(_, here, there)| here != there);
        let mut differences: Vec<_> = sizes.map(|(name, here, there)| Difference::Size(name, here, there)).collect();
        let pairs = self.bits.bytes().zip(other.bits.bytes()).enumerate().filter(|(_, (here, there))| here != there);
        differences.extend(pairs.map(|(index, (here, there))| Difference::Feature {
            number: index + 1,
            feature: FEATURES.get(index).copied().unwrap_or("a feature that pkgr does not know"),
            here: here == b'1',
            there: there == b'1',
        }));
        if self.bits.len() != other.bits.len() {
            differences.push(Difference::Length(self.bits.len(), other.bits.len()));
        }
        differences
    }
}

impl FromStr for Signature {
    type Err = NoSignature;

    fn from_str(text: &str) -> Result<Signature, NoSignature> {
        let parse = || {
            let mut parts = text.split(',');
            let mut size = || match parts.next()?.as_bytes() {
                [digit @ b'1'..=b'9'] => Some(digit - b'0'),
                _ => None,
            };
            let (pointer, atomic, time) = (size()?, size()?, size()?);
            let bits = parts.next().filter(|bits| BITS.contains(&bits.len()))?;
            let only_bits = bits.bytes().all(|b| matches!(b, b'0' | b'1')) && parts.next().is_none();
            only_bits.then(|| Signature { pointer, atomic, time, bits: bits.to_string() })
        };
        parse().ok_or_else(|| NoSignature(text.chars().take(100).collect()))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{},{}", self.pointer, self.atomic, self.time, self.bits)
    }
}

/// As words about the first signature's owner (the module) and the second's
/// (nginx).
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = |set: bool| if set { "with" } else { "without" };
        match self {
            Difference::Size(name, here, there) => {
                write!(f, "the module has {name} of {here} bytes, nginx of {there}")
            }
            Difference::Feature { number, feature, here, there } => {
                write!(f, "bit {number}: the module is {} {feature}, nginx is {} it", on(*here), on(*there))
            }
            Difference::Length(here, there) => {
                write!(f, "the module's signature has {here} bits, that of nginx {there}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOKWORM: &str = "8,4,8,0011111111010111001111111111111111";
    const TRIXIE: &str = "8,4,8,0011111111010111011111111111111111";

    #[test]
    fn parsed_and_written() {
        for text in [BOOKWORM, TRIXIE, "4,4,4,000111111101011100110111111111111"] {
            assert_eq!(text.parse::<Signature>().unwrap().to_string(), text);
        }
        assert!(BOOKWORM.parse::<Signature>().unwrap().is_compat());
        let long = BOOKWORM.replace('1', "111");
        for wrong in ["", "8,4,8", "8,4,8,", "8,4,8,0101", "8,4,80011111111010111001111111111111111", &long] {
            assert!(wrong.parse::<Signature>().is_err(), "{wrong}");
        }
        assert!(format!("{BOOKWORM}2").parse::<Signature>().is_err());
        assert!(format!("{BOOKWORM},").parse::<Signature>().is_err());
    }

    #[test]
    fn every_difference_has_words() {
        let bookworm: Signature = BOOKWORM.parse().unwrap();
        assert_eq!(bookworm.differences(&bookworm), []);
        let trixie = TRIXIE.parse().unwrap();
        let words: Vec<_> = bookworm.differences(&trixie).iter().map(Difference::to_string).collect();
        assert_eq!(
            words,
            [
                "bit 18: the module is without HTTP/3 (--with-http_v3_module; SHA-1 of a library before 1.11.2), nginx is with it"
            ]
        );
        let old: Signature = "4,4,4,001111111101011100111111111111111".parse().unwrap();
        let words: Vec<_> = old.differences(&bookworm).iter().map(Difference::to_string).collect();
        assert_eq!(
            words,
            [
                "the module has pointer of 4 bytes, nginx of 8",
                "the module has time_t of 4 bytes, nginx of 8",
                "the module's signature has 33 bits, that of nginx 34",
            ]
        );
    }

    #[test]
    fn found_among_other_bytes() {
        let file = [b"1,2\0,\0x8,4,8,0011111111010111001111111111111111\0".as_slice(), b"\0", TRIXIE.as_bytes(), b"\0"];
        assert_eq!(Signature::find(&file.concat()), TRIXIE.parse().ok());
        assert_eq!(Signature::find(BOOKWORM.as_bytes()), None, "a text in a file ends with a zero");
    }
}
