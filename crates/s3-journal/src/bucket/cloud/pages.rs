//! A page of a listing: `object_store` lists whole directories, as a stream; the trait wants names that begin with any text.
//! Knows the order in which the stores list.

use futures_util::StreamExt;
use object_store::path::Path;

use super::{CloudStore, Dialect};
use crate::bucket::rules::PAGE_ENTRIES;
use crate::bucket::{ObjectEntry, ObjectPage};

/// The objects whose keys start with `prefix`, after the key `after`.
pub(super) async fn page(
    store: &dyn CloudStore,
    dialect: Dialect,
    prefix: &str,
    after: Option<&str>,
) -> object_store::Result<ObjectPage> {
    let directory = prefix.rsplit_once('/').map(|(directory, _)| directory).filter(|path| !path.is_empty());
    let directory = directory.map(Path::parse).transpose()?;
    let mut names = match after.filter(|after| *after >= prefix) {
        Some(after) => store.list_with_offset(directory.as_ref(), &Path::parse(after)?),
        None => store.list(directory.as_ref()),
    };
    let mut page = ObjectPage::default();
    while let Some(found) = names.next().await {
        let found = found?;
        let key = found.location.as_ref();
        if !key.starts_with(prefix) {
            // Where names have a hierarchy, as some of Azure's accounts have it, the order isn't that of their bytes.
            if dialect != Dialect::Azure && key > prefix {
                break;
            }
            continue;
        }
        // A store that begins with the key it was to begin after would end in a circle.
        if Some(key) == after {
            continue;
        }
        if page.objects.len() == PAGE_ENTRIES {
            page.next = page.objects.last().map(|last: &ObjectEntry| last.key.clone());
            break;
        }
        page.objects.push(ObjectEntry {
            key: key.to_owned(),
            len_bytes: found.size,
            modified: Some(found.last_modified.into()),
        });
    }
    Ok(page)
}
