//! An object's bytes to what was written, by decoders that aren't the product's, each of which must find one single stream
//! and nothing behind it. Knows nothing.

use std::io::Read;

/// What an object with that compressor holds.
///
/// # Errors
/// When it isn't one clean stream.
pub fn decode(compressor: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut rest = bytes;
    let result = match compressor {
        "none" => {
            out.extend_from_slice(bytes);
            return Ok(out);
        }
        "gzip" => flate2::bufread::GzDecoder::new(&mut rest).read_to_end(&mut out),
        "zstd" => {
            let decoder = zstd::stream::read::Decoder::with_buffer(&mut rest);
            decoder.and_then(|decoder| decoder.single_frame().read_to_end(&mut out))
        }
        "lzma2" => {
            let stream = liblzma::stream::Stream::new_stream_decoder(u64::MAX, 0);
            let stream = stream.map_err(|error| error.to_string())?;
            liblzma::bufread::XzDecoder::new_stream(&mut rest, stream).read_to_end(&mut out)
        }
        "lz4" => lz4_flex::frame::FrameDecoder::new(&mut rest).read_to_end(&mut out),
        "snappy" => snap::read::FrameDecoder::new(&mut rest).read_to_end(&mut out),
        other => return Err(format!("the compressor {other:?} isn't known")),
    };
    result.map_err(|error| format!("it isn't a {compressor} stream: {error}"))?;
    if rest.is_empty() {
        Ok(out)
    } else {
        Err(format!("{} bytes follow its {compressor} stream", rest.len()))
    }
}
