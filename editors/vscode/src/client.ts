// What needs no editor to run: which program is started, for which files, with which settings.

/** Settings under `minivet`, as the editor keeps them. */
export interface Settings {
  path?: string;
  lang?: string;
  [name: string]: unknown;
}

/** The command that starts the server. */
export function command(settings: Settings): { command: string; args: string[] } {
  const path = (settings.path ?? "").trim();
  return { command: path === "" ? "minivet" : path, args: ["lsp"] };
}

/** What the server is told at the start: settings without those that are the editor's own. */
export function options(settings: Settings): Record<string, unknown> {
  const own = new Set(["path", "lang"]);
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (!own.has(name) && value !== "" && value !== undefined && value !== null) {
      out[name] = value;
    }
  }
  if (settings.lang !== undefined && settings.lang !== "" && settings.lang !== "auto") {
    out.lang = settings.lang;
  }
  return out;
}

/** Endings of the files that are vetted. */
export const ENDINGS = [
  "js", "ts", "mjs", "cjs", "json", "sjs", "wxs", "qs", "swan", "wxml", "axml", "ttml", "qml", "ksml",
  "css", "wxss", "acss", "ttss", "qss", "less", "scss",
];

/** Documents that the server is told of. */
export function selector(): { scheme: string; pattern: string }[] {
  return [
    { scheme: "file", pattern: `**/*.{${ENDINGS.join(",")}}` },
    { scheme: "file", pattern: "**/minivet.toml" },
  ];
}
