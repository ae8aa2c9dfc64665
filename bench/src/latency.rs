//! Latencies in buckets that are exact to 6 %: 16 a power of two.

use std::time::Duration;

const PER_OCTAVE: usize = 16;

/// Counts of latencies, from microseconds to minutes in 4 KB.
#[derive(Debug, Clone)]
pub struct Latencies {
    buckets: Vec<u64>,
    count: u64,
    max_us: u64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self { buckets: vec![0; PER_OCTAVE * 32], count: 0, max_us: 0 }
    }
}

impl Latencies {
    /// Counts one.
    pub fn note(&mut self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        let last = self.buckets.len() - 1;
        self.buckets[bucket(us).min(last)] += 1;
        self.count += 1;
        self.max_us = self.max_us.max(us);
    }

    /// Counts all that another has counted.
    pub fn add(&mut self, other: &Self) {
        self.buckets.iter_mut().zip(&other.buckets).for_each(|(own, more)| *own += more);
        self.count += other.count;
        self.max_us = self.max_us.max(other.max_us);
    }

    /// The upper bound in milliseconds of the bucket that holds this quantile (0 to 1); 0 where nothing was counted.
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        let wanted = (quantile * self.count as f64).ceil();
        let mut sum = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            sum += count;
            if self.count > 0 && sum as f64 >= wanted {
                return upper_us(index).min(self.max_us) as f64 / 1e3;
            }
        }
        0.0
    }

    /// The longest, in milliseconds.
    pub fn max_ms(&self) -> f64 {
        self.max_us as f64 / 1e3
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.count
    }
}

fn bucket(us: u64) -> usize {
    if us < PER_OCTAVE as u64 {
        return us as usize;
    }
    let octave = us.ilog2() as usize;
    let within = (us >> (octave - 4)) as usize - PER_OCTAVE;
    (octave - 3) * PER_OCTAVE + within
}

fn upper_us(bucket: usize) -> u64 {
    if bucket < PER_OCTAVE {
        return bucket as u64;
    }
    let (octave, within) = (bucket / PER_OCTAVE + 3, bucket % PER_OCTAVE);
    (((PER_OCTAVE + within + 1) as u64) << (octave - 4)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_what_is_below_its_bound() {
        for us in (0..100_000).chain([1 << 25, (1 << 25) + 1]) {
            let index = bucket(us);
            assert!(us <= upper_us(index), "{us}");
            assert!(index == 0 || us > upper_us(index - 1), "{us}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_list_to_six_percent() {
        let mut latencies = Latencies::default();
        for us in 1..=10_000 {
            latencies.note(Duration::from_micros(us));
        }
        for (quantile, want) in [(0.5, 5.0), (0.99, 9.9), (1.0, 10.0)] {
            let got = latencies.quantile_ms(quantile);
            assert!((want..=want * 1.07).contains(&got), "{quantile}: {got}");
        }
        assert!(Latencies::default().quantile_ms(0.5) <= 0.0);
    }
}
