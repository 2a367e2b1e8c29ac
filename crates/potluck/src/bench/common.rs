//! What the measurements share: a directory, clocks, percentiles, and how figures are printed.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

/// Flags that every measurement has.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Shared {
    /// Where to make the directory that the measurement writes to; absent: the temporary directory if that is a disk,
    /// else the current one
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Leave what was written
    #[arg(long)]
    pub(crate) keep: bool,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// A fresh directory for one measurement, removed with everything in it when dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    path: PathBuf,
    /// Absent when the directory is to stay.
    _guard: Option<TempDir>,
}

impl Scratch {
    /// Makes the directory; never uses one that is there already.
    pub(crate) fn new(shared: &Shared) -> Result<Scratch, String> {
        let parent = parent_dir(shared.data.as_deref());
        fs::create_dir_all(&parent).map_err(|error| format!("{}: {error}", parent.display()))?;
        let dir = tempfile::Builder::new()
            .prefix("potluck-bench-")
            .tempdir_in(&parent)
            .map_err(|error| format!("{}: {error}", parent.display()))?;
        if is_in_memory(&filesystem(dir.path())) {
            tracing::warn!(
                "{} is not on a disk: nothing there is durable",
                dir.path().display()
            );
        }
        Ok(if shared.keep {
            let path = dir.keep();
            eprintln!("left behind: {}", path.display());
            Scratch { path, _guard: None }
        } else {
            Scratch {
                path: dir.path().to_owned(),
                _guard: Some(dir),
            }
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn parent_dir(data: Option<&Path>) -> PathBuf {
    if let Some(data) = data {
        return data.to_owned();
    }
    let usual = std::env::temp_dir();
    if is_in_memory(&filesystem(&usual)) {
        PathBuf::from(".")
    } else {
        usual
    }
}

fn is_in_memory(filesystem: &str) -> bool {
    matches!(filesystem, "tmpfs" | "ramfs")
}

/// The kind of filesystem a path lies on, as the kernel names it; `unknown` where it does not say.
pub(crate) fn filesystem(path: &Path) -> String {
    let absolute = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    filesystem_in(&mounts, &absolute).unwrap_or_else(|| "unknown".to_owned())
}

/// The last of the longest mount points above the path wins, as in the kernel.
fn filesystem_in(mounts: &str, path: &Path) -> Option<String> {
    let points = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((Path::new(fields.next()?), fields.next()?))
    });
    points
        .filter(|(point, _)| path.starts_with(point))
        .max_by_key(|(point, _)| point.components().count())
        .map(|(_, kind)| kind.to_owned())
}

/// Processor time that this process has used since it began, on all its threads.
pub(crate) fn cpu_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let nanos = u32::try_from(used.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(used.tv_sec).unwrap_or(0), nanos)
}

/// Processor time of the threads that run now, by name as the kernel cuts it (15 bytes).
pub(crate) fn cpu_by_thread() -> BTreeMap<String, Duration> {
    let mut used = BTreeMap::new();
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return used;
    };
    for task in tasks.flatten() {
        let read = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let nanos = read("schedstat")
            .split(' ')
            .next()
            .and_then(|field| field.parse().ok());
        let name = read("comm").trim().to_owned();
        *used.entry(name).or_default() += Duration::from_nanos(nanos.unwrap_or(0));
    }
    used
}

/// Memory of this process that lies in the machine's, in bytes.
pub(crate) fn rss_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    kib_of(&status, "VmRSS:").unwrap_or(0) * 1024
}

/// The number of a line such as `VmRSS:   1024 kB`.
fn kib_of(text: &str, label: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Wall clock and processor time since its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    began: Instant,
    cpu: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Stopwatch {
        Stopwatch {
            began: Instant::now(),
            cpu: cpu_time(),
        }
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    pub(crate) fn cpu(&self) -> Duration {
        cpu_time().saturating_sub(self.cpu)
    }
}

/// How long things took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    nanos: Vec<u64>,
}

impl Latencies {
    pub(crate) fn add(&mut self, took: Duration) {
        self.nanos
            .push(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn merge(&mut self, other: Latencies) {
        self.nanos.extend(other.nanos);
    }

    pub(crate) fn count(&self) -> usize {
        self.nanos.len()
    }

    /// In microseconds: the least that so many in a hundred did not exceed; 0 of none.
    pub(crate) fn percentile_us(&self, percent: u32) -> f64 {
        let mut sorted = self.nanos.clone();
        sorted.sort_unstable();
        rounded(percentile(&sorted, percent) as f64 / 1e3, 1)
    }
}

/// The nearest rank of sorted numbers; 0 of none.
fn percentile(sorted: &[u64], percent: u32) -> u64 {
    let rank = (sorted.len() * percent.min(100) as usize).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied().unwrap_or(0)
}

/// To so many digits after the point.
pub(crate) fn rounded(number: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (number * scale).round() / scale
}

/// `count` a second, whole.
pub(crate) fn per_second(count: u64, seconds: f64) -> u64 {
    if seconds <= 0.0 {
        return 0;
    }
    (count as f64 / seconds).round() as u64
}

/// Nanoseconds for each of `count`, whole; 0 of none.
pub(crate) fn nanos_each(total: Duration, count: u64) -> u64 {
    let each = total.as_nanos() / u128::from(count.max(1));
    u64::try_from(each).unwrap_or(u64::MAX)
}

/// What one measurement found: names with values, in the order they are printed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Report {
    fields: Vec<(String, Value)>,
}

impl Report {
    pub(crate) fn new(bench: &str) -> Report {
        Report { fields: Vec::new() }.with("bench", bench)
    }

