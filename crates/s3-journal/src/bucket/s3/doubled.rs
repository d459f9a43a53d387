//! A header that some stores send twice, which the client can't read then: the digest of a key for SSE-C (SeaweedFS). Nobody
//! needs it: whether the key fits is said by the status.

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;

const KEY_DIGEST: &str = "x-amz-server-side-encryption-customer-key-md5";

/// Takes it out of an answer.
#[derive(Debug)]
pub(super) struct DoubledKeyDigest;

impl Intercept for DoubledKeyDigest {
    fn name(&self) -> &'static str {
        "DoubledKeyDigest"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.response_mut().headers_mut().remove(KEY_DIGEST);
        Ok(())
    }
}
