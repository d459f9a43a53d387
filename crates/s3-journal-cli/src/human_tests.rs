use super::*;

fn size(text: &str) -> Result<u64, String> {
    text.parse::<Size>().map(|size| size.0)
}

fn nanos(text: &str) -> Result<u128, String> {
    text.parse::<Time>().map(|time| time.0.as_nanos())
}

#[test]
fn sizes_are_read_in_both_families_of_units() {
    for (text, expected) in [
        ("0", 0),
        ("17", 17),
        ("17b", 17),
        ("512k", 512 << 10),
        ("512K", 512 << 10),
        ("8MiB", 8 << 20),
        ("8mib", 8 << 20),
        ("8 MiB", 8 << 20),
        ("1MB", 1_000_000),
        ("1.5GiB", 3 << 29),
        ("0.5k", 512),
        ("2T", 2 << 40),
        ("18446744073709551615", u64::MAX),
    ] {
        assert_eq!(size(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_size_is_refused_with_a_remedy() {
    for text in [
        "",
        "k",
        "eight",
        "-1",
        "1.2.3k",
        "8XB",
        "0.0001k",
        "1e3",
        "99999999999T",
        "18446744073709551616",
        ".",
    ] {
        let error = size(text).unwrap_err();
        assert!(error.contains("write a size such as"), "{text}: {error}");
    }
}

#[test]
fn times_are_read() {
    for (text, expected) in [
        ("0", 0),
        ("0s", 0),
        ("50ms", 50_000_000),
        ("1.5s", 1_500_000_000),
        ("5m", 300_000_000_000),
        ("2h", 7_200_000_000_000),
        ("1h30m", 5_400_000_000_000),
        ("1d", 86_400_000_000_000),
        ("7us", 7_000),
        ("3ns", 3),
    ] {
        assert_eq!(nanos(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_time_is_refused_with_a_remedy() {
    for text in ["", "5", "ms", "-5s", "5 m", "5M", "5min", "1h30", "0.3ns", "99999999999d", "soon"] {
        let error = nanos(text).unwrap_err();
        assert!(error.contains("write a time such as"), "{text}: {error}");
    }
}

#[test]
fn what_is_printed_reads_back_as_the_same() {
    for bytes in [0, 1, 999, 1_000, 1_024, 1_025, 512 << 10, 8 << 20, 1_000_000, 3 << 29, u64::MAX] {
        assert_eq!(size(&Size(bytes).to_string()), Ok(bytes), "{}", Size(bytes));
    }
    for nanos_in in [0, 1, 1_000_000, 50_000_000, 1_500_000_000, 5_400_000_000_000, 86_400_000_000_001_u64] {
        let time = Time(Duration::from_nanos(nanos_in));
        assert_eq!(nanos(&time.to_string()), Ok(u128::from(nanos_in)), "{time}");
    }
    assert_eq!(Size(8 << 20).to_string(), "8MiB");
    assert_eq!(Size(1_000_000).to_string(), "1MB");
    assert_eq!(Time(Duration::from_millis(100)).to_string(), "100ms");
    assert_eq!(Time(Duration::from_mins(5)).to_string(), "5m");
}

#[test]
fn figures_for_reading() {
    assert_eq!(bytes(0), "0 B");
    assert_eq!(bytes(1023), "1023 B");
    assert_eq!(bytes(1024), "1.00 KiB");
    assert_eq!(bytes(123_456_789), "118 MiB");
    assert_eq!(bytes((1 << 20) - 1), "1.00 MiB");
    assert_eq!(bytes(u64::MAX), "16.0 EiB");
    assert_eq!(count(0), "0");
    assert_eq!(count(999), "999");
    assert_eq!(count(1_000), "1,000");
    assert_eq!(count(1_234_567), "1,234,567");
    assert_eq!(counted(1, "entry", "entries"), "1 entry");
    assert_eq!(counted(2_000, "entry", "entries"), "2,000 entries");
    assert_eq!(time(Duration::from_millis(45)), "45 ms");
    assert_eq!(time(Duration::from_millis(12_340)), "12.3 s");
    assert_eq!(time(Duration::from_secs(61)), "1m 1s");
    assert_eq!(time(Duration::from_mins(65)), "1h 5m");
    assert_eq!(time(Duration::from_hours(25)), "1d 1h");
}

#[test]
fn a_moment_is_a_timestamp_or_the_begin_of_a_day() {
    let seconds = |text: &str| {
        let Moment(at) = text.parse().unwrap();
        at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
    };
    assert_eq!(seconds("2026-11-22"), 1_795_305_600);
    assert_eq!(seconds("2026-11-22T01:00:00Z"), 1_795_309_200);
    assert_eq!(seconds("2026-11-22T02:00:00+01:00"), 1_795_309_200);
    for bad in ["", "yesterday", "2026-13-01", "12:00", "2026-11-22 25:00Z"] {
        assert!(bad.parse::<Moment>().unwrap_err().contains("2026-11-22T09:34:07Z"), "{bad}");
    }
}
