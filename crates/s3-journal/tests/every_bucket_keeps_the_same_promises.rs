//! One suite for every back-end: memory, a local directory, and a real store when the environment names one:
//! `S3_JOURNAL_TEST_ENDPOINT`, `S3_JOURNAL_TEST_BUCKET`, `S3_JOURNAL_TEST_ACCESS_KEY`, `S3_JOURNAL_TEST_SECRET_KEY` and, if
//! it isn't `us-east-1`, `S3_JOURNAL_TEST_REGION`. Objects are written there under a prefix of their own and stay.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test a panic is the report"
)]

use std::sync::Arc;

use bytes::Bytes;
use s3_journal::bucket::{
    Bucket, BucketError, BucketErrorKind as Kind, Complete, Head, LocalBucket, MemoryBucket, Metadata,
    ObjectEntry, Part, Put, UploadPart,
};

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(test);
}

#[test]
fn memory_keeps_them() {
    run(all_promises(Arc::new(MemoryBucket::new()), ""));
    run(all_promises(
        Arc::new(MemoryBucket::new().with_part_size_min(1).with_page_entries(2)),
        "some/where/",
    ));
}

#[test]
fn a_local_directory_keeps_them() {
    let directory = tempfile::tempdir().unwrap();
    run(all_promises(Arc::new(LocalBucket::open(directory.path().join("made/when/needed"))), ""));
    run(all_promises(Arc::new(LocalBucket::open(directory.path().join("made"))), "some/where/"));
}

#[cfg(feature = "fake")]
#[test]
fn a_fake_without_faults_keeps_them() {
    use s3_journal::bucket::{FakeBucket, Faults};
    run(all_promises(Arc::new(FakeBucket::new(Arc::new(MemoryBucket::new()), 1, Faults::default())), ""));
}

#[cfg(feature = "s3")]
#[test]
fn the_store_that_the_environment_names_keeps_them() {
    use durable_queue::clock::{Clock, SystemClock};
    use s3_journal::bucket::{S3Bucket, S3Options};
    use std::io::Write;
    use std::time::UNIX_EPOCH;

    let variable =
        |name: &str| std::env::var(format!("S3_JOURNAL_TEST_{name}")).ok().filter(|value| !value.is_empty());
    let Some((endpoint, bucket)) = variable("ENDPOINT").zip(variable("BUCKET")) else {
        // Past the harness, which would keep it to itself.
        let words =
            b"SKIPPED: no S3 store to test with, set S3_JOURNAL_TEST_ENDPOINT and S3_JOURNAL_TEST_BUCKET\n";
        std::io::stderr().write_all(words).unwrap();
        return;
    };
    let mut options = S3Options::new(bucket);
    options.endpoint = Some(endpoint);
    options.path_style = true;
    options.region = variable("REGION").or(Some("us-east-1".to_owned()));
    options.access_key = variable("ACCESS_KEY");
    options.secret_key = variable("SECRET_KEY");
    let since = SystemClock::new().wall().duration_since(UNIX_EPOCH).unwrap();
    let prefix = format!("promises/{}-{}/", since.as_millis(), std::process::id());
    run(all_promises(Arc::new(S3Bucket::new(options).unwrap()), &prefix));
}

async fn all_promises(bucket: Arc<dyn Bucket>, prefix: &str) {
    let store = Store { bucket, prefix };
    store.an_object_is_given_back_as_it_was_written().await;
    store.ranges_end_where_the_object_ends().await;
    store.a_taken_key_is_not_written_again().await;
    store.a_key_can_be_replaced_when_asked_for().await;
    store.damaged_bytes_are_refused().await;
    store.an_upload_shows_only_when_complete().await;
    store.an_upload_that_is_over_is_over().await;
    store.an_upload_to_a_taken_key_is_refused_and_stays_open().await;
    store.parts_that_are_not_there_are_refused().await;
    store.an_upload_belongs_to_its_key().await;
    store.names_are_listed_in_the_order_of_their_bytes().await;
    store.open_uploads_are_listed_by_prefix().await;
    store.one_of_several_creators_wins().await;
    store.what_was_deleted_is_gone_and_its_key_is_free().await;
    store.parts_that_somebody_else_sent_can_be_completed().await;
}

