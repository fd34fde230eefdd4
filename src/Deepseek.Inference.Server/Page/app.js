// Puts the page together.

import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { byId } from "./dom.js";
import { MessageList } from "./message-list.js";
import { Meters } from "./meters.js";
import { Server } from "./server.js";
import { SettingsDialog } from "./settings-dialog.js";
import { loadSettings } from "./settings.js";

let settings = loadSettings();
const server = new Server(() => settings.key);
const conversation = Conversation.load();
const meters = new Meters(server);
const chat = new Chat(server, conversation, () => settings);
const dialog = new SettingsDialog(settings, (changed, keyChanged) => {
  settings = changed;
  if (keyChanged) {
    meters.start();
    chat.keyChanged();
  }
});
const list = new MessageList(() => meters.model ?? "The model", {
  retry: () => chat.retry(),
  edit: () => chat.edit(),
  enterKey: () => dialog.open("key"),
});
const composer = new Composer({
  send: text => chat.send(text),
  stop: () => chat.stop(),
  cancelEdit: () => chat.cancelEdit(),
});

chat.attach(list, composer);
list.show(conversation.messages);
list.toEnd();
composer.focus();

byId("new-chat").addEventListener("click", () => chat.restart());
byId("open-settings").addEventListener("click", () => dialog.open());
for (const example of document.querySelectorAll(".example"))
  example.addEventListener("click", () => chat.send(example.textContent));
addEventListener("keydown", event => {
  if (event.key === "Escape" && !byId("settings").open) {
    if (chat.busy)
      chat.stop();
    else if (chat.editing)
      chat.cancelEdit();
  } else if (event.key === "/" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    composer.focus();
  }
});
addEventListener("pagehide", () => chat.leave(true));
addEventListener("pageshow", () => chat.leave(false));

// The first look makes a server load the model that it has not loaded yet.
server.health().catch(() => {});
meters.start();
