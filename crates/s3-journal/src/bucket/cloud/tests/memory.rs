use super::*;
use object_store::memory::InMemory;

fn bucket(dialect: Dialect) -> (Arc<InMemory>, CloudBucket) {
    let store = Arc::new(InMemory::new());
    let bucket =
        CloudBucket::new("test".to_owned(), dialect, Arc::clone(&store) as _, false, CloudOptions::default());
    (store, bucket.with_part_size_min(1))
}

#[test]
fn an_object_is_given_back_as_it_was_written_in_each_dialect() {
    for dialect in [Dialect::Other, Dialect::Azure] {
        let (_, bucket) = bucket(dialect);
        run(async {
            assert_eq!(bucket.head("a/key").await.unwrap(), None);
            bucket.put(put(&metadata(), true)).await.unwrap();
            let head = bucket.head("a/key").await.unwrap().unwrap();
            assert_eq!((head.len_bytes, head.metadata), (9, metadata()), "{dialect:?}");
            assert_eq!(
                bucket.put(put(&metadata(), true)).await.unwrap_err().kind(),
                Kind::PreconditionFailed
            );
            bucket.put(put(&metadata(), false)).await.unwrap();
            for (offset, len, wanted) in
                [(0, 9, "123456789"), (2, 3, "345"), (7, 100, "89"), (9, 1, ""), (100, 1, ""), (0, 0, "")]
            {
                assert_eq!(bucket.get_range("a/key", offset, len).await.unwrap(), wanted, "{offset} {len}");
            }
            assert_eq!(bucket.get_range("a/other", 0, 1).await.unwrap_err().kind(), Kind::NotFound);
            assert_eq!(bucket.get_range("a/other", 0, 0).await.unwrap_err().kind(), Kind::NotFound);
            bucket.delete("a/key").await.unwrap();
            bucket.delete("a/key").await.unwrap();
            assert_eq!(bucket.head("a/key").await.unwrap(), None);
        });
    }
}

#[test]
fn parts_become_an_object_only_where_the_key_is_free() {
    let (_, bucket) = bucket(Dialect::Other);
    run(async {
        let upload_id = bucket.create_upload("a/key", &metadata()).await.unwrap();
        for number in [2, 1] {
            bucket.upload_part(part(&upload_id, number)).await.unwrap();
        }
        let parts = bucket.list_parts("a/key", &upload_id).await.unwrap();
        assert_eq!(parts.iter().map(|part| part.number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(bucket.head("a/key").await.unwrap(), None, "nothing shows before");
        bucket.put(put(&metadata(), true)).await.unwrap();
        let refused = bucket.complete_upload(complete(&upload_id, &parts)).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::PreconditionFailed);
        bucket.delete("a/key").await.unwrap();
        bucket.complete_upload(complete(&upload_id, &parts)).await.unwrap();
        let head = bucket.head("a/key").await.unwrap().unwrap();
        assert_eq!((head.len_bytes, head.metadata), (18, metadata()));
        let over = bucket.complete_upload(complete(&upload_id, &parts)).await.unwrap_err();
        assert_eq!(over.kind(), Kind::NoSuchUpload);
        assert_eq!(bucket.upload_part(part(&upload_id, 1)).await.unwrap_err().kind(), Kind::NoSuchUpload);
    });
}

#[test]
fn parts_that_do_not_fit_are_refused_before_anything_is_sent() {
    let (_, bucket) = bucket(Dialect::Other);
    run(async {
        let upload_id = bucket.create_upload("a/key", &metadata()).await.unwrap();
        bucket.upload_part(part(&upload_id, 1)).await.unwrap();
        let held = bucket.list_parts("a/key", &upload_id).await.unwrap();
        let other = vec![Part { etag: "another".to_owned(), ..held[0].clone() }];
        let refused = bucket.complete_upload(complete(&upload_id, &other)).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::InvalidPart);
        let short = Complete { len_bytes: 1, ..complete(&upload_id, &held) };
        assert_eq!(bucket.complete_upload(short).await.unwrap_err().kind(), Kind::Other);
        let damaged = UploadPart { crc64nvme: 1, ..part(&upload_id, 2) };
        assert_eq!(bucket.upload_part(damaged).await.unwrap_err().kind(), Kind::BadDigest);
        let none = UploadPart { number: 0, ..part(&upload_id, 1) };
        assert_eq!(bucket.upload_part(none).await.unwrap_err().kind(), Kind::Other);
        bucket.abort_upload("a/key", &upload_id).await.unwrap();
        assert_eq!(bucket.upload_part(part(&upload_id, 1)).await.unwrap_err().kind(), Kind::NoSuchUpload);
    });
}

