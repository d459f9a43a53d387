//! Finds objects in another shard's directory. How many shards a journal had isn't written anywhere and may have changed
//! at a restart, so it is read off the numbers; what can't be told for sure is left alone. Pure.

/// The most shards: one character of `0`..`9`, `a`..`z`.
const SHARDS_MAX: u64 = 36;

/// The shard's digit in a key after the prefix: its first segment, if that is one digit.
pub(super) fn digit_of(key: &str) -> Option<u8> {
    let (top, _) = key.split_once('/')?;
    let mut top = top.chars();
    let digit =
        top.next().filter(|digit| top.next().is_none() && !digit.is_ascii_uppercase())?.to_digit(36)?;
    u8::try_from(digit).ok()
}

/// Bit n: the object could be one of n shards' (1 to 36). Bit 0: it has no shard.
fn could_be(number: u64, digit: Option<u8>) -> u64 {
    let Some(digit) = digit.map(u64::from) else { return 1 };
    let fits = (digit + 1..=SHARDS_MAX).filter(|shards| number % shards == digit);
    fits.fold(0, |bits, shards| bits | 1 << shards)
}

/// The numbers of shards that fit all of these objects: bit n for n shards, bit 0 for none at all. 0 when nothing fits them
/// all, as after a change of the number.
pub(super) fn fitting(objects: impl Iterator<Item = (u64, Option<u8>)>) -> u64 {
    objects.fold(u64::MAX, |bits, (number, digit)| bits & could_be(number, digit))
}

/// Whether one of these objects may lie in the shard `digit`, going by [`fitting`].
pub(super) fn may_lie_in(first: u64, last: u64, digit: u8, fitting: u64) -> bool {
    let digit = u64::from(digit);
    let one_fits = |shards: u64| {
        // The first number at or after `first` that goes to that shard.
        let ahead = (digit + shards - first % shards) % shards;
        digit < shards && first.checked_add(ahead).is_some_and(|number| number <= last)
    };
    fitting == 0 || (1..=SHARDS_MAX).filter(|shards| fitting & (1 << shards) != 0).any(one_fits)
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
    fn missing_objects_are_of_the_shard_that_their_numbers_lead_to() {
        let fits = fitting(sharded(0..40, 4).into_iter());
        assert_eq!(fits, 1 << 4);
        assert!(may_lie_in(5, 7, 2, fits) && may_lie_in(6, 6, 2, fits));
        assert!(!may_lie_in(7, 9, 2, fits) && !may_lie_in(5, 5, 2, fits));
        assert!(!may_lie_in(0, 100, 5, fits), "there is no such shard");
        let mut changed = sharded(0..40, 4);
        changed.extend(sharded(40..80, 5));
        assert_eq!(fitting(changed.into_iter()), 0);
        assert!(may_lie_in(5, 5, 2, 0), "it can't be told");
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
