//! Reading lists out of XML while it arrives. No more is kept than one item's fields.

use std::borrow::Cow;
use std::io::BufRead;

use quick_xml::events::Event;
use quick_xml::{Error, Reader};

use crate::api::consistent::{Consistent, Listed, consistent};
use crate::api::wire::{MAX_LISTED, MAX_NAME, TOO_MANY, Text, Undecodable};
use crate::model::{DropReason, Dropped};

/// Deeper than anything that the vendor writes.
const MAX_DEPTH: usize = 32;

/// Where in a document a list is.
pub(super) struct List<const FIELDS: usize> {
    /// How the name of the document's outermost element begins: its end is not documented for every list.
    pub(super) root: &'static str,
    /// The element that holds the items, at any depth.
    pub(super) list: &'static str,
    /// One item.
    pub(super) item: &'static str,
    /// What of an item is wanted.
    pub(super) fields: [&'static str; FIELDS],
}

/// The fields of one item; `None` for one that is missing, empty or longer than any name is.
pub(super) type Fields<const FIELDS: usize> = [Option<Box<str>>; FIELDS];

/// One answer of a list that may take several.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) dropped: Dropped,
    pub(super) rest: Rest,
    listed: Listed,
    /// What the things are called, and what tells one from the others.
    words: (&'static str, &'static str),
}

impl<T> Consistent for Page<T> {
    fn contradiction(&self) -> Option<Undecodable> {
        let (things, identity) = self.words;
        self.listed.useless(things, identity).or_else(|| {
            (self.rest == Rest::Lost).then(|| {
                format!("the list of {things} is cut short, and does not say how to ask for the rest").into()
            })
        })
    }
}

/// What of a list is not in this answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Rest {
    /// Nothing.
    #[default]
    None,
    /// What comes behind this marker.
    Behind(Box<str>),
    /// There is more, and no marker.
    Lost,
}

/// Reads one answer of a list; what `item` finds no use for is counted.
pub(super) fn page<T, const FIELDS: usize>(
    body: impl BufRead,
    list: &List<FIELDS>,
    words: (&'static str, &'static str),
    item: impl Fn(Fields<FIELDS>) -> Option<T>,
) -> Result<Page<T>, Undecodable> {
    let (mut items, mut dropped, mut listed) = (Vec::new(), Dropped::default(), Listed::default());
    let rest = each(body, list, |fields| {
        let found = item(fields);
        listed.add(found.is_some());
        match found {
            Some(found) => items.push(found),
            None => dropped.add(DropReason::Invalid, 1),
        }
    })?;
    consistent(Page { items, dropped, rest, listed, words })
}

/// Hands each item of the list to `sink`, and tells what is not in this answer. Prefixes of names are passed over.
pub(super) fn each<const FIELDS: usize>(
    body: impl BufRead,
    list: &List<FIELDS>,
    mut sink: impl FnMut(Fields<FIELDS>),
) -> Result<Rest, Undecodable> {
    let mut reader = Reader::from_reader(Text::xml(body));
    reader.config_mut().expand_empty_elements = true;
    let mut walk =
        Walk { list, path: Vec::new(), begun: false, item: None, field: None, outside: Default::default() };
    let mut items = 0;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(error) => return Err(unreadable(&error, reader.buffer_position())),
        };
        match event {
            Event::Start(tag) => walk.open(tag.local_name().as_ref())?,
            Event::End(_) => {
                if let Some(fields) = walk.close() {
                    items += 1;
                    if items > MAX_LISTED {
                        return Err(TOO_MANY.into());
                    }
                    sink(fields);
                }
            }
            Event::Text(text) => walk.text(&text.xml10_content())?,
            Event::CData(text) => walk.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref() {
                    Ok(Some(character)) => Cow::Owned(character.to_string()),
                    _ => Cow::Borrowed(predefined(&reference).ok_or(UNKNOWN_ENTITY)?),
                };
                walk.text(&character)?;
            }
            // It could name more than it shows, and no answer has one.
            Event::DocType(_) => return Err("the answer has a document type, which no answer has".into()),
            Event::Eof => return walk.end().map(|()| walk.rest()),
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
}

const UNKNOWN_ENTITY: &str = "the answer has an entity in it that XML does not know";

fn predefined(name: &str) -> Option<&'static str> {
    Some(match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "apos" => "'",
        "quot" => "\"",
        _ => return None,
    })
}

/// In words that hold nothing of the answer.
fn unreadable(error: &Error, position: u64) -> Undecodable {
    match error {
        Error::Io(_) => "the answer could not be read to its end".into(),
        _ => format!("the answer is not whole XML, near byte {position}").into(),
    }
}

