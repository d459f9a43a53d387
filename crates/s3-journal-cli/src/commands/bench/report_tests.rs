use super::*;

fn report(disk: f64, store: f64, compressors: &[(&str, Option<f64>, f64)]) -> Report {
    Report {
        disk: DiskFigures {
            directory: "/queue".to_owned(),
            sequential_bytes: 256 << 20,
            sequential_bytes_per_second: disk,
            syncs: 500,
            sync_seconds: 0.000_12,
            sync_99th_percentile_seconds: 0.03,
        },
        store: StoreFigures {
            name: "s3://bucket/prefix".to_owned(),
            puts: 10,
            put_seconds: 1.25,
            put_slowest_seconds: 2.5,
            puts_per_second: 0.7,
            parts: 32,
            part_bytes: 8 << 20,
            parts_at_once: 4,
            parts_bytes_per_second: store,
        },
        sample: SampleFigures { bytes: 8 << 20, is_made_up: true },
        compressors: compressors
            .iter()
            .map(|&(name, bytes_per_second, ratio)| CompressorFigures {
                name: name.to_owned(),
                bytes_per_second,
                ratio,
            })
            .collect(),
        left_behind: Vec::new(),
    }
}

#[test]
fn the_least_of_the_three_holds_it_up_and_disk_and_store_have_the_compressed_bytes() {
    let of = |report: &Report| {
        report.verdicts().iter().map(|v| (v.bottleneck, v.at_most_bytes_per_second)).collect::<Vec<_>>()
    };
    let compressors = [("none", None, 1.0), ("gzip:6", Some(80e6), 3.0), ("zstd:3", Some(400e6), 3.0)];
    let slow_store = report(500e6, 100e6, &compressors);
    assert_eq!(
        of(&slow_store),
        [(Bottleneck::Store, 100e6), (Bottleneck::Compressor, 80e6), (Bottleneck::Store, 300e6)]
    );
    assert_eq!(slow_store.for_programs().fastest, Some("zstd:3"));
    let slow_disk = report(10e6, 100e6, &compressors);
    assert_eq!(
        of(&slow_disk),
        [(Bottleneck::Disk, 10e6), (Bottleneck::Disk, 30e6), (Bottleneck::Disk, 30e6)]
    );
    assert_eq!(slow_disk.for_programs().fastest, Some("gzip:6"), "of equals the first");
}

#[test]
fn for_people_it_is_a_table_and_words() {
    let compressors = [("none", None, 1.0), ("gzip:6", Some(80e6), 3.0)];
    let lines = report(500e6, 9.5e6, &compressors).lines();
    let text = lines.join("\n");
    for said in ["500 MB/s", "0.12 ms", "30 ms", "1.2 s", "9.50 MB/s", "s3://bucket/prefix", "--sample"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(text.contains("--compressor gzip:6: at most 28 MB/s, held up by the store"), "{text}");
    let row = |name: &str| {
        let row = lines.iter().find(|line| line.trim_start().starts_with(name)).unwrap();
        row.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("none"), "none 1.00 - 500 MB/s 9.50 MB/s 9.50 MB/s the store");
    assert_eq!(row("gzip:6"), "gzip:6 3.00 80 MB/s 1500 MB/s 28 MB/s 28 MB/s the store");
}

#[test]
fn names_from_outside_cannot_steer_a_terminal() {
    let mut report = report(1.0, 1.0, &[("none", None, 1.0)]);
    report.disk.directory = "a\u{1b}[2Jb".to_owned();
    report.store.name = "file:///a\u{202e}b".to_owned();
    assert!(!report.lines().join("\n").contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn for_programs_it_is_an_object() {
    let left = Leftover { what: "s3://bucket/x".to_owned(), why: "permission denied".to_owned() };
    let report = report(500e6, 100e6, &[("none", None, 1.0), ("gzip:6", Some(80e6), 3.0)]).with(vec![left]);
    let json = serde_json::to_value(report.for_programs()).unwrap();
    assert_eq!(json["disk"]["sync_seconds"], 0.000_12);
    assert_eq!(json["store"]["parts_bytes_per_second"], 100e6);
    assert_eq!(json["sample"]["is_made_up"], true);
    assert_eq!(json["compressors"][0]["bytes_per_second"], serde_json::Value::Null);
    assert_eq!(json["compressors"][1]["name"], "gzip:6");
    assert_eq!(json["compressors"][1]["bottleneck"], "compressor");
    assert_eq!(json["compressors"][1]["at_most_bytes_per_second"], 80e6);
    assert_eq!(json["left_behind"], serde_json::json!(["s3://bucket/x"]));
}
