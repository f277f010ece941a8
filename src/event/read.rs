//! Reads a [`ReferralEvent`] from its wire form: the JSON of docs/event.schema.json.
//!
//! The walk is driven by the table of [`super::field`], so a field exists here exactly when it exists there.
//! It is strict: a key that the table does not have, a number where text belongs and a `null` are reported,
//! never skipped. All issues are collected, each with the JSON path it was found at. What this is not: a
//! reader of bytes; that is [`crate::tree::json`]. Invariant: what [`ReferralEvent`] serialises to reads back
//! as the same event. Next: [`super::finish`], the last checks.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use super::build::{Draft, MAX_ID, NhsNumberRule, Place, Places, Raw, Reading};
use super::field::{Field, Kind, Scope};
use super::finish::{self, Identities};
use super::issue::{Issue, IssueCode, Position, kind_of};
use super::referral_event::{ReferralEvent, SCHEMA};
use super::term::{Term, TermSystem};
use super::when::When;
use crate::tree::{Node, safe_name};

/// A list longer than this is refused.
pub const MAX_LIST: usize = 1000;

/// What an object must hold when it is there at all. The JSON Schema says the same.
pub(super) const REQUIRED: &[(&str, &[&str])] = &[
    ("record.consent", &["share"]),
    ("record.fulfils", &["system", "value"]),
    ("record.based_on[]", &["system", "value"]),
    ("record.prsb[]", &["path", "value"]),
    ("detail.scores[]", &["id", "measure", "value"]),
    ("detail.answers[]", &["id", "value"]),
];

