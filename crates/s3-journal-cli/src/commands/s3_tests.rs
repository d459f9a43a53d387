use std::time::Duration;

use clap::Parser;
use s3_journal::bucket::Metadata;

use super::*;
use crate::exit::Exit;

#[derive(Debug, Parser)]
struct Given {
    #[command(flatten)]
    way: WayFlags,
    #[command(flatten)]
    stored: StoredFlags,
}

fn read(arguments: &[&str]) -> Result<Option<(&'static str, S3Options)>, Failure> {
    let given = Given::try_parse_from(std::iter::once("x").chain(arguments.iter().copied())).unwrap();
    of(&given.way, &given.stored)
}

fn options(arguments: &[&str]) -> S3Options {
    read(arguments).unwrap().unwrap().1
}

fn refused(arguments: &[&str]) -> String {
    let failure = read(arguments).unwrap_err();
    assert_eq!(failure.exit, Exit::Usage);
    failure.message
}

fn map(pairs: &[(&str, &str)]) -> Metadata {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn nothing_given_is_nothing_said() {
    assert!(read(&[]).unwrap().is_none());
    let (first, _) = read(&["--tag", "a=b", "--acl", "private"]).unwrap().unwrap();
    assert_eq!(first, "--acl", "the first in the order of the help");
}

#[test]
fn the_way_to_the_bucket_is_as_given() {
    let options = options(&[
        "--profile=mine",
        "--role-arn=arn:aws:iam::123456789012:role/x",
        "--role-external-id=id",
        "--role-session-name=me",
        "--dual-stack",
        "--fips",
        "--accelerate",
        "--ca-bundle=/x.pem",
        "--connect-timeout=2s",
        "--operation-timeout=90s",
        "--expected-bucket-owner=123456789012",
        "--requester-pays",
    ]);
    let role = options.assume_role.unwrap();
    assert_eq!(
        (role.arn.as_str(), role.external_id.as_deref(), role.session_name.as_deref()),
        ("arn:aws:iam::123456789012:role/x", Some("id"), Some("me"))
    );
    assert_eq!(options.profile.as_deref(), Some("mine"));
    assert!(options.dual_stack && options.fips && options.accelerate && options.objects.requester_pays);
    assert_eq!(options.ca_bundle.as_deref(), Some("/x.pem".as_ref()));
    assert_eq!(options.connect_timeout, Duration::from_secs(2));
    assert_eq!(options.operation_timeout, Duration::from_secs(90));
    assert_eq!(options.objects.expected_bucket_owner.as_deref(), Some("123456789012"));
}

#[test]
fn objects_are_written_as_given() {
    let objects = options(&[
        "--storage-class=STANDARD_IA",
        "--sse=aws:kms:dsse",
        "--sse-kms-key-id=alias/x",
        "--sse-kms-context=a=b,c=d=e",
        "--sse-bucket-key=false",
        "--acl=private",
        "--tag=a=b",
        "--tag=c=",
        "--metadata=origin=here,other=there",
        "--content-type=text/plain",
        "--content-encoding=gzip",
        "--object-lock=governance",
        "--object-lock-for=30d",
        "--legal-hold",
        "--checksum=md5",
    ])
    .objects;
    assert_eq!(objects.storage_class.as_deref(), Some("STANDARD_IA"));
    let kms = Encryption::Kms {
        key: Some("alias/x".into()),
        context: map(&[("a", "b"), ("c", "d=e")]),
        bucket_key: Some(false),
        is_double: true,
    };
    assert_eq!(objects.encryption, Some(kms));
    assert_eq!(objects.acl.as_deref(), Some("private"));
    assert_eq!(objects.tags, map(&[("a", "b"), ("c", "")]));
    assert_eq!(objects.metadata, map(&[("origin", "here"), ("other", "there")]));
    assert_eq!(objects.content_type.as_deref(), Some("text/plain"));
    assert_eq!(objects.content_encoding.as_deref(), Some("gzip"));
    let month = LockUntil::After(Duration::from_hours(30 * 24));
    assert_eq!(objects.lock, Some(ObjectLock::new(LockMode::Governance, month)));
    assert!(objects.legal_hold);
    assert_eq!(objects.checksum, ChecksumSent::Md5);
}

#[test]
fn grants_go_to_their_own_places() {
    let objects = options(&[
        "--grant-full-control=id=1",
        "--grant-read=id=2",
        "--grant-read-acp=id=3",
        "--grant-write-acp=id=4",
    ]);
    let grants = objects.objects.grants;
    assert_eq!(grants.full_control.as_deref(), Some("id=1"));
    assert_eq!(grants.read.as_deref(), Some("id=2"));
    assert_eq!(grants.read_acp.as_deref(), Some("id=3"));
    assert_eq!(grants.write_acp.as_deref(), Some("id=4"));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test makes a user's file")]
fn a_customers_key_is_bytes_or_hex_digits() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    let flag = format!("--sse-customer-key-file={}", path.display());
    let key = *b"0123456789abcdef0123456789abcdef";
    // By Python: key.hex().
    let hex = "3031323334353637383961626364656630313233343536373839616263646566".to_owned();
    for content in
        [key.to_vec(), hex.clone().into_bytes(), format!("  {}\n", hex.to_uppercase()).into_bytes()]
    {
        std::fs::write(&path, content).unwrap();
        let wanted = Encryption::Customer(CustomerKey::new(key));
        assert_eq!(options(&[&flag]).objects.encryption, Some(wanted));
    }
    for content in [&hex[1..], "", &format!("+{}", &hex[1..]), &format!("{hex}00")] {
        std::fs::write(&path, content).unwrap();
        let told = refused(&[&flag]);
        assert!(told.contains("64 hex digits") && told.contains("--sse-customer-key-file"), "{told}");
        assert!(content.is_empty() || !told.contains(content), "{told}");
    }
    std::fs::write(&path, hex).unwrap();
    assert!(refused(&[&flag, "--sse=AES256"]).contains("leave one out"));
    std::fs::remove_file(&path).unwrap();
    assert!(refused(&[&flag]).contains("can't be read"));
}

#[test]
fn what_doesnt_go_together_is_refused() {
    assert!(refused(&["--sse=AES256", "--sse-kms-key-id=x"]).contains("--sse aws:kms"));
    assert!(refused(&["--object-lock=COMPLIANCE"]).contains("--object-lock-for or --object-lock-until"));
    assert!(refused(&["--tag=a=b", "--tag=a=c"]).contains("--tag names \"a\" twice"));
    for arguments in [
        ["--acl=private", "--grant-read=id=1"].as_slice(),
        &["--role-external-id=x"],
        &["--sse-kms-key-id=x"],
        &["--object-lock-for=1d"],
        &["--object-lock=GOVERNANCE", "--object-lock-for=1d", "--object-lock-until=2030-01-01"],
        &["--tag=noequals"],
        &["--sse=aes"],
        &["--checksum=crc"],
    ] {
        let given = Given::try_parse_from(std::iter::once("x").chain(arguments.iter().copied()));
        assert!(given.is_err(), "{arguments:?}");
    }
}

#[test]
fn what_is_to_be_removed_again_is_not_locked() {
    let given = |arguments: &[&str]| {
        Given::try_parse_from(std::iter::once("x").chain(arguments.iter().copied())).unwrap().stored
    };
    let (removable, left_out) =
        given(&["--object-lock=GOVERNANCE", "--object-lock-for=1d", "--tag=a=b"]).removable();
    assert_eq!(left_out, Some("--object-lock"));
    let objects = objects(&WayFlags::default(), &removable).unwrap();
    assert_eq!((objects.lock, objects.tags), (None, map(&[("a", "b")])));
    assert_eq!(given(&["--legal-hold"]).removable().1, Some("--legal-hold"));
    assert_eq!(given(&["--tag=a=b"]).removable().1, None);
}
