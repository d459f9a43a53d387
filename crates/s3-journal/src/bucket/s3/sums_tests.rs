use super::*;

fn refusal(kind: BucketErrorKind, code: &str, message: &str) -> BucketError {
    BucketError::new(kind, code, message)
}

#[test]
fn what_a_store_does_not_tell_back_is_replaced_by_the_next_weaker_one_and_told_once() {
    let mut sums = Sums::new(ChecksumSent::Auto);
    assert_eq!(sums.now(), Sum::Crc64Nvme);
    let unknown = Unknown { sent: Sum::Crc64Nvme, instead: Sum::Crc32c };
    sums.taken(Sum::Crc64Nvme, false);
    assert_eq!(sums.news(), Some(unknown));
    sums.taken(Sum::Crc64Nvme, false);
    assert_eq!(sums.news(), None, "parts that were under way tell nothing new");
    let unknown = Unknown { sent: Sum::Crc32c, instead: Sum::Md5 };
    sums.taken(Sum::Crc32c, false);
    assert_eq!(sums.news(), Some(unknown));
    sums.taken(Sum::Md5, false);
    assert_eq!(sums.news(), None, "nobody tells it back");
    assert_eq!(sums.now(), Sum::Md5);
}

#[test]
fn what_a_store_tells_back_stays() {
    for asked in [ChecksumSent::Auto, ChecksumSent::Crc64Nvme, ChecksumSent::Crc32c] {
        let mut sums = Sums::new(asked);
        let before = sums.now();
        sums.taken(before, true);
        assert_eq!((sums.now(), sums.news()), (before, None));
    }
}

#[test]
fn what_was_asked_for_stays_whatever_the_store_does() {
    for (asked, sum) in [(ChecksumSent::Crc64Nvme, Sum::Crc64Nvme), (ChecksumSent::Crc32c, Sum::Crc32c)] {
        let mut sums = Sums::new(asked);
        let error = refusal(BucketErrorKind::Other, "InvalidArgument", "x-amz-checksum-crc64nvme");
        assert!(!sums.refused(sum, None, &error));
        sums.taken(sum, false);
        assert_eq!(sums.news(), Some(Unknown { sent: sum, instead: Sum::None }));
        sums.taken(sum, false);
        assert_eq!(sums.news(), None, "told once");
        assert_eq!(sums.now(), sum);
        assert!(!sums.are_listed(sum), "a list with them may be refused");
    }
}

/// The words are those of R2 and B2 to clients that sent them checksums.
#[test]
fn a_refusal_of_a_header_leads_to_the_next_weaker_one() {
    for error in [
        refusal(
            BucketErrorKind::Unsupported,
            "NotImplemented",
            "Header 'x-amz-checksum-algorithm' with value 'CRC64NVME' not implemented",
        ),
        refusal(
            BucketErrorKind::Other,
            "InvalidArgument",
            "Unsupported header 'x-amz-sdk-checksum-algorithm' received for this API call.",
        ),
    ] {
        let mut sums = Sums::new(ChecksumSent::Auto);
        assert!(sums.refused(Sum::Crc64Nvme, None, &error));
        assert!(sums.news().is_some());
        assert!(sums.refused(Sum::Crc64Nvme, None, &error), "another that was under way goes again, too");
        assert_eq!(sums.news(), None);
        assert!(sums.refused(Sum::Crc32c, None, &error));
        assert_eq!(sums.now(), Sum::Md5);
        assert!(!sums.refused(Sum::Md5, None, &error), "it has nothing to do with that");
        let error = refusal(BucketErrorKind::Unsupported, "NotImplemented", "Content-MD5 is not supported");
        assert!(sums.refused(Sum::Md5, None, &error));
        assert!(!sums.refused(Sum::None, None, &error));
    }
}

#[test]
fn other_refusals_change_nothing() {
    for error in [
        refusal(
            BucketErrorKind::Unsupported,
            "NotImplemented",
            "A header you provided implies functionality",
        ),
        refusal(BucketErrorKind::BadDigest, "BadDigest", "The CRC64NVME you specified did not match"),
        refusal(BucketErrorKind::Unavailable, "InternalError", "checksum"),
        refusal(BucketErrorKind::Forbidden, "AccessDenied", "checksum"),
    ] {
        let mut sums = Sums::new(ChecksumSent::Auto);
        assert!(!sums.refused(Sum::Crc64Nvme, None, &error), "{error}");
        assert_eq!(sums.now(), Sum::Crc64Nvme);
    }
    let mut sums = Sums::new(ChecksumSent::Auto);
    let error =
        refusal(BucketErrorKind::Other, "InvalidRequest", "Content-MD5 or checksum header is required");
    assert!(!sums.refused(Sum::Md5, None, &error), "without any it would be refused, too");
}

/// Amazon behind something that takes headers out of its answers would refuse parts of another kind.
#[test]
fn an_upload_stays_with_what_it_was_begun_with_unless_that_is_refused() {
    let mut sums = Sums::new(ChecksumSent::Auto);
    sums.upload_began("a", Sum::Crc64Nvme);
    sums.upload_began("b", Sum::Crc64Nvme);
    sums.taken(Sum::Crc64Nvme, false);
    assert_eq!(sums.of_upload("a"), Sum::Crc64Nvme);
    assert_eq!(sums.of_upload("another run's"), Sum::Crc64Nvme);
    assert!(!sums.are_listed(Sum::Crc64Nvme));
    let error =
        refusal(BucketErrorKind::Other, "InvalidArgument", "x-amz-checksum-crc64nvme isn't supported");
    assert!(sums.refused(Sum::Crc64Nvme, Some("b"), &error));
    assert_eq!((sums.of_upload("a"), sums.of_upload("b")), (Sum::Crc64Nvme, Sum::Crc32c));
    sums.upload_ended("a");
    sums.upload_ended("b");
    assert!(sums.uploads.is_empty());
}
