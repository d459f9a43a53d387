//! The program's own files: what it reads entries and a secret from. The journal's files are the library's.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;

/// Opens a file to read.
#[expect(clippy::disallowed_methods, reason = "inputs are the program's own files, not the journal's")]
pub fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// What a path leads to, without opening it (a named pipe would block).
pub fn look(path: &Path) -> io::Result<Metadata> {
    path.metadata()
}

/// The longest secret, in bytes: enough for any key, and no mistaken file is read whole.
const SECRET_BYTES_MAX: u64 = 4096;

/// Reads a secret: the file's text without white space around it.
///
/// # Errors
/// What went wrong and what to do; never any of the file's content.
pub fn read_secret(path: &Path) -> Result<String, String> {
    let name = path.display();
    let file = open(path).map_err(|error| format!("{name} can't be read: {error}"))?;
    let mut text = Vec::new();
    file.take(SECRET_BYTES_MAX + 1)
        .read_to_end(&mut text)
        .map_err(|error| format!("{name} can't be read: {error}"))?;
    if text.len() as u64 > SECRET_BYTES_MAX {
        return Err(format!(
            "{name} is longer than a secret key can be; name the file that holds only the key"
        ));
    }
    let text =
        String::from_utf8(text).map_err(|_| format!("{name} holds no text; it must hold the key alone"))?;
    let secret = text.trim();
    if secret.is_empty() {
        return Err(format!("{name} is empty; it must hold the key"));
    }
    if secret.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(format!("{name} holds more than one word; it must hold the key alone"));
    }
    Ok(secret.to_owned())
}

/// Reads a key of 256 bits: 32 bytes, or 64 hex digits with white space around them.
///
/// # Errors
/// As of [`read_secret`].
pub fn read_key(path: &Path) -> Result<[u8; 32], String> {
    let name = path.display();
    let file = open(path).map_err(|error| format!("{name} can't be read: {error}"))?;
    let mut content = Vec::new();
    file.take(SECRET_BYTES_MAX)
        .read_to_end(&mut content)
        .map_err(|error| format!("{name} can't be read: {error}"))?;
    if let Ok(key) = <[u8; 32]>::try_from(content.as_slice()) {
        return Ok(key);
    }
    let digits = content.trim_ascii();
    let mut key = [0; 32];
    let is_hex = digits.len() == 2 * key.len()
        && key.iter_mut().zip(digits.chunks_exact(2)).all(|(byte, pair)| {
            let value = std::str::from_utf8(pair).ok().filter(|pair| !pair.starts_with('+'));
            value.and_then(|pair| u8::from_str_radix(pair, 16).ok()).is_some_and(|value| {
                *byte = value;
                true
            })
        });
    if is_hex {
        return Ok(key);
    }
    Err(format!("{name} holds neither 32 bytes nor 64 hex digits; make one with: openssl rand -hex 32"))
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