    /// Adds one figure. Its name says the unit.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Report {
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    /// All figures in order; the first is the measurement's name.
    pub(crate) fn fields(&self) -> &[(String, Value)] {
        &self.fields
    }

    /// One object on one line.
    pub(crate) fn json(&self) -> String {
        let fields = self.fields.iter().map(|(name, value)| {
            let name = Value::from(name.as_str());
            format!("{name}:{value}")
        });
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }

    /// One figure a line.
    pub(crate) fn table(&self) -> String {
        let width = self.fields.iter().map(|(name, _)| name.len()).max();
        let mut out = String::new();
        for (name, value) in &self.fields {
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "{name:width$}  {}",
                plain(value),
                width = width.unwrap_or(0)
            );
        }
        out
    }
}

/// A value as it is read by people: whole numbers in groups of three digits.
pub(crate) fn plain(value: &Value) -> String {
    match (value.as_str(), value.as_u64()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(number)) => grouped(number),
        (None, None) => value.to_string(),
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if 0 < at && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// What the measurements are made on, with their directory there.
pub(crate) fn machine(data: Option<&Path>) -> Report {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo.lines().find_map(|line| {
        let (name, model) = line.split_once(':')?;
        (name.trim() == "model name").then(|| model.trim().to_owned())
    });
    let memory_mb = kib_of(&read("/proc/meminfo"), "MemTotal:").unwrap_or(0) / 1024;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    Report::new("machine")
        .with("cpu", model.unwrap_or_else(|| "unknown".to_owned()))
        .with("cores", cores)
        .with("memory_mb", memory_mb)
        .with("kernel", read("/proc/sys/kernel/osrelease").trim())
        .with("filesystem", filesystem(&parent_dir(data)))
        .with("version", env!("CARGO_PKG_VERSION"))
        .with(
            "build",
            if cfg!(debug_assertions) {
                "dev"
            } else {
                "release"
            },
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_percentile(sorted: &[u64], percent: u32, expected: u64) {
        assert_eq!(
            percentile(sorted, percent),
            expected,
            "{percent} of {sorted:?}"
        );
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let hundred: Vec<u64> = (1..=100).collect();
        check_percentile(&[], 50, 0);
        check_percentile(&[7], 0, 7);
        check_percentile(&[7], 99, 7);
        check_percentile(&[1, 2], 50, 1);
        check_percentile(&[1, 2], 51, 2);
        check_percentile(&hundred, 50, 50);
        check_percentile(&hundred, 99, 99);
        check_percentile(&hundred, 100, 100);
    }

    #[test]
    fn latencies_are_told_in_microseconds() {
        let mut latencies = Latencies::default();
        for nanos in [3_000, 1_000, 2_049] {
            latencies.add(Duration::from_nanos(nanos));
        }
        assert_eq!(latencies.count(), 3);
        assert_eq!(latencies.percentile_us(50), 2.0);
        assert_eq!(latencies.percentile_us(100), 3.0);
    }

    #[test]
    fn rates_of_nothing_are_nothing() {
        assert_eq!(per_second(10, 0.0), 0);
        assert_eq!(per_second(10, 4.0), 3);
        assert_eq!(nanos_each(Duration::from_secs(1), 0), 1_000_000_000);
        assert_eq!(nanos_each(Duration::from_micros(3), 2), 1500);
    }

    #[test]
    fn the_longest_mount_point_above_a_path_is_its_filesystem() {
        let mounts = "/dev/a / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n/dev/b /tmp/disk xfs rw 0 0\n";
        let kind = |path: &str| filesystem_in(mounts, Path::new(path)).unwrap();
        assert_eq!(kind("/home/me"), "ext4");
        assert_eq!(kind("/tmpfile"), "ext4");
        assert_eq!(kind("/tmp/x"), "tmpfs");
        assert_eq!(kind("/tmp/disk/x"), "xfs");
        assert_eq!(filesystem_in("", Path::new("/")), None);
    }

    #[test]
    fn numbers_of_proc_files_are_found_by_their_label() {
        let status = "Name:\tpotluck\nVmHWM:\t  99 kB\nVmRSS:\t  1024 kB\n";
        assert_eq!(kib_of(status, "VmRSS:"), Some(1024));
        assert_eq!(kib_of(status, "VmSwap:"), None);
        assert!(0 < rss_bytes());
    }

    #[test]
    fn a_report_keeps_its_order_in_both_forms() {
        let report = Report::new("joins")
            .with("z", 1_234_567)
            .with("a", "x \"y\"")
            .with("r", 1.5);
        assert_eq!(
            report.json(),
            r#"{"bench":"joins","z":1234567,"a":"x \"y\"","r":1.5}"#
        );
        let table = "bench  joins\nz      1\u{202f}234\u{202f}567\na      x \"y\"\nr      1.5\n";
        assert_eq!(report.table(), table);
        let read: Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(read["z"], 1_234_567);
    }

    #[test]
    fn processor_time_grows_with_work() {
        let watch = Stopwatch::start();
        let began = Instant::now();
        while watch.cpu().is_zero() {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "the clock stands still"
            );
        }
        assert!(!cpu_by_thread().is_empty());
    }
}
