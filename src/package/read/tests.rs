use super::*;

fn layouts() -> Vec<Layout> {
    let list = |items: &[&str]| items.iter().map(|item| Arc::from(*item)).collect::<Vec<Arc<str>>>();
    let swan = Layout {
        host: "swan".into(),
        namespaces: list(&["swan"]),
        template_extensions: list(&["swan"]),
        style_extensions: list(&["css"]),
        view_script_extensions: list(&["sjs", "filter.js"]),
        project_files: [
            ("project.swan.json".into(), "smartProgramRoot".into()),
            ("project.config.json".into(), "smartProgramRoot".into()),
        ]
        .into(),
        rank: 1,
        fallback: true,
        ..Layout::default()
    };
    let weapp = Layout {
        host: "weapp".into(),
        namespaces: list(&["wx"]),
        template_extensions: list(&["wxml"]),
        style_extensions: list(&["wxss"]),
        view_script_extensions: list(&["wxs"]),
        project_files: [("project.config.json".into(), "miniprogramRoot".into())].into(),
        ..Layout::default()
    };
    vec![swan, weapp]
}

fn build(files: &[(&str, &str)]) -> Vec<Package> {
    let entries = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    from_memory(Path::new("x"), entries, &layouts(), &ReadOptions::default()).unwrap()
}

fn kinds(package: &Package) -> Vec<(String, FileKind)> {
    package.files.iter().map(|file| (file.source.path.to_string(), file.kind)).collect()
}

fn skips(package: &Package) -> Vec<(String, SkipReason)> {
    package.skipped.iter().map(|item| (item.path.to_string(), item.reason)).collect()
}

#[test]
fn a_host_that_nothing_shows() {
    assert_eq!(&*build(&[("a.js", "const a = 1;")])[0].host, "swan");
    assert_eq!(&*build(&[("a.js", "wx.login();")])[0].host, "weapp");
    // A project file that both use shows one of them, and code for all of them not which.
    let project = ("project.config.json", "{}");
    assert_eq!(&*build(&[project, ("app.json", "{}"), ("a.js", "Taro.login();")])[0].host, "weapp");
}

const APP: &str = r#"{"pages": ["pages/a/a", "pages\\b\\b"], "tabBar": {"list": [{"pagePath": "pages/a/a"}]},
    "subPackages": [{"root": "/sub/", "pages": ["c/c"]}]}"#;

#[test]
fn a_plain_package() {
    let packages = build(&[
        ("app.json", APP),
        ("app.js", ""),
        ("pages/a/a.swan", "<view/>"),
        ("pages/a/a.filter.js", ""),
        ("img/x.png", "\u{1}"),
    ]);
    let package = &packages[0];
    assert_eq!(&*package.host, "swan");
    let routes: Vec<_> =
        package.pages.iter().map(|page| (&*page.route, page.tab, page.subpackage.as_deref())).collect();
    assert_eq!(routes, [("pages/a/a", true, None), ("pages/b/b", false, None), ("sub/c/c", false, Some("sub"))]);
    assert_eq!(
        kinds(package),
        [
            ("app.js".into(), FileKind::Script),
            ("app.json".into(), FileKind::Json),
            ("pages/a/a.filter.js".into(), FileKind::ViewScript),
            ("pages/a/a.swan".into(), FileKind::Template)
        ]
    );
    assert!(package.ships("img/x.png") && package.ships("app.js") && !package.ships("nope"));
}

