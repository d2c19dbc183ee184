//! A page in a real browser, chromium without a screen: its document after
//! loading, and pictures of it in either theme.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::common::{TestEnvironment, run};

/// What the user prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

/// A picture, three bytes for each point.
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub points: Vec<[u8; 3]>,
}

fn chromium(environment: &TestEnvironment, arguments: &[String], page: &Path) -> String {
    let mut command = environment.command("chromium");
    command
        // the sandbox needs a user that is not root; the page is ours
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"])
        .arg(format!("--user-data-dir={}", environment.path("chromium").display()))
        .args(arguments)
        .arg(format!("file://{}", page.display()));
    run(&mut command).ok().stdout
}

/// The document as the browser has it after loading.
pub fn document(environment: &TestEnvironment, page: &Path) -> String {
    chromium(environment, &["--dump-dom".to_string()], page)
}

/// A picture of the page, and the file that it was taken to.
pub fn picture(
    environment: &TestEnvironment,
    page: &Path,
    theme: Theme,
    (width, height): (u32, u32),
) -> (Picture, PathBuf) {
    let file = super::common::kept("pictures").join(format!("status-{theme:?}-{width}.png").to_lowercase());
    let _ = std::fs::remove_file(&file);
    let scheme = if theme == Theme::Dark { 0 } else { 1 };
    let arguments = [
        format!("--blink-settings=preferredColorScheme={scheme}"),
        format!("--window-size={width},{height}"),
        format!("--screenshot={}", file.display()),
    ];
    chromium(environment, &arguments, page);
    (read(&std::fs::read(&file).expect("chromium wrote no picture")), file)
}

impl Picture {
    /// From 0 (black) to 255.
    pub fn brightness(&self) -> f64 {
        let sum: f64 = self
            .points
            .iter()
            .map(|[r, g, b]| 0.2126 * f64::from(*r) + 0.7152 * f64::from(*g) + 0.0722 * f64::from(*b))
            .sum();
        sum / self.points.len() as f64
    }

    /// How many points have exactly this colour, `#rrggbb`.
    pub fn count(&self, color: &str) -> usize {
        let wanted = rgb(color);
        self.points.iter().filter(|point| **point == wanted).count()
    }

    /// How many colours it has.
    pub fn colors(&self) -> usize {
        let mut seen: BTreeMap<[u8; 3], usize> = BTreeMap::new();
        for point in &self.points {
            *seen.entry(*point).or_default() += 1;
        }
        seen.len()
    }
}

/// `#rrggbb`
pub fn rgb(color: &str) -> [u8; 3] {
    let part = |at: usize| u8::from_str_radix(&color[at..at + 2], 16).unwrap();
    [part(1), part(3), part(5)]
}

/// A PNG of eight bits for each of red, green, blue (and alpha), not interlaced,
/// as chromium writes it (ISO/IEC 15948).
fn read(bytes: &[u8]) -> Picture {
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let (mut rest, mut packed, mut head) = (&bytes[8..], Vec::new(), Vec::new());
    while rest.len() > 8 {
        let length = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        let data = &rest[8..8 + length];
        match &rest[4..8] {
            b"IHDR" => head = data.to_vec(),
            b"IDAT" => packed.extend_from_slice(data),
            _ => {}
        }
        rest = &rest[12 + length..];
    }
    let number = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap()) as usize;
    let (width, height) = (number(0), number(4));
    let size = match (head[8], head[9], head[12]) {
        (8, 2, 0) => 3,
        (8, 6, 0) => 4,
        other => panic!("a picture of kind {other:?}"),
    };
    let mut lines = Vec::new();
    flate2::read::ZlibDecoder::new(packed.as_slice()).read_to_end(&mut lines).unwrap();
    let mut above = vec![0u8; width * size];
    let mut points = Vec::with_capacity(width * height);
    for line in lines.chunks_exact(width * size + 1) {
        let current = unfilter(line[0], &line[1..], &above, size);
        points.extend(current.chunks_exact(size).map(|point| [point[0], point[1], point[2]]));
        above = current;
    }
    assert_eq!(points.len(), width * height);
    Picture { width, height, points }
}

fn unfilter(kind: u8, line: &[u8], above: &[u8], size: usize) -> Vec<u8> {
    let mut done = vec![0u8; line.len()];
    for (at, byte) in line.iter().enumerate() {
        let before = |values: &[u8]| if at >= size { values[at - size] } else { 0 };
        let (left, up, corner) = (before(&done), above[at], before(above));
        let guess = match kind {
            0 => 0,
            1 => left,
            2 => up,
            3 => ((u16::from(left) + u16::from(up)) / 2) as u8,
            4 => paeth(left, up, corner),
            other => panic!("filter {other}"),
        };
        done[at] = byte.wrapping_add(guess);
    }
    done
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |value: u8| (estimate - i16::from(value)).abs();
    match () {
        () if distance(left) <= distance(up) && distance(left) <= distance(corner) => left,
        () if distance(up) <= distance(corner) => up,
        () => corner,
    }
}
