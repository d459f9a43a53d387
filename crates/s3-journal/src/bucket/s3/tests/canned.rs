//! A server that answers each connection with the next of its canned answers and keeps what it was asked.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What to do with a request.
pub(super) enum Answer {
    /// Status line, headers and body as given.
    Raw(String),
    /// Close the connection without a word.
    Close,
    /// Say nothing until the server is dropped.
    Silence,
}

impl Answer {
    pub(super) fn new(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let mut text = format!("HTTP/1.1 {status} Words\r\nconnection: close\r\n");
        for (name, value) in headers {
            text += &[*name, ": ", *value, "\r\n"].concat();
        }
        if !headers.iter().any(|(name, _)| *name == "content-length") {
            text += &["content-length: ", &body.len().to_string(), "\r\n"].concat();
        }
        Self::Raw(format!("{text}\r\n{body}"))
    }

    /// One of S3's errors.
    pub(super) fn error(status: u16, code: &str) -> Self {
        Self::new(status, &[("x-amz-request-id", "REQ123")], &error_body(code))
    }
}

pub(super) fn error_body(code: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Error><Code>{code}</Code><Message>Words of the store.</Message><RequestId>REQ123</RequestId></Error>"
    )
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Method and target.
    pub(super) line: String,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn count(&self, name: &str) -> usize {
        self.headers.iter().filter(|(known, _)| known == name).count()
    }

    pub(super) fn has_anywhere(&self, words: &str) -> bool {
        self.headers.iter().any(|(name, value)| name.contains(words) || value.contains(words))
    }
}

pub(super) struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, answers): (Arc<Mutex<Vec<_>>>, Vec<_>) =
            (Arc::default(), answers.into_iter().collect());
        let seen = Arc::clone(&requests);
        let thread = std::thread::spawn(move || {
            let mut held = Vec::new();
            let mut answers = answers.into_iter();
            while let Ok((mut stream, _)) = listener.accept() {
                let Some(request) = read(&mut stream) else { return };
                seen.lock().unwrap().push(request);
                match answers.next().unwrap_or_else(|| Answer::error(500, "NothingLeftToAnswer")) {
                    Answer::Raw(text) => stream.write_all(text.as_bytes()).unwrap(),
                    Answer::Close => {}
                    Answer::Silence => held.push(stream),
                }
            }
        });
        Self { port, requests, thread: Some(thread) }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn request(&self) -> Request {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "one call is one request: {requests:?}");
        requests[0].clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A connection without a request ends the thread.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the server panicked");
        }
    }
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap().to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut request = Request { line, headers, body: String::new() };
    let len = request.header("content-length").map_or(0, |len| len.parse().unwrap());
    let mut body = vec![0; len];
    stream.read_exact(&mut body).unwrap();
    request.body = String::from_utf8(body).unwrap();
    Some(request)
}
