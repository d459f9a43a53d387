//! What stands after each entry, as it is written on a command line: `\n`, `\r\n`, `\0`, `\x1e`.

use std::fmt;
use std::str::FromStr;

/// The longest delimiter, in bytes: a mistake is told before it is believed.
const DELIMITER_BYTES_MAX: usize = 64;

/// The bytes after each entry; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delimiter(Vec<u8>);

impl Delimiter {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Delimiter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '\\' {
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            bytes.push(match chars.next() {
                Some('n') => b'\n',
                Some('r') => b'\r',
                Some('t') => b'\t',
                Some('0') => 0,
                Some('\\') => b'\\',
                Some('x') => {
                    let mut digit = || chars.next().and_then(|c| c.to_digit(16));
                    let (Some(high), Some(low)) = (digit(), digit()) else {
                        return Err(r"after \x stand two hexadecimal digits, as in \x1e".to_owned());
                    };
                    u8::try_from(high * 16 + low).unwrap_or_default()
                }
                _ => return Err(r"the escapes are \n \r \t \0 \\ and \xNN".to_owned()),
            });
        }
        if bytes.is_empty() {
            return Err(
                r"without a delimiter the input can't be told apart into entries; give one such as \n"
                    .to_owned(),
            );
        }
        if bytes.len() > DELIMITER_BYTES_MAX {
            return Err(format!("a delimiter has {DELIMITER_BYTES_MAX} bytes at most"));
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in &self.0 {
            match byte {
                b'\n' => f.write_str(r"\n")?,
                b'\r' => f.write_str(r"\r")?,
                b'\t' => f.write_str(r"\t")?,
                0 => f.write_str(r"\0")?,
                b'\\' => f.write_str(r"\\")?,
                0x20..=0x7e => write!(f, "{}", char::from(*byte))?,
                _ => write!(f, r"\x{byte:02x}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "delimiter_tests.rs"]
mod tests;
