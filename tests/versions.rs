//! Our order of versions against dpkg's own: its perl module judges thousands of
//! random pairs in one process. Without it the test fails.

use std::io::Write;
use std::process::{Command, Stdio};

use pkgr::deb::version::Version;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const PAIRS: usize = 6000;

/// Prints what dpkg says of each line `A B`: validity of both, and the order.
const JUDGE: &str = r#"
use Dpkg::Version qw(version_check version_compare);
while (<STDIN>) {
    chomp;
    my ($a, $b) = split / /;
    my ($good_a, $good_b) = (scalar(version_check($a)) ? 1 : 0, scalar(version_check($b)) ? 1 : 0);
    my $order = $good_a && $good_b ? version_compare($a, $b) : 'x';
    print "$good_a $good_b $order\n";
}
"#;

fn perl(script: &str, input: &str) -> String {
    let mut child = Command::new("perl")
        .args(["-e", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("perl is needed: {e}"));
    let mut stdin = child.stdin.take().unwrap();
    let text = input.to_string();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "libdpkg-perl is needed");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_order_is_dpkgs() {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let part = "[0-9][0-9a-b.+~]{0,5}";
    let version = format!("([01]:)?{part}(-[0-9a-b.+~]{{1,4}}){{0,2}}(~(ubuntu|deb)[0-9.u]{{1,4}})?");
    let strategy = proptest::string::string_regex(&version).unwrap();
    let mut pairs = Vec::with_capacity(PAIRS);
    for _ in 0..PAIRS {
        let mut draw = || strategy.new_tree(&mut runner).unwrap().current();
        pairs.push((draw(), draw()));
    }
    // Neighbours: one version with a small change, where errors of order hide.
    for (a, b) in &mut pairs[PAIRS / 2..] {
        let tail: String = b.chars().filter(|c| *c != ':').take(2).collect();
        *b = format!("{}{tail}", a.trim_end_matches(|c: char| c.is_ascii_digit()));
    }
    let input: String = pairs.iter().map(|(a, b)| format!("{a} {b}\n")).collect();
    let output = perl(JUDGE, &input);
    let mut compared = 0;
    assert_eq!(output.lines().count(), PAIRS);
    for ((a, b), line) in pairs.iter().zip(output.lines()) {
        let words: Vec<&str> = line.split(' ').collect();
        let (ours_a, ours_b) = (Version::parse(a), Version::parse(b));
        // We are stricter in one thing: a colon only behind a number.
        assert!(words[0] == "1" || ours_a.is_err(), "dpkg refuses {a}");
        assert!(words[1] == "1" || ours_b.is_err(), "dpkg refuses {b}");
        if let (Ok(ours_a), Ok(ours_b)) = (ours_a, ours_b) {
            compared += 1;
            assert_eq!((ours_a.cmp(&ours_b) as i8).to_string(), words[2], "{a} {b}");
            assert_eq!(ours_a.to_string(), *a);
        }
    }
    assert!(compared > PAIRS * 9 / 10, "only {compared} pairs were compared");
}
