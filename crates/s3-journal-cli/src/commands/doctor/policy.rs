//! What to set at Amazon: the least policy that lets a journal run, with what makes it stricter, and the rule that clears
//! abandoned uploads away. Pure.

use serde::Serialize;
use serde_json::{Value, json};

use crate::flags::stored::{Sse, StoredFlags};

/// How long an upload may stay open before Amazon aborts it. What is aborted is uploaded again, so this is about the parts of
/// machines that are gone: until then `recover` can bring them back.
pub const ABORT_AFTER_DAYS: u32 = 7;

/// Of the language that policies are written in.
const VERSION: &str = "2012-10-17";

/// A place in Amazon's S3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    bucket: String,
    prefix: String,
    partition: &'static str,
    /// What writing objects as they are asked for takes, besides the permission to write them.
    actions: Vec<&'static str>,
    /// The key of KMS, or `*`.
    key: Option<String>,
}

impl Place {
    /// Of a bucket by its name for messages; none for what isn't in S3. The region decides which Amazon it is.
    pub fn of(bucket: &str, prefix: &str, region: Option<&str>) -> Option<Self> {
        let partition = match region.unwrap_or_default() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        let bucket = bucket.strip_prefix("s3://")?.to_owned();
        Some(Self { bucket, prefix: prefix.to_owned(), partition, actions: Vec::new(), key: None })
    }

    /// The same for objects that are written so
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>, "Permissions").
    pub fn for_objects(mut self, stored: &StoredFlags) -> Self {
        let grants = [
            &stored.acl,
            &stored.grant_full_control,
            &stored.grant_read,
            &stored.grant_read_acp,
            &stored.grant_write_acp,
        ];
        for (action, is_needed) in [
            ("s3:PutObjectAcl", grants.into_iter().any(Option::is_some)),
            ("s3:PutObjectTagging", !stored.tag.is_empty()),
            ("s3:PutObjectRetention", stored.object_lock.is_some()),
            ("s3:PutObjectLegalHold", stored.legal_hold),
        ] {
            if is_needed {
                self.actions.push(action);
            }
        }
        if matches!(stored.sse, Some(Sse::Kms | Sse::KmsTwice)) {
            // A policy names keys by ARN alone: of another name it isn't known whose it is.
            let arn =
                stored.sse_kms_key_id.clone().filter(|key| key.starts_with("arn:") && key.contains(":key/"));
            self.key = Some(arn.unwrap_or_else(|| "*".to_owned()));
        }
        self
    }

    /// The policy, for the user or role that runs the journal; one statement for each step, so that those that aren't wanted
    /// can be left out.
    pub fn policy(&self) -> Policy {
        // Directory buckets are opened by a session, for all that is done in it
        // (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-express-security-iam-identity-policies.html>). Whose
        // they are, and where, only Amazon knows.
        if self.bucket.ends_with("--x-s3") {
            let resource = format!("arn:{}:s3express:*:*:bucket/{}", self.partition, self.bucket);
            let action = vec!["s3express:CreateSession"];
            let session = Statement { sid: "Session", effect: "Allow", action, resource, condition: None };
            let encrypt = self.encrypt();
            return Policy { version: VERSION, statement: std::iter::once(session).chain(encrypt).collect() };
        }
        let bucket = format!("arn:{}:s3:::{}", self.partition, self.bucket);
        let keys = match literal(&self.prefix) {
            prefix if prefix.is_empty() => "*".to_owned(),
            prefix => format!("{prefix}/*"),
        };
        let objects = format!("{bucket}/{keys}");
        let on_objects = |sid, action: &[&'static str]| Statement {
            sid,
            effect: "Allow",
            action: action.to_vec(),
            resource: objects.clone(),
            condition: None,
        };
        let on_bucket = |sid, action: &[&'static str], operator: &str| {
            let condition = (!self.prefix.is_empty()).then(|| json!({ operator: { "s3:prefix": [keys] } }));
            Statement { sid, effect: "Allow", action: action.to_vec(), resource: bucket.clone(), condition }
        };
        let run = [&["s3:PutObject", "s3:AbortMultipartUpload"], self.actions.as_slice()].concat();
        let mut policy = Policy {
            version: VERSION,
            statement: vec![
                on_objects("Run", &run),
                on_objects("Stricter", &["s3:GetObject", "s3:ListMultipartUploadParts"]),
                on_bucket("Read", &["s3:ListBucket"], "StringLike"),
                // Lets requests through that don't carry the key: Amazon doesn't promise it for this action.
                on_bucket("Sweep", &["s3:ListBucketMultipartUploads"], "StringLikeIfExists"),
                on_objects("Recover", &["s3:DeleteObject"]),
            ],
        };
        policy.statement.splice(1..1, self.encrypt());
        policy
    }

    /// Decrypt is for uploads in parts, which S3 puts together, and for reading.
    fn encrypt(&self) -> Option<Statement> {
        self.key.clone().map(|resource| Statement {
            sid: "Encrypt",
            effect: "Allow",
            action: vec!["kms:GenerateDataKey", "kms:Decrypt"],
            resource,
            condition: None,
        })
    }

    /// The bucket's lifecycle configuration, with this rule alone.
    pub fn lifecycle(&self) -> Value {
        let prefix = if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) };
        json!({
            "Rules": [{
                "ID": "s3-journal-abandoned-uploads",
                "Status": "Enabled",
                "Filter": { "Prefix": prefix },
                "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": ABORT_AFTER_DAYS },
            }],
        })
    }
}

/// A policy, as Amazon writes it
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: Vec<&'static str>,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Value>,
}

impl Policy {
    /// For people: a statement on a line, which can be copied as it is.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("  {{\"Version\": \"{}\", \"Statement\": [", self.version)];
        for (place, statement) in self.statement.iter().enumerate() {
            let comma = if place + 1 < self.statement.len() { "," } else { "" };
            // Texts and lists of texts can always be written.
            lines.push(format!("    {}{comma}", serde_json::to_string(statement).unwrap_or_default()));
        }
        lines.push("  ]}".to_owned());
        lines
    }
}

/// What people must know who set them.
pub const POLICY_WORDS: &str = "Run is needed; Stricter and Sweep settle lost answers, use parts again and clear them away; \
                                Read is for `cat`, `ls` and `verify`, Recover for `recover`";
/// The same of the lifecycle rule.
pub const LIFECYCLE_WORDS: &str = "make it more days than the longest outage, since what is aborted is sent again from the start, and than `recover` may \
     take to be run: what a machine that is gone had uploaded in part goes for good. Setting a lifecycle configuration \
     replaces the one that is there: add the rule to it";

/// A prefix in which nothing stands for anything else
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>).
fn literal(prefix: &str) -> String {
    let mut text = String::with_capacity(prefix.len());
    for character in prefix.chars() {
        match character {
            '*' | '?' | '$' => {
                text.push_str("${");
                text.push(character);
                text.push('}');
            }
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
