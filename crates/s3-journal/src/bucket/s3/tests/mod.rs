//! What goes over the wire, and what its answers mean: against a server of canned answers.

mod answers;
mod canned;
mod directory;
mod objects;
mod requests;
mod settings;
mod sums;

use bytes::Bytes;

use super::connect::connect;
use super::*;
use canned::{Answer, Server};

const ACCESS_KEY: &str = "AKIDEXAMPLE";
const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const SESSION_TOKEN: &str = "FwoGZXIvYXdzEXAMPLETOKEN";

fn options(endpoint: &str) -> S3Options {
    let mut options = S3Options::new("a-bucket");
    options.endpoint = Some(endpoint.to_owned());
    options.region = Some("eu-central-1".to_owned());
    options.access_key = Some(ACCESS_KEY.to_owned());
    options.secret_key = Some(SECRET_KEY.to_owned());
    options.session_token = Some(SESSION_TOKEN.to_owned());
    options
}

fn bucket(server: &Server) -> S3Bucket {
    S3Bucket::new(options(&server.endpoint())).unwrap()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn metadata() -> Metadata {
    [("id".to_owned(), "host-1".to_owned()), ("first".to_owned(), "12".to_owned())].into()
}

fn put(metadata: &Metadata, create_only: bool) -> Put<'_> {
    let body = Bytes::from_static(b"123456789");
    // The check value of CRC-64/NVME: https://reveng.sourceforge.io/crc-catalogue/all.htm
    Put { key: "a/key", body, crc64nvme: 0xae8b_1486_0a79_9888, metadata, create_only }
}

fn part() -> UploadPart<'static> {
    let body = Bytes::from_static(b"123456789");
    UploadPart { key: "a/key", upload_id: "u/1", number: 3, body, crc64nvme: 0xae8b_1486_0a79_9888 }
}

fn parts() -> Vec<Part> {
    [(1, Some(0xae8b_1486_0a79_9888)), (2, None)]
        .into_iter()
        .map(|(number, crc64nvme)| Part {
            number,
            etag: format!("\"tag-{number}\""),
            len_bytes: 5 << 20,
            crc64nvme,
        })
        .collect()
}

fn complete(parts: &[Part]) -> Complete<'_> {
    let (len_bytes, crc64nvme) = (10 << 20, Some(0x0102_0304_0506_0708));
    Complete { key: "a/key", upload_id: "u/1", parts, len_bytes, crc64nvme, create_only: true }
}
