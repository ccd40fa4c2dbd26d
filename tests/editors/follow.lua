-- Opens files in a Neovim that was set up by docs/editors.md alone. Environment: SHOP (a package).
vim.o.swapfile = false
local shop = os.getenv("SHOP")
for file, wanted in pairs({ ["pages/index/index.js"] = "javascript", ["pages/index/index.swan"] = "swan" }) do
  vim.cmd("edit " .. vim.fn.fnameescape(shop .. "/" .. file))
  if vim.bo.filetype ~= wanted then
    io.stderr:write("FAIL: " .. file .. " is of type `" .. vim.bo.filetype .. "`\n")
    vim.cmd("cquit 1")
  end
  if not vim.wait(60000, function() return #vim.diagnostic.get(0) > 0 end, 50) then
    io.stderr:write("FAIL: nothing is shown in " .. file .. "\n")
    vim.cmd("cquit 1")
  end
end
print("set up as documented: ok")
vim.cmd("qa!")