struct Walk<'a, const FIELDS: usize> {
    list: &'a List<FIELDS>,
    /// Of the open elements: whether each is the list.
    path: Vec<bool>,
    begun: bool,
    /// The item that is open, and its depth.
    item: Option<(usize, Fields<FIELDS>)>,
    /// The field that is open, and what its text is so far; `None` where it is too long.
    field: Option<(usize, Option<String>)>,
    /// What is known of the elements of [`OUTSIDE`].
    outside: [Option<Box<str>>; OUTSIDE.len()],
}

/// The elements outside of the list that tell whether it goes on, and from where: of IAM, and of S3.
const OUTSIDE: [&str; 3] = ["IsTruncated", "Marker", "ContinuationToken"];

impl<const FIELDS: usize> Walk<'_, FIELDS> {
    fn open(&mut self, name: &str) -> Result<(), Undecodable> {
        if self.path.is_empty() && (self.begun || !name.starts_with(self.list.root)) {
            return Err(
                format!("the answer is another document, where {}… was expected", self.list.root).into()
            );
        }
        self.begun = true;
        let in_list = self.path.last() == Some(&true);
        self.path.push(name == self.list.list);
        if self.path.len() > MAX_DEPTH {
            return Err("the answer is nested too deep".into());
        }
        match &self.item {
            None if in_list && name == self.list.item => {
                self.item = Some((self.path.len(), std::array::from_fn(|_| None)));
            }
            Some((depth, _)) if self.path.len() == depth + 1 => {
                let index = self.list.fields.iter().position(|field| *field == name);
                self.field = index.map(|index| (index, Some(String::new())));
            }
            None if !in_list => {
                let index = OUTSIDE.iter().position(|field| *field == name);
                self.field = index.map(|index| (index, Some(String::new())));
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Undecodable> {
        if self.path.is_empty() {
            // A byte order mark may stand before it.
            return if text.trim_matches('\u{feff}').trim().is_empty() {
                Ok(())
            } else {
                Err(NOT_XML.into())
            };
        }
        let directly = self.item.as_ref().is_none_or(|(depth, _)| self.path.len() == depth + 1);
        if let Some((_, so_far)) = self.field.as_mut().filter(|_| directly) {
            match so_far {
                Some(known) if known.len() + text.len() <= MAX_NAME => known.push_str(text),
                _ => *so_far = None,
            }
        }
        Ok(())
    }

    /// Leaves an element: an item that ends with it.
    fn close(&mut self) -> Option<Fields<FIELDS>> {
        let depth = self.path.len();
        self.path.pop();
        let (item_depth, fields) = match self.item.as_mut() {
            Some((item_depth, fields)) => (*item_depth, fields.as_mut_slice()),
            None => (0, self.outside.as_mut_slice()),
        };
        if (item_depth == 0 || depth == item_depth + 1)
            && let Some((index, text)) = self.field.take()
        {
            let text = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
            // The first of a name counts.
            fields[index] = fields[index].take().or(text.map(Into::into));
        }
        if depth == item_depth { self.item.take().map(|(_, fields)| fields) } else { None }
    }

    fn rest(self) -> Rest {
        let [truncated, marker, token] = self.outside;
        match (truncated.map(|text| text.eq_ignore_ascii_case("true")), marker, token) {
            // S3 has no flag: there is a token where the list goes on.
            (Some(true), Some(marker), _) | (Some(true) | None, _, Some(marker)) => Rest::Behind(marker),
            (Some(true), None, None) => Rest::Lost,
            (Some(false) | None, _, _) => Rest::None,
        }
    }

    fn end(&self) -> Result<(), Undecodable> {
        match (self.begun, self.path.is_empty()) {
            (false, _) => Err("the answer is empty".into()),
            (true, false) => Err("the answer ended early".into()),
            (true, true) => Ok(()),
        }
    }
}

const NOT_XML: &str = "the answer is not XML";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const USERS: List<2> =
        List { root: "ListUsers", list: "Users", item: "member", fields: ["UserName", "CreateDate"] };

    type Found = Vec<(Option<String>, Option<String>)>;

    fn read(body: &str) -> Result<Found, Undecodable> {
        let mut found = Vec::new();
        each(body.as_bytes(), &USERS, |[name, created]| {
            found.push((name.map(String::from), created.map(String::from)));
        })
        .map(drop)?;
        Ok(found)
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn items_are_found_with_their_fields_and_nothing_else() {
        let body = r#"<?xml version="1.0" encoding="UTF-8"?>
            <!-- a comment --><ListUsersResponse xmlns="https://iam.example/doc/"><ListUsersResult>
            <IsTruncated>false</IsTruncated><UserName>outside</UserName><member><UserName>too</UserName></member>
            <Users>
              <member><UserName>a &amp; b &#60;</UserName><CreateDate>2026-01-01T00:00:00Z</CreateDate>
                <Tags><member><UserName>inner</UserName></member></Tags></member>
              <x:member xmlns:x="y"><x:UserName><![CDATA[c<d]]></x:UserName><CreateDate/></x:member>
              <other><UserName>no</UserName></other>
              <member/>
              <member><UserName>first</UserName><UserName>second</UserName></member>
            </Users></ListUsersResult></ListUsersResponse>"#;
        assert_eq!(
            read(body).unwrap(),
            [
                (some("a & b <"), some("2026-01-01T00:00:00Z")),
                (some("c<d"), None),
                (None, None),
                (some("first"), None),
            ]
        );
        assert_eq!(read("<ListUsersResponse/>").unwrap(), []);
        let other =
            "<ListUsersResult><Users><member><UserName>a</UserName></member></Users></ListUsersResult>";
        assert_eq!(read(other).unwrap(), [(some("a"), None)]);
        assert_eq!(read("\u{feff}<ListUsersResponse><Users/></ListUsersResponse>").unwrap(), []);
    }

    #[test]
    fn what_is_no_such_document_is_an_error_that_quotes_nothing() {
        let long = format!(
            "<ListUsersResponse><Users><member><UserName>{}</UserName></member></Users></ListUsersResponse>",
            "x".repeat(100_000)
        );
        assert_eq!(read(&long).unwrap(), [(None, None)]);
        let deep = format!("<ListUsersResponse>{}", "<canary>".repeat(100_000));
        for (body, problem) in [
            ("", "the answer is empty"),
            (" \n", "the answer is empty"),
            ("{\"canary\": 1}", "the answer is not XML"),
            ("<html>canary</html>", "the answer is another document, where ListUsers… was expected"),
            ("<Error><Code>canary</Code></Error>", "the answer is another document"),
            ("<ListUsersResponse><Users><member>", "the answer ended early"),
            ("<ListUsersResponse><canary></other>", "the answer is not whole XML, near byte"),
            ("<ListUsersResponse></ListUsersResponse><canary/>", "the answer is another document"),
            ("<ListUsersResponse></ListUsersResponse>canary", "the answer is not XML"),
            ("<!DOCTYPE x [<!ENTITY a \"canary\">]><ListUsersResponse/>", "the answer has a document type"),
            ("<ListUsersResponse>&canary;</ListUsersResponse>", "the answer has an entity"),
            ("<ListUsersResponse canary", "the answer is not whole XML"),
            (deep.as_str(), "the answer is nested too deep"),
        ] {
            let error = read(body).unwrap_err();
            assert!(error.starts_with(problem), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_list_says_whether_it_goes_on() {
        let rest = |outside: &str| {
            let body = format!(
                "<ListUsersResponse>{outside}<Users><member><IsTruncated>true</IsTruncated><UserName>a</UserName></member></Users>\
                 </ListUsersResponse>"
            );
            let page = page(body.as_bytes(), &USERS, ("users", "a name"), |[name, _]| name);
            page.map(|page| page.rest).map_err(String::from)
        };
        let behind = |marker: &str| Ok(Rest::Behind(marker.into()));
        assert_eq!(rest(""), Ok(Rest::None));
        assert_eq!(rest("<IsTruncated>false</IsTruncated><Marker>m</Marker>"), Ok(Rest::None));
        assert_eq!(rest("<Marker>m</Marker>"), Ok(Rest::None));
        assert_eq!(rest("<IsTruncated>true</IsTruncated><Marker> m &amp; n </Marker>"), behind("m & n"));
        assert_eq!(rest("<ContinuationToken>t</ContinuationToken>"), behind("t"));
        assert_eq!(
            rest("<IsTruncated>True</IsTruncated><Marker/>"),
            Err("the list of users is cut short, and does not say how to ask for the rest".to_owned())
        );
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            body in prop_oneof![
                prop::collection::vec(any::<u8>(), 0..200),
                "(<(/?)(ListUsersResponse|Users|member|UserName)>|<member/>|&amp;|&#0;|<!\\[CDATA\\[|\\]\\]>|[a-z]){0,40}"
                    .prop_map(String::into_bytes),
            ],
            whole in any::<bool>(),
        ) {
            let body = if whole { [b"<ListUsersResponse>", &body[..], b"</ListUsersResponse>"].concat() } else { body };
            let mut items = 0;
            if let Err(problem) = each(&body[..], &USERS, |_| items += 1) {
                prop_assert!(problem.len() < 200);
            }
        }
    }
}