#[test]
fn blocks_of_azure_are_given_up_without_a_request() {
    let (_, bucket) = bucket(Dialect::Azure);
    run(async {
        let upload_id = bucket.create_upload("a/key", &metadata()).await.unwrap();
        assert_ne!(upload_id, bucket.create_upload("a/key", &metadata()).await.unwrap());
        bucket.abort_upload("a/key", &upload_id).await.unwrap();
        assert_eq!(bucket.abort_upload("a/key", &upload_id).await.unwrap_err().kind(), Kind::NoSuchUpload);
    });
}

#[test]
fn what_it_cannot_do_it_says_and_refuses() {
    for (dialect, names) in [
        (
            Dialect::Gcs,
            &["complete-not-conditional", "no-list-parts", "no-list-uploads", "abandoned-uploads-stay"][..],
        ),
        (Dialect::Azure, &["no-list-parts", "no-list-uploads", "no-abort"][..]),
        (Dialect::Other, &["complete-not-conditional", "no-list-parts", "no-list-uploads"][..]),
    ] {
        let (_, bucket) = bucket(dialect);
        let limits = bucket.limits();
        for name in names {
            assert!(limits.iter().any(|limit| limit.name == *name), "{dialect:?} doesn't tell of {name}");
        }
        let inner = self::bucket(dialect).1;
        let limited =
            crate::bucket::LimitedBucket::new(Arc::new(inner), crate::bucket::RateLimits::default());
        assert_eq!(limited.limits(), limits, "whoever stands before it says the same");
        // An earlier run's upload, of which nobody knows the parts.
        let parts = run(bucket.list_parts("a/key", "17")).unwrap_err();
        assert_eq!(parts.kind(), Kind::Unsupported);
        assert_eq!(run(bucket.list_uploads("", None)).unwrap_err().kind(), Kind::Unsupported);
    }
}

#[test]
fn names_are_listed_by_any_beginning_and_from_any_name_on() {
    let (_, bucket) = bucket(Dialect::Other);
    run(async {
        for key in ["a/b/1", "a/b/2", "a/b2/1", "a/c", "b"] {
            bucket.put(Put { key, ..put(&metadata(), true) }).await.unwrap();
        }
        let table: [(&str, Option<&str>, &[&str]); 8] = [
            ("", None, &["a/b/1", "a/b/2", "a/b2/1", "a/c", "b"]),
            ("a/", None, &["a/b/1", "a/b/2", "a/b2/1", "a/c"]),
            ("a/b", None, &["a/b/1", "a/b/2", "a/b2/1"]),
            ("a/b/", None, &["a/b/1", "a/b/2"]),
            ("a/c", None, &["a/c"]),
            ("a/b", Some("a/b/1"), &["a/b/2", "a/b2/1"]),
            ("a/b", Some("a/a"), &["a/b/1", "a/b/2", "a/b2/1"]),
            ("a/d", None, &[]),
        ];
        for (prefix, after, wanted) in table {
            let page = bucket.list(prefix, after).await.unwrap();
            let keys: Vec<_> = page.objects.iter().map(|object| object.key.as_str()).collect();
            assert_eq!((keys.as_slice(), page.next), (wanted, None), "{prefix} {after:?}");
        }
    });
}

#[test]
fn a_long_listing_comes_in_pages_without_gap_or_double() {
    let (_, bucket) = bucket(Dialect::Azure);
    run(async {
        let keys: Vec<_> = (0..2_500).map(|number| format!("p/{number:05}")).collect();
        for key in &keys {
            bucket.put(Put { key, ..put(&metadata(), true) }).await.unwrap();
        }
        let (mut found, mut after, mut pages) = (Vec::new(), None::<String>, 0);
        loop {
            let page = bucket.list("p/", after.as_deref()).await.unwrap();
            found.extend(page.objects.into_iter().map(|object| object.key));
            pages += 1;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((found, pages), (keys, 3));
    });
}

#[test]
fn keys_and_names_that_a_store_would_change_are_refused() {
    let (_, azure) = bucket(Dialect::Azure);
    let (_, other) = bucket(Dialect::Other);
    for key in ["", "/a", "a/", "a//b", "a/../b", "a\nb", &"k".repeat(1_025)] {
        let refused = run(other.put(Put { key, ..put(&metadata(), true) })).unwrap_err();
        assert_eq!(refused.kind(), Kind::Other, "{key:?}");
    }
    for key in ["date=2026-11-26/a%20b#~é", "a b"] {
        run(other.put(Put { key, ..put(&metadata(), true) })).unwrap();
        assert!(run(other.head(key)).unwrap().is_some(), "{key:?}");
    }
    for name in ["1a", "a_b", "a.b", "-a"] {
        let metadata: Metadata = [(name.to_owned(), "value".to_owned())].into();
        assert_eq!(run(azure.put(put(&metadata, true))).unwrap_err().kind(), Kind::Other, "{name}");
    }
}
