//! Rules that make events: type, date, condition, repeated element, scores.
//!
//! What it is: `[[event]]` resolved to [`EventRule`]s. Invariant: the id of a rule is part of every identifier it makes, so
//! it is held to letters that are the same everywhere. Next: [`super::whole`].

use super::{Compiler, EventRule, Fill, From, TypeOf, When};
use crate::event::detail::{Detail, Part};
use crate::event::field::{Field, Scope};
use crate::event::kinds::EventType;
use crate::profile::raw::{Condition, EventTable, ExportKind, ScoreTable};
use crate::profile::values::fold;

impl Compiler {
    pub(super) fn rule_id(&mut self, id: &str, path: &str) -> String {
        let fits = !id.is_empty()
            && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
        if !fits {
            self.wrong(path, format!("the id {id:?} must be lower-case letters, digits, - and _"));
        }
        id.to_owned()
    }

    pub(super) fn event(&mut self, n: usize, table: &EventTable, export: ExportKind) -> Option<EventRule> {
        self.each.clone_from(&table.each);
        let rule = self.event_below(n, table, export);
        self.each = None;
        rule
    }

    fn event_below(&mut self, n: usize, table: &EventTable, export: ExportKind) -> Option<EventRule> {
        let path = format!("event[{n}]");
        let id = self.rule_id(&table.id, &path);
        let type_path = format!("{path}.type");
        self.only(&type_path, &table.event_type, &["column", "values"]);
        let event_type =
            match (&table.event_type.column, &table.event_type.constant, &table.event_type.values) {
                // `type = "completed"` reads as a column's name; here it is the word.
                (Some(word), None, None) => match EventType::parse(word) {
                    Some(event_type) => TypeOf::Fixed(event_type),
                    None => {
                        self.wrong(
                            &type_path,
                            format!("unknown event type {word:?}; known: {}", EventType::WORDS.join(", ")),
                        );
                        return None;
                    }
                },
                (Some(column), None, Some(values)) => {
                    let values = self.map(values, &type_path)?;
                    for (key, entry) in values.iter() {
                        let word = entry.event.as_deref().or(entry.word.as_deref()).unwrap_or_default();
                        if !matches!(word, "" | "none") && EventType::parse(word).is_none() {
                            self.wrong(&type_path, format!("{key:?} gives no event type"));
                        }
                    }
                    TypeOf::ByValue(self.column(column), values)
                }
                _ => {
                    self.wrong(&type_path, "give an event type, or a column and the value map that gives it");
                    return None;
                }
            };
        let date_path = format!("{path}.date");
        let date = match &table.date {
            Some(spec) => Some(self.fill(&date_path, Field::OccurredAt, 0, spec)?),
            None => {
                self.wrong(&date_path, "every event needs its date; a status without a date is a [[status]]");
                None
            }
        };
        let mut fields =
            self.fields(&format!("{path}.fields"), &table.fields, &[Scope::Detail, Scope::Header]);
        for (index, score) in table.score.iter().enumerate() {
            fields.extend(self.score(
                &format!("{path}.score[{index}]"),
                u16::try_from(index).unwrap_or(u16::MAX),
                score,
            ));
        }
        if let TypeOf::Fixed(event_type) = event_type {
            for fill in &fields {
                if let Some(part) = part_of(fill.field)
                    && !Detail::allowed(event_type, part)
                {
                    // How a referral ended that was not completed is why it was closed.
                    let instead = match fill.field {
                        Field::Outcome if Detail::allowed(event_type, Part::StatusReason) => {
                            "; use status_reason"
                        }
                        _ => "",
                    };
                    let (name, event_type) = (fill.field.path(), event_type.as_str());
                    let what = format!("{name:?} has no meaning on an event of type {event_type}{instead}");
                    self.wrong(&format!("{path}.fields.{}", name.trim_end_matches("[]")), what);
                }
            }
        }
        let when = table.when.as_ref().map(|condition| self.when(condition, &path));
        let repeats = table.each.is_some() || date.as_ref().is_some_and(|date| date.split.is_some());
        if export == ExportKind::Events && repeats {
            self.wrong(&path, "a log has one event a row; each and split belong to snapshots");
        }
        Some(EventRule { id, event_type, date, when, each: table.each.clone(), fields, repeats })
    }

    fn when(&mut self, condition: &Condition, path: &str) -> When {
        if condition.is.is_empty() && condition.is_not.is_empty() {
            self.wrong(&format!("{path}.when"), "give `is` or `is_not`");
        }
        let folded = |values: &[String]| values.iter().map(|value| fold(value)).collect();
        When {
            column: self.column(&condition.column),
            is: folded(&condition.is),
            is_not: folded(&condition.is_not),
        }
    }

    fn score(&mut self, path: &str, index: u16, score: &ScoreTable) -> Vec<Fill> {
        let id = self.rule_id(&score.id, path);
        let column = self.column(&score.column);
        let fill = |field, from| Fill {
            field,
            index,
            from,
            date: None,
            values: None,
            otherwise: None,
            split: None,
            system: None,
            words: None,
            term: None,
        };
        let text = score.text.clone().unwrap_or_else(|| score.column.clone());
        // A measure's words are the profile's own: a controlled term.
        let term = crate::event::Term {
            text: Some(text.clone()),
            code: score.code.clone(),
            controlled: true,
            ..crate::event::Term::default()
        };
        let mut fills = vec![
            fill(Field::ScoreValue, From::Column(column)),
            fill(Field::ScoreId, From::Constant(id)),
            Fill { term: Some(term), ..fill(Field::ScoreMeasure, From::Constant(text)) },
        ];
        fills.extend(score.unit.clone().map(|unit| fill(Field::ScoreUnit, From::Constant(unit))));
        fills.extend(score.part_of.clone().map(|whole| fill(Field::ScorePartOf, From::Constant(whole))));
        fills
    }
}

/// The part of a detail that a field is in.
fn part_of(field: Field) -> Option<Part> {
    Some(match field {
        Field::Reason => Part::Reasons,
        Field::Mode => Part::Mode,
        Field::ScoreId | Field::ScoreMeasure | Field::ScoreValue | Field::ScoreUnit | Field::ScorePartOf => {
            Part::Scores
        }
        Field::AnswerId | Field::AnswerQuestion | Field::AnswerValue => Part::Answers,
        Field::Plan | Field::Goal => Part::Plan,
        Field::Outcome => Part::Outcome,
        Field::StatusReason => Part::StatusReason,
        Field::ToKind | Field::ToId | Field::ToName | Field::ToOds | Field::ToOrganisation | Field::What => {
            Part::To
        }
        Field::Count | Field::CountLabel => Part::Count,
        Field::Message | Field::Actions => Part::Message,
        _ => return None,
    })
}
