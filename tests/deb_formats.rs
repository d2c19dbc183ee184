//! `deb` against dpkg's own perl modules: relations as dpkg-source simplifies them,
//! closed bugs, control paragraphs. Thousands of random texts in one process each;
//! without libdpkg-perl the tests fail.

use std::io::Write;
use std::process::{Command, Stdio};

use pkgr::deb::relations::{self, Kind};
use pkgr::deb::{changelog, control};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

fn perl(script: &str, input: &str) -> Vec<String> {
    let mut child = Command::new("perl")
        .args(["-e", script])
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|e| panic!("perl is needed: {e}"));
    let mut stdin = child.stdin.take().unwrap();
    let text = input.to_string();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "libdpkg-perl is needed");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_string).collect()
}

fn draw(pattern: &str, count: usize) -> Vec<String> {
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let strategy = proptest::string::string_regex(pattern).unwrap();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// Prints `=` and the simplified form of each line, or `!` where it does not parse.
const SIMPLIFY: &str = r"
use Dpkg::Deps;
my $union = UNION;
while (<STDIN>) {
    chomp;
    my $deps = eval { deps_parse($_, build_dep => 1, union => $union) };
    if (not defined $deps) { print qq{!\n}; next }
    $deps->simplify_deps(Dpkg::Deps::KnownFacts->new());
    $deps->sort() if $union;
    print '=' . $deps->output() . qq{\n};
}
";

fn compare_relations(texts: &[String], kind: Kind) -> usize {
    let union = kind == Kind::BuildConflicts;
    let script = SIMPLIFY.replace("UNION", if union { "1" } else { "0" });
    let theirs = perl(&script, &texts.join("\n"));
    assert_eq!(theirs.len(), texts.len());
    let mut accepted = 0;
    for (text, theirs) in texts.iter().zip(theirs) {
        match relations::parse(text, kind) {
            Ok(parsed) => {
                let simplified = if union { relations::simplify_union(parsed) } else { relations::simplify(parsed) };
                assert_eq!(format!("={simplified}"), theirs, "{text}");
                accepted += 1;
            }
            // dpkg takes two things that we do not: an alternative left empty at the
            // end of a clause, and any word for a version.
            Err(e) => {
                let dense: String = text.split_whitespace().collect();
                let empty = dense.contains("|,") || dense.ends_with('|');
                assert!(theirs == "!" || empty || e.message.contains("version"), "{text}: {e}");
            }
        }
    }
    accepted
}

#[test]
fn relations_are_simplified_as_dpkg_does() {
    let relation = r"[abc](:any|:native)? ?(\((<<|<=|=|>=|>>|<|>) ?[1-3](-1)?\) ?)?(\[(amd64|i386|!i386( !amd64)?|!amd64)\])? ?(<!?[xy]( [xy])?>( ?<y>)?)?";
    let clause = format!("{relation}( \\| {relation})?");
    let texts = draw(&format!("{clause}(, ?{clause}){{0,4}}( ,)?"), 4000);
    assert!(compare_relations(&texts, Kind::Build) > 3500);
    let simple = r"[ab](:any)? ?(\((<<|<=|=|>=|>>) ?[1-3]\))?( \[amd64\])?";
    let texts = draw(&format!("{simple}(, {simple}){{0,4}}"), 4000);
    assert!(compare_relations(&texts, Kind::BuildConflicts) > 3500);
}

#[test]
fn what_dpkg_cannot_parse_is_refused() {
    let texts = draw(r"[ab1 ,|()<>=!:.\[\]-]{1,12}", 4000);
    compare_relations(&texts, Kind::Build);
}

#[test]
fn closed_bugs_are_those_that_dpkg_finds() {
    let script = r"
use Dpkg::Changelog::Entry::Debian qw(find_closes);
use Dpkg::Vendor::Ubuntu;
while (<STDIN>) {
    chomp;
    s/%/\n/g;
    print join(' ', find_closes($_)), '/', join(' ', @{Dpkg::Vendor::Ubuntu::find_launchpad_closes($_)}), qq{\n};
}
";
    let texts = draw(r"([Cc]loses:|CLOSES: |lp:|LP: |[lL]p: +#[1-9]|[Bb]ug|#|,|, ?#[1-9]|[1-9][0-9]|%|[ x])+", 4000);
    let theirs = perl(script, &texts.join("\n"));
    assert_eq!(theirs.len(), texts.len());
    let mut found = 0;
    for (text, theirs) in texts.iter().zip(theirs) {
        let lines = text.replace('%', "\n");
        let ours = format!("{}/{}", changelog::closes(&lines).join(" "), changelog::launchpad_bugs(&lines).join(" "));
        found += usize::from(ours.len() > 1);
        assert_eq!(ours, theirs, "{text}");
    }
    assert!(found > 1000, "{found}");
}

#[test]
fn paragraphs_are_read_and_written_as_dpkg_does() {
    let script = r"
use Dpkg::Control::HashCore;
while (<STDIN>) {
    chomp;
    s/%/\n/g;
    open my $fh, '<', \$_;
    my @paragraphs;
    my $good = eval {
        while (1) {
            my $paragraph = Dpkg::Control::HashCore->new();
            last if not $paragraph->parse($fh, 'x');
            push @paragraphs, $paragraph->output();
        }
        1;
    };
    my $text = $good ? join qq{\n}, @paragraphs : '!';
    $text =~ s/\n/%/g;
    print qq{$text\n};
}
";
    let texts = draw(
        r"([A-D]: ?[a-z:#-]{0,4} ?%( [a-z][a-z.:]{0,2} ?%| \.% x%){0,2}|%| %|#[a-z]*%|[A-D]e?:%|x y%|-z: %| a%){1,6}",
        4000,
    );
    let theirs = perl(script, &texts.join("\n"));
    assert_eq!(theirs.len(), texts.len());
    let mut read = 0;
    for (text, theirs) in texts.iter().zip(theirs) {
        match control::parse(&text.replace('%', "\n")) {
            Ok(paragraphs) => {
                assert_eq!(control::write(&paragraphs).replace('\n', "%"), theirs, "{text}");
                read += 1;
            }
            Err(e) => assert_eq!(theirs, "!", "{text}: {e}"),
        }
    }
    assert!(read > 1000, "{read}");
}
