//! Which journals and entries the reading commands are asked for.

use s3_journal::object::{Id, Incarnation};
use s3_journal::read::Selection;

use crate::exit::Failure;
use crate::flags::read::{JournalFlags, RangeFlags};

/// The selection that the flags make.
///
/// # Errors
/// An id or incarnation that can't be one; a range that is empty.
pub fn of(journals: &JournalFlags, range: RangeFlags) -> Result<Selection, Failure> {
    let id = journals
        .id
        .as_deref()
        .map(|id| Id::new(id).map_err(|error| Failure::usage(format!("option --id is {id:?}: {error}"))));
    let incarnation = journals.incarnation.as_deref().map(|text| {
        Incarnation::parse(text).ok_or_else(|| {
            Failure::usage(format!(
                "option --incarnation is {text:?}: give it as it stands in the objects' names, 20261122T093407Z5f0c2a91"
            ))
        })
    });
    if let (from, Some(until)) = (range.from.unwrap_or(0), range.until)
        && until <= from
    {
        return Err(Failure::usage(format!(
            "options --from and --until are {from} and {until}: no entry lies between them; give a larger --until"
        )));
    }
    Ok(Selection {
        id: id.transpose()?,
        incarnation: incarnation.transpose()?,
        from: range.from,
        to: range.until,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn selection(
        id: Option<&str>,
        incarnation: Option<&str>,
        from: Option<u64>,
        until: Option<u64>,
    ) -> Result<Selection, Failure> {
        let journals =
            JournalFlags { id: id.map(str::to_owned), incarnation: incarnation.map(str::to_owned) };
        of(&journals, RangeFlags { from, until })
    }

    #[test]
    fn flags_become_a_selection() {
        assert_eq!(selection(None, None, None, None), Ok(Selection::default()));
        let all = selection(Some("web-1"), Some("20261122T093407Z5f0c2a91"), Some(3), Some(9)).unwrap();
        assert_eq!(all.id.unwrap().as_str(), "web-1");
        assert_eq!(all.incarnation.unwrap().as_str(), "20261122T093407Z5f0c2a91");
        assert_eq!((all.from, all.to), (Some(3), Some(9)));
    }

    #[test]
    fn what_selects_nothing_is_refused() {
        for refused in [
            selection(Some(".."), None, None, None),
            selection(None, Some("yesterday"), None, None),
            selection(None, None, Some(5), Some(5)),
            selection(None, None, None, Some(0)),
        ] {
            assert_eq!(refused.unwrap_err().exit, Exit::Usage);
        }
    }
}
