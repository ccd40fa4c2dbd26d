import * as vscode from "vscode";
import { LanguageClient, LanguageClientOptions, ServerOptions, State } from "vscode-languageclient/node";

import { command, options, selector, Settings } from "./client";

let client: LanguageClient | undefined;
let status: vscode.StatusBarItem | undefined;

function settings(): Settings {
  return { ...(vscode.workspace.getConfiguration().get<Settings>("minivet") ?? {}) };
}

function show(state: State): void {
  if (status === undefined) {
    return;
  }
  const icon = state === State.Running ? "shield" : state === State.Starting ? "sync~spin" : "error";
  status.text = `$(${icon}) minivet`;
  status.command = state === State.Stopped ? "minivet.restart" : "minivet.showLog";
  status.show();
}

async function start(): Promise<void> {
  const chosen = settings();
  const server: ServerOptions = { ...command(chosen) };
  const clientOptions: LanguageClientOptions = {
    documentSelector: selector(),
    initializationOptions: options(chosen),
    outputChannelName: "minivet",
    middleware: {
      // Empty settings are none.
      workspace: { configuration: () => [options(settings())] },
    },
  };
  client = new LanguageClient("minivet", "minivet", server, clientOptions);
  client.onDidChangeState((event) => show(event.newState));
  try {
    await client.start();
  } catch (error) {
    show(State.Stopped);
    const chosenCommand = command(chosen).command;
    void vscode.window.showErrorMessage(`minivet: ${chosenCommand}: ${String(error)}`);
  }
}

async function stop(): Promise<void> {
  const old = client;
  client = undefined;
  if (old !== undefined && old.state !== State.Stopped) {
    await old.stop();
  }
}

async function openInventory(): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  const params = document?.uri.scheme === "file" ? { textDocument: { uri: document.uri.toString() } } : {};
  const inventory = await client?.sendRequest<{ markdown: string } | null>("minivet/inventory", params);
  if (inventory) {
    const page = await vscode.workspace.openTextDocument({ language: "markdown", content: inventory.markdown });
    await vscode.window.showTextDocument(page, { preview: true });
  }
}

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  status = vscode.window.createStatusBarItem(vscode.StatusBarAlignment.Left, 0);
  context.subscriptions.push(
    status,
    vscode.commands.registerCommand("minivet.restart", async () => {
      await stop();
      await start();
    }),
    vscode.commands.registerCommand("minivet.openInventory", openInventory),
    vscode.commands.registerCommand("minivet.showLog", () => client?.outputChannel.show()),
    vscode.workspace.onDidChangeConfiguration(async (event) => {
      if (event.affectsConfiguration("minivet.path")) {
        await stop();
        await start();
      }
    }),
  );
  show(State.Starting);
  await start();
}

export async function deactivate(): Promise<void> {
  await stop();
}
