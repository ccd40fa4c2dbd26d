#!/usr/bin/env python3
"""Times minivet on generated packages, stage by stage and as they double, and beside other tools on the same tree.

    cargo build --release
    python3 benches/compare.py                       # generated inputs
    python3 benches/compare.py --tree DIR            # every package below DIR as well
    python3 benches/compare.py --only doubling,startup

oxlint (`npm install oxlint`) and semgrep (`pip install semgrep`) are timed where they are found on the PATH or named by
--oxlint and --semgrep; semgrep runs benches/taint.yml, a taint rule from the same sources to the same sinks.
Every figure is the median of several runs of a whole process: seconds of wall and processor time, and peak memory.
"""

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

PAGE = """const {{ request }} = require('../../utils/request.js');
const format = require('../../utils/format{m}.js');

Page({{
    data: {{ list: [], phone: '', total: 0, title: '第{n}页' }},
    onLoad(options) {{
        this.id = options.id;
        this.load();
    }},
    load() {{
        const that = this;
        request('/items/{n}', {{ id: this.id }}).then(res => {{
            const list = (res.data || []).map(item => ({{ ...item, price: format.price(item.price) }}));
            that.setData({{ list, total: list.length }});
        }}).catch(error => {{
            swan.showToast({{ title: '加载失败，请稍后再试', icon: 'none' }});
        }});
    }},
    onPhone(event) {{
        const phone = event.detail.value.replace(/\\s+/g, '');
        if (!/^1\\d{{10}}$/.test(phone)) {{
            swan.showToast({{ title: '请输入正确的手机号', icon: 'none' }});
            return;
        }}
        this.setData({{ phone }});
    }},
{sources}
    onShareAppMessage() {{
        return {{ title: this.data.title, path: `/pages/p{n}/p{n}?id=${{this.id}}` }};
    }}
}});
"""

SOURCE = """    locate{i}() {{
        swan.getLocation({{
            success: res => {{
                const place = {{ latitude: res.latitude, longitude: res.longitude, phone: this.data.phone }};
                request('/place/{i}', place);
            }}
        }});
    }},
"""

HELPER = """/** Helpers of module {m}. */
function pad{i}(value, length) {{
    let text = String(value);
    while (text.length < length) {{
        text = '0' + text;
    }}
    return text;
}}

function price{i}(value) {{
    if (value === undefined || value === null) return '';
    const [whole, part = ''] = (value / 100).toFixed(2).split('.');
    return whole.replace(/(\\d)(?=(\\d{{3}})+$)/g, '$1,') + '.' + part;
}}

const table{i} = {{ a: [1, 2, 3], b: {{ c: 'x{i}', d: () => table{i}.a.reduce((sum, one) => sum + one, 0) }} }};
"""

REQUEST = """const base = 'https://api.example.com';
module.exports.request = (path, data) => new Promise((resolve, reject) => {
    swan.request({ url: base + path, method: 'POST', data, success: resolve, fail: reject });
});
"""

TEMPLATE = """<view class="page">
    <view class="head">{{{{title}}}}</view>
    <input type="number" placeholder="手机号" value="{{{{phone}}}}" bindinput="onPhone"/>
    <block s-for="item, index in list" s-key="id">
        <view class="item {{{{index % 2 ? 'odd' : 'even'}}}}" data-id="{{{{item.id}}}}">
            <text>{{{{item.name}}}}</text><text class="price">￥{{{{item.price}}}}</text>
        </view>
    </block>
{texts}
    <button bindtap="locate0">查找附近门店</button>
</view>
"""

