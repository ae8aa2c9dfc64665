//! How the checker breaks connections.

use std::time::Duration;

use rand::Rng;

/// What is done to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The socket is reset: both ends know at once.
    Reset,
    /// The client goes away without a word: the server holds a connection that nobody reads, while the client comes back on another.
    HalfOpen,
    /// The client stops reading for so long, then goes on.
    Stall(Duration),
}

impl Fault {
    /// One at random.
    pub fn pick(random: &mut impl Rng) -> Self {
        match random.random_range(0..4) {
            0 | 1 => Self::Reset,
            2 => Self::HalfOpen,
            _ => Self::Stall(Duration::from_millis(random.random_range(100..2000))),
        }
    }

    /// Its name in a history.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::HalfOpen => "half-open",
            Self::Stall(_) => "stall",
        }
    }
}

/// Time to the next event of a kind that happens once in `mean` on average.
pub fn in_about(mean: Duration, random: &mut impl Rng) -> Duration {
    let uniform: f64 = random.random_range(f64::EPSILON..1.0);
    mean.mul_f64(-uniform.ln())
}
