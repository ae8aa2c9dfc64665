//! The layer on real clusters of real processes, and what it does when they fail.

mod basics;
mod bed;
mod crowd;
mod ear;
mod faults;
mod libraries;
mod moved;
mod tenure;
mod unfit;
