//! The managed Redis: its plan in a model and on real processes, and its objects.

mod existing;
mod model;
mod objects;
mod plan;
mod processes;
