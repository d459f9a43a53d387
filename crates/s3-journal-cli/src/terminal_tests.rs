use super::*;

#[test]
fn lines_stay_lines_and_nothing_steers_the_terminal() {
    assert_eq!(escaped_lines("a\n\u{1b}b\n"), "a\n\\u{1b}b\n");
}

#[test]
fn what_is_said_is_one_line_and_harmless() {
    assert_eq!(
        render(Level::Error, "key a\u{1b}[2J\nb", false),
        "s3-journal: error: key a\\u{1b}[2J\\u{a}b\n"
    );
    assert_eq!(render(Level::Warn, "x", false), "s3-journal: warning: x\n");
    assert_eq!(render(Level::Info, "x", false), "s3-journal: x\n");
}

#[test]
fn beside_a_json_log_it_is_json_too() {
    let line = render(Level::Warn, "a \"b\"", true);
    let object: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(object["level"], "WARN");
    assert_eq!(object["fields"]["message"], "a \"b\"");
}
