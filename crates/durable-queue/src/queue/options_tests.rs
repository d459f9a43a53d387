use super::*;

fn refused(options: &QueueOptions) -> OptionError {
    match options.check() {
        Ok(_) => panic!("{options:?} was accepted"),
        Err(error) => error,
    }
}

#[test]
fn the_defaults_are_those_of_the_original() {
    let rules = QueueOptions::new().check().unwrap();
    assert!(rules.complete_if.is_none());
    assert_eq!(rules.max_queue_size, usize::MAX);
    assert_eq!(rules.slab_size_bytes, 64 << 20);
    assert!(rules.fsync_put);
    assert!(!rules.fsync_take);
    assert_eq!(rules.fsync_threshold, None);
    assert_eq!(rules.sync_interval, Some(COMPLETION_SYNC_INTERVAL));
}

#[test]
fn syncing_each_task_and_syncing_many_at_once_exclude_each_other() {
    for batched in [
        QueueOptions::new().fsync_threshold(10),
        QueueOptions::new().fsync_interval(Duration::from_millis(5)),
    ] {
        for (contradictory, option) in
            [(batched.clone().fsync_put(true), "fsync_put"), (batched.clone().fsync_take(true), "fsync_take")]
        {
            let error = refused(&contradictory);
            assert_eq!((error.option, error.value.as_str()), (option, "true"));
            assert!(error.remedy.contains("fsync_threshold"));
        }
        let rules = batched.clone().fsync_put(false).fsync_take(false).check().unwrap();
        assert!(!rules.fsync_put && !rules.fsync_take);
        assert!(!batched.check().unwrap().fsync_put, "left out, it gives way");
    }
}

#[test]
fn values_that_make_no_sense_are_refused_by_name_value_and_remedy() {
    let cases = [
        (QueueOptions::new().max_queue_size(0), "max_queue_size", "0"),
        (QueueOptions::new().slab_size(1), "slab_size", "1"),
        (QueueOptions::new().slab_size(SLAB_SIZE_BYTES_MAX + 1), "slab_size", "68719476737"),
        (QueueOptions::new().fsync_threshold(0), "fsync_threshold", "0"),
        (QueueOptions::new().fsync_interval(Duration::ZERO), "fsync_interval", "0s"),
        (QueueOptions::new().free_space_kept(FreeSpace::Percent(100)), "free_space_kept", "100"),
        (QueueOptions::new().bytes_max(64 << 20), "bytes_max", "67108864"),
    ];
    for (options, option, value) in cases {
        let error = refused(&options);
        assert_eq!((error.option, error.value.as_str()), (option, value));
        assert!(error.to_string().contains(error.remedy));
    }
}

#[test]
fn without_per_task_syncs_nothing_is_synced_in_the_background_unless_asked_for() {
    assert_eq!(QueueOptions::new().fsync_put(false).check().unwrap().sync_interval, None);
    assert_eq!(QueueOptions::new().fsync_take(true).check().unwrap().sync_interval, None);
    let asked = QueueOptions::new().fsync_interval(Duration::from_millis(7)).check().unwrap();
    assert_eq!(asked.sync_interval, Some(Duration::from_millis(7)));
}
