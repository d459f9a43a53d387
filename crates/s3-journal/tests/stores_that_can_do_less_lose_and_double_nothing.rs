//! Journals over the crate `object_store`, whose stores list no open uploads and no parts and complete unconditionally: whatever
//! request or answer is lost or late, and wherever the process is cut off, every entry is in the bucket once, in order.
#![cfg(all(feature = "cloud", feature = "fake"))]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod support;
mod wild;

use std::sync::Arc;
use std::task::{Context, Waker};

use bytes::Bytes;
use s3_journal::bucket::{Bucket, CloudBucket, MemoryBucket, Put};
use support::{Place, entries_of, numbered, objects, seed, until};
use wild::{Fate, Way, World};

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

fn bucket(way: &Arc<Way>) -> Arc<dyn Bucket> {
    Arc::new(CloudBucket::over("wild", Arc::clone(way) as _).with_part_size_min(1))
}

/// The store's objects where the other tests look at them.
fn copied(world: &World) -> MemoryBucket {
    let memory = MemoryBucket::new();
    run(async {
        for (key, body, metadata) in world.objects().await {
            let crc64nvme = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, &body);
            memory
                .put(Put { key: &key, body, crc64nvme, metadata: &metadata, create_only: true })
                .await
                .unwrap();
        }
    });
    memory
}

/// One life: some processes that are cut off after some requests, and one that comes to the end.
fn live(world: &Arc<World>) {
    let place = Place::new();
    let mut submitted = 0;
    for _ in 0..5 {
        let way = world.way(Some(1 + world.draw(40)));
        let size = 300 + world.draw(9_000);
        let options = place.options().bucket(bucket(&way), "").max_object_size(size);
        let journal = s3_journal::journal(options).unwrap();
        let more = world.draw(1_200);
        for entry in submitted..submitted + more {
            journal.submit(&entry.to_string()).unwrap();
        }
        submitted += more;
        if world.draw(2) == 0 {
            let mut flush = Box::pin(journal.flush_async());
            let mut is_flushed = || flush.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
            until("cut off, or everything uploaded", || way.is_over() || is_flushed());
        }
        drop(journal);
        run(world.deliver(false));
    }
    let way = world.way(None);
    let options = place.options().bucket(bucket(&way), "").max_object_size(3_000);
    let journal = s3_journal::journal(options).unwrap();
    journal.close().unwrap();
    // What was sent long ago arrives at last.
    run(world.deliver(true));
    assert_eq!(world.wrong(), [] as [String; 0]);
    assert_eq!(entries_of(&objects(&copied(world))), numbered(0..submitted));
}

#[test]
fn wherever_requests_are_lost_and_processes_end_every_entry_is_there_once_in_order() {
    let seed = seed();
    let (mut all_fates, mut in_parts) = (std::collections::BTreeMap::<Fate, u64>::new(), 0);
    for life in 0..30_u64 {
        let world = World::new(seed.wrapping_add(life.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        live(&world);
        let (fates, completed) = world.fates();
        in_parts += completed;
        for (fate, times) in fates {
            *all_fates.entry(fate).or_default() += times;
        }
    }
    println!("{all_fates:?}, {in_parts} objects in parts");
    for fate in [Fate::Through, Fate::LostRequest, Fate::LostAnswer, Fate::Late, Fate::Refused] {
        assert!(all_fates.contains_key(&fate), "30 lives without {fate:?} prove little: {all_fates:?}");
    }
    assert!(in_parts > 0, "30 lives without an object in parts prove little");
}

#[test]
fn without_faults_nothing_is_left_open_and_nothing_is_sent_twice() {
    let world = World::new(1);
    world.set_faults(false);
    let place = Place::new();
    let way = world.way(None);
    let journal =
        s3_journal::journal(place.options().bucket(bucket(&way), "").max_object_size(5_000)).unwrap();
    for entry in 0..5_000_u64 {
        journal.submit(&entry.to_string()).unwrap();
    }
    journal.flush().unwrap();
    assert_eq!(journal.stats().reuploaded, 0);
    journal.close().unwrap();
    assert_eq!(world.open_uploads(), 0);
    assert_eq!(entries_of(&objects(&copied(&world))), numbered(0..5_000));
    assert!(world.fates().1 > 0, "there were objects in parts");
}

#[test]
fn what_somebody_else_wrote_at_the_key_is_left_alone() {
    let world = World::new(2);
    world.set_faults(false);
    let way = world.way(None);
    let bucket = bucket(&way);
    run(async {
        let metadata = [("whose".to_owned(), "another's".to_owned())].into();
        let body = Bytes::from_static(b"another's");
        let crc64nvme = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, &body);
        let put = Put { key: "a/key", body: body.clone(), crc64nvme, metadata: &metadata, create_only: true };
        bucket.put(put.clone()).await.unwrap();
        bucket.put(put).await.unwrap_err();
        let upload_id = bucket.create_upload("a/key", &metadata).await.unwrap();
        let part = s3_journal::bucket::UploadPart {
            key: "a/key",
            upload_id: &upload_id,
            number: 1,
            body: Bytes::from_static(b"ours"),
            crc64nvme: crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, b"ours"),
        };
        bucket.upload_part(part).await.unwrap();
        let parts = bucket.list_parts("a/key", &upload_id).await.unwrap();
        let complete = s3_journal::bucket::Complete {
            key: "a/key",
            upload_id: &upload_id,
            parts: &parts,
            len_bytes: 4,
            crc64nvme: None,
            create_only: true,
        };
        bucket.complete_upload(complete).await.unwrap_err();
        assert_eq!(bucket.get_range("a/key", 0, 100).await.unwrap(), body);
    });
    assert_eq!(world.fates().1, 0, "no completion was sent");
}
