use std::io::{BufReader, Read};

use quick_xml::Reader;
use quick_xml::events::Event;

use super::walk::{At, ROOT, Walk};
use super::{Form, Shape};
use crate::api::contract::{Contract, Months};
use crate::api::wire::Text;

/// Of a longer text no more is looked at.
const MAX_TEXT: usize = 256;

/// The shape of the list in an XML document, as far as it can be read. What is around the list is not looked at.
pub(super) fn shape(contract: &'static Contract, list: &str, item: &str, body: impl Read) -> Shape {
    let mut reader = Reader::from_reader(Text::xml(BufReader::new(body)));
    reader.config_mut().expand_empty_elements = true;
    let mut state = Document {
        walk: Walk::new(contract, Months::default()),
        list,
        item,
        open: Vec::new(),
        text: String::new(),
    };
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(tag)) => state.open(tag.local_name().as_ref()),
            Ok(Event::End(_)) => state.close(),
            Ok(Event::Text(text)) => state.text(&text.xml10_content()),
            Ok(Event::CData(text)) => state.text(&text.xml10_content()),
            // A character, of which only that it is there counts.
            Ok(Event::GeneralRef(_)) => state.text("&"),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    state.walk.finish()
}

struct Document<'a> {
    walk: Walk,
    list: &'a str,
    item: &'a str,
    /// The place of each open element that has one.
    open: Vec<Option<At>>,
    text: String,
}

impl Document<'_> {
    fn open(&mut self, name: &str) {
        self.text.clear();
        let place = match self.open.as_slice() {
            [] => {
                self.walk.enter(ROOT, Form::Object);
                Some(ROOT)
            }
            // The list is at any depth, and all of that depth is one object here.
            [.., Some(ROOT)] if name != self.list => Some(ROOT),
            [.., Some(ROOT)] => self.enter(ROOT, name, Form::List),
            [.., Some(ROOT), Some(list)] => {
                let list = *list;
                let place = (name == self.item).then(|| self.walk.item(list)).flatten();
                if let Some(place) = place {
                    self.walk.enter(place, Form::Object);
                }
                place
            }
            [.., Some(ROOT), Some(_), Some(item)] => self.walk.child(*item, name),
            _ => None,
        };
        self.open.push(place);
    }

    fn enter(&mut self, at: At, name: &str, form: Form) -> Option<At> {
        let place = self.walk.child(at, name)?;
        self.walk.enter(place, form);
        Some(place)
    }

    fn text(&mut self, text: &str) {
        let room = MAX_TEXT.saturating_sub(self.text.len());
        self.text.extend(text.chars().take(room));
    }

    fn close(&mut self) {
        // How deep it is below what is around the list.
        let depth = self.open.iter().rev().take_while(|place| **place != Some(ROOT)).count();
        let place = self.open.pop().flatten();
        match (depth, place) {
            (0, Some(ROOT)) if self.open.is_empty() => self.walk.leave(ROOT),
            (1 | 2, Some(place)) => self.walk.leave(place),
            (3, Some(place)) => {
                let text = std::mem::take(&mut self.text);
                self.walk.text(place, text.trim());
            }
            _ => {}
        }
        self.text.clear();
    }
}
