//! What the corpus from Java doesn't show: strftime patterns, the errors, and the type's own behaviour.

use std::error::Error;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::moment::Moment;
use super::{DirectoryFormat, DirectoryFormatError};

/// 2026-03-07T13:05:09.042017Z, a Saturday.
fn saturday() -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(1_772_888_709_042_017)
}

fn directory(pattern: &str) -> String {
    DirectoryFormat::parse(pattern).unwrap().format(saturday())
}

fn refusal(pattern: &str) -> DirectoryFormatError {
    DirectoryFormat::parse(pattern).unwrap_err()
}

#[test]
fn the_default_is_a_directory_per_day() {
    let default = DirectoryFormat::default();
    assert_eq!(default, DirectoryFormat::parse("yyyy/MM/dd").unwrap());
    assert_eq!(default.format(saturday()), "2026/03/07");
}

#[test]
fn a_pattern_is_given_back_as_it_was() {
    for pattern in ["yyyy/MM/dd", "'year='yyyy''MM", "%Y/%m/%d", "年yyyy"] {
        let format: DirectoryFormat = pattern.parse().unwrap();
        assert_eq!(format.to_string(), pattern);
        assert_eq!(format.pattern(), pattern);
        assert_eq!(format.to_string().parse::<DirectoryFormat>().unwrap(), format);
    }
    assert!("".parse::<DirectoryFormat>().is_err());
    assert_ne!(DirectoryFormat::parse("yyyy").unwrap(), DirectoryFormat::parse("y").unwrap());
}

#[test]
fn a_percent_sign_outside_quotes_makes_it_strftime() {
    assert_eq!(directory("%Y/%m/%d"), "2026/03/07");
    assert_eq!(directory("year=%Y/day=%j"), "year=2026/day=066");
    assert_eq!(directory("yyyy/%m"), "yyyy/03");
    assert_eq!(directory("'%Y'/yyyy"), "%Y/2026");
    assert_eq!(directory("'it''s 100%'/yyyy"), "it's 100%/2026");
    assert_eq!(directory("''%Y''"), "''2026''");
    assert_eq!(directory("o'clock'/%H"), "o'clock'/13");
    assert_eq!(directory("100%%/%Y"), "100%/2026");
}

#[test]
fn strftime_is_in_utc_and_the_posix_locale() {
    assert_eq!(directory("%Z %z %:z %::z %Q"), "UTC +0000 +00:00 +00:00:00 UTC");
    assert_eq!(directory("%A %a %B %b %p %P"), "Saturday Sat March Mar PM pm");
    assert_eq!(directory("%c"), "Sat Mar  7 13:05:09 2026");
    assert_eq!(directory("%D"), "03/07/26");
    assert_eq!(directory("%s"), "1772888709");
    assert_eq!(directory("%G-W%V-%u"), "2026-W10-6");
    assert_eq!(directory("%-d %_d %05d %^a"), "7  7 00007 SAT");
    assert_eq!(directory("%T%.3f %f %6f %N"), "13:05:09.042 042017 042017 042017000");
}

#[test]
fn strftime_beyond_its_years_has_the_first_or_the_last_of_them() {
    let format = DirectoryFormat::parse("%Y-%m-%d %y").unwrap();
    let text = |seconds| format.at(&Moment::new(seconds, 0));
    assert_eq!(text(-377_704_000_000), "-9999-01-13 -99");
    assert_eq!(text(i64::MIN), "-9999-01-02 -99");
    assert_eq!(text(i64::MAX), "9999-12-30 99");
}

#[test]
fn instants_before_1970_round_to_the_past() {
    let format = DirectoryFormat::parse("yyyy-MM-dd HH:mm:ss.SSS").unwrap();
    let before = |since| format.format(UNIX_EPOCH - since);
    assert_eq!(before(Duration::ZERO), "1970-01-01 00:00:00.000");
    assert_eq!(before(Duration::from_nanos(1)), "1969-12-31 23:59:59.999");
    assert_eq!(before(Duration::from_millis(1)), "1969-12-31 23:59:59.999");
    assert_eq!(before(Duration::from_nanos(1_000_001)), "1969-12-31 23:59:59.998");
    assert_eq!(before(Duration::from_secs(1)), "1969-12-31 23:59:59.000");
    assert_eq!(format.format(UNIX_EPOCH + Duration::from_nanos(1_999_999)), "1970-01-01 00:00:00.001");
}