WORDS = "门店 商品 订单 今日 推荐 优惠 配送 地址 时间 选择 我们 提供 新鲜 水果 蔬菜 到家 服务 支持 查询 进度 联系 客服 评价 收藏 分享 好友".split()


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def generate(folder, kilobytes, pages=None, sources=2, texts=4, seed=1):
    """A package of so many kilobytes of script over its pages and helpers."""
    rng = random.Random(seed)
    pages = pages or max(4, kilobytes // 20)
    modules = max(1, pages // 8)
    names = [f"pages/p{n}/p{n}" for n in range(pages)]
    write(f"{folder}/app.json", '{"pages": [' + ", ".join(f'"{name}"' for name in names) + "]}")
    write(f"{folder}/app.js", "App({ globalData: {} });\n")
    write(f"{folder}/project.swan.json", '{"appid": "1"}')
    write(f"{folder}/utils/request.js", REQUEST)
    written = 0
    for n, name in enumerate(names):
        body = "".join(SOURCE.format(i=i) for i in range(sources))
        script = PAGE.format(n=n, m=n % modules, sources=body)
        lines = "".join(
            "    <text>" + "".join(rng.choice(WORDS) for _ in range(12)) + "</text>\n" for _ in range(texts)
        )
        write(f"{folder}/{name}.js", script)
        write(f"{folder}/{name}.json", "{}")
        write(f"{folder}/{name}.swan", TEMPLATE.format(texts=lines))
        written += len(script)
    each = max(1, (kilobytes * 1024 - written) // (modules * len(HELPER)))
    for m in range(modules):
        helpers = "".join(HELPER.format(m=m, i=i) for i in range(each))
        write(f"{folder}/utils/format{m}.js", helpers + "module.exports = { price: price0, pad: pad0 };\n")
    return folder


def size(folder, extensions):
    total = 0
    for path, _, files in os.walk(folder):
        total += sum(os.path.getsize(os.path.join(path, f)) for f in files if f.rsplit(".", 1)[-1] in extensions)
    return total


def run(command, runs, cwd=None):
    """Medians of wall seconds, processor seconds and peak MiB."""
    walls, cpus, peaks = [], [], []
    for _ in range(runs):
        start = time.monotonic()
        child = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        walls.append(time.monotonic() - start)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in (0, 1):
            sys.exit(f"{' '.join(command)} ended with {child.returncode}")
        cpus.append(usage.ru_utime + usage.ru_stime)
        peaks.append(usage.ru_maxrss / 1024)
    return statistics.median(walls), statistics.median(cpus), statistics.median(peaks)


def stages(minivet, folder, runs):
    """Median milliseconds of each stage."""
    found = {}
    for _ in range(runs):
        command = [minivet, "check", folder, "--format", "json", "--timings", "--no-cache"]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        for line in done.stderr.splitlines():
            name, _, value = line.partition("\t")
            if value and "/" not in name:
                found.setdefault(name, []).append(float(value))
    return {name: statistics.median(values) for name, values in found.items()}


def line(name, result, note=""):
    wall, cpu, peak = result
    print(f"  {name:34} {wall:8.3f} s wall {cpu:8.3f} s cpu {peak:8.1f} MiB  {note}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minivet", default=os.path.join(ROOT, "target/release/minivet"))
    parser.add_argument("--oxlint", default=shutil.which("oxlint"))
    parser.add_argument("--semgrep", default=shutil.which("semgrep"))
    parser.add_argument("--tree", help="a folder of packages")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="startup,sizes,doubling,tools")
    args = parser.parse_args()
    only = args.only.split(",")

    def check(folder, *more):
        return [args.minivet, "check", folder, "--format", "json", "--no-cache", *more]

    with tempfile.TemporaryDirectory() as scratch:
        if "startup" in only:
            print("start to exit")
            shop = os.path.join(ROOT, "fixtures/packages/corner-shop")
            line("corner-shop", run([args.minivet, "check", shop], args.runs * 4))
            line("--version", run([args.minivet, "--version"], args.runs * 4))
        trees = {}
        if "sizes" in only or "tools" in only:
            for name, kilobytes in (("small", 40), ("typical", 1000), ("huge", 12000)):
                trees[name] = generate(f"{scratch}/{name}", kilobytes)
            if args.tree:
                trees["tree"] = args.tree
        if "sizes" in only:
            print("whole check, cold")
            for name, folder in trees.items():
                mega = size(folder, ("js", "ts")) / 1e6
                result = run(check(folder), args.runs)
                line(f"{name}, {mega:.2f} MB of script", result, f"{mega / result[0]:.1f} MB/s")
                parts = stages(args.minivet, folder, args.runs)
                print("    " + ", ".join(f"{stage} {value:.1f} ms" for stage, value in parts.items()))
        if "doubling" in only:
            curves = {
                "size": [dict(kilobytes=500 * 2**i, pages=40) for i in range(5)],
                "files": [dict(kilobytes=1, pages=100 * 2**i) for i in range(5)],
                "sources": [dict(kilobytes=1, pages=40, sources=2**i) for i in range(2, 7)],
                "text": [dict(kilobytes=1, pages=40, texts=50 * 2**i) for i in range(5)],
            }
            print("doubling: processor seconds, and the ratio to the one before")
            for name, points in curves.items():
                row, before = [], None
                for index, point in enumerate(points):
                    folder = generate(f"{scratch}/{name}{index}", **point)
                    cpu = run(check(folder), args.runs)[1]
                    row.append(f"{cpu:.3f}" + (f" ({cpu / before:.2f})" if before else ""))
                    before = cpu
                print(f"  {name:10} " + "  ".join(row), flush=True)
        if "tools" in only:
            print("beside other tools")
            for name in ("huge", "tree"):
                if name not in trees:
                    continue
                folder = trees[name]
                own = run(check(folder), args.runs)
                line(f"{name}: minivet", own)
                if args.oxlint:
                    other = run([args.oxlint, folder], args.runs)
                    line(f"{name}: oxlint", other, f"minivet / oxlint {own[1] / other[1]:.2f} cpu")
                if args.semgrep:
                    command = [args.semgrep, "scan", "--config", os.path.join(HERE, "taint.yml"), "--metrics=off"]
                    command += ["--disable-version-check", "--no-git-ignore", "--max-target-bytes=0", "--quiet", folder]
                    other = run(command, 1)
                    line(f"{name}: semgrep", other, f"semgrep / minivet {other[1] / own[1]:.1f} cpu")


if __name__ == "__main__":
    main()
