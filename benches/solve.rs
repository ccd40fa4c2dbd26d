//! The flow analysis over generated packages: doubled in size, doubled in sources, without any source; and reading the same
//! scripts, which it has to stay below.

use std::path::Path;
use std::sync::LazyLock;

use divan::Bencher;
use divan::counter::ItemsCount;
use minivet::flow::solve;
use minivet::model::facts::{FactsDialect, all};
use minivet::model::{FileFacts, Program, link};
use minivet::package::{Package, ReadOptions, from_memory};
use minivet::policy::Policy;

fn main() {
    divan::main();
}

static POLICY: LazyLock<Policy> = LazyLock::new(|| match Policy::embedded() {
    Ok(policy) => policy,
    Err((_, errors)) => panic!("{errors:?}"),
});

const APP: &str = "App({ globalData: { user: null, base: 'https://api.example.com' }, onLaunch() {
    this.globalData.started = Date.now(); } });";

const TOOLS: &str = "
const app = getApp();
function pad(n) { return n < 10 ? '0' + n : '' + n; }
function date(time) {
    const d = new Date(time);
    return [d.getFullYear(), d.getMonth() + 1, d.getDate()].map(pad).join('-');
}
function query(data) {
    const parts = [];
    for (const key in data) { if (data[key] !== undefined) { parts.push(key + '=' + encodeURIComponent(data[key])); } }
    return parts.join('&');
}
function request(options) {
    return new Promise((resolve, reject) => {
        swan.showLoading({ title: '加载中' });
        swan.request({
            url: app.globalData.base + options.path,
            method: options.method || 'GET',
            data: Object.assign({}, options.data),
            success: res => { if (res.data.code === 0) { resolve(res.data.data); } else { reject(res.data); } },
            fail: reject,
            complete() { swan.hideLoading(); }
        });
    });
}
module.exports = { date, query, request };";

/// A page of a shop: a list that loads, scrolls, filters and opens; with a source, it asks where the user is.
fn page(index: usize, source: bool) -> (String, String) {
    let locate = if source {
        "swan.getLocation({ success: res => {
            this.setData({ latitude: res.latitude, longitude: res.longitude });
            request({ path: '/near', data: { lat: res.latitude, lng: res.longitude } });
            swan.setStorageSync('place', res.latitude + ',' + res.longitude);
        } });"
    } else {
        "this.setData({ sorted: true });"
    };
    let script = format!(
        "const {{ date, query, request }} = require('../../tools.js');
Page({{
    data: {{ list: [], page: {index}, more: true, word: '', chosen: {{}} }},
    onLoad(options) {{
        this.setData({{ id: options.id, title: '第{index}页' }});
        this.load(1);
        {locate}
    }},
    load(number) {{
        const sent = {{ page: number, size: 20, word: this.data.word }};
        request({{ path: '/goods/{index}?' + query(sent), data: sent }}).then(answer => {{
            const list = answer.list.map(item => ({{
                id: item.id, name: item.name, price: (item.price / 100).toFixed(2), time: date(item.time)
            }}));
            this.setData({{ list: this.data.list.concat(list), more: list.length === 20, page: number }});
        }}).catch(error => {{ swan.showToast({{ title: error.message || '网络不好' }}); }});
    }},
    onReachBottom() {{ if (this.data.more) {{ this.load(this.data.page + 1); }} }},
    search(e) {{ this.setData({{ word: e.detail.value, list: [] }}); this.load(1); }},
    choose(e) {{
        const {{ index, id }} = e.currentTarget.dataset;
        const item = this.data.list[index];
        this.data.chosen[id] = item;
        this.setData({{ chosen: this.data.chosen, total: this.total() }});
    }},
    total() {{
        let sum = 0;
        for (const key in this.data.chosen) {{ sum += Number(this.data.chosen[key].price); }}
        return sum.toFixed(2);
    }},
    open(e) {{ swan.navigateTo({{ url: '/pages/p{index}/p{index}?id=' + e.currentTarget.dataset.id }}); }}
}});"
    );
    let template = "<view>{{title}}</view>
<input bindinput=\"search\" placeholder=\"商品\" />
<view s-for=\"item, index in list\" bindtap=\"choose\" data-index=\"{{index}}\" data-id=\"{{item.id}}\">
  <text bindtap=\"open\" data-id=\"{{item.id}}\">{{item.name}}</text><text>{{item.price}}</text>
</view>
<button bindtap=\"onReachBottom\">更多</button>";
    (script, template.to_owned())
}

/// A package of that many pages, of which some have a source.
fn package(pages: usize, sources: usize) -> (Package, FactsDialect) {
    let routes: Vec<String> = (0..pages).map(|index| format!("\"pages/p{index}/p{index}\"")).collect();
    let mut files = vec![
        ("app.json".to_owned(), format!("{{\"pages\": [{}]}}", routes.join(", "))),
        ("app.js".to_owned(), APP.to_owned()),
        ("tools.js".to_owned(), TOOLS.to_owned()),
    ];
    for index in 0..pages {
        let (script, template) = page(index, index < sources);
        files.push((format!("pages/p{index}/p{index}.js"), script));
        files.push((format!("pages/p{index}/p{index}.swan"), template));
    }
    let files = files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
    let read = from_memory(Path::new("shop"), files, &POLICY.layouts(), &ReadOptions::default());
    let Some(package) = read.ok().and_then(|mut packages| packages.pop()) else { panic!("no package") };
    let Some(info) = POLICY.hosts.info(&package.host) else { panic!("no host") };
    let dialect = FactsDialect::of(info, POLICY.hosts.infos().filter(|other| other.id != info.id));
    (package, dialect)
}

fn linked(pages: usize, sources: usize) -> (Package, Program) {
    let (package, dialect) = package(pages, sources);
    let facts: Vec<FileFacts> = all(&package, &dialect);
    let program = link(&package, &POLICY, facts);
    (package, program)
}

fn solving(bencher: Bencher<'_, '_>, pages: usize, sources: usize) {
    let (package, program) = linked(pages, sources);
    let found = solve(&package, &POLICY, &program);
    assert!(!found.exhausted && found.collections.is_empty() == (sources == 0));
    bencher.counter(ItemsCount::new(pages)).bench_local(|| solve(&package, &POLICY, &program));
}

/// Twice the pages take twice the time.
#[divan::bench(args = [20, 40, 80])]
fn pages(bencher: Bencher<'_, '_>, pages: usize) {
    solving(bencher, pages, pages / 4);
}

/// Sources add what their values touch.
#[divan::bench(args = [5, 10, 20, 40])]
fn sources(bencher: Bencher<'_, '_>, sources: usize) {
    solving(bencher, 40, sources);
}

/// Without a source there is little to follow.
#[divan::bench(args = [20, 40, 80])]
fn no_sources(bencher: Bencher<'_, '_>, pages: usize) {
    solving(bencher, pages, 0);
}

/// Reading and linking the same packages.
#[divan::bench(args = [20, 40, 80])]
fn reading(bencher: Bencher<'_, '_>, pages: usize) {
    let (package, dialect) = package(pages, pages / 4);
    bencher.counter(ItemsCount::new(pages)).bench_local(|| link(&package, &POLICY, all(&package, &dialect)));
}
