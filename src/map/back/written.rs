//! [`Written`]: what Tasks and work here are about which request, found out once for all requests. Next: [`super::others`].

use std::collections::HashMap;

use crate::tree::Node;

use super::pool::{Found, Pool, is_restricted, items};
use super::work::WORK;

/// What was written about requests, by the request's place among all resources.
#[derive(Default)]
pub(super) struct Written {
    /// Its Tasks.
    tasks: HashMap<usize, Vec<usize>>,
    /// Tasks and work on it that others wrote and that bear a label which restricts.
    restricting: HashMap<usize, Vec<usize>>,
}

impl Written {
    pub(super) fn new(pool: &Pool<'_>) -> Self {
        let mut written = Self::default();
        for task in pool.of_kind("Task") {
            if let Some(request) = focus(task).and_then(|focus| pool.resolve(task, focus)) {
                written.tasks.entry(request.index).or_default().push(task.index);
            }
        }
        let others = ["Task"].into_iter().chain(WORK).flat_map(|kind| pool.of_others(kind));
        for found in others.filter(|found| is_restricted(found.node)) {
            let based_on = items(found.node, "basedOn").iter();
            for target in found.node.get("focus").into_iter().chain(based_on) {
                if let Some(request) = pool.resolve(found, target) {
                    written.restricting.entry(request.index).or_default().push(found.index);
                }
            }
        }
        written
    }

    /// The Tasks about a request.
    pub(super) fn tasks<'p, 'n>(
        &'p self,
        pool: &'p Pool<'n>,
        request: &Found<'_>,
    ) -> impl Iterator<Item = &'p Found<'n>> {
        found_at(pool, self.tasks.get(&request.index))
    }

    /// What restricts a request although it stands elsewhere.
    pub(super) fn restricting<'p, 'n>(
        &'p self,
        pool: &'p Pool<'n>,
        request: &Found<'_>,
    ) -> impl Iterator<Item = &'p Found<'n>> {
        found_at(pool, self.restricting.get(&request.index))
    }
}

fn found_at<'p, 'n>(
    pool: &'p Pool<'n>,
    places: Option<&'p Vec<usize>>,
) -> impl Iterator<Item = &'p Found<'n>> {
    places.into_iter().flatten().filter_map(|place| pool.all.get(*place))
}

/// What a Task is about.
pub(super) fn focus<'n>(task: &Found<'n>) -> Option<&'n Node> {
    task.node.get("focus").or_else(|| task.node.path("basedOn[0]"))
}