/// The wire form as a tree, made from the table of fields.
pub(super) enum Shape {
    /// An object: its place in [`REQUIRED`]'s form, and its members in the table's order.
    Object(String, Vec<(&'static str, Shape)>),
    /// A list of one shape.
    List(Box<Shape>),
    /// One value.
    Value(Field),
}

/// The whole event.
pub(super) static EVENT: LazyLock<Shape> = LazyLock::new(|| {
    let mut members = Vec::new();
    for field in Field::ALL {
        let scope = match field.scope() {
            Scope::Header => None,
            Scope::Detail => Some("detail"),
            Scope::Record => Some("record"),
        };
        let steps: Vec<_> = scope.into_iter().chain(field.path().split('.')).collect();
        insert(&mut members, "", &steps, *field);
    }
    Shape::Object(String::new(), members)
});

/// Members of objects by place and name: the walk looks each key up once.
static MEMBERS: LazyLock<HashMap<&'static str, HashMap<&'static str, &'static Shape>>> =
    LazyLock::new(|| {
        let mut found = HashMap::new();
        let mut open = vec![&*EVENT];
        while let Some(shape) = open.pop() {
            match shape {
                Shape::Object(place, members) => {
                    found.insert(
                        place.as_str(),
                        members.iter().map(|(name, shape)| (*name, shape)).collect::<HashMap<_, _>>(),
                    );
                    open.extend(members.iter().map(|(_, shape)| shape));
                }
                Shape::List(item) => open.push(item),
                Shape::Value(_) => {}
            }
        }
        found
    });

fn insert(members: &mut Vec<(&'static str, Shape)>, place: &str, steps: &[&'static str], field: Field) {
    let Some((step, rest)) = steps.split_first() else { return };
    let name = step.trim_end_matches("[]");
    let listed = |shape| if name.len() < step.len() { Shape::List(Box::new(shape)) } else { shape };
    if rest.is_empty() {
        members.push((name, listed(Shape::Value(field))));
        return;
    }
    let place = if place.is_empty() { (*step).to_owned() } else { format!("{place}.{step}") };
    if !members.iter().any(|(known, _)| *known == name) {
        members.push((name, listed(Shape::Object(place.clone(), Vec::new()))));
    }
    let mut shape = members.iter_mut().find(|(known, _)| *known == name).map(|(_, shape)| shape);
    while let Some(Shape::List(item)) = shape {
        shape = Some(item);
    }
    if let Some(Shape::Object(_, members)) = shape {
        insert(members, &place, rest, field);
    }
}

/// Reads one event. Without an event there is at least one issue of level error; with one there may be
/// warnings.
#[must_use]
pub fn read(
    node: &Node,
    identities: &Identities,
    nhs_number: NhsNumberRule,
) -> (Option<ReferralEvent>, Vec<Issue>) {
    let mut walk =
        Walk { values: Vec::new(), issues: Vec::new(), path: String::new(), incomplete: Vec::new() };
    walk.walk(node, &EVENT, 0);
    let Walk { mut values, mut issues, incomplete, .. } = walk;
    // In the table's order, because some fields need another to be there before them.
    values.sort_by_key(|(field, index, _)| (*field, *index));
    let mut draft = Draft::default();
    let mut built = Vec::new();
    let mut reading = Reading { zone: When::london(), nhs_number, places: &WirePlaces, issues: &mut built };
    for (field, index, raw) in values {
        draft.set(field, index, raw, place(field, index), None, &mut reading);
    }
    let refused = issues.iter().any(Issue::is_error);
    let event = finish::whole(draft, identities, &mut built).filter(|_| !refused);
    built.iter_mut().for_each(wire_position);
    built.retain(|issue| !already_said(issue, &incomplete));
    issues.append(&mut built);
    (event, issues)
}

/// Whether an issue only repeats that an object is incomplete.
fn already_said(issue: &Issue, incomplete: &[&str]) -> bool {
    let path = issue.at.path.as_deref().unwrap_or_default();
    issue.code == IssueCode::RequiredMissing
        && incomplete.iter().any(|place| path.starts_with(place.trim_end_matches("[]")))
}

/// A field and a list index in one number.
fn place(field: Field, index: u16) -> Place {
    (field as Place) << 16 | Place::from(index)
}

/// Turns places back into JSON paths.
struct WirePlaces;

impl Places for WirePlaces {
    fn position(&self, place: Place) -> Position {
        let field = usize::try_from(place >> 16).ok().and_then(|at| Field::ALL.get(at));
        let index = place & 0xFFFF;
        Position::path(
            field.map(|field| field.wire_path().replace("[]", &format!("[{index}]"))).unwrap_or_default(),
        )
    }
}

/// The last checks know no `record` and `detail`: their paths are those of profiles.
fn wire_position(issue: &mut Issue) {
    let Some(path) = issue.at.path.as_deref() else { return };
    let inside = |field: &&Field| {
        let rest = field.path().replace("[]", "");
        rest.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let scope = match Field::ALL.iter().find(inside).map(|field| field.scope()) {
        Some(Scope::Record) => "record.",
        Some(Scope::Detail) => "detail.",
        _ => return,
    };
    issue.at.path = Some(format!("{scope}{path}").into());
}

struct Walk<'n> {
    values: Vec<(Field, u16, Raw<'n>)>,
    issues: Vec<Issue>,
    path: String,
    /// Places of objects that lack what [`REQUIRED`] names.
    incomplete: Vec<&'static str>,
}

impl<'n> Walk<'n> {
    fn report(&mut self, code: IssueCode, found: impl Into<Cow<'static, str>>) {
        let path = if self.path.is_empty() { "event" } else { self.path.as_str() };
        self.issues.push(Issue::new(code, Position::path(path), found));
    }

    fn wrong_shape(&mut self, node: &Node, wanted: &str) {
        self.report(IssueCode::WrongShape, format!("{} where {wanted} belongs", node.kind()));
    }

    /// Does something one step further down the path.
    fn within(&mut self, step: &str, inner: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(step);
        inner(self);
        self.path.truncate(length);
    }

    fn walk(&mut self, node: &'n Node, shape: &'static Shape, index: u16) {
        match (shape, node) {
            (Shape::Object(place, _), Node::Object(found)) => self.object(place, found, index),
            (Shape::List(item), Node::Array(items)) => self.list(item, items),
            (Shape::Value(field), node) => {
                if let Some(raw) = self.value(*field, node) {
                    self.values.push((*field, index, raw));
                }
            }
            (Shape::Object(..), other) => self.wrong_shape(other, "an object"),
            (Shape::List(_), other) => self.wrong_shape(other, "an array"),
        }
    }

    fn object(&mut self, place: &'static str, found: &'n [(String, Node)], index: u16) {
        let members = MEMBERS.get(place);
        for (key, value) in found {
            match members.and_then(|members| members.get_key_value(key.as_str())) {
                Some((name, shape)) => self.within(name, |walk| walk.walk(value, shape, index)),
                None if place.is_empty() && key == "schema" => {
                    self.within("schema", |walk| walk.schema(value))
                }
                None => {
                    self.within(safe_name(key), |walk| walk.report(IssueCode::UnknownField, value.kind()))
                }
            }
        }
        let Some((place, required)) = REQUIRED.iter().find(|(known, _)| *known == place) else { return };
        for name in *required {
            let present = found
                .iter()
                .any(|(key, value)| key == name && value.as_str().is_none_or(|text| !text.trim().is_empty()));
            if !present {
                self.within(name, |walk| walk.report(IssueCode::RequiredMissing, ""));
                self.incomplete.push(place);
            }
        }
    }

    fn list(&mut self, item: &'static Shape, items: &'n [Node]) {
        if items.len() > MAX_LIST {
            self.report(IssueCode::TooLarge, format!("{} entries; the limit is {MAX_LIST}", items.len()));
            return;
        }
        for (index, node) in (0u16..).zip(items) {
            let length = self.path.len();
            let _ = write!(self.path, "[{index}]");
            self.walk(node, item, index);
            self.path.truncate(length);
        }
    }

    fn schema(&mut self, node: &Node) {
        match node.as_str() {
            Some(SCHEMA) => {}
            Some(other) => {
                self.report(IssueCode::ValueNotListed, format!("{}; listed: {SCHEMA}", kind_of(other)))
            }
            None => self.wrong_shape(node, "a string"),
        }
    }

    fn value(&mut self, field: Field, node: &'n Node) -> Option<Raw<'n>> {
        let wanted = match (field.kind(), node) {
            (Kind::Term(_), Node::Object(members)) => return self.term(members),
            (Kind::Boolean, Node::Bool(value)) => return Some(Raw::Bool(*value)),
            (Kind::Integer | Kind::Scalar, Node::Number(number)) => {
                return Some(Raw::Number(Cow::Borrowed(number)));
            }
            (Kind::Boolean, _) => "true or false",
            (Kind::Integer, _) => "a whole number",
            (_, Node::String(text)) => return Some(Raw::Text(Cow::Borrowed(text))),
            (Kind::Term(_), _) => "a string or an object",
            (Kind::Scalar, _) => "a number or a string",
            _ => "a string",
        };
        self.wrong_shape(node, wanted);
        None
    }

    fn term(&mut self, members: &'n [(String, Node)]) -> Option<Raw<'n>> {
        let before = self.issues.len();
        let mut term = Term::default();
        for (key, node) in members {
            self.within(safe_name(key), |walk| match key.as_str() {
                "text" => term.text = walk.string(node).filter(|text| !text.trim().is_empty()),
                "code" => term.code = walk.code(node),
                "system" => term.system = walk.system(node),
                "controlled" => term.controlled = walk.flag(node),
                "sensitive" => term.sensitive = walk.flag(node),
                "selected" => term.selected = walk.flag(node),
                _ => walk.report(IssueCode::UnknownField, node.kind()),
            });
        }
        if self.issues.len() > before {
            return None;
        }
        if term.text.is_none() && term.code.is_none() {
            self.report(IssueCode::RequiredMissing, "a term without text or code");
            return None;
        }
        Some(Raw::Term(term))
    }

    fn string(&mut self, node: &Node) -> Option<String> {
        if node.as_str().is_none() {
            self.wrong_shape(node, "a string");
        }
        node.as_str().map(str::to_owned)
    }

    fn code(&mut self, node: &Node) -> Option<String> {
        let code = self.string(node).filter(|code| !code.is_empty())?;
        if code.len() > MAX_ID {
            self.report(IssueCode::TextTooLong, format!("{} bytes; the limit is {MAX_ID}", code.len()));
        } else if code.chars().any(char::is_control) {
            self.report(IssueCode::NulCharacter, kind_of(&code));
        }
        Some(code)
    }

    fn system(&mut self, node: &Node) -> Option<TermSystem> {
        let word = self.string(node)?;
        let system = TermSystem::parse(&word);
        if system.is_none() {
            let words = TermSystem::ALL.map(TermSystem::as_str).join(", ");
            self.report(IssueCode::ValueNotListed, format!("{}; listed: {words}", kind_of(&word)));
        }
        system
    }

    fn flag(&mut self, node: &Node) -> bool {
        if node.as_bool().is_none() {
            self.wrong_shape(node, "true or false");
        }
        node.as_bool().unwrap_or(false)
    }
}
