use super::*;

#[test]
fn each_exit_has_a_number_of_its_own_and_stands_in_the_table() {
    let table = table();
    let mut numbers: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
    for exit in Exit::ALL {
        assert!(table.contains(&format!("\n  {:>2}  {}", exit.code(), exit.meaning())), "{exit:?}");
    }
    assert!(numbers.is_sorted());
    numbers.dedup();
    assert_eq!(numbers, [0, 1, 2, 65, 69, 73, 74, 75, 77]);
}

#[test]
fn causes_are_told_once() {
    #[derive(Debug)]
    struct Outer(std::io::Error);
    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("can't write slab 3")
        }
    }
    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
    let error = Outer(std::io::Error::other("disk on fire"));
    assert_eq!(causes(&error), "can't write slab 3: disk on fire");
    let error = std::io::Error::other(error);
    assert_eq!(causes(&error), "can't write slab 3: disk on fire");
}
