use super::{Contract, Expected, Field, Presence};
use crate::api::shape::{Form, Seen, Shape, leaf, parent};

/// In what way an answer is not as the contract has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// What it is, without any number in it: of two answers with the same fault it is the same.
    pub id: String,
    /// The same in a sentence, for a person.
    pub words: String,
}

/// All deviations of an answer, in the order of the contract; new fields last.
pub type Deviations = Vec<Deviation>;

/// More are not shown in words.
const MANY: u64 = 999;

impl Contract {
    /// In what way an answer of this shape is not as the contract has it.
    #[must_use]
    pub fn deviations(&self, shape: &Shape) -> Deviations {
        let mut found = Deviations::new();
        if shape.is_empty() {
            found.push(Deviation {
                id: "unreadable".to_owned(),
                words: "the answer cannot be read: it is empty, or in another format".to_owned(),
            });
        }
        for field in self.fields {
            self.missing(field, shape, &mut found);
            if let Some(seen) = shape.at(field.path) {
                self.of_type(field, seen, &mut found);
            }
        }
        for (path, seen) in &shape.nodes {
            self.new_field(path, seen, shape, &mut found);
        }
        found
    }

    fn missing(&self, field: &Field, shape: &Shape, found: &mut Deviations) {
        let Presence::Always(otherwise) = field.presence else { return };
        let Some(holder) = parent(field.path).filter(|_| !field.path.ends_with("[]")) else { return };
        let all = shape.at(holder).map_or(0, Seen::whole_objects);
        let there = shape.at(field.path).map_or(0, Seen::total);
        if there >= all {
            return;
        }
        let key = leaf(field.path);
        let what = self.plural(holder);
        let words = match all - there {
            _ if all == 1 => format!("`{key}` is missing from {}", self.singular(holder)),
            missing if missing == all => format!("`{key}` is not in any of {} {what}", many(all)),
            missing => format!("`{key}` is missing from {} of {} {what}", many(missing), many(all)),
        };
        found.push(Deviation {
            id: format!("{} is missing", field.path),
            words: format!("{words}; {otherwise}"),
        });
    }

    fn of_type(&self, field: &Field, seen: &Seen, found: &mut Deviations) {
        let all = seen.total();
        let subject = match field.path {
            "" => "the answer".to_owned(),
            path if path.ends_with("[]") => format!("an item of `{}`", leaf(path)),
            path => format!("`{}`", leaf(path)),
        };
        for (form, count) in &seen.forms {
            if allows(field, form) {
                continue;
            }
            let of = match parent(field.path) {
                Some(_) if all > 1 && field.path.ends_with("[]") => {
                    format!(" in {} of {}", many(*count), many(all))
                }
                Some(holder) if all > 1 => {
                    format!(" in {} of {} {}", many(*count), many(all), self.plural(holder))
                }
                _ => String::new(),
            };
            let (id, is) = match form {
                Form::Other(length) => (
                    "unknown value".to_owned(),
                    format!("has a value that is not documented, other ({length} letters){of}"),
                ),
                // Only those show it that nobody asked for by the other base.
                Form::MonthFromOne => (
                    "from 1".to_owned(),
                    format!("counts from 1, which shows{of}; in queries months count from 0"),
                ),
                form => (
                    form.name().to_owned(),
                    format!("is {}{of}, where {} was expected", with_article(form), field.expected),
                ),
            };
            found.push(Deviation { id: format!("{}: {id}", field.path), words: format!("{subject} {is}") });
        }
    }

    fn new_field(&self, path: &str, seen: &Seen, shape: &Shape, found: &mut Deviations) {
        let Some(holder) = parent(path).filter(|_| self.field(path).is_none()) else { return };
        // Only the outermost is told, and nothing of what is of another type already.
        let Some(known) = self.field(holder) else { return };
        if path.ends_with("[]") || !matches!(known.expected, Expected::Object(_)) {
            return;
        }
        let all = shape.at(holder).map_or(0, Seen::total);
        let total = seen.total();
        let place = if all == 1 {
            format!(" in {}", self.singular(holder))
        } else {
            format!(" in {} of {} {}", many(total.min(all)), many(all), self.plural(holder))
        };
        let words = if leaf(path) == "?" {
            format!("keys are new{place}; their names are left out, as they could be names of yours")
        } else {
            let forms: Vec<_> = seen.forms.keys().map(with_article).collect();
            format!("`{}` is new{place}: {}", leaf(path), forms.join(" or "))
        };
        found.push(Deviation { id: format!("{path} is new"), words });
    }

    /// How several of what is at a path are called.
    fn plural(&self, path: &str) -> String {
        match self.field(path).map(|field| field.expected) {
            Some(Expected::Object(name)) if !name.is_empty() => name.to_owned(),
            _ => format!("objects at `{path}`"),
        }
    }

    fn singular(&self, path: &str) -> String {
        match path {
            "" => "the answer".to_owned(),
            path if path.ends_with("[]") || path.ends_with('*') => {
                format!("the only one of the {}", self.plural(path))
            }
            path => format!("`{}`", leaf(path)),
        }
    }
}

fn allows(field: &Field, form: &Form) -> bool {
    if *form == Form::Null {
        return field.presence == Presence::Sometimes;
    }
    match field.expected {
        Expected::Object(_) | Expected::Map => *form == Form::Object,
        Expected::List => *form == Form::List,
        Expected::Text => matches!(form, Form::Text | Form::Empty),
        Expected::Number => matches!(form, Form::Whole | Form::Fraction),
        Expected::NumberOrText => matches!(form, Form::Whole | Form::WholeText),
        Expected::Month => *form == Form::Whole,
        Expected::Flag => *form == Form::Flag,
        Expected::Date => matches!(form, Form::Date | Form::Instant(_) | Form::Empty),
        Expected::Instant => matches!(form, Form::Instant(_)),
        Expected::OneOf(_) => {
            matches!(form, Form::Known(_)) || (*form == Form::Empty && field.presence == Presence::Sometimes)
        }
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Object(_) => "an object",
            Self::Map => "an object with a name for each key",
            Self::List => "a list",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::NumberOrText => "a whole number, perhaps as text,",
            Self::Month => "the number of a month",
            Self::Flag => "true or false",
            Self::Date => "a date (2026-01-31), an instant or an empty text",
            Self::Instant => "an instant (2026-01-31T12:00:00Z)",
            Self::OneOf(_) => "one of a few words",
        })
    }
}

fn with_article(form: &Form) -> String {
    match form {
        Form::Object | Form::Instant(_) | Form::Empty => format!("an {form}"),
        Form::Null | Form::Flag | Form::FlagText | Form::Known(_) | Form::Other(_) => form.to_string(),
        _ => format!("a {form}"),
    }
}

fn many(count: u64) -> String {
    if count > MANY { format!("more than {MANY}") } else { count.to_string() }
}
