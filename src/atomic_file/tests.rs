use std::fs::Permissions;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn put(path: &Path, text: &str) -> io::Result<()> {
    replace(path, Readers::Owner, |out| out.write_all(text.as_bytes())).map(drop)
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    put(&path, "old").unwrap();
    put(&path, "new").unwrap();
    assert_eq!(text(&path), "new");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

    let failed = replace(&path, Readers::Owner, |out| {
        out.write_all(b"half of another one")?;
        Err(io::Error::other("the disk is full"))
    });
    assert_eq!(failed.unwrap_err().to_string(), "the disk is full");
    assert_eq!(text(&path), "new");
    assert_eq!(names(directory.path()), ["file"]);

    replace(&path, Readers::Umask, |_| Ok(())).unwrap();
    let readable = fs::metadata(&path).unwrap().permissions().mode();
    fs::write(directory.path().join("usual"), "").unwrap();
    assert_eq!(readable, fs::metadata(directory.path().join("usual")).unwrap().permissions().mode());
}

#[test]
fn files_of_others_beside_it_stay() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let theirs = ["file.new", "file.tmp", ".file.tmp", ".lyve-cloud-exporter-x"];
    for name in theirs {
        fs::write(directory.path().join(name), "precious").unwrap();
    }
    put(&path, "new").unwrap();
    for name in theirs {
        assert_eq!(text(&directory.path().join(name)), "precious", "{name}");
    }
}

#[test]
fn what_a_killed_process_left_behind_is_removed_and_what_a_running_one_writes_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    let (left, victim) =
        (directory.path().join(".lyve-cloud-exporter-left.tmp"), directory.path().join("victim"));
    fs::write(&left, "half").unwrap();
    fs::write(&victim, "precious").unwrap();
    let link = directory.path().join(".lyve-cloud-exporter-link.tmp");
    symlink(&victim, &link).unwrap();
    replace(&path, Readers::Owner, |out| {
        assert!(!left.exists());
        // Another process writes the same file meanwhile.
        put(&path, "second")?;
        out.write_all(b"first")
    })
    .unwrap();
    assert_eq!(text(&path), "first");
    assert_eq!(text(&victim), "precious");
    assert_eq!(names(directory.path()), [".lyve-cloud-exporter-link.tmp", "file", "victim"]);
}

#[test]
fn a_link_stays_and_what_it_points_to_is_replaced() {
    let (links, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = links.path().join("file");
    // One link relative, one absolute; the file behind them is not there yet.
    symlink("second", &path).unwrap();
    symlink(disk.path().join("real"), links.path().join("second")).unwrap();
    for content in ["one", "two"] {
        put(&path, content).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
        assert!(fs::symlink_metadata(disk.path().join("real")).unwrap().is_file());
        assert_eq!(text(&path), content);
    }
    let circle = links.path().join("circle");
    symlink("circle", &circle).unwrap();
    assert!(put(&circle, "").is_err());
}

#[test]
fn a_check_tries_everything_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    check(&path, 100_000).unwrap();
    assert_eq!(names(directory.path()), [""; 0]);
    fs::write(&path, "old").unwrap();
    check(&path, 0).unwrap();
    assert_eq!(text(&path), "old");
    let missing = check(&directory.path().join("none/file"), 0).unwrap_err();
    assert_eq!(missing.to_string(), "No such file or directory (os error 2)");
    assert_eq!(check(&path.join("file"), 0).unwrap_err().kind(), io::ErrorKind::NotADirectory);
    assert!(check(directory.path(), 0).unwrap_err().to_string().contains("a directory"));
    // Whoever may write everywhere may write here too.
    fs::set_permissions(directory.path(), Permissions::from_mode(0o500)).unwrap();
    let (checked, tried) = (check(&path, 0), put(&path, "new"));
    fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
    assert_eq!(checked.is_err(), tried.is_err());
}

#[test]
fn a_device_and_a_pipe_are_written_into_or_rejected_and_stay() {
    use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
    let directory = tempfile::tempdir().unwrap();
    let (null, pipe) = (directory.path().join("null"), directory.path().join("pipe"));
    let mode = Mode::RUSR | Mode::WUSR;
    mknodat(CWD, &pipe, FileType::Fifo, mode, 0).unwrap();
    // Whoever is not root has the system's.
    let is_root = mknodat(CWD, &null, FileType::CharacterDevice, mode, makedev(1, 3)).is_ok();
    let null = if is_root { null } else { PathBuf::from("/dev/null") };
    for path in [&null, &pipe] {
        for error in [put(path, "new").unwrap_err(), check(path, 0).unwrap_err()] {
            assert_eq!(error.to_string(), "it is a device or a pipe, and not a regular file");
        }
    }
    let before = fs::metadata(&null).unwrap();
    write(&null, Readers::Owner, |out| out.write_all(b"gone")).unwrap();
    let after = fs::metadata(&null).unwrap();
    assert!(after.file_type().is_char_device());
    assert_eq!((before.ino(), before.rdev(), before.mode()), (after.ino(), after.rdev(), after.mode()));

    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || {
            let mut read = String::new();
            File::open(pipe).unwrap().read_to_string(&mut read).unwrap();
            read
        }
    });
    write(&pipe, Readers::Owner, |out| out.write_all(b"through it")).unwrap();
    assert_eq!(reader.join().unwrap(), "through it");
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
}
