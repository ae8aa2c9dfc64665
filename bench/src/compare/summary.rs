//! Medians over rounds.

use super::server::Kind;
use super::step::Step;
use super::{Results, Run, disturbance};

impl Results {
    /// The median of a figure over the rounds; none where it was not measured.
    pub fn median(&self, step: Step, server: Kind, figure: &str) -> Option<f64> {
        median(self.of(step, server).filter_map(|run| run.report.get(figure)))
    }

    /// A figure relative to the floor's, as the median of the rounds' ratios.
    pub fn to_floor(&self, step: Step, server: Kind, figure: &str) -> Option<f64> {
        let ratios = self.of(step, server).filter_map(|run| {
            let floor = self.of(step, Kind::Floor).find(|floor| floor.round == run.round)?;
            Some(run.report.get(figure)? / floor.report.get(figure).filter(|value| *value > 0.0)?)
        });
        median(ratios)
    }

    /// The runs of a step on a server.
    pub fn of(&self, step: Step, server: Kind) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| run.step == step && run.server == server)
    }

    /// Servers that have run a step, in the order of the table.
    pub fn servers(&self, step: Step) -> Vec<Kind> {
        let all = [Kind::Floor, Kind::Ours, Kind::Socketioxide, Kind::Node];
        all.into_iter().filter(|kind| self.of(step, *kind).next().is_some()).collect()
    }

    /// The most that others used beside any run of a server's, in cores.
    pub fn worst_disturbance(&self) -> f64 {
        self.runs.iter().map(|run| disturbance(&run.report)).fold(0.0, f64::max)
    }
}

/// The middle value, or the mean of the two.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| !value.is_nan()).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        len if len % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle() {
        let of = |values: &[f64]| median(values.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(of(&[f64::NAN, 5.0]), Some(5.0));
    }
}
