use super::*;

fn apply(files: &[(&str, &str)], patches: &[&str]) -> Result<Vec<(String, Option<String>)>, PatchError> {
    let mut base = MemoryBase::default();
    for (path, content) in files {
        base.file(path, *content);
    }
    let patches = patches.iter().map(|text| parse("p", text.as_bytes())).collect::<Result<Vec<_>, _>>()?;
    let mut tree = Tree::new(&base);
    apply_series(&patches, &mut tree)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(tree.changes().map(|(path, bytes)| (text(path), bytes.map(text))).collect())
}

fn code(files: &[(&str, &str)], patch: &str) -> &'static str {
    apply(files, &[patch]).expect_err("refused").obstacle.code()
}

const F: (&str, &str) = ("f", "1\n2\n3\n4\n5\n6\n7\n8\n9\n");

#[test]
fn offsets_are_fine_and_carry_over() {
    let patch = "--- a/f\n+++ b/f\n@@ -1,3 +1,3 @@\n 3\n-4\n+four\n 5\n@@ -5,3 +5,3 @@\n 7\n-8\n+eight\n 9\n";
    let changed = apply(&[F], &[patch]).unwrap();
    assert_eq!(changed, [("f".into(), Some("1\n2\n3\nfour\n5\n6\n7\neight\n9\n".into()))]);
}

#[test]
fn fuzz_is_refused_and_told() {
    let patch = "--- a/f\n+++ b/f\n@@ -1,5 +1,5 @@\n 1\n 2\n-3\n+three\n 4\n x\n";
    let error = apply(&[F], &[patch]).unwrap_err();
    assert_eq!(error.obstacle, Obstacle::DoesNotApply { path: b"f".to_vec(), hunk: 1 });
    assert_eq!(error.line, 3);
    assert!(error.notes.iter().any(|n| n.contains("with fuzz 1 at line 1")), "{:?}", error.notes);
}

#[test]
fn uneven_context_is_an_anchor() {
    let more_before = "--- a/f\n+++ b/f\n@@ -7,3 +7,3 @@\n 7\n 8\n-9\n+nine\n";
    assert!(apply(&[F], &[more_before]).is_ok());
    let away_from_the_end = "--- a/f\n+++ b/f\n@@ -4,3 +4,3 @@\n 4\n 5\n-6\n+six\n";
    assert_eq!(code(&[F], away_from_the_end), "patch-does-not-apply");
}

#[test]
fn files_come_and_go() {
    let patch = "--- /dev/null\n+++ b/d/new\n@@ -0,0 +1 @@\n+x\n--- a/f\n+++ b/f\n@@ -1 +0,0 @@\n-1\n";
    let changed = apply(&[("f", "1\n")], &[patch]).unwrap();
    assert_eq!(changed, [("d/new".into(), Some("x\n".into())), ("f".into(), None)]);
}

#[test]
fn what_was_created_and_removed_is_no_change() {
    let create = "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n";
    let remove = "--- a/new\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n";
    assert_eq!(apply(&[], &[create, remove]).unwrap(), []);
}

#[test]
fn a_last_line_without_line_feed_is_matched_exactly() {
    let patch = "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n";
    assert_eq!(apply(&[("f", "a\nb")], &[patch]).unwrap()[0].1.as_deref(), Some("a\nc\n"));
    assert_eq!(code(&[("f", "a\nb\n")], patch), "patch-does-not-apply");
}

#[test]
fn touched_names_both_sides_once() {
    let patch = parse("p", b"--- x.orig/./f\n+++ x/d//g\n@@ -1 +1 @@\n-a\n+b\n").unwrap();
    let expected: BTreeSet<Vec<u8>> = [b"d/g".to_vec(), b"f".to_vec()].into();
    assert_eq!(patch.touched(), expected);
    assert_eq!(patch.hunks(), 1);
}

#[test]
fn content_that_nobody_read_is_an_error() {
    struct Unknown;
    impl Base for Unknown {
        fn kind(&self, path: &[u8]) -> Option<EntryKind> {
            (path == b"f").then_some(EntryKind::File)
        }
        fn content(&self, _: &[u8]) -> Option<&[u8]> {
            None
        }
    }
    let patch = parse("p", b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n").unwrap();
    let error = apply_series(&[patch], &mut Tree::new(&Unknown)).unwrap_err();
    assert_eq!(error.obstacle, Obstacle::Unread(b"f".to_vec()));
}

#[test]
fn hostile_input_is_an_error_and_no_panic() {
    for text in [
        "--- a/f\n+++ b/f\n@@ -99999999999999999999,1 +1 @@\n",
        "--- a/f\n+++ b/f\n@@ -1,9223372036854775807 +1,9223372036854775807 @@\n a\n",
        "--- a/f\n+++ b/f\n@@ -1 +1 @@\n",
        "@@ -",
        "--- ",
        "diff --git \"a/\\3",
        "--- a/\n+++ b/\n@@ -1 +1 @@\n-1\n+2\n",
        "\0\n",
    ] {
        assert!(apply(&[F], &[text]).is_err(), "{text:?}");
    }
}