#[test]
fn every_instant_has_a_directory() {
    let format = DirectoryFormat::parse("G y-MM-dd HH:mm:ss.SSS Y w").unwrap();
    assert_eq!(format.at(&Moment::new(i64::MIN, 0)), "BC 292269055-12-02 16:47:04.192 -292269054 49");
    assert_eq!(
        format.at(&Moment::new(i64::MAX, 999_999_999)),
        "AD 292278994-08-17 07:12:55.807 292278994 34"
    );
}

#[test]
fn fractions_of_a_second_are_told() {
    let finer = |pattern| DirectoryFormat::parse(pattern).unwrap().is_finer_than_a_second();
    for pattern in ["yyyy/SSS", "S", "yyyyMMddHHmmssS", "%Y/%f", "%3f", "%.fx", "%N", "%T%.1f"] {
        assert!(finer(pattern), "{pattern}");
    }
    for pattern in
        ["yyyy/MM/dd", "ss", "'SSS'yyyy", "yyyy/MM/dd/HH/mm/ss", "%Y/%S", "%s", "%%f", "%T%.0f", "%c", "'S'"]
    {
        assert!(!finer(pattern), "{pattern}");
    }
}

#[test]
fn seconds_since_1970_are_whole_from_1970_on() {
    let format = DirectoryFormat::parse("%s").unwrap();
    let text = |seconds, nanoseconds| format.at(&Moment::new(seconds, nanoseconds));
    assert_eq!((text(7, 0), text(7, 999_999_999)), ("7".to_owned(), "7".to_owned()));
    // Before, they are jiff's: within one second they go on.
    assert_eq!((text(-7, 0), text(-7, 1)), ("-7".to_owned(), "-6".to_owned()));
    assert!(!format.is_finer_than_a_second());
}

#[test]
fn a_pattern_that_neither_language_reads_is_refused() {
    use DirectoryFormatError as E;
    assert!(matches!(refusal(""), E::EmptyPattern));
    assert!(matches!(refusal("yyyy-MM-ddTHH"), E::UnknownLetter { letter: 'T', position: 11 }));
    assert!(matches!(refusal("äöü/bb"), E::UnknownLetter { letter: 'b', position: 5 }));
    assert!(matches!(refusal("yyyy/'MM"), E::UnterminatedQuote { position: 6 }));
    assert!(matches!(refusal("'a''b"), E::UnterminatedQuote { position: 1 }));
    assert!(matches!(refusal("'%Y"), E::UnterminatedQuote { position: 1 }));
    assert!(matches!(refusal("yyyyXXXX"), E::ZoneTooWide { position: 5, width: 4 }));
    for (pattern, wrong, at) in [
        ("%Y/%E", "%E", 4),
        ("%", "%", 1),
        ("%Y/ä%", "%", 5),
        ("%é", "%é", 1),
        ("%-", "%-", 1),
        ("%12", "%12", 1),
        ("%.3", "%.3", 1),
        ("%.3d/%Y", "%.3d", 1),
        ("%999Y", "%999Y", 1),
        ("%::::z", "%::::z", 1),
        ("%+", "%+", 1),
        ("100%/%Y", "%/", 4),
    ] {
        match refusal(pattern) {
            E::UnknownDirective { directive, position, .. } => {
                assert_eq!((directive.as_str(), position), (wrong, at), "{pattern}");
            }
            other => panic!("{pattern}: {other}"),
        }
    }
    assert!(refusal("%E").source().is_some());
}

#[test]
fn a_directory_that_a_key_should_not_have_is_refused() {
    use DirectoryFormatError as E;
    let empty = |pattern| match refusal(pattern) {
        E::EmptySegment { position, .. } => position,
        other => panic!("{pattern}: {other}"),
    };
    assert_eq!(empty("/yyyy"), 1);
    assert_eq!(empty("yyyy//MM"), 6);
    assert_eq!(empty("yyyy/'/'MM"), 7);
    assert_eq!(empty("yyyy/MM/"), 8);
    assert_eq!(empty("/"), 1);
    assert_eq!(empty("/%Y"), 1);
    // Its text is empty at a whole second.
    assert_eq!(empty("%.f"), 1);
    assert_eq!(empty("%Y/%.f"), 3);
    assert_eq!(empty("%Y/%.f/%d"), 7);

    let dots = |pattern| match refusal(pattern) {
        E::DotSegment { segment, position, .. } => (segment, position),
        other => panic!("{pattern}: {other}"),
    };
    assert_eq!(dots("yyyy/../MM"), ("..".to_owned(), 6));
    assert_eq!(dots("'./'yyyy"), (".".to_owned(), 2));
    assert_eq!(dots("%Y/.%.f"), (".".to_owned(), 4));

    assert!(matches!(refusal("yyyy\tMM"), E::ControlCharacter { character: '\t', position: 5 }));
    assert!(matches!(refusal("%Y%n"), E::ControlCharacter { character: '\n', position: 3 }));
    assert!(matches!(refusal("'\0'"), E::ControlCharacter { character: '\0', position: 2 }));
}

