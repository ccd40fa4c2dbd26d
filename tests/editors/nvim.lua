-- Drives Neovim's own client: open, type, external change, fix, save, close. Run with `nvim --headless -u NONE -l` or `-S`.
-- Environment: MINIVET (the program), SHOP (a package), MODE (`push` or `pull`).

local mode = os.getenv("MODE")
local shop = os.getenv("SHOP")
local rule = "privacy/collection-on-launch"

local function fail(text)
  io.stderr:write("FAIL: " .. text .. "\n")
  vim.cmd("cquit 1")
end

local function until_(what, holds)
  if not vim.wait(60000, holds, 20) then
    fail("never: " .. what .. " " .. vim.inspect(vim.tbl_map(function(one)
      return { one.code, one.lnum, one.col }
    end, vim.diagnostic.get(0))))
  end
end

local function has(wanted, buffer)
  for _, one in ipairs(vim.diagnostic.get(buffer or 0)) do
    local code = one.code or (one.user_data and one.user_data.lsp and one.user_data.lsp.code)
    if code == wanted then
      return one
    end
  end
end

local function main()
  vim.o.swapfile = false
  vim.cmd("edit " .. vim.fn.fnameescape(shop .. "/pages/index/index.js"))
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  local config = {
    name = "minivet",
    cmd = { os.getenv("MINIVET"), "lsp" },
    root_dir = shop,
    workspace_folders = { { uri = vim.uri_from_fname(shop), name = "shop" } },
    capabilities = capabilities,
    init_options = { lang = "en" },
    on_error = function(code, err)
      fail("client error " .. tostring(code) .. " " .. vim.inspect(err))
    end,
  }
  local id
  if vim.lsp.start then
    id = vim.lsp.start(config)
  else
    id = vim.lsp.start_client(config)
    vim.lsp.buf_attach_client(0, id)
  end
  local client
  until_("a client", function()
    client = vim.lsp.get_client_by_id(id)
    return client and client.initialized and client.server_capabilities
  end)
  local caps = client.server_capabilities
  local encoding = caps.positionEncoding or "utf-16"
  if mode == "pull" and (encoding ~= "utf-8" or not caps.diagnosticProvider) then
    fail("expected pull and UTF-8: " .. encoding)
  end
  if mode == "push" and (encoding ~= "utf-16" or caps.diagnosticProvider) then
    fail("expected push and UTF-16: " .. encoding)
  end

  until_("the finding", function() return has(rule) end)

  -- Typing: Chinese and an emoji before an address move its column by what the buffer counts, bytes.
  local line = "    shown() { const t = '店铺😀'; swan.request({ url: 'http://fresh.example/' }); },"
  vim.api.nvim_buf_set_lines(0, 1, 1, false, { line })
  local function fresh()
    for _, one in ipairs(vim.diagnostic.get(0)) do
      if one.lnum == 1 and one.message:find("fresh.example", 1, true) then
        return one
      end
    end
  end
  until_("the typed address", fresh)
  local column = line:find("http", 1, true) - 1
  if fresh().col ~= column then
    fail("column " .. fresh().col .. ", expected " .. column)
  end

  -- A fix from a code action.
  local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
  params.range = {
    start = { line = 1, character = 0 },
    ["end"] = { line = 1, character = 4000 },
  }
  params.context = { diagnostics = {} }
  local answer = vim.lsp.buf_request_sync(0, "textDocument/codeAction", params, 60000)
  local actions = answer and answer[id] and answer[id].result or {}
  local applied = false
  for _, action in ipairs(actions) do
    if action.title == "Use the encrypted scheme" then
      vim.lsp.util.apply_workspace_edit(action.edit, client.offset_encoding)
      applied = true
      break
    end
  end
  if not applied then
    fail("no fix: " .. vim.inspect(vim.tbl_map(function(a) return a.title end, actions)))
  end
  until_("the fixed address gone", function() return not fresh() end)
  local now = vim.api.nvim_buf_get_lines(0, 1, 2, false)[1]
  if not now:find("'https://fresh.example/'", 1, true) then
    fail("fixed to " .. now)
  end

  -- Undo takes the typing and the fix back; then an external change, and a save that looks at the disk.
  vim.cmd("undo")
  until_("all of it gone", function() return not fresh() and has(rule) end)
  local app = shop .. "/app.json"
  local text = table.concat(vim.fn.readfile(app), "\n")
  vim.fn.writefile(vim.split((text:gsub("pages/privacy/privacy", "pages/gone/gone")), "\n"), app)
  vim.cmd("write")
  vim.cmd("edit " .. vim.fn.fnameescape(app))
  if vim.lsp.start then
    vim.lsp.start(config)
  else
    vim.lsp.buf_attach_client(0, id)
  end
  -- A client that pulls asks when the text changes.
  local function touch()
    vim.api.nvim_buf_set_lines(0, -1, -1, false, { "" })
  end
  touch()
  until_("the missing page", function() return has("package/missing-page") end)
  vim.fn.writefile(vim.split(text, "\n"), app)
  vim.cmd("edit!")
  touch()
  until_("no missing page", function() return not has("package/missing-page") end)

  -- Goodbye.
  if client.stop and vim.fn.has("nvim-0.11") == 1 then
    client:stop()
  else
    client.stop()
  end
  until_("the end", function()
    return vim.lsp.get_client_by_id(id) == nil
  end)
  print("ok " .. mode)
  vim.cmd("qall!")
end

local ok, err = xpcall(main, debug.traceback)
if not ok then
  fail(err)
end
