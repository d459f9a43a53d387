//! Which proof has to notice that a safeguard is off: tests of the product by name, and lives of the simulation. Where several are
//! listed the first that notices suffices. Knows nothing.

use std::fmt;

/// Something that is green, and red once a safeguard is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// A test.
    Test {
        /// The directory of its package under `crates/`.
        package: &'static str,
        /// Its target: a file in `tests/`, or the library for unit tests.
        target: &'static str,
        /// Its name.
        test: &'static str,
    },
    /// The lives of so many seeds, from 0 on.
    Lives(u64),
    /// So many schedules of a scenario, under each scheduler.
    Schedules {
        /// The scenario.
        scenario: &'static str,
        /// How many.
        executions: usize,
    },
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test { target, test, .. } => write!(f, "{target}::{test}"),
            Self::Lives(seeds) => write!(f, "the lives of {seeds} seeds"),
            Self::Schedules { scenario, executions } => write!(f, "{executions} schedules of {scenario}"),
        }
    }
}

const fn queue(target: &'static str, test: &'static str) -> Proof {
    Proof::Test { package: "durable-queue", target, test }
}

const fn queue_unit(test: &'static str) -> Proof {
    queue("durable_queue", test)
}

const fn journal(target: &'static str, test: &'static str) -> Proof {
    Proof::Test { package: "s3-journal", target, test }
}

const fn unit(test: &'static str) -> Proof {
    journal("s3_journal", test)
}

const fn schedules(scenario: &'static str) -> Proof {
    Proof::Schedules { scenario, executions: 2000 }
}

const LIVES: Proof = Proof::Lives(6_000);
const SYNCS: Proof = queue("each_sync_is_needed", "each_kind_of_sync");
const ROTATION: Proof = queue("slabs_come_and_go", "the_order_of_a_rotation");
const LEFT_OUT: &str = "damage_is_left_out_when_that_is_asked_for";
const LATCH: Proof = queue("a_failed_sync_is_a_latch", "each_write_and_sync_of_a_life_may_fail_without_harm");
const DAMAGE: &str = "damage_is_told_from_a_torn_tail";
const FOLLOWS: &str = "a_slab_must_follow_the_one_it_names";

