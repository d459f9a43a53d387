use super::*;

#[test]
fn what_only_the_operator_can_mend_is_told_with_what_to_do() {
    for (kind, code, remedy) in [
        (BucketErrorKind::Forbidden, "AccessDenied", "grant s3:PutObject"),
        (BucketErrorKind::Forbidden, "ExpiredToken", "renew the credentials"),
        (BucketErrorKind::Forbidden, "InvalidAccessKeyId", "check access key"),
        (BucketErrorKind::Forbidden, "RequestTimeTooSkewed", "clock"),
        (BucketErrorKind::Forbidden, "KMS.DisabledException", "enable the KMS key"),
        (BucketErrorKind::Other, "KMS.NotFoundException", "KMS key"),
        (BucketErrorKind::NotSent, "PermanentRedirect", "the bucket's own region and endpoint"),
        (BucketErrorKind::Other, "AuthorizationHeaderMalformed", "the bucket's own region and endpoint"),
        (BucketErrorKind::NoSuchBucket, "NoSuchBucket", "create the bucket"),
    ] {
        let error = BucketError::new(kind, code, "words of the store");
        assert!(error.remedy().contains(remedy), "{code}: {}", error.remedy());
        assert!(error.to_string().ends_with(error.remedy()), "{error}");
    }
}

#[test]
fn a_denied_key_is_known_by_the_action_that_the_message_names() {
    let message = "User: x is not authorized to perform: kms:GenerateDataKey on this resource";
    let error = BucketError::new(BucketErrorKind::Forbidden, "AccessDenied", message);
    assert!(error.remedy().contains("grant kms:GenerateDataKey"), "{error}");
}
