use super::*;
use crate::fake::OperationKind;

fn path(text: &str) -> Arc<Path> {
    Arc::from(Path::new(text))
}

fn change(adds: Option<(&str, Node)>, removes: Option<(&str, Node)>) -> NameChange {
    let owned = |side: Option<(&str, Node)>| side.map(|(text, node)| (path(text), node));
    let operation = Operation::new(OperationKind::Rename, path("/"));
    NameChange { operation, adds: owned(adds), removes: owned(removes) }
}

fn texts(names: &Names) -> Vec<&str> {
    names.all().map(|(path, _)| path.to_str().unwrap()).collect()
}

#[test]
fn a_name_is_durable_once_its_own_directory_is_synced() {
    let mut names = Names::default();
    for directory in ["/a", "/b"] {
        names.change(change(Some((directory, Node::Directory)), None));
    }
    names.sync(Path::new("/"));
    names.change(change(Some(("/a/1", Node::File(1))), None));
    names.change(change(Some(("/b/2", Node::File(2))), None));
    names.sync(Path::new("/a"));
    names.lose_power(&mut |_| Fate::Lost);
    assert_eq!(texts(&names), ["/a", "/a/1", "/b"]);
}

#[test]
fn with_a_directory_that_is_lost_goes_all_that_is_in_it() {
    let mut names = Names::default();
    names.change(change(Some(("/a", Node::Directory)), None));
    names.change(change(Some(("/a/b", Node::Directory)), None));
    names.change(change(Some(("/a/b/1", Node::File(1))), None));
    names.sync(Path::new("/a"));
    names.sync(Path::new("/a/b"));
    names.lose_power(&mut |_| Fate::Lost);
    assert_eq!(texts(&names), Vec::<&str>::new());
}

#[test]
fn of_two_renames_the_later_may_be_there_without_the_earlier() {
    let mut names = Names::default();
    names.change(change(Some(("/1", Node::File(1))), None));
    names.change(change(Some(("/2", Node::File(2))), None));
    names.sync(Path::new("/"));
    names.change(change(Some(("/x", Node::File(1))), Some(("/1", Node::File(1)))));
    names.change(change(Some(("/x", Node::File(2))), Some(("/2", Node::File(2)))));
    assert_eq!((texts(&names), names.file(Path::new("/x"))), (vec!["/x"], Some(2)));
    let mut fates = [Fate::Lost, Fate::Kept].into_iter();
    names.lose_power(&mut |_| fates.next().unwrap());
    assert_eq!((texts(&names), names.file(Path::new("/x"))), (vec!["/1", "/x"], Some(2)));
}

#[test]
fn a_directory_lists_what_is_in_it_and_nothing_below() {
    let mut names = Names::default();
    for (text, node) in [
        ("/a", Node::Directory),
        ("/a/b", Node::Directory),
        ("/a/b/deep", Node::File(1)),
        ("/a/c", Node::File(2)),
        ("/ab", Node::File(3)),
    ] {
        names.change(change(Some((text, node)), None));
    }
    let within: Vec<_> = names.within(Path::new("/a")).map(|(path, _)| path.to_str().unwrap()).collect();
    assert_eq!(within, ["/a/b", "/a/c"]);
    let within: Vec<_> = names.within(Path::new("/")).map(|(path, _)| path.to_str().unwrap()).collect();
    assert_eq!(within, ["/a", "/ab"]);
}