#[test]
fn the_project_file_names_the_root() {
    let packages = build(&[
        ("project.config.json", r#"{"miniprogramRoot": "client/", "cloudfunctionRoot": "cloud/"}"#),
        ("client/app.json", r#"{"pages": ["a"]}"#),
        ("client/a.wxml", ""),
        ("cloud/login/index.js", "exports.main = 1"),
    ]);
    assert_eq!(packages.len(), 1);
    assert_eq!(packages[0].root, Path::new("x/client"));
    assert_eq!(&*packages[0].host, "weapp");
    assert_eq!(&*packages[0].source(packages[0].project.unwrap()).path, "../project.config.json");
}

#[test]
fn several_packages_under_one_path() {
    let packages = build(&[
        ("app.json", r#"{"pages": ["a"]}"#),
        ("a.swan", ""),
        ("examples/one/app.json", r#"{"pages": ["a"]}"#),
        ("examples/one/app.js", ""),
        ("examples/one/a.wxml", ""),
    ]);
    assert_eq!(
        packages.iter().map(|package| (&*package.host, package.files.len())).collect::<Vec<_>>(),
        [("swan", 2), ("weapp", 3)]
    );
    assert_eq!(skips(&packages[0]), [("examples/one".into(), SkipReason::OtherPackage)]);
}

#[test]
fn what_is_not_client_code_is_told() {
    let packages = build(&[
        ("app.json", r#"{"pages": ["a"]}"#),
        ("a.swan", ""),
        ("a.js", "require('./test/helper')"),
        (".git/config", "x"),
        ("types/api.d.ts", "declare const x: any"),
        ("server/package.json", r#"{"dependencies": {"express": "^4"}}"#),
        ("server/index.js", "const key = 'x'"),
        ("test/helper.js", "module.exports = 1"),
        ("test/other.js", ""),
        ("up.php", "<?php"),
        ("fake.js", "\0\0\0\0\u{1}\u{2}\0\0\0\0"),
    ]);
    let package = &packages[0];
    assert_eq!(
        skips(package),
        [
            (".git".into(), SkipReason::Hidden),
            ("fake.js".into(), SkipReason::Binary),
            ("server".into(), SkipReason::Foreign),
            ("test".into(), SkipReason::Foreign),
            ("types/api.d.ts".into(), SkipReason::Declarations),
            ("up.php".into(), SkipReason::Foreign)
        ]
    );
    let kind = |path: &str| package.files[package.file(path).unwrap().index()].kind;
    assert_eq!(kind("test/helper.js"), FileKind::Script, "client code requires it");
    assert_eq!(kind("test/other.js"), FileKind::Foreign);
    assert_eq!(kind("server/index.js"), FileKind::Foreign);
}

#[test]
fn npm_folders() {
    let packages = build(&[
        ("app.json", r#"{"pages": ["a"]}"#),
        ("a.swan", ""),
        ("package.json", r#"{"dependencies": {"@smt-lib/md5": "^1.0.0"}, "devDependencies": {"eslint": "1"}}"#),
        ("node_modules/@smt-lib/md5/package.json", r#"{"version": "1.2.3", "dependencies": {"inner": "1"}}"#),
        ("node_modules/@smt-lib/md5/index.js", ""),
        ("node_modules/inner/index.js", ""),
        ("node_modules/eslint/index.js", ""),
    ]);
    let package = &packages[0];
    assert_eq!(skips(package), [("node_modules".into(), SkipReason::Foreign)]);
    let origin = |path: &str| package.files[package.file(path).unwrap().index()].origin.clone();
    assert_eq!(
        origin("node_modules/@smt-lib/md5/index.js"),
        Origin::Npm { name: "@smt-lib/md5".into(), version: Some("1.2.3".into()) }
    );
    assert!(package.file("node_modules/inner/index.js").is_some());
    assert!(package.file("node_modules/eslint/index.js").is_none());
}

#[test]
fn limits_are_told() {
    let options = ReadOptions {
        limits: Limits { max_file_bytes: 20, max_total_bytes: 40, ..Limits::default() },
        ..ReadOptions::default()
    };
    let entries = vec![
        ("app.json".to_owned(), br#"{"pages": ["a"]}"#.to_vec()),
        ("a.js".to_owned(), vec![b'x'; 30]),
        ("b.js".to_owned(), vec![b'x'; 19]),
        ("c.js".to_owned(), vec![b'x'; 19]),
        ("../d.js".to_owned(), vec![b'x'; 9]),
    ];
    let packages = from_memory(Path::new("x"), entries, &layouts(), &options).unwrap();
    assert_eq!(
        skips(&packages[0]),
        [
            ("../d.js".into(), SkipReason::Outside),
            ("a.js".into(), SkipReason::TooLarge),
            ("c.js".into(), SkipReason::TotalTooLarge)
        ]
    );
}

#[test]
fn games_and_nothing() {
    let packages = build(&[("game.json", "{}"), ("game.js", "swan.request()")]);
    assert!(packages[0].game && &*packages[0].host == "swan");
    assert!(matches!(
        read(Path::new("/nonexistent"), &layouts(), &ReadOptions::default()),
        Err(ReadError::NotFound(_))
    ));
    assert!(matches!(
        from_memory(Path::new("x"), vec![], &layouts(), &ReadOptions::default()),
        Err(ReadError::NothingToVet(_))
    ));
}

#[test]
fn links_never_leave_the_root() {
    #[cfg(unix)]
    {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret.js"), "x").unwrap();
        let root = folder.path();
        std::fs::write(root.join("app.json"), "{\"pages\": []}").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.js"), root.join("out.js")).unwrap();
        std::os::unix::fs::symlink(root, root.join("loop")).unwrap();
        std::os::unix::fs::symlink(root.join("app.json"), root.join("in.json")).unwrap();
        let packages = read(root, &layouts(), &ReadOptions::default()).unwrap();
        assert_eq!(skips(&packages[0]), [("loop".into(), SkipReason::Link), ("out.js".into(), SkipReason::Link)]);
        assert!(packages[0].file("in.json").is_some());
    }
}
