//! `minivet init`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, Session, failures, output};
use crate::engine::{self, Options, config};
use crate::report::{self, Shape};

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// The package
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    /// Overwrite a configuration that is there
    #[arg(long)]
    force: bool,
    /// Print it instead of writing it
    #[arg(long)]
    stdout: bool,
}

pub(super) fn run(session: &Session, args: &InitArgs) -> Exit {
    let options = Options { no_config: true, no_rules: true, ..Options::default() };
    let outcome = engine::vet(std::slice::from_ref(&args.path), &session.policy, &options);
    let exit = failures(session, &outcome.failures);
    if exit != Exit::Clean {
        return exit;
    }
    let shape = Shape { lang: session.lang(), ..Shape::default() };
    let report = report::build(&outcome, &session.policy, shape);
    let Some(package) = report.packages.first() else { return Exit::Input };
    let mut hosts: BTreeSet<&str> = package.capabilities.hosts.iter().map(String::as_str).collect();
    hosts.retain(|host| session.policy.privacy.sdk_by_host(host).is_none());
    let name = outcome.packages.first().and_then(|vetted| {
        Some(vetted.package.app_json()?.get("window")?.get("navigationBarTitleText")?.as_str()?.to_owned())
    });
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let list = |items: &BTreeSet<&str>| items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", ");
    let say = |zh: &'static str, en: &'static str| session.say(zh, en);
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}",
        say(
            "# minivet 的配置。被注释掉的项目请按实际情况填写。",
            "# Configuration of minivet. Fill in what is commented out."
        )
    );
    let _ = writeln!(out, "\n[package]");
    let _ = writeln!(out, "host = {}", quoted(&package.host));
    let _ = writeln!(out, "{}", say("# 向平台声明的服务类目", "# Service categories as declared to the platform"));
    let _ = writeln!(out, "# categories = [\"工具/信息查询\"]");
    let _ = writeln!(out, "{}", say("# 已经提交的资质", "# Licences handed in"));
    let _ = writeln!(out, "# qualifications = [\"增值电信业务经营许可证\"]");
    let _ = writeln!(out, "{}", say("# 小程序的名称与简介", "# Name and description of the program"));
    let _ =
        writeln!(out, "{}name = {}", if name.is_some() { "" } else { "# " }, quoted(name.as_deref().unwrap_or("…")));
    let _ = writeln!(out, "# description = \"…\"");
    let _ = writeln!(
        out,
        "{}",
        say("# 隐私政策：页面、文件或已发布的文本", "# The privacy policy: a page, a file or the published text")
    );
    let policy = outcome.packages.first().and_then(|vetted| {
        let mut routes = vetted.package.pages.iter().map(|page| &page.route);
        routes.find(|route| route.contains("privacy") || route.contains("policy")).cloned()
    });
    let _ = writeln!(
        out,
        "{}privacy-policy = {}",
        if policy.is_some() { "" } else { "# " },
        quoted(policy.as_deref().unwrap_or("pages/privacy/index"))
    );
    let _ = writeln!(out, "{}", say("# 属于开发者自己的服务器", "# Servers of the developer's own"));
    let _ = writeln!(out, "{}first-party = [{}]", if hosts.is_empty() { "# " } else { "" }, list(&hosts));
    let _ = writeln!(out, "\n[check]");
    let _ = writeln!(out, "{}", say("# 不检查的文件", "# Files that are left out"));
    let _ = writeln!(out, "# exclude = [\"vendor/**\"]");
    let _ = writeln!(
        out,
        "{}",
        say("# 由谁来看结论：developer、gate 或 editor", "# Who reads the verdict: developer, gate or editor")
    );
    let _ = writeln!(out, "profile = \"developer\"");
    let _ = writeln!(
        out,
        "\n{}",
        say("# 规则的级别：error、warning、note 或 off", "# Severity of a rule: error, warning, note or off")
    );
    let _ = writeln!(out, "# [rules.\"privacy/plaintext-storage\"]\n# severity = \"warning\"");
    if args.stdout {
        return output::print(&out);
    }
    let folder = if args.path.is_dir() { args.path.as_path() } else { std::path::Path::new(".") };
    let file = folder.join(config::NAME);
    if file.exists() && !args.force {
        output::error(&format!(
            "{}{}",
            file.display(),
            say("：已经存在（--force 覆盖）", ": there is one already (--force overwrites it)")
        ));
        return Exit::Usage;
    }
    output::write(&out, Some(&file)).max(output::print(&format!("{}{}\n", say("已写入 ", "wrote "), file.display())))
}
