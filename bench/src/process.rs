//! What the kernel says about the server's process: memory and CPU, from `/proc`.

use std::fs;
use std::io;

/// A kernel tick as `/proc` counts it; 100 a second on every Linux in use.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process to be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process(pub u32);

/// CPU time up to a moment, of a process and of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// Nanoseconds on a CPU, summed over the threads that are there.
    on_cpu_ns: u64,
    user_ticks: u64,
    system_ticks: u64,
    own_ticks: u64,
    machine_ticks: u64,
}

/// CPU time between two moments, in seconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// The process in user space.
    pub user_s: f64,
    /// The process in the kernel, with what loopback does on its behalf.
    pub system_s: f64,
    /// This process, the load generator.
    pub own_s: f64,
    /// Everybody else: a figure taken beside a busy neighbour is worth little.
    pub others_s: f64,
}

impl Spent {
    /// The process, user and system.
    pub fn total_s(&self) -> f64 {
        self.user_s + self.system_s
    }
}

impl Process {
    /// Resident memory in bytes.
    pub fn rss_bytes(self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: Option<u64> = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
        kib.map(|kib| kib * 1024).ok_or_else(unreadable)
    }

    /// CPU time up to now.
    pub fn usage(self) -> io::Result<Usage> {
        let (user_ticks, system_ticks) = ticks(&format!("/proc/{}/stat", self.0))?;
        let own = ticks("/proc/self/stat")?;
        let mut on_cpu_ns = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.0))? {
            // A thread may end between the listing and the reading.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            on_cpu_ns += text.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).ok_or_else(unreadable)?;
        }
        Ok(Usage { on_cpu_ns, user_ticks, system_ticks, own_ticks: own.0 + own.1, machine_ticks: machine_ticks()? })
    }
}

impl Usage {
    /// What was spent since `earlier`.
    ///
    /// The total comes from the scheduler's nanoseconds, the shares of user and system from the ticks.
    pub fn since(&self, earlier: &Self) -> Spent {
        let seconds = |later: u64, earlier: u64| later.saturating_sub(earlier) as f64 / TICKS_PER_SECOND;
        let (user, system) =
            (seconds(self.user_ticks, earlier.user_ticks), seconds(self.system_ticks, earlier.system_ticks));
        let total = self.on_cpu_ns.saturating_sub(earlier.on_cpu_ns) as f64 / 1e9;
        let user_share = if user + system > 0.0 { user / (user + system) } else { 0.0 };
        let own_s = seconds(self.own_ticks, earlier.own_ticks);
        let machine = seconds(self.machine_ticks, earlier.machine_ticks);
        Spent {
            user_s: total * user_share,
            system_s: total * (1.0 - user_share),
            own_s,
            others_s: (machine - own_s - user - system).max(0.0),
        }
    }
}

/// User and system ticks of a process. Its name stands in parentheses and may hold anything.
fn ticks(path: &str) -> io::Result<(u64, u64)> {
    let text = fs::read_to_string(path)?;
    let after_name = text.rsplit_once(')').ok_or_else(unreadable)?.1;
    let mut fields = after_name.split_ascii_whitespace().skip(11).map(str::parse);
    match (fields.next(), fields.next()) {
        (Some(Ok(user)), Some(Ok(system))) => Ok((user, system)),
        _ => Err(unreadable()),
    }
}

/// User, nice and system ticks of all CPUs.
fn machine_ticks() -> io::Result<u64> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().and_then(|line| line.strip_prefix("cpu ")).ok_or_else(unreadable)?;
    Ok(line.split_ascii_whitespace().take(3).filter_map(|field| field.parse::<u64>().ok()).sum())
}

fn unreadable() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "/proc says something else than expected")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_work_shows() {
        let process = Process(std::process::id());
        let before = process.usage().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let mut spent = Spent::default();
        while spent.user_s < 0.05 {
            assert!(std::time::Instant::now() < deadline, "{spent:?}");
            std::hint::black_box((0..1_000_000u64).fold(0, |sum, n| sum ^ (n * n)));
            spent = process.usage().unwrap().since(&before);
        }
        assert!(spent.total_s() >= spent.user_s);
        assert!(process.rss_bytes().unwrap() > 1 << 20);
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(Process(u32::MAX).rss_bytes().is_err());
    }
}
