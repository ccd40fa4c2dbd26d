-- Neovim 0.11 and later: save as `lsp/minivet.lua` on the runtime path; docs/editors.md tells what goes into `init.lua`.
return {
  cmd = { 'minivet', 'lsp' },
  filetypes = { 'javascript', 'typescript', 'json', 'css', 'less', 'scss', 'html', 'toml', 'swan', 'wxml', 'axml', 'ttml', 'qml', 'ksml' },
  root_markers = { 'minivet.toml', 'project.swan.json', 'project.config.json', 'app.json', '.git' },
  init_options = {
    -- lang = 'zh',
    -- inlayHints = true,
  },
}
