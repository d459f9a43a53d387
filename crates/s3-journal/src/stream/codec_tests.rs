//! Names, suffixes and levels.

use super::*;

#[test]
fn a_name_is_read_back_as_the_codec_it_came_from() {
    for codec in Codec::ALL {
        assert_eq!(codec.to_string().parse(), Ok(codec));
    }
    assert_eq!("xz".parse(), Ok(Codec::Lzma2));
    assert_eq!(format!("[{:>6}]", Codec::Lz4), "[   lz4]");
}

#[test]
fn an_unknown_name_is_refused_with_the_names_to_choose_from() {
    for name in ["", "GZIP", "gzip ", "gz", "bzip2"] {
        let error = name.parse::<Codec>().unwrap_err();
        assert_eq!(error.name, name);
        let text = error.to_string();
        for codec in Codec::ALL {
            assert!(text.contains(codec.name()), "{text}");
        }
    }
}

#[test]
fn suffixes_are_the_customary_ones() {
    let suffixes = Codec::ALL.map(Codec::suffix);
    assert_eq!(suffixes, [None, Some("gz"), Some("zst"), Some("snappy"), Some("lz4"), Some("xz")]);
}

#[test]
fn levels_are_held_to_the_range_of_the_format() {
    for codec in Codec::ALL {
        assert_eq!(codec.check_level(None), Ok(()));
        let Some(levels) = codec.levels() else {
            assert_eq!(codec.check_level(Some(1)), Err(LevelError::NoLevels { codec, level: 1 }));
            assert_eq!(codec.default_level(), None);
            continue;
        };
        let (lowest, highest) = (*levels.start(), *levels.end());
        for level in levels {
            assert_eq!(codec.check_level(Some(level)), Ok(()));
        }
        assert_eq!(codec.check_level(codec.default_level()), Ok(()));
        for level in [lowest - 1, highest + 1, i32::MIN, i32::MAX] {
            let error = codec.check_level(Some(level)).unwrap_err();
            assert_eq!(error, LevelError::OutOfRange { codec, level, lowest, highest });
            assert!(error.to_string().contains(&format!("from {lowest} to {highest}")), "{error}");
        }
    }
}
