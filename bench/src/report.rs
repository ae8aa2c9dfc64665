//! The outcome of a mode: a table for people, JSON for programs.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::fleet::Transport;
use crate::tally::Tally;

/// A number with a name and a unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Its name, in snake case; never changes, since documents refer to it.
    pub name: String,
    /// The number.
    pub value: f64,
    /// Its unit, empty for counts.
    pub unit: String,
}

/// The outcome of one run of one mode against one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The mode's name.
    pub mode: String,
    /// Which server it was.
    pub server: String,
    /// Transport of the connections.
    pub transport: Transport,
    /// Connections.
    pub connections: usize,
    /// What was measured, in the order of the table.
    pub figures: Vec<Figure>,
    /// What was delivered, lost, doubled.
    pub tally: Tally,
    /// Every connection got every entry that it should have got before the deadline.
    pub complete: bool,
}

impl Report {
    /// Adds a figure.
    pub fn add(&mut self, name: &str, value: f64, unit: &str) {
        self.figures.push(Figure { name: name.to_owned(), value, unit: unit.to_owned() });
    }

    /// The value of a figure.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|figure| figure.name == name).map(|figure| figure.value)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, server, transport, connections, figures, tally, complete } = self;
        writeln!(out, "{mode} · {server} · {transport:?} · {connections} connections")?;
        let width = figures.iter().map(|figure| figure.name.len()).max().unwrap_or(0).max(10);
        for Figure { name, value, unit } in figures {
            writeln!(out, "  {name:width$}  {:>12} {unit}", number(*value))?;
        }
        let Tally { delivered, acked, lost, doubled, late, gaps, voids, refused, ended, asked_again, puzzling } = tally;
        writeln!(out, "  {:width$}  {delivered:>12} for {acked} sends", "delivered")?;
        writeln!(out, "  {:width$}  {lost:>12} lost, {doubled} doubled, {late} late", "faults")?;
        if gaps + voids + puzzling > 0 {
            writeln!(out, "  {:width$}  {gaps:>12} gaps, {voids} voids, {puzzling} puzzling", "")?;
        }
        if *asked_again > 0 {
            writeln!(out, "  {:width$}  {asked_again:>12} joins, for want of an answer", "asked again")?;
        }
        for (what, counts) in [("refused", refused), ("ended", ended)] {
            for (why, count) in counts {
                writeln!(out, "  {what:width$}  {count:>12} {why}")?;
            }
        }
        if !complete {
            writeln!(out, "  {:width$}  not all came in time", "INCOMPLETE")?;
        }
        Ok(())
    }
}

/// Writes any outcome as JSON.
pub fn write_json<T: Serialize>(path: &Path, outcome: &T) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(outcome)?;
    text.push(b'\n');
    fs::write(path, text)
}

/// Three significant digits for small numbers, whole ones for large.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}
