use std::io::{Cursor, Write};

use ::zip::write::SimpleFileOptions;
use proptest::prelude::*;

use super::*;
use crate::package::{Limits, SkipReason};

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        writer.start_file(*path, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn stored(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(::zip::CompressionMethod::Stored);
        writer.start_file(*path, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        // Written by hand: the builder refuses paths that lead out.
        let name = path.as_bytes();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn wxapkg_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let table: usize = 4 + files.iter().map(|(path, _)| 12 + path.len()).sum::<usize>();
    let mut rows = (files.len() as u32).to_be_bytes().to_vec();
    let mut bodies = Vec::new();
    for (path, bytes) in files {
        rows.extend((path.len() as u32).to_be_bytes());
        rows.extend(path.as_bytes());
        rows.extend(((14 + table + bodies.len()) as u32).to_be_bytes());
        rows.extend((bytes.len() as u32).to_be_bytes());
        bodies.extend_from_slice(bytes);
    }
    let mut out = vec![0xbe, 0, 0, 0, 0];
    out.extend((table as u32).to_be_bytes());
    out.extend((bodies.len() as u32).to_be_bytes());
    out.push(0xed);
    out.extend(rows);
    out.extend(bodies);
    out
}

fn paths(listing: &Listing) -> Vec<&str> {
    listing.entries.iter().map(|entry| entry.path.as_str()).collect()
}

fn told(listing: &Listing) -> Vec<(&str, SkipReason)> {
    listing.skipped.iter().chain(&listing.broken).map(|item| (&*item.path, item.reason)).collect()
}

fn read(bytes: &[u8]) -> Listing {
    list(bytes, &Limits::default()).unwrap()
}

const APP: &[u8] = br#"{"pages": ["pages/a/a"]}"#;

#[test]
fn every_form_gives_the_same_files() {
    let files: &[(&str, &[u8])] = &[("app.json", APP), ("pages/a/a.js", b"Page({})"), ("x.png", b"\x89PNG")];
    for bytes in [zip_of(files), stored(files), tar_of(files), gz(&tar_of(files)), wxapkg_of(files)] {
        let listing = read(&bytes);
        assert_eq!(paths(&listing), ["app.json", "pages/a/a.js", "x.png"]);
        assert!(told(&listing).is_empty());
        let entry = &listing.entries[0];
        assert_eq!(&*entry.load(1 << 20).unwrap().unwrap(), APP);
    }
}

#[test]
fn names_of_chinese_tools() {
    let files: &[(&str, &[u8])] = &[("app.json", APP), ("SAME.js", b"")];
    let mut bytes = zip_of(files);
    let name = encoding_rs::GB18030.encode("首页").0.into_owned();
    while let Some(at) = bytes.windows(4).position(|window| window == b"SAME") {
        bytes[at..at + 4].copy_from_slice(&name);
    }
    assert_eq!(paths(&read(&bytes)), ["app.json", "首页.js"]);
}

#[test]
fn paths_that_lead_out() {
    for evil in ["../a.js", "/a.js", "C:/a.js", "..\\a.js", "a/../../b.js"] {
        let files: &[(&str, &[u8])] = &[("app.json", APP), (evil, b"x")];
        for bytes in [wxapkg_of(files), tar_of(files), zip_of(files)] {
            let listing = read(&bytes);
            // The table of a wxapkg writes every path with a leading slash, and it means none.
            if evil == "/a.js" && bytes[0] == 0xbe {
                assert_eq!(paths(&listing), ["a.js", "app.json"]);
                continue;
            }
            assert_eq!(paths(&listing), ["app.json"], "{evil}");
            assert!(
                listing.broken.iter().any(|item| item.reason == SkipReason::Outside),
                "{evil}: {:?}",
                told(&listing)
            );
        }
    }
}

#[test]
fn the_second_of_one_name_is_told() {
    // The writer refuses duplicates, so the names differ until the bytes are edited.
    let mut bytes = zip_of(&[("a.js", b"one"), ("b.js", b"two")]);
    while let Some(at) = bytes.windows(4).position(|window| window == b"b.js") {
        bytes[at] = b'a';
    }
    let listing = read(&bytes);
    assert_eq!((paths(&listing), told(&listing)), (vec!["a.js"], vec![("a.js", SkipReason::Duplicate)]));
    let listing = read(&tar_of(&[("a.js", b"one"), ("a.js", b"two")]));
    assert_eq!(told(&listing), [("a.js", SkipReason::Duplicate)]);
}

#[test]
fn links_are_not_followed() {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("app.json", SimpleFileOptions::default()).unwrap();
    writer.write_all(APP).unwrap();
    writer.add_symlink("a.js", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let listing = read(&writer.finish().unwrap().into_inner());
    assert_eq!((paths(&listing), told(&listing)), (vec!["app.json"], vec![("a.js", SkipReason::Link)]));

    let mut builder = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_size(0);
    for (kind, path) in [(::tar::EntryType::Symlink, "a.js"), (::tar::EntryType::Link, "b.js")] {
        header.set_entry_type(kind);
        builder.append_link(&mut header, path, "/etc/passwd").unwrap();
    }
    header.set_entry_type(::tar::EntryType::Regular);
    header.set_size(1);
    builder.append_data(&mut header, "c.js", &b"1"[..]).unwrap();
    let listing = read(&builder.into_inner().unwrap());
    assert_eq!(paths(&listing), ["c.js"]);
    assert_eq!(told(&listing), [("a.js", SkipReason::Link), ("b.js", SkipReason::Link)]);
}

#[test]
fn encrypted_entries_are_told() {
    let mut bytes = zip_of(&[("app.json", APP), ("a.js", b"x")]);
    let at = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    bytes[at + 8] |= 1;
    let listing = read(&bytes);
    assert_eq!((paths(&listing), told(&listing)), (vec!["app.json"], vec![("a.js", SkipReason::Encrypted)]));
    assert_eq!(list(b"V1MMWX0123456789abcdef", &Limits::default()).unwrap_err(), SkipReason::Encrypted);
}

#[test]
fn bombs_stop_early() {
    let zeros = vec![0u8; 8 << 20];
    let files: &[(&str, &[u8])] = &[("app.json", APP), ("a.js", &zeros)];
    let listing = read(&zip_of(files));
    assert_eq!((paths(&listing), told(&listing)), (vec!["app.json"], vec![("a.js", SkipReason::Ratio)]));
    let listing = read(&gz(&tar_of(files)));
    assert_eq!(paths(&listing), ["app.json"]);
    assert!(told(&listing).contains(&(".", SkipReason::Ratio)), "{:?}", told(&listing));

    let limits = Limits { max_archive_bytes: 3 << 20, ..Limits::default() };
    let noise: Vec<u8> = (0..2u32 << 20).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let listing = list(&stored(&[("a.bin", &noise), ("b.bin", &noise), ("c.js", b"1")]), &limits).unwrap();
    assert_eq!(paths(&listing), ["a.bin"]);
    assert_eq!(told(&listing), [("b.bin", SkipReason::TotalTooLarge), ("c.js", SkipReason::TotalTooLarge)]);
}

#[test]
fn entries_that_share_bytes() {
    // Both rows of the directory point at the first entry.
    let mut bytes = zip_of(&[("a.js", b"one"), ("b.js", b"two")]);
    let rows: Vec<usize> = (0..bytes.len() - 4).filter(|at| bytes[*at..].starts_with(b"PK\x01\x02")).collect();
    bytes.copy_within(rows[0]..rows[0] + 46, rows[1]);
    let listing = read(&bytes);
    assert_eq!(paths(&listing), ["a.js"]);
    // Its local header says `a.js`.
    assert_eq!(told(&listing), [("b.js", SkipReason::BadEntry)]);

    let mut bytes = wxapkg_of(&[("a.js", b"one"), ("b.js", b"two")]);
    let at = bytes.windows(4).rposition(|window| window == b"b.js").unwrap() + 4;
    let first = bytes.windows(4).position(|window| window == b"a.js").unwrap() + 4;
    bytes.copy_within(first..first + 4, at);
    assert_eq!(told(&read(&bytes)), [("b.js", SkipReason::Overlap)]);
}

#[test]
fn what_is_cut_off_is_told() {
    let files: &[(&str, &[u8])] = &[("app.json", APP), ("a.js", b"Page({})")];
    let whole = zip_of(files);
    assert_eq!(list(&whole[..whole.len() - 30], &Limits::default()).unwrap_err(), SkipReason::BadEntry);
    let noise: Vec<u8> = (0..200_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 11) as u8).collect();
    let whole = gz(&tar_of(&[("app.json", APP), ("a.bin", &noise)]));
    let listing = read(&whole[..whole.len() / 2]);
    assert_eq!(paths(&listing), ["app.json"]);
    assert!(told(&listing).contains(&(".", SkipReason::BadEntry)));
    let whole = wxapkg_of(files);
    assert_eq!(told(&read(&whole[..whole.len() - 3])), [("a.js", SkipReason::BadEntry)]);
    // A changed byte does not go unseen.
    let mut whole = stored(files);
    let at = whole.windows(4).position(|window| window == b"Page").unwrap();
    whole[at] = b'Q';
    assert_eq!(told(&read(&whole)), [("a.js", SkipReason::BadEntry)]);
}

#[test]
fn an_upload_of_several_archives_is_one_program() {
    let app = br#"{"pages": ["pages/a/a"], "subPackages": [{"root": "shop", "pages": ["c/c"]}, {"root": "news", "pages": ["d"]}],
        "_sub_swan": {"shop": "0a1b2c"}}"#;
    let main = zip_of(&[("app.json", app), ("pages/a/a.js", b""), ("pkginfo.json", b"{}")]);
    // One holds paths below its root, one those below the package's root.
    let shop = zip_of(&[("c/c.js", b""), ("pkginfo.json", b"{}")]);
    let news = zip_of(&[("news/d.js", b""), ("pkginfo.json", b"{}")]);
    let upload = zip_of(&[
        ("release/file_main.zip", &main),
        ("release/file_sub_0a1b2c.zip", &shop),
        ("release/file_sub_9f.zip", &news),
    ]);
    let listing = read(&upload);
    assert_eq!(
        paths(&listing),
        [
            "release/app.json",
            "release/news/d.js",
            "release/pages/a/a.js",
            "release/pkginfo.json",
            "release/shop/c/c.js",
            "release/shop/pkginfo.json",
        ]
    );
    assert!(told(&listing).is_empty());
    // A broken part leaves the whole unseen.
    let upload = zip_of(&[("main.zip", &main), ("shop.zip", &shop[..40])]);
    assert_eq!(told(&read(&upload)), [("shop.zip", SkipReason::BadEntry)]);
    // An archive among the assets of a program stays an asset.
    let listing = read(&zip_of(&[("app.json", APP), ("data.zip", &shop)]));
    assert_eq!(paths(&listing), ["app.json", "data.zip"]);
}

#[test]
fn archives_in_archives_end() {
    let mut bytes = zip_of(&[("a.js", b"1")]);
    for _ in 0..20 {
        bytes = zip_of(&[("x.zip", &bytes)]);
    }
    let listing = read(&bytes);
    assert_eq!(paths(&listing), ["x/x/x.zip"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Any bytes behind any magic: no panic, and no more comes out than allowed.
    #[test]
    fn any_bytes(which in 0usize..6, mut bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let magic: &[u8] = [&b"PK\x03\x04"[..], b"PK\x05\x06", b"\x1f\x8b\x08", b"\xbe", b"V1MMWX", b""][which];
        let length = magic.len().min(bytes.len());
        bytes[..length].copy_from_slice(&magic[..length]);
        if which == 3 && bytes.len() > 18 {
            bytes[13] = 0xed;
            bytes[14..17].fill(0);
        }
        if let Ok(listing) = list(&bytes, &Limits { max_archive_bytes: 1 << 16, ..Limits::default() }) {
            prop_assert!(listing.entries.iter().map(|entry| entry.bytes).sum::<u64>() <= 1 << 16);
        }
    }

    /// Good archives with some bytes changed: what is lost is told, or the bytes are those that were put in.
    #[test]
    fn changed_bytes(form in 0usize..4, changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let files: &[(&str, &[u8])] = &[("app.json", APP), ("pages/a/a.js", b"Page({ data: {} })"), ("b.js", b"1")];
        let mut bytes = [zip_of(files), gz(&tar_of(files)), wxapkg_of(files), tar_of(files)][form].clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        let limits = Limits { max_archive_bytes: 1 << 20, max_files: 100, ..Limits::default() };
        if let Ok(listing) = list(&bytes, &limits) {
            for entry in &listing.entries {
                prop_assert!(safe_path(&entry.path).as_deref() == Some(&*entry.path));
                prop_assert!(entry.bytes <= 1 << 20);
            }
            // The checksum of zip covers every body.
            if form == 0 && told(&listing).is_empty() {
                for entry in &listing.entries {
                    let body = entry.load(1 << 20).unwrap().unwrap();
                    prop_assert!(files.iter().any(|(_, known)| *known == &*body) || listing.entries.len() != files.len());
                }
            }
        }
    }
}
