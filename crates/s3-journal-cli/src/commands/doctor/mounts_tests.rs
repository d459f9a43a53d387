use super::*;

const MOUNTINFO: &str = "\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:5 / /dev rw,nosuid shared:2 - devtmpfs udev rw,size=1k
24 23 0:20 / /dev/shm rw shared:3 - tmpfs tmpfs rw
25 22 8:2 / /var rw - xfs /dev/sdb rw
26 22 0:40 / /var rw - overlay overlay rw,lowerdir=/a - /b
27 22 0:41 / /mnt/my\\040disk\\134x rw,relatime - nfs4 server:/export rw
a line that isn't one
28 22 0:42 / /home/ada/drive rw - fuse.sshfs ada@host: rw
";

fn kind(path: &str) -> Option<(String, String)> {
    Mount::of(MOUNTINFO, Path::new(path)).map(|mount| (mount.point.display().to_string(), mount.kind))
}

#[test]
fn the_innermost_mount_holds_a_directory_and_of_two_at_a_place_the_later() {
    let mount = |point: &str, kind: &str| Some((point.to_owned(), kind.to_owned()));
    assert_eq!(kind("/srv/queue"), mount("/", "ext4"));
    assert_eq!(kind("/dev/shm/queue"), mount("/dev/shm", "tmpfs"));
    assert_eq!(kind("/devices"), mount("/", "ext4"));
    assert_eq!(kind("/var/lib"), mount("/var", "overlay"));
    assert_eq!(kind("/mnt/my disk\\x/queue"), mount("/mnt/my disk\\x", "nfs4"));
    assert_eq!(kind("/home/ada/drive"), mount("/home/ada/drive", "fuse.sshfs"));
    assert_eq!(Mount::of("", Path::new("/srv")), None);
    assert_eq!(Mount::of("22 1 8:1 / -", Path::new("/srv")), None);
}

#[test]
fn escapes_that_are_none_stay_as_they_are() {
    for (text, plain) in
        [("a\\", "a\\"), ("a\\04", "a\\04"), ("a\\089", "a\\089"), ("\\777", "\\777"), ("\\011", "\t")]
    {
        assert_eq!(unescaped(text), plain, "{text}");
    }
}

#[test]
fn what_forgets_or_is_elsewhere_is_objected_to() {
    let objection = |kind: &str| Mount { point: "/".into(), kind: kind.to_owned() }.objection();
    for (kind, word) in [
        ("tmpfs", "memory"),
        ("ramfs", "memory"),
        ("overlay", "container"),
        ("nfs", "network"),
        ("cifs", "network"),
        ("fuse.s3fs", "FUSE"),
        ("fuseblk", "FUSE"),
    ] {
        let (why, remedy) = objection(kind).unwrap();
        assert!(why.contains(word) && remedy.contains("--local-directory"), "{kind}: {why}");
    }
    for kind in ["ext4", "xfs", "btrfs", "zfs", "f2fs"] {
        assert_eq!(objection(kind), None, "{kind}");
    }
}
