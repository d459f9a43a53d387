//! A store that speaks just enough of S3's protocol for a `bench`, remembers what it was asked, and answers as a test wants.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What a test says to a request: its method and target, such as `PUT /bucket/key?partNumber=1`.
type Answer = dyn Fn(&str) -> Option<&'static str> + Send + Sync;

/// The store. Its thread ends with the test's process.
pub struct CannedStore {
    pub endpoint: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl CannedStore {
    /// Answers with the status and code that `answer` gives, such as `403 AccessDenied`; else as if it had done it.
    pub fn start(answer: impl Fn(&str) -> Option<&'static str> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (seen, answer): (_, Arc<Answer>) = (Arc::clone(&requests), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (Arc::clone(&seen), Arc::clone(&answer));
                // A client that goes away ends it.
                std::thread::spawn(move || drop(serve(&stream, &seen, answer.as_ref())));
            }
        });
        Self { endpoint, requests }
    }

    /// All requests so far: method and target.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// How many requests began with this.
    pub fn count(&self, start: &str) -> usize {
        self.requests().iter().filter(|request| request.starts_with(start)).count()
    }
}

fn serve(stream: &TcpStream, seen: &Mutex<Vec<String>>, answer: &Answer) -> std::io::Result<()> {
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    loop {
        let (mut request, mut len, mut line) = (String::new(), 0, String::new());
        while reader.read_line(&mut line)? > 0 && line != "\r\n" {
            let lower = line.to_ascii_lowercase();
            if request.is_empty() {
                line.trim_end().trim_end_matches(" HTTP/1.1").clone_into(&mut request);
            } else if let Some(value) = lower.strip_prefix("content-length:") {
                len = value.trim().parse().unwrap();
            } else if lower.starts_with("expect:") {
                writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            }
            line.clear();
        }
        if request.is_empty() {
            return Ok(());
        }
        seen.lock().unwrap().push(request.clone());
        std::io::copy(&mut reader.by_ref().take(len), &mut std::io::sink())?;
        let (status, body) = match answer(&request).map(|refusal| refusal.split_once(' ').unwrap()) {
            Some((status, code)) => {
                (status, format!("<Error><Code>{code}</Code><Message>no</Message></Error>"))
            }
            None if request.starts_with("POST") => {
                let id = "<UploadId>the-upload</UploadId>";
                ("200", format!("<InitiateMultipartUploadResult>{id}</InitiateMultipartUploadResult>"))
            }
            None if request.starts_with("DELETE") => ("204", String::new()),
            None => ("200", String::new()),
        };
        // 204 has no length.
        let length =
            if status == "204" { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        writer.write_all(format!("HTTP/1.1 {status} .\r\nETag: \"x\"\r\n{length}\r\n{body}").as_bytes())?;
    }
}
