//! The journal's safeguards that a test can switch off one at a time, to show that it would notice: see
//! [`durable_queue::sabotage`], where those of the log are. Knows nothing. Not part of the public interface.

durable_queue::safeguards! {
    CREATE_ONLY_PUT "create-only-put" "a Put never replaces what is at its key";
    CREATE_ONLY_COMPLETE "create-only-complete" "a Complete never replaces what is at its key";
    IDENTITY "identity" "what is at our key is ours only if it is what we sent";
    IDENTITY_LENGTH "identity-length" "an object of another length isn't ours";
    IDENTITY_CHECKSUM "identity-checksum" "an object of other bytes isn't ours";
    IDENTITY_METADATA "identity-metadata" "an object with other metadata isn't ours";
    SENT_BEFORE_SENDING "sent-before-sending" "that a key was sent is on the medium before it is";
    KEPT_UNTIL_PROVED "kept-until-proved" "a request without an answer proves nothing";
    KEPT_UNTIL_COMPLETE "kept-until-complete" "parts that were taken release nothing";
    GONE_IS_NO_PROOF "gone-is-no-proof" "an upload that is gone is no completed object";
    TAKEN_IS_NO_PROOF "taken-is-no-proof" "a taken key is looked at before it counts";
    ONLY_DURABLE_IS_SENT "only-durable-is-sent" "the bucket is never ahead of the disk";
    RELEASED_WHEN_ACKNOWLEDGED "released-when-acknowledged" "slabs go only once the acknowledgement is on the medium";
    PART_CHECKSUM "part-checksum" "a part's bytes are those that were written";
    REUSED_PART_CHECKSUM "reused-part-checksum" "a part that an earlier run sent is used only if it is the same";
    RESTART_SEALS "restart-seals" "an object isn't gone on with by another encoder";
    FOREIGN_STAYS_FOREIGN "foreign-stays-foreign" "a key once found foreign isn't taken for ours without looking";
    REFUSAL_RECORDED "refusal-recorded" "that a key was found foreign outlives a restart";
    LOOKING_IS_WAITED_FOR "looking-is-waited-for" "a refusal to let us look that will pass proves nothing";
    RUN_IN_KEY "run-in-key" "a copied directory writes under other keys";
    SWEEP_KNOWS_ITS_RUNS "sweep-knows-its-runs" "a sweep leaves the uploads of a copied directory alone";
    SWEEP_LEAVES_THE_REST "sweep-leaves-the-rest" "a sweep leaves the upload of the object at hand alone";
    EXPIRATION_KNOWS_ITS_ID "expiration-knows-its-id" "expiration aborts no other journal's uploads";
    REWIND "rewind" "an upload begun anew sends every byte again";
    DATE_HOLDS "date-holds" "a clock that is a little behind doesn't take the date back";
    OTHER_JOURNAL "other-journal" "entries that wait aren't sent elsewhere";
    DURABLE_IS_DURABLE "durable-is-durable" "an entry counts as durable only when its record is";
    QUARANTINE_IS_ASKED_FOR "quarantine-is-asked-for" "damage is passed by only by somebody's order";
    LEFT_OUT_IS_TOLD "left-out-is-told" "an entry that was left out never counts as uploaded";
    WHOLE_IS_OURS "whole-is-ours" "an object that arrived before it was damaged here is no foreign one";
    CHAIN_SHOWS_THE_GAP "chain-shows-the-gap" "what was left out shows in what the next object says";
    SYNC_ASIDE "sync-aside" "what is left out is on the medium in its own files before it is passed by";
    SYNC_ASIDE_DIRECTORY "sync-aside-directory" "those files have their names on the medium before it is passed by";
    NUMBERS_GO_ON "numbers-go-on" "a sequence number whose record is lost isn't used again";
    LOCAL_SYNC_OBJECT "local-sync-object" "an object in a local directory is on the medium before it counts";
    LOCAL_SYNC_DIRECTORY "local-sync-directory" "an object in a local directory has its name on the medium before it counts";
    LOCAL_CREATE_ONLY "local-create-only" "an object in a local directory is never replaced";
}
