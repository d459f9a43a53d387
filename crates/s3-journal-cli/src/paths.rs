//! Where the local directory is when nobody says.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use s3_journal::object::Id;

use crate::exit::Failure;

/// The local directory: the one that was named, else `s3-journal/<id>` among the user's state
/// (<https://specifications.freedesktop.org/basedir-spec/latest/>), where the id is the one that was given, else the host's.
///
/// # Errors
/// An id that can't be one, or no home directory to put it in.
pub fn local_directory(named: Option<&Path>, id: Option<&str>) -> Result<PathBuf, Failure> {
    choose(named, id, &s3_journal::hostname(), |name| std::env::var_os(name))
}

fn choose(
    named: Option<&Path>,
    id: Option<&str>,
    host: &str,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<PathBuf, Failure> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let id = match id {
        Some(id) => Id::new(id).map_err(|error| Failure::usage(format!("option --id is {id:?}: {error}")))?,
        None => Id::from_host_name(host),
    };
    // The specification has relative paths ignored.
    let absolute = |name| environment(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    let Some(state) = state else {
        return Err(Failure::usage(
            "neither XDG_STATE_HOME nor HOME names a directory to keep the local queue in; give --local-directory",
        ));
    };
    Ok(state.join("s3-journal").join(id.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn chosen(named: Option<&str>, id: Option<&str>, variables: &[(&str, &str)]) -> Result<PathBuf, Failure> {
        let environment = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        choose(named.map(Path::new), id, "web 1", environment)
    }

    #[test]
    fn the_directory_is_the_named_one_or_lies_among_the_users_state() {
        let home = [("HOME", "/home/ada")];
        let both = [("HOME", "/home/ada"), ("XDG_STATE_HOME", "/state")];
        let relative = [("HOME", "/home/ada"), ("XDG_STATE_HOME", "state")];
        assert_eq!(chosen(Some("here"), Some("x"), &[]), Ok("here".into()));
        assert_eq!(chosen(None, Some("x"), &home), Ok("/home/ada/.local/state/s3-journal/x".into()));
        assert_eq!(chosen(None, Some("x"), &both), Ok("/state/s3-journal/x".into()));
        assert_eq!(chosen(None, Some("x"), &relative), Ok("/home/ada/.local/state/s3-journal/x".into()));
        assert_eq!(chosen(None, None, &both), Ok("/state/s3-journal/web_1".into()));
    }

    #[test]
    fn an_id_cannot_lead_out_of_it_and_a_missing_home_is_told() {
        for id in ["..", "a/b", "", "a\nb"] {
            assert_eq!(chosen(None, Some(id), &[("HOME", "/home/ada")]).unwrap_err().exit, Exit::Usage);
        }
        assert!(chosen(None, None, &[]).unwrap_err().message.contains("--local-directory"));
    }
}
