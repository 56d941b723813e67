//! What the operating system says: a clock that processes share, processor time, memory.

use std::time::Duration;

/// Processor time of this process.
#[derive(Clone, Copy, Default, Debug)]
pub struct Cpu {
    pub user: Duration,
    pub system: Duration,
}

impl Cpu {
    pub fn since(self, before: Cpu) -> Cpu {
        Cpu {
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }
}

/// µs of CLOCK_MONOTONIC.
#[cfg(unix)]
pub fn now_us() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is to a live timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1_000
}

/// µs of the system's clock, where there is no shared monotonic one.
#[cfg(not(unix))]
pub fn now_us() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |t| t.as_micros() as u64)
}

/// Processor time so far; zero where it is not known.
#[cfg(unix)]
pub fn cpu() -> Cpu {
    // SAFETY: rusage is plain data, and getrusage fills it.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let duration = |t: libc::timeval| {
        Duration::from_secs(t.tv_sec as u64) + Duration::from_micros(t.tv_usec as u64)
    };
    Cpu {
        user: duration(usage.ru_utime),
        system: duration(usage.ru_stime),
    }
}

#[cfg(not(unix))]
pub fn cpu() -> Cpu {
    Cpu::default()
}

/// Resident bytes now; zero where it is not known.
pub fn rss_bytes() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return 0;
    };
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes.and_then(|k| k.parse().ok()).unwrap_or(0) * 1_024
}

#[cfg(test)]
mod tests {
    #[test]
    fn time_passes_and_work_costs() {
        let (start, before) = (super::now_us(), super::cpu());
        while super::now_us() < start + 30_000 {
            std::hint::spin_loop();
        }
        let spent = super::cpu().since(before);
        if cfg!(unix) {
            assert!(spent.user + spent.system > std::time::Duration::from_millis(1));
        }
    }
}
