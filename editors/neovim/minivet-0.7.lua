-- Neovim 0.7 to 0.10: `require` this file from `init.lua`.
-- `vim.filetype.add` does nothing before 0.8 unless it is switched on.
local types = { swan = 'swan', wxml = 'wxml', axml = 'axml', ttml = 'ttml', qml = 'qml', ksml = 'ksml', sjs = 'javascript', wxs = 'javascript' }
for extension, name in pairs(types) do
  vim.api.nvim_create_autocmd({ 'BufRead', 'BufNewFile' }, {
    pattern = '*.' .. extension,
    callback = function()
      vim.bo.filetype = name
    end,
  })
end

local markers = { 'minivet.toml', 'project.swan.json', 'project.config.json', 'app.json' }

local function root_of(path)
  local folder = vim.fn.fnamemodify(path, ':p:h')
  while true do
    for _, name in ipairs(markers) do
      if vim.fn.filereadable(folder .. '/' .. name) == 1 then
        return folder
      end
    end
    local above = vim.fn.fnamemodify(folder, ':h')
    if above == folder then
      return nil
    end
    folder = above
  end
end

local clients = {}

vim.api.nvim_create_autocmd('FileType', {
  pattern = { 'javascript', 'typescript', 'json', 'css', 'less', 'scss', 'toml', 'swan', 'wxml', 'axml', 'ttml', 'qml', 'ksml' },
  callback = function(event)
    local root = root_of(vim.api.nvim_buf_get_name(event.buf))
    if root == nil then
      return
    end
    if clients[root] == nil then
      clients[root] = vim.lsp.start_client({
        name = 'minivet',
        cmd = { 'minivet', 'lsp' },
        root_dir = root,
        workspace_folders = { { uri = vim.uri_from_fname(root), name = root } },
      })
    end
    vim.lsp.buf_attach_client(event.buf, clients[root])
  end,
})
