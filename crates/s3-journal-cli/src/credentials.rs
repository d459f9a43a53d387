//! Static keys, when somebody gives them: from options, the environment, a file; never a secret from the command line.
//! Without any the store's own chain decides (environment, profile, role, instance).

use crate::exit::Failure;
use crate::files;
use crate::flags::store::StoreFlags;

/// Keys that were given.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Who asks.
    pub access: String,
    /// The proof.
    pub secret: String,
    /// For keys that were lent for a time.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("access", &self.access).finish_non_exhaustive()
    }
}

/// The keys that options and environment give; `None` when they leave it to the chain.
///
/// # Errors
/// One half without the other; a file that holds no key.
pub fn of(flags: &StoreFlags) -> Result<Option<Keys>, Failure> {
    choose(flags, |name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

fn choose(flags: &StoreFlags, environment: impl Fn(&str) -> Option<String>) -> Result<Option<Keys>, Failure> {
    let named = flags.s3_access_key.clone();
    let secret = match &flags.s3_secret_key_file {
        Some(path) => {
            let secret = files::read_secret(path);
            Some(secret.map_err(|error| Failure::usage(format!("option --s3-secret-key-file: {error}")))?)
        }
        None => environment("S3_JOURNAL_S3_SECRET_KEY"),
    };
    if named.is_none() && secret.is_none() {
        return Ok(None);
    }
    // One half may be given here and the other in AWS's own variables; then so may the token.
    let borrowed = named.is_none() || secret.is_none();
    let access = named.or_else(|| environment("AWS_ACCESS_KEY_ID")).ok_or_else(|| {
        Failure::usage(
            "there is a secret key and no access key; give --s3-access-key, S3_JOURNAL_S3_ACCESS_KEY or \
             AWS_ACCESS_KEY_ID, or take the secret key away",
        )
    })?;
    let secret = secret.or_else(|| environment("AWS_SECRET_ACCESS_KEY")).ok_or_else(|| {
        Failure::usage(
            "option --s3-access-key has no secret key beside it; set S3_JOURNAL_S3_SECRET_KEY or \
             AWS_SECRET_ACCESS_KEY, or give --s3-secret-key-file",
        )
    })?;
    let session_token = environment("S3_JOURNAL_S3_SESSION_TOKEN")
        .or_else(|| environment("AWS_SESSION_TOKEN").filter(|_| borrowed));
    Ok(Some(Keys { access, secret, session_token }))
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
