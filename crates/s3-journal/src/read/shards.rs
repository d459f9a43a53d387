//! Finds objects in another shard's directory. How many shards a journal had isn't written anywhere and may have changed
//! at a restart, so it is read off the numbers; what can't be told for sure is left alone. Pure.

/// The most shards: one character of `0`..`9`, `a`..`z`.
const SHARDS_MAX: u64 = 36;

/// Bit n: the object could be one of n shards' (1 to 36). Bit 0: it has no shard.
fn could_be(number: u64, digit: Option<u8>) -> u64 {
    let Some(digit) = digit.map(u64::from) else { return 1 };
    let fits = (digit + 1..=SHARDS_MAX).filter(|shards| number % shards == digit);
    fits.fold(0, |bits, shards| bits | 1 << shards)
}

/// The objects that lie in the wrong shard: their places in `objects` (number and the shard's digit, by number) and the
/// number of shards.
///
/// An object is misplaced when the objects before it show one number of shards twice round and those after it do, too:
/// any other number would differ within that.
pub(super) fn misplaced(objects: &[(u64, Option<u8>)]) -> Vec<(usize, u32)> {
    let mut found = Vec::new();
    let mut fitting = 0_u64;
    let mut seen = 0_usize;
    for (at, (number, digit)) in objects.iter().enumerate() {
        let fits = could_be(*number, *digit);
        if fitting & fits != 0 {
            fitting &= fits;
            seen += 1;
            continue;
        }
        let shards = fitting.trailing_zeros();
        let twice_round = usize::try_from(shards).map_or(usize::MAX, |shards| 2 * shards);
        let settled = fitting.is_power_of_two() && shards > 0 && seen >= twice_round;
        let after = objects.get(at + 1..).unwrap_or_default();
        if settled
            && let Some(after) = after.get(..twice_round)
            && after.iter().all(|(number, digit)| could_be(*number, *digit) & fitting != 0)
        {
            found.push((at, shards));
        } else {
            fitting = fits;
            seen = 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sharded(numbers: std::ops::Range<u64>, shards: u64) -> Vec<(u64, Option<u8>)> {
        numbers.map(|number| (number, Some(u8::try_from(number % shards).unwrap()))).collect()
    }

    #[test]
    fn an_object_among_others_of_its_shards_is_found() {
        for shards in 2..=36 {
            let mut objects = sharded(0..200, shards);
            assert_eq!(misplaced(&objects), [], "{shards}");
            let wrong = (100 + 1) % shards;
            objects[100].1 = Some(u8::try_from(wrong).unwrap());
            assert_eq!(misplaced(&objects), [(100, u32::try_from(shards).unwrap())], "{shards}");
            objects[100].1 = None;
            assert_eq!(misplaced(&objects), [(100, u32::try_from(shards).unwrap())], "{shards}");
        }
    }

    #[test]
    fn a_changed_number_of_shards_is_no_finding() {
        for (one, two) in [(4, 8), (8, 4), (2, 3), (36, 35), (35, 36), (1, 2), (2, 1)] {
            for at in 60..140 {
                let mut objects = sharded(0..at, one);
                objects.extend(sharded(at..300, two));
                assert_eq!(misplaced(&objects), [], "{one} shards, then {two} from {at} on");
            }
        }
    }

    #[test]
    fn directories_of_one_character_are_no_shards() {
        // A day of the week as a directory, eleven objects a day.
        let days: Vec<_> =
            (0..400).map(|number| (number, Some(u8::try_from(number / 11 % 7 + 1).unwrap()))).collect();
        assert_eq!(misplaced(&days), []);
        // An hour without a leading zero: beyond 9 it is none.
        let hours: Vec<_> = (0..400)
            .map(|number| (number, Some(u8::try_from(number / 13 % 24).unwrap()).filter(|hour| *hour < 10)))
            .collect();
        assert_eq!(misplaced(&hours), []);
        let none: Vec<_> = (0..400).map(|number| (number, None)).collect();
        assert_eq!(misplaced(&none), []);
    }
}
