use proptest::prelude::*;

use super::*;

record!(Thing { id = "id", size = "size" });

fn things(body: &[u8]) -> Result<Vec<Option<(Scalar, Scalar)>>, Undecodable> {
    let mut found = Vec::new();
    read_list(body, &mut each(|thing: Option<Thing>| found.push(thing.map(|thing| (thing.id, thing.size)))))?;
    Ok(found)
}

#[test]
fn takes_every_type_in_every_field() {
    let found = things(
        br#"[{"id":"a","size":1.5,"extra":[1,{"id":2}]},{"size":"7","id":12},null,[],{"id":{"a":[1]},"size":[]},{}]"#,
    );
    assert_eq!(
        found.unwrap(),
        [
            Some((Scalar::Text("a".to_owned()), Scalar::Float(1.5))),
            Some((Scalar::Integer(12), Scalar::Text("7".to_owned()))),
            None,
            None,
            Some((Scalar::Other, Scalar::Other)),
            Some((Scalar::Missing, Scalar::Missing)),
        ]
    );
    assert_eq!(things(b"null").unwrap(), []);
}

#[test]
fn says_what_is_wrong_with_an_answer_and_shows_nothing_of_it() {
    for (body, text) in [
        ("", "the answer is empty"),
        ("  \n", "the answer is empty"),
        ("<html>canary</html>", "the answer is not JSON (it begins with `<`)"),
        ("canary", "the answer is not JSON: expected value at line 1 column 1"),
        (r#"[{"id":"canary"#, "the answer ended early, in line 1 column 14"),
        (r#"[] "canary""#, "the answer is not JSON: trailing characters at line 1 column 4"),
        (r#""canary""#, "the answer is a text, where a list was expected"),
        (r#"{"canary":1}"#, "the answer is an object, where a list was expected"),
        ("true", "the answer is a truth value, where a list was expected"),
        ("-1", "the answer is a number, where a list was expected"),
    ] {
        assert_eq!(&*things(body.as_bytes()).unwrap_err(), text, "{body}");
    }
    let mut nothing = Thing::default();
    assert_eq!(
        &*read_object(&b"[1]"[..], &mut nothing).unwrap_err(),
        "the answer is a list, where an object was expected"
    );
    assert_eq!(
        &*read_object(&b"null"[..], &mut nothing).unwrap_err(),
        "the answer is null, where an object was expected"
    );
}

/// `count` times `item` in a list, without holding the text.
fn list_of(item: &'static str, count: usize) -> impl BufRead {
    use std::io::{BufReader, Read};
    let mut left = count;
    let items = std::iter::from_fn(move || {
        left = left.checked_sub(1)?;
        Some(item)
    });
    struct Texts<I>(I, &'static [u8]);
    impl<I: Iterator<Item = &'static str>> Read for Texts<I> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            if self.1.is_empty() {
                self.1 = self.0.next().unwrap_or_default().as_bytes();
            }
            self.1.read(into)
        }
    }
    BufReader::new(Texts(std::iter::once("[{}").chain(items).chain(["]"]), b""))
}

#[test]
fn a_list_has_an_end() {
    let mut count = 0;
    let mut counter = each(|_: Option<Thing>| count += 1);
    assert_eq!(read_list(list_of(",0", MAX_LISTED - 1), &mut counter), Ok(()));
    assert_eq!(count, MAX_LISTED);
    let rejected = "the answer lists more than 1000000 things, which is the most that is read";
    let mut counter = each(|_: Option<Thing>| {});
    assert_eq!(&*read_list(list_of(",0", MAX_LISTED), &mut counter).unwrap_err(), rejected);
    let mut counter = each(|_: Option<Thing>| {}).after(MAX_LISTED - 1);
    assert_eq!(&*read_list(list_of(",{}", 1), &mut counter).unwrap_err(), rejected);
}

#[test]
fn a_text_that_no_field_can_have_is_not_kept() {
    let body = |length| format!(r#"[{{"id":"{}"}}]"#, "a".repeat(length));
    let id = |length| things(body(length).as_bytes()).unwrap().remove(0).unwrap().0;
    assert!(matches!(id(MAX_TEXT), Scalar::Text(_)));
    assert_eq!(id(MAX_TEXT + 1), Scalar::Other);
}

#[test]
fn truth_values() {
    for (scalar, flag) in [
        (Scalar::Flag(true), Some(true)),
        (Scalar::Text("False ".to_owned()), Some(false)),
        (Scalar::Text("true".to_owned()), Some(true)),
        (Scalar::Text("yes".to_owned()), None),
        (Scalar::Integer(1), None),
        (Scalar::Missing, None),
    ] {
        assert_eq!(scalar.flag(), flag, "{scalar:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_rejected(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = things(&body);
    }

    #[test]
    fn what_is_rejected_is_not_shown(before in "[\\[{\":,0-9a-f]{0,12}", after in "[\\]}\",]{0,4}") {
        if let Err(text) = things(format!("{before}canary{after}").as_bytes()) {
            prop_assert!(!text.contains("canary"), "{}", text);
        }
    }
}
