//! The compressors, each on the sample, batch by batch as a journal has them do it. Knows the library's streams.

use std::time::Duration;

use s3_journal::stream::{Codec, Encoder, StreamError, Tail, trailer};
use serde::Serialize;

use super::limits::Limits;
use crate::clock;
use crate::exit::{Exit, Failure};

/// As much as a batch has at the most by default.
const BATCH_BYTES: usize = 1 << 20;
/// A short sample is compressed again until this time has passed: a shorter one can't be told from chance.
const LEAST: Duration = Duration::from_millis(200);

/// What was found of one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CompressorFigures {
    /// As `--compressor` takes it.
    pub name: String,
    /// Entries' bytes compressed, on as many cores as a journal would use; nothing without compression.
    pub bytes_per_second: Option<f64>,
    /// Entries' bytes to stored ones.
    pub ratio: f64,
}

/// Measures all formats, each at its default level.
///
/// # Errors
/// A library fails, in practice for want of memory.
pub fn measure(sample: &[u8], limits: &Limits) -> Result<Vec<CompressorFigures>, Failure> {
    let failed =
        |error: StreamError| Failure::caused(Exit::Unexpected, "a compressor can't be measured", &error);
    let wanted = Codec::ALL.into_iter().take_while(|_| !limits.is_stopped());
    wanted.map(|codec| one(codec, sample, limits).map_err(failed)).collect()
}

fn one(codec: Codec, sample: &[u8], limits: &Limits) -> Result<CompressorFigures, StreamError> {
    if codec == Codec::None {
        return Ok(CompressorFigures { name: codec.to_string(), bytes_per_second: None, ratio: 1.0 });
    }
    let (begun, mut raw_len, mut seconds) = (clock::now(), 0, 0.0);
    let mut first: Option<Tail> = None;
    let mut out = Vec::new();
    while first.is_none() || begun.elapsed() < LEAST && !limits.is_over(begun) {
        let mut encoder = Encoder::new(codec, None)?;
        for batch in sample.chunks(BATCH_BYTES) {
            out.clear();
            let batch_begun = clock::now();
            encoder.write(batch, &mut out)?;
            seconds += batch_begun.elapsed().as_secs_f64();
            raw_len += batch.len();
            if limits.is_over(begun) {
                break;
            }
        }
        first.get_or_insert(encoder.tail());
    }
    let first = first.unwrap_or_default();
    let stored_len = first.stored_len + trailer(codec, &first).len() as u64;
    let name = match codec.default_level() {
        None => codec.to_string(),
        Some(level) => format!("{codec}:{level}"),
    };
    Ok(CompressorFigures {
        name,
        bytes_per_second: Some(raw_len as f64 / seconds.max(f64::MIN_POSITIVE)),
        ratio: first.raw_len as f64 / stored_len.max(1) as f64,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::human::Size;

    #[test]
    fn each_format_is_measured_however_short_the_sample_and_the_time() {
        let limits = Limits::new(Duration::from_nanos(1), Size(1));
        let figures = measure(b"one line\n", &limits).unwrap();
        let names: Vec<&str> = figures.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["none", "gzip:7", "zstd:3", "snappy", "lz4", "lzma2:3"]);
        for one in figures {
            assert!(one.bytes_per_second.is_none_or(|rate| rate > 0.0 && rate.is_finite()), "{one:?}");
            assert!(one.ratio <= 1.0, "nothing so short gets shorter: {one:?}");
        }
    }
}
