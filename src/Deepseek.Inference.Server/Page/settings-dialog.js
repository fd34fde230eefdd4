// The panel in which settings are changed.

import { byId } from "./dom.js";
import { defaultSettings, faultOf, saveSettings } from "./settings.js";

const texts = ["system", "temperature", "topP", "maxTokens", "seed", "key"];

export class SettingsDialog {
  #dialog = byId("settings");
  #form = byId("settings-form");
  #thinking = byId("thinking");
  #settings;
  #changed;

  /**
   * @param settings those in force
   * @param changed told of new ones
   */
  constructor(settings, changed) {
    this.#settings = settings;
    this.#changed = changed;
    this.#form.addEventListener("submit", event => {
      event.preventDefault();
      this.#save();
    });
    for (const name of texts)
      byId(name).addEventListener("input", () => this.#check(name));
    byId("settings-cancel").addEventListener("click", () => this.#dialog.close());
    byId("settings-reset").addEventListener("click", () => this.#put(defaultSettings(byId("key").value)));
    byId("show-key").addEventListener("change", event => byId("key").type = event.target.checked ? "text" : "password");
    this.#dialog.addEventListener("click", event => {
      if (event.target === this.#dialog) // beside the panel
        this.#dialog.close();
    });
  }

  /** Opens it, at one of its fields where one is named. */
  open(field = "system") {
    this.#put(this.#settings);
    this.#dialog.showModal();
    byId(field).focus();
  }

  #put(settings) {
    for (const name of texts) {
      byId(name).value = settings[name];
      this.#check(name);
    }

    this.#thinking.checked = settings.thinking;
  }

  #save() {
    const wrong = texts.filter(name => !this.#check(name));
    if (wrong.length > 0) {
      byId(wrong[0]).focus();
      return;
    }

    const settings = { thinking: this.#thinking.checked };
    for (const name of texts)
      settings[name] = name === "system" ? byId(name).value : byId(name).value.trim();
    const keyChanged = settings.key !== this.#settings.key;
    this.#settings = settings;
    saveSettings(settings);
    this.#dialog.close();
    this.#changed(settings, keyChanged);
  }

  /** Says beside a field what is wrong with it; returns whether nothing is. */
  #check(name) {
    const fault = faultOf(name, byId(name).value);
    const note = document.getElementById(`${name}-fault`);
    if (note === null)
      return true;
    byId(name).setAttribute("aria-invalid", String(fault !== null));
    note.textContent = fault ?? "";
    return fault === null;
  }
}
