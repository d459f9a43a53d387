use std::io::Write;

use super::*;
use crate::exit::Exit;
use crate::flags;

fn chosen(options: &[&str], variables: &[(&str, &str)]) -> Result<Option<Keys>, Failure> {
    let arguments = [&["s3-journal", "ls", "--to", "bucket"], options].concat();
    let cli = flags::parse(arguments.into_iter().map(Into::into)).unwrap();
    let flags::Command::Ls(flags) = cli.command else { unreachable!() };
    let environment =
        |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    choose(&flags.store, environment)
}

fn keys(access: &str, secret: &str, token: Option<&str>) -> Keys {
    Keys { access: access.into(), secret: secret.into(), session_token: token.map(Into::into) }
}

const AWS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "aws"),
    ("AWS_SECRET_ACCESS_KEY", "aws-secret"),
    ("AWS_SESSION_TOKEN", "aws-token"),
];

#[test]
fn without_keys_of_our_own_the_chain_decides() {
    assert_eq!(chosen(&[], &[]), Ok(None));
    assert_eq!(chosen(&[], &AWS), Ok(None));
}

#[test]
fn the_halves_come_from_options_environment_and_file() {
    let own = [("S3_JOURNAL_S3_SECRET_KEY", "own-secret"), ("S3_JOURNAL_S3_SESSION_TOKEN", "own-token")];
    assert_eq!(
        chosen(&["--s3-access-key", "own"], &own),
        Ok(Some(keys("own", "own-secret", Some("own-token"))))
    );
    assert_eq!(
        chosen(&["--s3-access-key", "own"], &AWS),
        Ok(Some(keys("own", "aws-secret", Some("aws-token"))))
    );
    let both = [&AWS[..], &own[..1]].concat();
    assert_eq!(chosen(&["--s3-access-key", "own"], &both), Ok(Some(keys("own", "own-secret", None))));
    assert_eq!(chosen(&[], &both), Ok(Some(keys("aws", "own-secret", Some("aws-token")))));

    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"file-secret\n").unwrap();
    let path = file.path().to_str().unwrap();
    let options = ["--s3-access-key", "own", "--s3-secret-key-file", path];
    assert_eq!(
        chosen(&options, &both),
        Ok(Some(keys("own", "file-secret", None))),
        "an option goes before the environment"
    );
}

#[test]
fn half_a_pair_is_refused_without_telling_it() {
    for (options, variables) in [
        (&["--s3-access-key", "own"][..], &[][..]),
        (&[], &[("S3_JOURNAL_S3_SECRET_KEY", "hunter2")][..]),
        (&["--s3-access-key", "own", "--s3-secret-key-file", "/nowhere/at/all"], &[]),
    ] {
        let failure = chosen(options, variables).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(!failure.message.contains("hunter2"));
    }
    let shown = format!("{:?}", Keys { access: "a".into(), secret: "hunter2".into(), session_token: None });
    assert!(!shown.contains("hunter2"), "{shown}");
}
