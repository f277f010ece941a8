//! Why nothing of a referral may go out now: what its own events say, what the routes say, and what is known of the person
//! elsewhere.
//!
//! Of several reasons the most decisive is told: that nothing may leave at all; then what can never go as it is, so that nobody
//! decides in vain about the rest; then whose it is, whether it may leave, where to, and whether it is there already.
//! What one referral shows by itself is [`crate::map::hold`]'s, as in `sp-fhir convert`. Pure. Next: [`super::render`].

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::event::kinds::Share;
use crate::event::{Issue, IssueCode, Position, ReferralEvent, When};
use crate::map::fold::Folded;
use crate::map::hold::{names_two_persons, needs_hold};
use crate::map::share::{Sharing, decide, decide_by_itself, statement};
use crate::outbox::Reason;
use crate::outbox::parcel::wrong_kind;

use super::known::{Known, PersonKey, request_key};
use super::planner::Planner;
use super::route::Route;
use super::whose::{Dispute, Whose};

/// Another source's referral of the same person within so many days may be the same one.
const TWIN_DAYS: i32 = 28;

impl Planner {
    /// Where a referral goes: to the endpoint of its first delivery, else to that of the person's practice.
    pub(super) fn route(&self, known: &Known, last: &ReferralEvent) -> Option<&Route> {
        let practice = last.record.person.practice_ods.as_ref().map(|ods| ods.as_str());
        match &known.endpoint {
            Some(endpoint) => self.routes.named(endpoint),
            None => self.routes.of(practice),
        }
    }

    /// Why nothing of the referral may go out now, if so. [`Reason::ConsentNone`] is no hold: it ends there.
    pub(super) fn hold(
        &self,
        known: &Known,
        folded: &Folded,
        now: jiff::Timestamp,
        waived: &[Reason],
    ) -> Option<Reason> {
        let last = folded.steps.last().map(|step| &step.event)?;
        let today = now.to_zoned(london()).date();
        let person = &last.record.person;
        let practice = person.practice_ods.as_ref().map(|ods| ods.as_str());
        let route = self.route(known, last);
        let moved = || match (&known.practice, practice) {
            (Some(first), Some(now)) => !first.eq_ignore_ascii_case(now),
            _ => false,
        };
        let opened = active_since(folded);
        let twin = |other: &Date| opened.is_some_and(|day| days_between(day, *other) <= TWIN_DAYS);
        let own = needs_hold(folded, today).and_then(|(code, _)| Reason::of_issue(code));
        let own = |reason: Reason| own.filter(|own| *own == reason);
        let taken = |request: &PersonKey| known.taken.contains(request);
        let reasons = [
            shares_nothing(known, folded, last, waived).then_some(Reason::ConsentNone),
            own(Reason::Protected),
            (known.names_another || names_two_persons(folded)).then_some(Reason::TwoPersons),
            route.and_then(|route| wrong_kind_of_number(route, last)),
            own(Reason::FutureDate),
            person.nhs_number.is_none().then_some(Reason::NeedsIdentity),
            disputed(known, last, Dispute::BirthDates).then_some(Reason::BirthDates),
            disputed(known, last, Dispute::Numbers).then_some(Reason::NhsNumbers),
            in_doubt(known, folded).then_some(Reason::ConsentUnclear),
            own(Reason::NoConsent),
            route.is_none().then_some(Reason::NoEndpoint),
            moved().then_some(Reason::PracticeChanged),
            request_key(last).as_ref().is_some_and(taken).then_some(Reason::RequestTaken),
            known.twins.iter().any(twin).then_some(Reason::PossibleDuplicate),
        ];
        reasons.into_iter().flatten().find(|reason| !waived.contains(reason))
    }
}

/// Whether nothing of it may leave, whatever else is found out. Where it is in question whose referral it is, only what itself
/// says counts, until a person has decided: another referral's consent may be another person's.
fn shares_nothing(known: &Known, folded: &Folded, last: &ReferralEvent, waived: &[Reason]) -> bool {
    let questions = [(Dispute::BirthDates, Reason::BirthDates), (Dispute::Numbers, Reason::NhsNumbers)];
    let is_open =
        |(about, reason): (Dispute, Reason)| !waived.contains(&reason) && disputed(known, last, about);
    let decided = if questions.into_iter().any(is_open) { decide_by_itself(folded) } else { decide(folded) };
    decided == Sharing::Level(Share::None) && !names_two_persons(folded)
}

/// Whether a refused record may have changed what may leave. A consent dated after the day of the refusal is certainly the
/// later word; and where nothing may leave anyway there is nothing to wait for.
fn in_doubt(known: &Known, folded: &Folded) -> bool {
    let Some(doubted) = known.doubted else { return false };
    let own = folded.steps.iter().filter_map(|step| statement(&step.event));
    let stated = own.chain(folded.consents_elsewhere.iter().copied()).filter_map(|(date, _)| date).max();
    stated.is_none_or(|date| date <= doubted) && decide(folded) != Sharing::Level(Share::None)
}

fn disputed(known: &Known, last: &ReferralEvent, about: Dispute) -> bool {
    let whose = Whose::of(last);
    known.others.iter().any(|other| whose.against(&other.whose) == Some(about))
}

/// Another referral's record of the same number has no family name in common: worth saying, no reason to wait.
pub(super) fn names_differ(known: &Known, folded: &Folded) -> Option<(String, Issue)> {
    let last = folded.steps.last().map(|step| &step.event)?;
    let at = Position::path("record.person.family");
    disputed(known, last, Dispute::Names)
        .then(|| (last.event_id.clone(), Issue::new(IssueCode::NamesDiffer, at, "")))
}

pub(super) fn active_since(folded: &Folded) -> Option<Date> {
    let state = folded.state().filter(|state| !state.ended)?;
    folded.steps.get(state.opened_by)?.event.occurred_at.map(|when| when.day())
}

/// A 999 number belongs to a test endpoint, and nobody else's does.
fn wrong_kind_of_number(route: &Route, event: &ReferralEvent) -> Option<Reason> {
    wrong_kind(event.record.person.nhs_number?.as_str(), route.test)
}

/// Holds that planning itself set, and lifts when their cause is gone.
pub(super) const fn is_ours_to_lift(reason: Reason) -> bool {
    reason.looks().is_planned()
}

fn days_between(one: Date, other: Date) -> i32 {
    one.until(other).map_or(i32::MAX, |span| span.get_days().abs())
}

pub(super) fn london() -> TimeZone {
    When::london().clone()
}
