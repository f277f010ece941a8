//! Tests of the event as a whole: that it reads back, and that its schema says what its reader does.

mod read;
mod samples;
mod schema;
