//! Directory buckets (S3 Express One Zone), as far as they are listed in another way: only prefixes that end in `/`, in no order, and
//! no start after a key
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-differences.html>). Knows names and keys, sends nothing.

use crate::bucket::{ObjectEntry, ObjectPage};

/// What the names of directory buckets, and of their access points, end with
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-bucket-naming-rules.html>).
const SUFFIXES: [&str; 2] = ["--x-s3", "--xa-s3"];

/// Whether a bucket is one.
pub(super) fn is_directory(bucket: &str) -> bool {
    SUFFIXES.iter().any(|suffix| bucket.ends_with(suffix))
}

/// The part of a prefix that can be asked for: to its last `/`.
pub(super) fn askable(prefix: &str) -> &str {
    prefix.rfind('/').map_or("", |slash| prefix.get(..=slash).unwrap_or(prefix))
}

/// All of them as the one page that a bucket with order would give.
pub(super) fn in_order(mut objects: Vec<ObjectEntry>, prefix: &str, after: Option<&str>) -> ObjectPage {
    objects.retain(|object| {
        object.key.starts_with(prefix) && after.is_none_or(|after| object.key.as_str() > after)
    });
    objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    ObjectPage { objects, next: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_known_by_their_names() {
        assert!(is_directory("logs--euc1-az1--x-s3") && is_directory("logs--euc1-az1--xa-s3"));
        assert!(!is_directory("logs") && !is_directory("logs--x-s3-old"));
    }

    #[test]
    fn a_prefix_is_asked_for_to_its_last_slash() {
        for (prefix, asked) in [("", ""), ("a", ""), ("a/", "a/"), ("a/b", "a/"), ("a/b/c", "a/b/")] {
            assert_eq!(askable(prefix), asked);
        }
    }

    #[test]
    fn what_was_listed_in_no_order_becomes_a_page_in_order() {
        let entry = |key: &str| ObjectEntry { key: key.to_owned(), len_bytes: 1, modified: None };
        let listed = || ["a/c", "a/a", "b/x", "a/b"].map(entry).to_vec();
        let keys = |page: ObjectPage| page.objects.into_iter().map(|object| object.key).collect::<Vec<_>>();
        assert_eq!(keys(in_order(listed(), "a/", None)), ["a/a", "a/b", "a/c"]);
        assert_eq!(keys(in_order(listed(), "a/", Some("a/a"))), ["a/b", "a/c"]);
        assert_eq!(in_order(listed(), "a/", None).next, None);
    }
}