fn crc(bytes: &[u8]) -> u64 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes)
}

fn metadata(values: &[(&str, &str)]) -> Metadata {
    values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Bytes that repeat nowhere within a part.
fn bytes(len: usize, seed: u8) -> Bytes {
    let mut state = u32::from(seed) + 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u8::try_from(state >> 24).unwrap()
    };
    (0..len).map(|_| next()).collect()
}

#[track_caller]
fn assert_kind<T: std::fmt::Debug>(result: Result<T, BucketError>, kind: Kind) {
    match result {
        Ok(value) => panic!("{value:?} instead of {kind:?}"),
        Err(error) => assert_eq!(error.kind(), kind, "{error}"),
    }
}

struct Store<'a> {
    bucket: Arc<dyn Bucket>,
    prefix: &'a str,
}

impl Store<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The smallest part that isn't the last, but not a tiny one.
    fn part_len(&self) -> usize {
        usize::try_from(self.bucket.abilities().part_size_min_bytes).unwrap().max(3_000_000)
    }

    async fn put(&self, key: &str, body: &Bytes, create_only: bool) -> Result<(), BucketError> {
        let metadata = metadata(&[("made-by", "put")]);
        let put = Put { key, body: body.clone(), crc64nvme: crc(body), metadata: &metadata, create_only };
        self.bucket.put(put).await
    }

    async fn begin(&self, key: &str) -> String {
        self.bucket.create_upload(key, &metadata(&[("made-by", "parts"), ("n", "7")])).await.unwrap()
    }

    async fn part(&self, key: &str, upload_id: &str, number: u32, body: &Bytes) -> Result<Part, BucketError> {
        let part = UploadPart { key, upload_id, number, body: body.clone(), crc64nvme: crc(body) };
        let etag = self.bucket.upload_part(part).await?;
        Ok(Part { number, etag, len_bytes: body.len() as u64, crc64nvme: Some(crc(body)) })
    }

    async fn complete(
        &self,
        key: &str,
        upload_id: &str,
        parts: &[Part],
        whole: &[u8],
    ) -> Result<(), BucketError> {
        let len_bytes = whole.len() as u64;
        let complete =
            Complete { key, upload_id, parts, len_bytes, crc64nvme: Some(crc(whole)), create_only: true };
        self.bucket.complete_upload(complete).await
    }

    async fn read(&self, key: &str) -> Bytes {
        self.bucket.get_range(key, 0, 1 << 30).await.unwrap()
    }

    async fn head(&self, key: &str) -> Head {
        self.bucket.head(key).await.unwrap().unwrap()
    }

    async fn an_object_is_given_back_as_it_was_written(&self) {
        let (key, body) = (self.key("whole/object-1.gz"), bytes(100_000, 1));
        assert_eq!(self.bucket.head(&key).await.unwrap(), None);
        self.put(&key, &body, true).await.unwrap();
        assert_eq!(self.read(&key).await, body);
        let head = self.head(&key).await;
        assert_eq!((head.len_bytes, head.crc64nvme), (100_000, Some(crc(&body))));
        assert_eq!(head.metadata, metadata(&[("made-by", "put")]));

        let empty = self.key("whole/empty");
        self.put(&empty, &Bytes::new(), true).await.unwrap();
        assert_eq!(self.head(&empty).await.len_bytes, 0);
        assert_eq!(self.read(&empty).await, Bytes::new());
    }

    async fn ranges_end_where_the_object_ends(&self) {
        let key = self.key("range");
        self.put(&key, &Bytes::from_static(b"0123456789"), true).await.unwrap();
        for (offset, len, wanted) in [
            (0, 4, "0123"),
            (3, 1, "3"),
            (8, 2, "89"),
            (8, 100, "89"),
            (10, 5, ""),
            (1_000, 5, ""),
            (4, 0, ""),
        ] {
            let read = self.bucket.get_range(&key, offset, len).await.unwrap();
            assert_eq!(read, wanted, "{len} bytes from {offset}");
        }
        assert_kind(self.bucket.get_range(&self.key("absent"), 0, 1).await, Kind::NotFound);
        assert_kind(self.bucket.get_range(&self.key("absent"), 0, 0).await, Kind::NotFound);
    }

    async fn a_taken_key_is_not_written_again(&self) {
        let key = self.key("taken");
        self.put(&key, &Bytes::from_static(b"first"), true).await.unwrap();
        assert_kind(self.put(&key, &Bytes::from_static(b"second"), true).await, Kind::PreconditionFailed);
        assert_kind(self.put(&key, &Bytes::from_static(b"first"), true).await, Kind::PreconditionFailed);
        assert_eq!(self.read(&key).await, "first");
    }

    async fn a_key_can_be_replaced_when_asked_for(&self) {
        let key = self.key("replaced");
        for body in ["first", "second", "second"] {
            let made_by = metadata(&[("body", body)]);
            let body = Bytes::from_static(body.as_bytes());
            let put = Put { key: &key, crc64nvme: crc(&body), body, metadata: &made_by, create_only: false };
            self.bucket.put(put).await.unwrap();
        }
        assert_eq!(self.read(&key).await, "second");
        assert_eq!(self.head(&key).await.metadata, metadata(&[("body", "second")]));
    }

    async fn damaged_bytes_are_refused(&self) {
        let (key, body) = (self.key("damaged"), Bytes::from_static(b"not what was meant"));
        let (wrong, metadata) = (crc(&body) ^ 1, Metadata::new());
        let put =
            Put { key: &key, body: body.clone(), crc64nvme: wrong, metadata: &metadata, create_only: true };
        assert_kind(self.bucket.put(put).await, Kind::BadDigest);
        assert_eq!(self.bucket.head(&key).await.unwrap(), None);

        let upload_id = self.begin(&key).await;
        let part = UploadPart { key: &key, upload_id: &upload_id, number: 1, body, crc64nvme: wrong };
        assert_kind(self.bucket.upload_part(part).await, Kind::BadDigest);
        self.bucket.abort_upload(&key, &upload_id).await.unwrap();
    }

    async fn an_upload_shows_only_when_complete(&self) {
        let key = self.key("parts/object-2.gz");
        let (one, two, three) = (bytes(self.part_len(), 1), bytes(self.part_len(), 2), bytes(1_234, 3));
        let upload_id = self.begin(&key).await;
        let third = self.part(&key, &upload_id, 3, &three).await.unwrap();
        let first = self.part(&key, &upload_id, 1, &one).await.unwrap();
        // Sent again: as after an answer that was lost.
        self.part(&key, &upload_id, 2, &bytes(self.part_len(), 9)).await.unwrap();
        let second = self.part(&key, &upload_id, 2, &two).await.unwrap();
        assert_eq!(self.bucket.head(&key).await.unwrap(), None);
        let parts = [first, second, third];

        let listed = self.bucket.list_parts(&key, &upload_id).await.unwrap();
        let lengths: Vec<_> = listed.iter().map(|part| (part.number, part.len_bytes)).collect();
        assert_eq!(lengths, parts.clone().map(|part| (part.number, part.len_bytes)));
        // Of part 2 SeaweedFS may list the tag of what was sent first, too.
        assert_eq!([&listed[0].etag, &listed[2].etag], [&parts[0].etag, &parts[2].etag]);
        for part in [&listed[0], &listed[2]] {
            let sent = parts.iter().find(|sent| sent.number == part.number).unwrap();
            assert!(part.crc64nvme.is_none() || part.crc64nvme == sent.crc64nvme);
        }

        let whole = [one, two, three].concat();
        self.complete(&key, &upload_id, &parts, &whole).await.unwrap();
        assert_eq!(self.read(&key).await, whole);
        let head = self.head(&key).await;
        assert_eq!((head.len_bytes, head.crc64nvme), (whole.len() as u64, Some(crc(&whole))));
        assert_eq!(head.metadata, metadata(&[("made-by", "parts"), ("n", "7")]));
        let open = self.bucket.list_uploads(&key, None).await.unwrap().uploads;
        assert!(open.is_empty(), "{open:?}");
    }

    async fn an_upload_that_is_over_is_over(&self) {
        let body = bytes(1_000, 4);
        for completed in [true, false] {
            let key = self.key(if completed { "over/completed" } else { "over/aborted" });
            let upload_id = self.begin(&key).await;
            let parts = [self.part(&key, &upload_id, 1, &body).await.unwrap()];
            if completed {
                self.complete(&key, &upload_id, &parts, &body).await.unwrap();
            } else {
                self.bucket.abort_upload(&key, &upload_id).await.unwrap();
                assert_eq!(self.bucket.head(&key).await.unwrap(), None);
                assert_kind(self.complete(&key, &upload_id, &parts, &body).await, Kind::NoSuchUpload);
            }
            assert_kind(self.part(&key, &upload_id, 2, &body).await, Kind::NoSuchUpload);
            assert_kind(self.bucket.list_parts(&key, &upload_id).await, Kind::NoSuchUpload);
            match self.bucket.abort_upload(&key, &upload_id).await {
                // Real stores may say so: nothing is left open, which is all that was asked for.
                Ok(()) if self.bucket.name().starts_with("s3://") => {}
                other => assert_kind(other, Kind::NoSuchUpload),
            }
        }
        assert_eq!(self.read(&self.key("over/completed")).await, body);
        let fresh = self.begin(&self.key("over/completed")).await;
        self.bucket.abort_upload(&self.key("over/completed"), &fresh).await.unwrap();
        assert_kind(self.part(&self.key("over/completed"), &fresh, 1, &body).await, Kind::NoSuchUpload);
    }

    async fn an_upload_to_a_taken_key_is_refused_and_stays_open(&self) {
        let (key, body) = (self.key("taken-meanwhile"), bytes(1_000, 5));
        let upload_id = self.begin(&key).await;
        let parts = [self.part(&key, &upload_id, 1, &body).await.unwrap()];
        self.put(&key, &Bytes::from_static(b"somebody else's"), true).await.unwrap();
        assert_kind(self.complete(&key, &upload_id, &parts, &body).await, Kind::PreconditionFailed);
        assert_eq!(self.read(&key).await, "somebody else's");
        self.bucket.abort_upload(&key, &upload_id).await.unwrap();
    }

    async fn parts_that_are_not_there_are_refused(&self) {
        let key = self.key("wrong-parts");
        let (one, two) = (bytes(self.part_len(), 6), bytes(500, 7));
        let upload_id = self.begin(&key).await;
        let first = self.part(&key, &upload_id, 1, &one).await.unwrap();
        let second = self.part(&key, &upload_id, 2, &two).await.unwrap();
        let whole = [one, two].concat();
        let absent = Part { number: 3, ..second.clone() };
        let other = Part { etag: "\"0123456789abcdef0123456789abcdef\"".into(), ..second.clone() };
        for parts in
            [vec![first.clone(), absent], vec![first.clone(), other], vec![second.clone(), first.clone()]]
        {
            assert_kind(self.complete(&key, &upload_id, &parts, &whole).await, Kind::InvalidPart);
        }
        assert_eq!(self.bucket.head(&key).await.unwrap(), None);
        // A refusal is no reason to begin anew.
        self.complete(&key, &upload_id, &[first, second], &whole).await.unwrap();
        assert_eq!(self.head(&key).await.crc64nvme, Some(crc(&whole)));
    }

    async fn an_upload_belongs_to_its_key(&self) {
        let (key, other) = (self.key("own"), self.key("other"));
        let upload_id = self.begin(&key).await;
        assert_kind(self.part(&other, &upload_id, 1, &bytes(10, 8)).await, Kind::NoSuchUpload);
        assert_kind(self.bucket.abort_upload(&other, &upload_id).await, Kind::NoSuchUpload);
        self.bucket.abort_upload(&key, &upload_id).await.unwrap();
    }

    /// Every page from the start, and how many there were.
    async fn list(&self, prefix: &str, after: Option<&str>) -> Vec<ObjectEntry> {
        let (mut objects, mut after) = (Vec::new(), after.map(ToOwned::to_owned));
        loop {
            let page = self.bucket.list(prefix, after.as_deref()).await.unwrap();
            objects.extend(page.objects);
            if page.next.is_none() {
                return objects;
            }
            after = page.next;
        }
    }

    async fn what_was_deleted_is_gone_and_its_key_is_free(&self) {
        let (key, beside) = (self.key("deleted"), self.key("deleted.not"));
        let body = bytes(1_000, 7);
        self.put(&key, &body, true).await.unwrap();
        self.put(&beside, &body, true).await.unwrap();
        self.bucket.delete(&key).await.unwrap();
        assert!(self.bucket.head(&key).await.unwrap().is_none());
        assert_kind(self.bucket.get_range(&key, 0, 1).await, Kind::NotFound);
        self.bucket.delete(&key).await.unwrap();
        self.bucket.delete(&self.key("never/was")).await.unwrap();
        let left = self.list(&key, None).await;
        assert_eq!(left.iter().map(|object| &object.key).collect::<Vec<_>>(), [&beside]);
        let other = bytes(500, 8);
        self.put(&key, &other, true).await.unwrap();
        let head = self.bucket.head(&key).await.unwrap().unwrap();
        assert_eq!((head.len_bytes, head.metadata["made-by"].as_str()), (500, "put"));
    }

    async fn parts_that_somebody_else_sent_can_be_completed(&self) {
        let key = self.key("recovered");
        let upload_id = self.begin(&key).await;
        let (one, two) = (bytes(self.part_len(), 1), bytes(10, 2));
        self.part(&key, &upload_id, 1, &one).await.unwrap();
        self.part(&key, &upload_id, 2, &two).await.unwrap();
        self.part(&key, &upload_id, 4, &two).await.unwrap();
        let mut parts = self.bucket.list_parts(&key, &upload_id).await.unwrap();
        assert_eq!(parts.iter().map(|part| part.number).collect::<Vec<_>>(), [1, 2, 4]);
        // What is behind the hole is left out; the sum of the whole isn't known.
        parts.truncate(2);
        let len_bytes = (one.len() + two.len()) as u64;
        let upload = upload_id.as_str();
        let complete = Complete {
            key: &key,
            upload_id: upload,
            parts: &parts,
            len_bytes,
            crc64nvme: None,
            create_only: true,
        };
        self.bucket.complete_upload(complete).await.unwrap();
        let head = self.bucket.head(&key).await.unwrap().unwrap();
        assert_eq!((head.len_bytes, head.metadata["n"].as_str()), (len_bytes, "7"));
        let end = self.bucket.get_range(&key, one.len() as u64, 100).await.unwrap();
        assert_eq!(end, two);
        assert_kind(self.bucket.list_parts(&key, &upload_id).await, Kind::NoSuchUpload);
    }

    async fn names_are_listed_in_the_order_of_their_bytes(&self) {
        // "-" and "." sort before "/", and the digits after it.
        let names =
            ["list/a-b", "list/a.b", "list/a/b", "list/a/b-c", "list/a/c/d", "list/a0", "list/b", "list/é"];
        for name in names {
            self.put(&self.key(name), &Bytes::copy_from_slice(name.as_bytes()), true).await.unwrap();
        }
        let keys = |objects: Vec<ObjectEntry>| -> Vec<String> {
            objects.into_iter().map(|object| object.key).collect()
        };
        let wanted = |names: &[&str]| -> Vec<String> { names.iter().map(|name| self.key(name)).collect() };
        let mut objects = self.list(&self.key("list/"), None).await;
        for object in &objects {
            assert_eq!(object.len_bytes, (object.key.len() - self.prefix.len()) as u64);
        }
        // SeaweedFS lists by directory, and each of them by name: "a/" before "a-b".
        let keeps_order = !self.bucket.name().starts_with("s3://");
        if !keeps_order {
            objects.sort_by(|a, b| a.key.cmp(&b.key));
        }
        assert_eq!(keys(objects), wanted(&names));
        assert_eq!(keys(self.list(&self.key("list/a/"), None).await), wanted(&names[2..5]));
        assert_eq!(
            keys(self.list(&self.key("list/a/"), Some(&self.key("list/a/b"))).await),
            wanted(&names[3..5])
        );
        assert_eq!(keys(self.list(&self.key("list/a/b"), None).await), wanted(&names[2..4]));
        assert_eq!(keys(self.list(&self.key("list/"), Some(&self.key("list/é"))).await), wanted(&[]));
        assert_eq!(keys(self.list(&self.key("no/such"), None).await), wanted(&[]));
        if keeps_order {
            assert_eq!(
                keys(self.list(&self.key("list/"), Some(&self.key("list/a/b"))).await),
                wanted(&names[3..])
            );
            assert_eq!(
                keys(self.list(&self.key("list/"), Some(&self.key("list/a/bb"))).await),
                wanted(&names[4..])
            );
            assert_eq!(
                keys(self.list(&self.key("list/"), Some(&self.key("list/a/zz"))).await),
                wanted(&names[5..])
            );
        }
    }

    async fn open_uploads_are_listed_by_prefix(&self) {
        let keys = [self.key("open/a"), self.key("open/a"), self.key("open/b/c"), self.key("opener")];
        let mut begun = Vec::new();
        for key in &keys {
            begun.push((key.clone(), self.begin(key).await));
        }
        begun.sort();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = self.bucket.list_uploads(&self.key("open/"), after.as_ref()).await.unwrap();
            seen.extend(page.uploads.into_iter().map(|upload| (upload.key, upload.upload_id)));
            if page.next.is_none() {
                break;
            }
            after = page.next;
        }
        // Uploads of one key come in the order of their beginning in S3, which isn't that of their ids.
        seen.sort();
        assert_eq!(seen, begun[..3]);
        for (key, upload_id) in begun {
            self.bucket.abort_upload(&key, &upload_id).await.unwrap();
        }
        assert!(self.bucket.list_uploads(&self.key("open"), None).await.unwrap().uploads.is_empty());
    }

    async fn one_of_several_creators_wins(&self) {
        const RACERS: u8 = 8;
        for race in 0..3 {
            let key = self.key(&format!("race/{race}"));
            let racers: Vec<_> = (0..RACERS)
                .map(|racer| {
                    let (bucket, key) = (Arc::clone(&self.bucket), key.clone());
                    tokio::spawn(async move {
                        let (body, made_by) =
                            (bytes(20_000, racer), metadata(&[("racer", &racer.to_string())]));
                        let put = Put {
                            key: &key,
                            crc64nvme: crc(&body),
                            body,
                            metadata: &made_by,
                            create_only: true,
                        };
                        bucket.put(put).await
                    })
                })
                .collect();
            let mut winners = Vec::new();
            for (racer, racing) in (0..RACERS).zip(racers) {
                match racing.await.unwrap() {
                    Ok(()) => winners.push(racer),
                    Err(error) => {
                        assert!(matches!(error.kind(), Kind::PreconditionFailed | Kind::Conflict), "{error}");
                    }
                }
            }
            assert_eq!(winners.len(), 1, "{winners:?} won the race for {key}");
            assert_eq!(self.read(&key).await, bytes(20_000, winners[0]));
            let head = self.head(&key).await;
            assert_eq!(head.crc64nvme, Some(crc(&bytes(20_000, winners[0]))));
            assert_eq!(head.metadata, metadata(&[("racer", &winners[0].to_string())]));
        }
    }
}
