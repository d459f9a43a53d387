//! What is sent.

use super::*;

#[test]
fn a_put_carries_precondition_checksum_and_metadata_and_is_sent_as_it_is() {
    let server = Server::new([Answer::new(200, &[("etag", "\"x\"")], "")]);
    run(bucket(&server).put(put(&metadata(), true))).unwrap();
    let request = server.request();
    assert_eq!(request.line, "PUT /a-bucket/a/key?x-id=PutObject HTTP/1.1");
    assert_eq!(request.header("if-none-match"), Some("*"));
    assert_eq!(request.header("x-amz-checksum-crc64nvme"), Some("rosUhgp5mIg="));
    // Locked objects need it besides: https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
    assert_eq!(request.header("x-amz-sdk-checksum-algorithm"), Some("CRC64NVME"));
    assert_eq!(request.header("x-amz-meta-id"), Some("host-1"));
    assert_eq!(request.header("x-amz-meta-first"), Some("12"));
    assert_eq!(request.header("content-length"), Some("9"));
    assert_eq!(request.header("x-amz-security-token"), Some(SESSION_TOKEN));
    assert_eq!(request.body, "123456789");
    for unwanted in ["aws-chunked", "STREAMING", "x-amz-trailer", "x-amz-checksum-crc32", "100-continue"] {
        assert!(!request.has_anywhere(unwanted), "{unwanted} in {request:?}");
    }
    // Without TLS the signature covers the bytes.
    let sum = request.header("x-amz-content-sha256").unwrap();
    assert_eq!(sum, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225");
    assert_eq!(request.count("authorization"), 1);
    let scope = request.header("authorization").unwrap();
    assert!(scope.contains(ACCESS_KEY) && scope.contains("/eu-central-1/s3/"), "{scope}");
    assert!(!request.has_anywhere(SECRET_KEY));
}

#[test]
fn a_put_that_may_overwrite_has_no_precondition() {
    let server = Server::new([Answer::new(200, &[], "")]);
    run(bucket(&server).put(put(&metadata(), false))).unwrap();
    assert_eq!(server.request().header("if-none-match"), None);
}

#[test]
fn bytes_that_tls_guards_are_not_hashed_for_the_signature() {
    let server = Server::new([Answer::new(200, &[], ""), Answer::new(200, &[("etag", "\"x\"")], "")]);
    run(async {
        let options = options(&server.endpoint());
        let connected = Connected { is_encrypted: true, ..connect(&options).await.unwrap() };
        let bucket =
            S3Bucket { connected: Mutex::new(Some(Arc::new(connected))), ..S3Bucket::new(options).unwrap() };
        bucket.put(put(&metadata(), true)).await.unwrap();
        bucket.upload_part(part()).await.unwrap();
    });
    for request in server.requests() {
        assert_eq!(request.header("x-amz-content-sha256"), Some("UNSIGNED-PAYLOAD"));
        assert!(!request.has_anywhere("aws-chunked"));
    }
}

#[test]
fn an_upload_is_begun_with_the_checksum_of_the_whole_object_in_mind() {
    let body = "<InitiateMultipartUploadResult><Bucket>a-bucket</Bucket><Key>a/key</Key>\
                <UploadId>u/1</UploadId></InitiateMultipartUploadResult>";
    let server = Server::new([Answer::new(200, &[], body)]);
    let upload_id = run(bucket(&server).create_upload("a/key", &metadata())).unwrap();
    assert_eq!(upload_id, "u/1");
    let request = server.request();
    assert_eq!(request.line, "POST /a-bucket/a/key?uploads HTTP/1.1");
    assert_eq!(request.header("x-amz-checksum-algorithm"), Some("CRC64NVME"));
    assert_eq!(request.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert_eq!(request.header("x-amz-meta-id"), Some("host-1"));
}

#[test]
fn a_part_carries_its_checksum() {
    let server = Server::new([Answer::new(200, &[("etag", "\"tag\"")], "")]);
    assert_eq!(run(bucket(&server).upload_part(part())).unwrap(), "\"tag\"");
    let request = server.request();
    assert!(request.line.starts_with("PUT /a-bucket/a/key?"), "{}", request.line);
    assert!(
        request.line.contains("partNumber=3") && request.line.contains("uploadId=u%2F1"),
        "{}",
        request.line
    );
    assert_eq!(request.header("x-amz-checksum-crc64nvme"), Some("rosUhgp5mIg="));
    assert!(!request.has_anywhere("aws-chunked") && !request.has_anywhere("x-amz-trailer"));
    assert_eq!(request.body, "123456789");
}

#[test]
fn a_completion_names_parts_length_and_checksum_and_overwrites_nothing() {
    let body =
        "<CompleteMultipartUploadResult><Key>a/key</Key><ETag>\"x-2\"</ETag></CompleteMultipartUploadResult>";
    let server = Server::new([Answer::new(200, &[], body)]);
    run(bucket(&server).complete_upload(complete(&parts()))).unwrap();
    let request = server.request();
    assert!(request.line.starts_with("POST /a-bucket/a/key?uploadId=u%2F1"), "{}", request.line);
    assert_eq!(request.header("if-none-match"), Some("*"));
    assert_eq!(request.header("x-amz-checksum-crc64nvme"), Some("AQIDBAUGBwg="));
    assert_eq!(request.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    assert_eq!(request.header("x-amz-mp-object-size"), Some("10485760"));
    let first = request.body.split("</Part>").next().unwrap();
    assert!(first.contains("<PartNumber>1</PartNumber>"), "{first}");
    assert!(
        first.contains("<ETag>&quot;tag-1&quot;</ETag>") || first.contains("<ETag>\"tag-1\"</ETag>"),
        "{first}"
    );
    assert!(first.contains("<ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME>"), "{first}");
    assert_eq!(request.body.matches("<ChecksumCRC64NVME>").count(), 1, "only where the checksum is known");
}

#[test]
fn a_store_that_does_not_answer_with_a_parts_checksum_is_not_sent_it_in_the_list() {
    let body = "<CompleteMultipartUploadResult><ETag>\"x-2\"</ETag></CompleteMultipartUploadResult>";
    for (answered, listed) in [(Some("rosUhgp5mIg="), 1), (None, 0)] {
        let mut headers = vec![("etag", "\"tag\"")];
        headers.extend(answered.map(|sum| ("x-amz-checksum-crc64nvme", sum)));
        let server = Server::new([Answer::new(200, &headers, ""), Answer::new(200, &[], body)]);
        let bucket = bucket(&server);
        run(async {
            bucket.upload_part(part()).await.unwrap();
            bucket.complete_upload(complete(&parts())).await.unwrap();
        });
        let complete = server.requests().pop().unwrap();
        assert_eq!(complete.body.matches("<ChecksumCRC64NVME>").count(), listed, "{answered:?}");
        assert_eq!(
            complete.header("x-amz-checksum-crc64nvme"),
            Some("AQIDBAUGBwg="),
            "the whole object's is a header"
        );
    }
}

#[test]
fn a_head_asks_for_the_checksum_and_reads_what_is_told() {
    let headers = [
        ("content-length", "9"),
        ("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
        ("x-amz-checksum-type", "FULL_OBJECT"),
        ("x-amz-meta-id", "host-1"),
        ("last-modified", "Sun, 22 Nov 2026 09:34:07 GMT"),
    ];
    let server = Server::new([Answer::new(200, &headers, ""), Answer::new(200, &headers[..1], "")]);
    let bucket = bucket(&server);
    let (full, bare) = run(async { (bucket.head("a/key").await, bucket.head("a/key").await) });
    let full = full.unwrap().unwrap();
    assert_eq!((full.len_bytes, full.crc64nvme), (9, Some(0xae8b_1486_0a79_9888)));
    assert_eq!(full.metadata, [("id".to_owned(), "host-1".to_owned())].into());
    let since = full.modified.unwrap().duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(since.as_secs(), 1_795_340_047);
    let wanted = Head { len_bytes: 9, crc64nvme: None, metadata: Metadata::new(), modified: None };
    assert_eq!(bare.unwrap(), Some(wanted));
    assert_eq!(server.requests()[0].header("x-amz-checksum-mode"), Some("ENABLED"));
}

#[test]
fn a_range_is_asked_for_by_its_first_and_last_byte() {
    let server = Server::new([Answer::new(206, &[("content-range", "bytes 5-7/9")], "678")]);
    assert_eq!(run(bucket(&server).get_range("a/key", 5, 3)).unwrap(), "678");
    assert_eq!(server.request().header("range"), Some("bytes=5-7"));
}

#[test]
fn a_listing_goes_on_after_its_last_name() {
    let page = "<ListBucketResult><IsTruncated>true</IsTruncated>\
                <Contents><Key>p/a</Key><Size>3</Size><LastModified>2026-11-22T09:34:07.000Z</LastModified></Contents>\
                <Contents><Key>p/b</Key><Size>4</Size></Contents></ListBucketResult>";
    let end = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    let server = Server::new([Answer::new(200, &[], page), Answer::new(200, &[], end)]);
    let bucket = bucket(&server);
    let first = run(bucket.list("p/", Some("p/0"))).unwrap();
    let names: Vec<_> = first.objects.iter().map(|object| (object.key.as_str(), object.len_bytes)).collect();
    assert_eq!(names, [("p/a", 3), ("p/b", 4)]);
    assert_eq!(first.next.as_deref(), Some("p/b"));
    assert_eq!(run(bucket.list("p/", first.next.as_deref())).unwrap(), ObjectPage::default());
    let lines: Vec<_> = server.requests().into_iter().map(|request| request.line).collect();
    assert!(lines[0].contains("prefix=p%2F") && lines[0].contains("start-after=p%2F0"), "{lines:?}");
    assert!(lines[1].contains("start-after=p%2Fb"), "{lines:?}");
}

#[test]
fn parts_are_listed_to_the_end_and_the_newest_of_a_number_counts() {
    let part = |number: u32, tag: &str, second: u32| {
        format!(
            "<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag><Size>5</Size>\
             <LastModified>2026-11-22T09:34:{second:02}.000Z</LastModified></Part>"
        )
    };
    let page = |truncated: bool, parts: &str| {
        Answer::new(
            200,
            &[],
            &format!("<ListPartsResult><IsTruncated>{truncated}</IsTruncated>{parts}</ListPartsResult>"),
        )
    };
    let first = [part(1, "a", 1), part(2, "new", 9), part(2, "old", 5)].concat();
    let server = Server::new([page(true, &first), page(false, &part(3, "c", 3))]);
    let parts = run(bucket(&server).list_parts("a/key", "u/1")).unwrap();
    let tags: Vec<_> = parts.iter().map(|part| (part.number, part.etag.as_str())).collect();
    assert_eq!(tags, [(1, "a"), (2, "new"), (3, "c")]);
    assert!(server.requests()[1].line.contains("part-number-marker=2"));
}

#[test]
fn uploads_are_listed_on_even_if_the_store_does_not_say_from_where() {
    let upload = |key: &str, id: &str| format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId></Upload>");
    let page = |marker: &str| {
        let uploads = [upload("p/a", "1"), upload("p/a", "2"), upload("q", "3")].concat();
        let result = "ListMultipartUploadsResult";
        Answer::new(
            200,
            &[],
            &format!("<{result}><IsTruncated>true</IsTruncated>{marker}{uploads}</{result}>"),
        )
    };
    let told = "<NextKeyMarker>p/z</NextKeyMarker><NextUploadIdMarker>9</NextUploadIdMarker>";
    let server = Server::new([page(told), page(""), page("")]);
    let bucket = bucket(&server);
    let marker = |key: &str, id: &str| UploadMarker { key: key.into(), upload_id: Some(id.into()) };

    let first = run(bucket.list_uploads("p/", None)).unwrap();
    assert_eq!(first.next, Some(marker("p/z", "9")), "as told");
    let ids: Vec<_> = first.uploads.iter().map(|upload| upload.upload_id.as_str()).collect();
    assert_eq!(ids, ["1", "2"], "a store that ignores the prefix shows others' uploads");
    let second = run(bucket.list_uploads("p/", first.next.as_ref())).unwrap();
    assert_eq!(second.next, Some(marker("q", "3")), "after the last entry");
    let third = run(bucket.list_uploads("p/", second.next.as_ref())).unwrap();
    assert_eq!(third.next, None, "the same page again has no next one");
    let line = &server.requests()[1].line;
    assert!(line.contains("key-marker=p%2Fz") && line.contains("upload-id-marker=9"), "{line}");
}
