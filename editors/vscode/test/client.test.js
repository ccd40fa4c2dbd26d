const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const test = require("node:test");

const { command, options, selector, ENDINGS } = require("../out/client.js");
const manifest = JSON.parse(fs.readFileSync(path.join(__dirname, "../package.json"), "utf8"));

test("the program is the one that is set, else the one on the path", () => {
  assert.deepStrictEqual(command({}), { command: "minivet", args: ["lsp"] });
  assert.deepStrictEqual(command({ path: " /opt/minivet " }), { command: "/opt/minivet", args: ["lsp"] });
});

test("empty settings are none, and the editor's own stay here", () => {
  const given = { path: "x", lang: "auto", rules: "", host: "swan", categories: [], inlayHints: false, config: null };
  assert.deepStrictEqual(options(given), { host: "swan", categories: [], inlayHints: false });
  assert.deepStrictEqual(options({ lang: "en" }), { lang: "en" });
});

test("every setting of the manifest has its text in both languages", () => {
  for (const file of ["package.nls.json", "package.nls.zh-cn.json"]) {
    const texts = JSON.parse(fs.readFileSync(path.join(__dirname, "..", file), "utf8"));
    const used = [...JSON.stringify(manifest.contributes).matchAll(/%(\w+)%/g)].map((found) => found[1]);
    assert.ok(used.length > 8);
    assert.deepStrictEqual(used.filter((key) => !texts[key]), []);
    assert.deepStrictEqual(Object.keys(texts).filter((key) => !used.includes(key)), []);
  }
});

test("templates of every host are told of", () => {
  for (const ending of ["swan", "wxml", "axml", "ttml", "qml", "ksml"]) {
    assert.ok(ENDINGS.includes(ending), ending);
  }
  assert.ok(selector().every((one) => one.scheme === "file"));
});

test("a mini-program's workspace wakes the extension", () => {
  assert.ok(manifest.activationEvents.includes("workspaceContains:**/app.json"));
  assert.ok(manifest.activationEvents.every((event) => event.startsWith("workspaceContains:")));
});