/// Every safeguard by name, and what notices.
pub const LIST: &[(&str, &[Proof])] = &[
    ("sync-written", &[LIVES]),
    ("sync-ended-slab", &[LIVES]),
    ("sync-cut-slab", &[SYNCS, ROTATION]),
    ("sync-rotated-directory", &[SYNCS, ROTATION]),
    ("sync-prepared-slab", &[LIVES]),
    ("sync-prepared-directory", &[ROTATION, SYNCS, LATCH]),
    ("sync-removed-directory", &[LIVES]),
    (
        "sync-names-above",
        &[queue("a_directory_whose_making_was_cut_short_is_made_durable", "whichever_name_it_was")],
    ),
    (
        "sync-opened-directory",
        &[queue(
            "a_directory_whose_making_was_cut_short_is_made_durable",
            "what_is_in_it_is_made_durable_before_it_is_believed",
        )],
    ),
    ("sync-opened-slab", &[LIVES]),
    ("sync-first-directory", &[LIVES]),
    ("sync-first-checkpoint", &[LIVES]),
    ("sync-cut-tail", &[LIVES]),
    ("sync-torn-copy", &[SYNCS]),
    ("sync-torn-directory", &[SYNCS]),
    ("sync-dropped-directory", &[SYNCS]),
    ("header-checksum", &[LIVES]),
    ("header-place", &[queue_unit("frame::tests::a_header_reads_back_only_with_its_salt_and_in_its_place")]),
    ("meta-checksum", &[LIVES]),
    ("payload-checksum", &[LIVES]),
    ("slab-checksum", &[queue_unit("slab::tests::any_flipped_bit_of_a_header_shows")]),
    ("slab-link", &[queue(FOLLOWS, "one_that_follows_another_slab_is_refused")]),
    ("slab-identity", &[queue(FOLLOWS, "one_of_another_log_is_refused")]),
    (
        "dense-index",
        &[queue_unit("recovery::scan::tests::a_frame_out_of_turn_or_with_an_impossible_claim_is_bad")],
    ),
    ("predecessor-end", &[queue(DAMAGE, "an_older_slab_that_lost_its_end_or_its_checkpoint_is_refused")]),
    ("watermark", &[queue(DAMAGE, "any_flipped_bit_below_the_durable_end_is_refused")]),
    (
        "synced-whole",
        &[queue_unit("recovery::tail::tests::a_slab_that_was_synced_whole_must_be_good_to_its_last_byte")],
    ),
    ("idle-watermark", &[queue(DAMAGE, "a_watermark_written_when_idle_closes_that_window")]),
    (
        "rotation-latch",
        &[queue(
            "a_failed_sync_is_a_latch",
            "no_slab_is_begun_after_a_sync_failed_while_the_writer_was_about_to",
        )],
    ),
    ("latch", &[LIVES]),
    (
        "checkpoint-durable",
        &[queue(
            "slabs_come_and_go",
            "a_slab_goes_only_once_its_successors_checkpoint_is_durable_and_the_newest_never",
        )],
    ),
    (
        "control-reserve",
        &[queue_unit("commit::state::tests::the_reserve_is_for_control_frames_and_the_very_end_for_closing")],
    ),
    ("directory-lock", &[queue_unit("disk::tests::a_directory_is_locked_once_and_names_its_holder")]),
    ("read-meta-checksum", &[queue(DAMAGE, "damage_in_an_older_slab_is_found_when_it_is_read")]),
    (
        "read-payload-checksum",
        &[queue(
            "bugs_of_the_original_queue_stay_fixed",
            "corruption_under_an_open_queue_is_met_when_the_task_is_taken",
        )],
    ),
    (
        "task-durable",
        &[queue(
            "each_option_of_the_queues_does_what_it_says",
            "with_fsync_put_a_put_is_durable_when_it_returns",
        )],
    ),
    (
        "publish-after-sync",
        &[queue("slabs_come_and_go", "what_is_written_while_a_sync_runs_is_the_next_syncs")],
    ),
    ("sync-turn", &[schedules("log-latch")]),
    ("rotation-outcome", &[schedules("log-rotation-latch")]),
    ("wake-durable", &[schedules("log-group-commit")]),
    (
        "hand-over",
        &[queue("an_appender_that_is_alone_does_the_work_itself", "the_threads_are_told_of_what_it_leaves")],
    ),
    ("bell-counted", &[schedules("log-group-commit")]),
    ("look-again", &[schedules("queue-deleting")]),
    ("create-only-put", &[LIVES]),
    ("create-only-complete", &[LIVES]),
    ("identity", &[LIVES]),
    (
        "identity-length",
        &[unit("upload::object_upload_tests::an_object_is_ours_only_if_length_checksum_and_metadata_are")],
    ),
    (
        "identity-checksum",
        &[unit("upload::object_upload_tests::an_object_is_ours_only_if_length_checksum_and_metadata_are")],
    ),
    (
        "identity-metadata",
        &[unit("upload::object_upload_tests::an_object_is_ours_only_if_length_checksum_and_metadata_are")],
    ),
    ("sent-before-sending", &[LIVES]),
    ("kept-until-proved", &[LIVES]),
    ("kept-until-complete", &[LIVES]),
    ("gone-is-no-proof", &[LIVES]),
    ("taken-is-no-proof", &[LIVES]),
    ("only-durable-is-sent", &[LIVES]),
    ("released-when-acknowledged", &[LIVES]),
    (
        "part-checksum",
        &[journal("the_faults_of_the_original_do_not_come_back", "a_damaged_batch_is_never_skipped_quietly")],
    ),
    (
        "reused-part-checksum",
        &[unit(
            "upload::object_upload_tests::parts_of_an_earlier_run_are_used_again_only_if_length_and_checksum_are_equal",
        )],
    ),
    ("restart-seals", &[LIVES]),
    (
        "foreign-stays-foreign",
        &[unit(
            "upload::object_upload_tests::a_key_once_found_foreign_is_never_taken_for_ours_without_looking",
        )],
    ),
    (
        "refusal-recorded",
        &[unit(
            "upload::object_upload_tests::a_foreign_object_is_looked_at_again_at_the_longest_backoff_and_the_upload_goes_on_when_it_is_gone",
        )],
    ),
    (
        "looking-is-waited-for",
        &[unit("upload::object_upload_tests::a_taken_key_is_waited_for_where_looking_was_permitted_before")],
    ),
    (
        "run-in-key",
        &[journal(
            "a_directory_belongs_to_one_journal",
            "a_directory_restored_from_an_older_backup_shows_as_a_fork",
        )],
    ),
    (
        "sweep-knows-its-runs",
        &[unit("upload::sweep_tests::only_uploads_of_ours_that_nobody_will_complete_are_swept")],
    ),
    (
        "sweep-leaves-the-rest",
        &[unit("upload::sweep_tests::only_uploads_of_ours_that_nobody_will_complete_are_swept")],
    ),
    (
        "expiration-knows-its-id",
        &[unit(
            "upload::sweep_tests::expiration_gives_up_what_other_incarnations_of_this_id_left_and_nothing_else",
        )],
    ),
    ("rewind", &[LIVES]),
    (
        "date-holds",
        &[unit("object::layout::tests::a_small_step_back_of_the_clock_is_not_followed_and_a_large_one_is")],
    ),
    (
        "other-journal",
        &[journal(
            "a_directory_belongs_to_one_journal",
            "other_ids_buckets_and_prefixes_are_refused_while_entries_wait",
        )],
    ),
    ("durable-is-durable", &[LIVES]),
    ("quarantine-is-asked-for", &[journal(LEFT_OUT, "without_being_asked_for_nothing_is_passed_by")]),
    (
        "left-out-is-told",
        &[journal(LEFT_OUT, "the_object_ends_before_the_damaged_batch_and_all_later_ones_arrive")],
    ),
    (
        "whole-is-ours",
        &[unit(
            "upload::object_upload_tests::an_object_that_arrived_whole_before_it_was_damaged_here_is_no_foreign_one",
        )],
    ),
    (
        "chain-shows-the-gap",
        &[journal(LEFT_OUT, "the_object_ends_before_the_damaged_batch_and_all_later_ones_arrive")],
    ),
    ("sync-aside", &[journal(LEFT_OUT, "what_is_left_out_is_on_the_medium_before_it_is_passed_by")]),
    (
        "sync-aside-directory",
        &[journal(LEFT_OUT, "what_is_left_out_is_on_the_medium_before_it_is_passed_by")],
    ),
    (
        "numbers-go-on",
        &[unit("record::resync_tests::a_sequence_number_whose_record_is_lost_is_not_used_again")],
    ),
    (
        "local-sync-object",
        &[unit("bucket::local::tests::crashes::no_object_is_visible_before_it_is_durable")],
    ),
    ("local-sync-directory", &[unit("bucket::local::tests::crashes::a_head_makes_durable_what_it_reports")]),
    (
        "local-create-only",
        &[
            unit("bucket::local::tests::crashes::a_name_that_could_not_be_made_durable_is_taken_back"),
            journal("every_bucket_keeps_the_same_promises", "a_local_directory_keeps_them"),
        ],
    ),
];
