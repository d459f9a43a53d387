//! What figures depend on: the machine and the state it is in. Knows where Linux tells it; elsewhere much is unknown.

use std::fmt;
use std::fs;
use std::path::Path;

use crate::filesystem;

/// The machine, as it is now.
#[derive(Debug, Clone)]
pub struct Conditions {
    cpu: String,
    cores: usize,
    memory_gib: Option<f64>,
    kernel: String,
    filesystem: String,
    load: String,
}

impl Conditions {
    /// Looks at the machine; `scratch` is where is written.
    pub fn look(scratch: &Path) -> Self {
        let first = |path: &str| fs::read_to_string(path).ok();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let unknown = || "unknown".to_owned();
        let memory = first("/proc/meminfo").and_then(|text| field(&text, "MemTotal"));
        let memory_kib = memory.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
        Self {
            cpu: first("/proc/cpuinfo").and_then(|text| field(&text, "model name")).unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: memory_kib.map(|kib| kib / 1024.0 / 1024.0),
            kernel: first("/proc/sys/kernel/osrelease").map_or_else(unknown, |text| text.trim().to_owned()),
            filesystem: filesystem::kind_of(scratch),
            load: first("/proc/loadavg")
                .map_or_else(unknown, |text| text.split(' ').next().unwrap_or("").to_owned()),
        }
    }

    /// The load average of the last minute: what else went on.
    pub fn load(&self) -> &str {
        &self.load
    }
}

impl fmt::Display for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, cores, kernel, filesystem, .. } = self;
        write!(f, "{cpu}, {cores} cores")?;
        if let Some(gib) = self.memory_gib {
            write!(f, ", {gib:.0} GiB")?;
        }
        write!(f, "; {} {kernel}; {filesystem}", std::env::consts::OS)
    }
}
