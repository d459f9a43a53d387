use super::*;

fn policy(place: &Place) -> Value {
    serde_json::to_value(place.policy()).unwrap()
}

fn statements(place: &Place) -> Vec<Value> {
    policy(place)["Statement"].as_array().unwrap().clone()
}

fn named(place: &Place, sid: &str) -> Value {
    statements(place).into_iter().find(|statement| statement["Sid"] == sid).unwrap()
}

#[test]
fn the_least_policy_has_two_actions_on_the_prefix_alone() {
    let place = Place::of("s3://logs", "app/events", None).unwrap();
    let (whole, printed) = (policy(&place), place.policy().lines().concat());
    assert_eq!(whole["Version"], "2012-10-17");
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), whole, "what people see is the same");
    assert_eq!(
        named(&place, "Run"),
        json!({
            "Sid": "Run",
            "Effect": "Allow",
            "Action": ["s3:PutObject", "s3:AbortMultipartUpload"],
            "Resource": "arn:aws:s3:::logs/app/events/*",
        })
    );
    assert_eq!(named(&place, "Stricter")["Action"], json!(["s3:GetObject", "s3:ListMultipartUploadParts"]));
    assert_eq!(named(&place, "Recover")["Action"], json!(["s3:DeleteObject"]));
    let read = named(&place, "Read");
    assert_eq!(read["Resource"], "arn:aws:s3:::logs");
    assert_eq!(read["Condition"], json!({ "StringLike": { "s3:prefix": ["app/events/*"] } }));
    let sweep = named(&place, "Sweep");
    assert_eq!(sweep["Action"], json!(["s3:ListBucketMultipartUploads"]));
    assert_eq!(sweep["Condition"], json!({ "StringLikeIfExists": { "s3:prefix": ["app/events/*"] } }));
}

#[test]
fn without_a_prefix_there_is_no_condition() {
    let place = Place::of("s3://logs", "", None).unwrap();
    assert_eq!(named(&place, "Run")["Resource"], "arn:aws:s3:::logs/*");
    assert!(statements(&place).iter().all(|statement| statement.get("Condition").is_none()));
    assert_eq!(place.lifecycle()["Rules"][0]["Filter"], json!({ "Prefix": "" }));
}

#[test]
fn what_stands_for_other_things_in_a_policy_is_written_so_that_it_doesnt() {
    let place = Place::of("s3://logs", "a*b?c$d", None).unwrap();
    assert_eq!(named(&place, "Run")["Resource"], "arn:aws:s3:::logs/a${*}b${?}c${$}d/*");
    assert_eq!(place.lifecycle()["Rules"][0]["Filter"]["Prefix"], "a*b?c$d/");
}

#[test]
fn the_region_decides_whose_names_they_are_and_only_s3_has_any() {
    for (region, partition) in
        [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-west-1", "aws")]
    {
        let place = Place::of("s3://logs", "", Some(region)).unwrap();
        assert_eq!(named(&place, "Run")["Resource"], format!("arn:{partition}:s3:::logs/*"));
    }
    assert_eq!(Place::of("file:///srv/bucket", "", None), None);
}

#[test]
fn the_lifecycle_rule_aborts_uploads_and_expires_nothing() {
    let place = Place::of("s3://logs", "app", None).unwrap();
    let rules = place.lifecycle()["Rules"].as_array().unwrap().clone();
    let [rule] = rules.as_slice() else { panic!("{rules:?}") };
    assert_eq!(rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"], ABORT_AFTER_DAYS);
    assert_eq!(rule["Filter"]["Prefix"], "app/");
    assert!(rule.get("Expiration").is_none());
}

#[test]
fn what_objects_are_written_with_has_its_own_actions() {
    let plain = Place::of("s3://logs", "app", None).unwrap();
    assert!(statements(&plain).iter().all(|statement| statement["Sid"] != "Encrypt"));
    let mut stored = StoredFlags {
        acl: Some("private".into()),
        tag: vec!["a=b".parse().unwrap()],
        object_lock: Some(crate::flags::stored::Lock::Governance),
        legal_hold: true,
        sse: Some(Sse::Kms),
        ..StoredFlags::default()
    };
    let place = plain.clone().for_objects(&stored);
    let run = [
        "s3:PutObject",
        "s3:AbortMultipartUpload",
        "s3:PutObjectAcl",
        "s3:PutObjectTagging",
        "s3:PutObjectRetention",
        "s3:PutObjectLegalHold",
    ];
    assert_eq!(named(&place, "Run")["Action"], json!(run));
    let encrypt = |resource| {
        let action = ["kms:GenerateDataKey", "kms:Decrypt"];
        json!({ "Sid": "Encrypt", "Effect": "Allow", "Action": action, "Resource": resource })
    };
    assert_eq!(named(&place, "Encrypt"), encrypt("*"));
    for (key, resource) in [
        ("arn:aws:kms:eu-central-1:123456789012:key/1", "arn:aws:kms:eu-central-1:123456789012:key/1"),
        ("arn:aws:kms:eu-central-1:123456789012:alias/x", "*"),
        ("alias/x", "*"),
    ] {
        stored.sse_kms_key_id = Some(key.into());
        assert_eq!(named(&plain.clone().for_objects(&stored), "Encrypt"), encrypt(resource), "{key}");
    }
}

#[test]
fn a_directory_bucket_is_opened_by_a_session() {
    let place = Place::of("s3://logs--euc1-az1--x-s3", "app", Some("eu-central-1")).unwrap();
    let session = json!({
        "Sid": "Session",
        "Effect": "Allow",
        "Action": ["s3express:CreateSession"],
        "Resource": "arn:aws:s3express:*:*:bucket/logs--euc1-az1--x-s3",
    });
    assert_eq!(statements(&place), [session]);
}
