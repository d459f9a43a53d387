//! Sizes, times and counts as people write and read them: `8MiB`, `1.5s`, `1h30m`. Knows nothing of options.

use std::time::{Duration, SystemTime};

/// Bytes, written for people: a number and a unit.
///
/// `k`, `M`, `G`, `T` and `KiB`, `MiB`, `GiB`, `TiB` are powers of 1024; `kB`, `MB`, `GB`, `TB` powers of 1000, as in
/// GNU's tools. Upper and lower case are the same, and a number alone is bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

const SIZE_REMEDY: &str = "write a size such as 512k, 8MiB or 1GB";
const TIME_REMEDY: &str = "write a time such as 50ms, 1.5s, 5m, 2h or 1h30m";

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (number, unit) = split_number(text);
        let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            "t" | "tib" => 1 << 40,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return Err(format!("it is no size; {SIZE_REMEDY}")),
        };
        scaled(number, factor, SIZE_REMEDY, "size").map(Self)
    }
}

impl std::fmt::Display for Size {
    /// Exactly, in the largest unit that leaves a whole number: what is printed can be given back.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const UNITS: [(u64, &str); 8] = [
            (1 << 40, "TiB"),
            (1_000_000_000_000, "TB"),
            (1 << 30, "GiB"),
            (1_000_000_000, "GB"),
            (1 << 20, "MiB"),
            (1_000_000, "MB"),
            (1 << 10, "KiB"),
            (1_000, "kB"),
        ];
        let bytes = self.0;
        match UNITS.iter().find(|(factor, _)| bytes != 0 && bytes.is_multiple_of(*factor)) {
            Some((factor, unit)) => write!(f, "{}{unit}", bytes / factor),
            None => write!(f, "{bytes}B"),
        }
    }
}

/// A length of time, written for people: `50ms`, `1.5s`, `1h30m`. `0` needs no unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub Duration);

const TIME_UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

impl std::str::FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rest = text.trim();
        if rest == "0" {
            return Ok(Self(Duration::ZERO));
        }
        if rest.is_empty() {
            return Err(format!("it is no time; {TIME_REMEDY}"));
        }
        let mut nanos: u64 = 0;
        while !rest.is_empty() {
            let (number, after) = split_number(rest);
            let unit_len = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
            let (unit, after) = after.split_at(unit_len);
            if unit.is_empty() {
                return Err(format!("it has no unit; {TIME_REMEDY}"));
            }
            let Some((_, factor)) = TIME_UNITS.iter().find(|(name, _)| *name == unit) else {
                return Err(format!("it is no time; {TIME_REMEDY}"));
            };
            let add = scaled(number, *factor, TIME_REMEDY, "time")?;
            nanos = nanos.checked_add(add).ok_or_else(|| format!("it is too long; {TIME_REMEDY}"))?;
            rest = after;
        }
        Ok(Self(Duration::from_nanos(nanos)))
    }
}

impl std::fmt::Display for Time {
    /// Exactly: `1h30m`, `1s500ms`. What is printed can be given back.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut rest = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (unit, factor) in TIME_UNITS {
            let whole = rest / factor;
            rest %= factor;
            if whole > 0 {
                write!(f, "{whole}{unit}")?;
            }
        }
        Ok(())
    }
}

/// A moment, written for programs and people: `2026-11-22T09:34:07Z`, with any offset from UTC; or `2026-11-22`, when that
/// day begins in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub SystemTime);

impl std::str::FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let day = || {
            let date: jiff::civil::Date = text.parse().ok()?;
            jiff::tz::Offset::UTC.to_timestamp(date.to_datetime(jiff::civil::Time::midnight())).ok()
        };
        let moment = text.parse::<jiff::Timestamp>().ok().or_else(day);
        let since_1970 = moment.and_then(|moment| u64::try_from(moment.as_millisecond()).ok());
        let at =
            since_1970.and_then(|millis| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis)));
        at.map(Self).ok_or_else(|| "it is no time; write 2026-11-22T09:34:07Z or 2026-11-22".to_owned())
    }
}

/// The number at the start of a text, digits and at most one point, and what follows it.
fn split_number(text: &str) -> (&str, &str) {
    let len = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.split_at(len)
}

/// A decimal number times `factor`, without going through floating point; what is below one is refused, not rounded.
fn scaled(number: &str, factor: u64, remedy: &str, what: &str) -> Result<u64, String> {
    let none = || format!("it is no {what}; {remedy}");
    let too_large = || format!("it is too large; {remedy}");
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || fraction.len() > 18 {
        return Err(none());
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_large())? };
    let mut total = u128::from(whole) * u128::from(factor);
    if !fraction.is_empty() {
        let tens = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(u32::MAX));
        let part = u128::from(fraction.parse::<u64>().map_err(|_| none())?) * u128::from(factor);
        if !part.is_multiple_of(tens) {
            return Err(format!("it isn't a whole number of its smallest unit; {remedy}"));
        }
        total += part / tens;
    }
    u64::try_from(total).map_err(|_| too_large())
}

/// Bytes for reading, three figures: `1.23 GiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut units = UNITS.iter();
    let mut unit = units.next().copied().unwrap_or_default();
    // 1023.995 would be written as "1024".
    while value >= 1023.5 {
        let Some(next) = units.next() else { break };
        value /= 1024.0;
        unit = next;
    }
    match value {
        v if v < 9.995 => format!("{v:.2} {unit}"),
        v if v < 99.95 => format!("{v:.1} {unit}"),
        v => format!("{v:.0} {unit}"),
    }
}

/// A count for reading, in groups of three: `1,234,567`.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and its noun: `1 entry`, `2,000 entries`.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", count(number)) }
}

/// A length of time for reading, in its two largest units: `1h 5m`, `12.3 s`, `45 ms`.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
#[path = "human_tests.rs"]
mod tests;
