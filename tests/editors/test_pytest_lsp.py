"""The server under pytest-lsp: a client that shares no code with ours."""

import asyncio
import os
import pathlib
import shutil

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVER = os.environ["MINIVET"]
CONFIG = ClientServerConfig(server_command=[SERVER, "lsp"])
RULE = "privacy/collection-on-launch"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("店铺") / "shop"
    shutil.copytree(ROOT / "fixtures/packages/corner-shop", folder)
    shutil.copy(ROOT / "tests/lsp/index.js", folder / "pages/index/index.js")
    return folder


@pytest_lsp.fixture(config=CONFIG, params=["visual-studio-code", "neovim"], scope="module")
async def client(request, lsp_client: LanguageClient, shop):
    capabilities = client_capabilities(request.param)
    # The library's client takes pushes and answers no registrations; what these editors can do beside that stays.
    capabilities.text_document.diagnostic = None
    capabilities.workspace.code_lens = None
    capabilities.workspace.inlay_hint = None
    capabilities.workspace.did_change_watched_files = None
    capabilities.workspace.did_change_configuration = None
    await lsp_client.initialize_session(
        types.InitializeParams(
            capabilities=capabilities,
            workspace_folders=[types.WorkspaceFolder(uri=shop.as_uri(), name="shop")],
            locale="en",
        )
    )
    yield lsp_client
    await lsp_client.shutdown_session()


def rules(client, uri):
    return [one.code for one in client.diagnostics.get(uri, [])]


async def until(holds):
    for _ in range(600):
        if holds():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("never")


@pytest.mark.asyncio(loop_scope="module")
async def test_open_type_fix_save_rename_delete(client: LanguageClient, shop):
    path = shop / "pages/index/index.js"
    uri = path.as_uri()
    text = path.read_text(encoding="utf-8")
    item = types.TextDocumentItem(uri=uri, language_id="javascript", version=1, text=text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))
    await until(lambda: RULE in rules(client, uri))
    found = next(one for one in client.diagnostics[uri] if one.code == RULE)
    assert found.code_description.href.startswith("file://")
    assert found.source == "minivet"

    # Fix: the edit of the code action is applied and the finding goes.
    actions = await client.text_document_code_action_async(
        types.CodeActionParams(
            text_document=types.TextDocumentIdentifier(uri=uri),
            range=found.range,
            context=types.CodeActionContext(diagnostics=[found]),
        )
    )
    titles = [action.title for action in actions]
    assert any(title.startswith("Ask for consent") for title in titles), titles
    action = next(action for action in actions if action.title.startswith("Ask for consent"))
    edit = action.edit
    edits = edit.document_changes[0].edits if edit.document_changes else edit.changes[uri]
    change = types.DidChangeTextDocumentParams(
        text_document=types.VersionedTextDocumentIdentifier(uri=uri, version=2),
        content_changes=[
            types.TextDocumentContentChangePartial(range=edit.range, text=edit.new_text)
            for edit in edits
        ],
    )
    client.text_document_did_change(change)
    await until(lambda: RULE not in rules(client, uri))

    # Hover.
    hover = await client.text_document_hover_async(
        types.HoverParams(
            text_document=types.TextDocumentIdentifier(uri=uri),
            position=types.Position(line=found.range.start.line + 6, character=36),
        )
    )
    assert hover is None or "swan" in hover.contents.value

    # Save and external change: another page breaks on disk.
    config = shop / "app.json"
    before = config.read_text(encoding="utf-8")
    config.write_text(before.replace("pages/privacy/privacy", "pages/gone/gone"), encoding="utf-8")
    event = types.FileEvent(uri=config.as_uri(), type=types.FileChangeType.Changed)
    client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=[event]))
    await until(lambda: "package/missing-page" in rules(client, config.as_uri()))
    config.write_text(before, encoding="utf-8")
    client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=[event]))
    await until(lambda: "package/missing-page" not in rules(client, config.as_uri()))

    # Close: the disk counts again. Rename and delete.
    closing = types.DidCloseTextDocumentParams(text_document=types.TextDocumentIdentifier(uri=uri))
    client.text_document_did_close(closing)
    await until(lambda: RULE in rules(client, uri))
    moved = path.with_name("moved.js")
    path.rename(moved)
    try:
        changes = [
            types.FileEvent(uri=uri, type=types.FileChangeType.Deleted),
            types.FileEvent(uri=moved.as_uri(), type=types.FileChangeType.Created),
        ]
        client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=changes))
        await until(lambda: not rules(client, uri))
    finally:
        moved.rename(path)
        client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=changes))
        await until(lambda: RULE in rules(client, uri))