#[test]
fn patterns_and_directories_have_a_longest() {
    use DirectoryFormatError as E;
    let (pattern, directory) = (DirectoryFormat::LONGEST_PATTERN, DirectoryFormat::LONGEST_DIRECTORY);
    assert_eq!(self::directory(&"y".repeat(pattern)).len(), pattern);
    assert!(matches!(
        refusal(&"y".repeat(pattern + 1)),
        E::PatternTooLong { length, limit } if (length, limit) == (pattern + 1, pattern)
    ));
    // Measured on a Wednesday in September, not on a Thursday in January.
    assert!(matches!(
        refusal(&"EEEEMMMM".repeat(32)),
        E::DirectoryTooLong { length: 576, limit } if limit == directory
    ));
    assert!(matches!(refusal(&"%20Y".repeat(64)), E::DirectoryTooLong { length: 1_280, .. }));
    assert!(matches!(refusal(&"%9f".repeat(85)), E::DirectoryTooLong { length: 765, .. }));
    assert_eq!(self::directory(&"%20Y".repeat(25)).len(), 500);
}

#[test]
fn an_error_says_what_where_and_what_to_do() {
    assert_eq!(
        refusal("yyyy-MM-ddTHH").to_string(),
        "the letter T at character 11 of the directory format stands for no field of a date: \
         put it in single quotes to have it as it is, as in 'T'"
    );
    assert_eq!(
        refusal("yyyy//MM").to_string(),
        "the directory format leaves a directory name empty at character 6, as in \"1970//01\": \
         have something before, between and after all slashes"
    );
    assert_eq!(
        refusal("%Y/%E").to_string(),
        "%E at character 4 of the directory format is not a strftime directive that is understood: \
         use one such as %Y, %m, %d or %H, or write %% for a percent sign"
    );
    for pattern in
        ["", "'", "XXXX", "%", "%\0", "%\u{1b}", "/", "..", "\u{7f}", &"y".repeat(257), &"zzzz-".repeat(50)]
    {
        let text = refusal(pattern).to_string();
        assert!(text.contains("the directory format") && text.contains(": "), "{text}");
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}

/// Whatever is typed is either refused or makes directories that a key can have, at any instant.
#[test]
fn no_pattern_panics_or_makes_a_hazard() {
    let seed = 0x2026_1122_u64;
    println!("seed {seed}");
    let mut state = seed;
    let mut draw = |below: u64| {
        // Knuth's MMIX generator: its upper bits are random enough for this.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let alphabet: Vec<char> =
        "GyYMLwWDdFEuaHkKhmsSzZX%%%%%%%%ABCcDdeFfGgHIjlNnPpQqRrTtUVvx.../0123459-_^#::''é\t"
            .chars()
            .collect();
    let mut accepted = 0;
    for _ in 0..20_000 {
        let length = 1 + draw(9);
        let pattern: String =
            (0..length).map(|_| alphabet[usize::try_from(draw(alphabet.len() as u64)).unwrap()]).collect();
        let Ok(format) = DirectoryFormat::parse(&pattern) else { continue };
        accepted += 1;
        for _ in 0..4 {
            let range = 1 << (20 + draw(24));
            let seconds = draw(range).cast_signed() - (range / 2).cast_signed();
            let fraction =
                [0, u32::try_from(draw(1_000_000_000)).unwrap()][usize::try_from(draw(2)).unwrap()];
            let directory = format.at(&Moment::new(seconds, fraction));
            assert!(directory.len() <= DirectoryFormat::LONGEST_DIRECTORY, "{pattern:?}: {directory:?}");
            assert!(!directory.contains(char::is_control), "{pattern:?}: {directory:?}");
            assert!(
                directory.split('/').all(|name| !matches!(name, "" | "." | "..")),
                "{pattern:?}: {directory:?}"
            );
        }
    }
    assert!(accepted > 2_000, "{accepted} patterns were accepted");
}
