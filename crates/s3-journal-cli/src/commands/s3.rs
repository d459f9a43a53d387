//! What the flags say of a bucket of S3, as the library's options. Knows both, opens nothing but the file of a key.

use std::collections::BTreeMap;

use s3_journal::bucket::{
    AssumeRole, ChecksumSent, CustomerKey, Encryption, LockMode, LockUntil, ObjectLock, ObjectOptions,
    S3Options,
};

use crate::exit::Failure;
use crate::files;
use crate::flags::stored::{Checksum, Lock, Pair, Sse, StoredFlags};
use crate::flags::way::WayFlags;

/// The options, and the name of one of the flags that say something; `None` when none does. The bucket's name is elsewhere.
///
/// # Errors
/// Flags that don't go together; a file without a key.
pub fn of(way: &WayFlags, stored: &StoredFlags) -> Result<Option<(&'static str, S3Options)>, Failure> {
    let Some(first) = first_given(way, stored) else { return Ok(None) };
    let mut options = S3Options::new("");
    options.profile.clone_from(&way.profile);
    options.assume_role = way.role_arn.as_ref().map(|arn| {
        let mut role = AssumeRole::new(arn);
        role.external_id.clone_from(&way.role_external_id);
        role.session_name.clone_from(&way.role_session_name);
        role
    });
    options.dual_stack = way.dual_stack;
    options.fips = way.fips;
    options.accelerate = way.accelerate;
    options.ca_bundle.clone_from(&way.ca_bundle);
    if let Some(time) = way.connect_timeout {
        options.connect_timeout = time.0;
    }
    if let Some(time) = way.operation_timeout {
        options.operation_timeout = time.0;
    }
    options.objects = objects(way, stored)?;
    Ok(Some((first, options)))
}

fn objects(way: &WayFlags, stored: &StoredFlags) -> Result<ObjectOptions, Failure> {
    let mut objects = ObjectOptions::default();
    objects.expected_bucket_owner.clone_from(&way.expected_bucket_owner);
    objects.requester_pays = way.requester_pays;
    objects.storage_class.clone_from(&stored.storage_class);
    objects.encryption = encryption(way, stored)?;
    objects.acl.clone_from(&stored.acl);
    objects.grants.full_control.clone_from(&stored.grant_full_control);
    objects.grants.read.clone_from(&stored.grant_read);
    objects.grants.read_acp.clone_from(&stored.grant_read_acp);
    objects.grants.write_acp.clone_from(&stored.grant_write_acp);
    objects.tags = pairs("--tag", &stored.tag)?;
    objects.metadata = pairs("--metadata", &stored.metadata)?;
    objects.content_type.clone_from(&stored.content_type);
    objects.content_encoding.clone_from(&stored.content_encoding);
    objects.lock = lock(stored)?;
    objects.legal_hold = stored.legal_hold;
    objects.checksum = match stored.checksum {
        Some(Checksum::Md5) => ChecksumSent::Md5,
        Some(Checksum::None) => ChecksumSent::None,
        Some(Checksum::Crc64nvme) => ChecksumSent::Crc64Nvme,
        Some(Checksum::Crc32c) => ChecksumSent::Crc32c,
        Some(Checksum::Auto) | None => ChecksumSent::Auto,
    };
    Ok(objects)
}

fn encryption(way: &WayFlags, stored: &StoredFlags) -> Result<Option<Encryption>, Failure> {
    let key = match &way.sse_customer_key_file {
        Some(path) => {
            let key = files::read_key(path);
            Some(key.map_err(|error| Failure::usage(format!("option --sse-customer-key-file: {error}")))?)
        }
        None => None,
    };
    let is_of_kms = stored.sse_kms_key_id.is_some()
        || !stored.sse_kms_context.is_empty()
        || stored.sse_bucket_key.is_some();
    match (stored.sse, key) {
        (Some(_), Some(_)) => Err(Failure::usage(
            "options --sse and --sse-customer-key-file are given: the store encrypts in one way; leave one out",
        )),
        (None, Some(key)) => Ok(Some(Encryption::Customer(CustomerKey::new(key)))),
        (None, None) => Ok(None),
        (Some(Sse::Aes256), None) if is_of_kms => Err(Failure::usage(
            "option --sse is AES256, which has neither key nor context of KMS: give --sse aws:kms, or leave them out",
        )),
        (Some(Sse::Aes256), None) => Ok(Some(Encryption::S3)),
        (Some(kms), None) => Ok(Some(Encryption::Kms {
            key: stored.sse_kms_key_id.clone(),
            context: pairs("--sse-kms-context", &stored.sse_kms_context)?,
            bucket_key: stored.sse_bucket_key,
            is_double: kms == Sse::KmsTwice,
        })),
    }
}

fn lock(stored: &StoredFlags) -> Result<Option<ObjectLock>, Failure> {
    let Some(mode) = stored.object_lock else { return Ok(None) };
    let mode = match mode {
        Lock::Governance => LockMode::Governance,
        Lock::Compliance => LockMode::Compliance,
    };
    let until = match (stored.object_lock_for, stored.object_lock_until) {
        (Some(time), _) => LockUntil::After(time.0),
        (None, Some(moment)) => LockUntil::At(moment.0),
        (None, None) => {
            let what = "option --object-lock doesn't say for how long: give --object-lock-for or --object-lock-until";
            return Err(Failure::usage(what));
        }
    };
    Ok(Some(ObjectLock::new(mode, until)))
}

fn pairs(flag: &str, pairs: &[Pair]) -> Result<BTreeMap<String, String>, Failure> {
    let mut map = BTreeMap::new();
    for Pair { name, value } in pairs {
        if map.insert(name.clone(), value.clone()).is_some() {
            return Err(Failure::usage(format!("option {flag} names {name:?} twice: give it once")));
        }
    }
    Ok(map)
}

/// The first of the flags that is given: what to name where none has a meaning.
fn first_given(way: &WayFlags, stored: &StoredFlags) -> Option<&'static str> {
    [
        ("--profile", way.profile.is_some()),
        ("--role-arn", way.role_arn.is_some()),
        ("--dual-stack", way.dual_stack),
        ("--fips", way.fips),
        ("--accelerate", way.accelerate),
        ("--ca-bundle", way.ca_bundle.is_some()),
        ("--connect-timeout", way.connect_timeout.is_some()),
        ("--operation-timeout", way.operation_timeout.is_some()),
        ("--expected-bucket-owner", way.expected_bucket_owner.is_some()),
        ("--requester-pays", way.requester_pays),
        ("--sse-customer-key-file", way.sse_customer_key_file.is_some()),
        ("--storage-class", stored.storage_class.is_some()),
        ("--sse", stored.sse.is_some()),
        ("--acl", stored.acl.is_some()),
        ("--grant-full-control", stored.grant_full_control.is_some()),
        ("--grant-read", stored.grant_read.is_some()),
        ("--grant-read-acp", stored.grant_read_acp.is_some()),
        ("--grant-write-acp", stored.grant_write_acp.is_some()),
        ("--tag", !stored.tag.is_empty()),
        ("--metadata", !stored.metadata.is_empty()),
        ("--content-type", stored.content_type.is_some()),
        ("--content-encoding", stored.content_encoding.is_some()),
        ("--object-lock", stored.object_lock.is_some()),
        ("--legal-hold", stored.legal_hold),
        ("--checksum", stored.checksum.is_some()),
    ]
    .into_iter()
    .find_map(|(flag, is_given)| is_given.then_some(flag))
}

#[cfg(test)]
#[path = "s3_tests.rs"]
mod tests;
