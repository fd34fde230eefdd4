// Where questions are written: Enter sends, Shift and Enter begin a line.

import { byId } from "./dom.js";

export class Composer {
  #form = byId("composer");
  #input = byId("question");
  #send = byId("send");
  #stop = byId("stop");
  #note = byId("editing");
  #draft = ""; // what stood there before a question was taken up again

  /** @param actions send(text), stop() and cancelEdit() */
  constructor(actions) {
    this.#form.addEventListener("submit", event => {
      event.preventDefault();
      this.#submit(actions);
    });
    this.#input.addEventListener("keydown", event => {
      // While a word is composed (Chinese, Japanese), Enter belongs to the word.
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#submit(actions);
      }
    });
    this.#input.addEventListener("input", () => this.#fit());
    this.#stop.addEventListener("click", () => actions.stop());
    byId("cancel-edit").addEventListener("click", () => actions.cancelEdit());
    this.busy = false;
  }

  /** While a reply comes, the button stops it. */
  set busy(busy) {
    const focused = document.activeElement;
    this.#send.hidden = busy;
    this.#stop.hidden = !busy;
    if (focused === this.#send || focused === this.#stop)
      (busy ? this.#stop : this.#input).focus();
  }

  focus() {
    this.#input.focus();
  }

  clear() {
    this.#put("");
    this.#note.hidden = true;
  }

  /** Takes a question up again. */
  edit(question) {
    if (this.#note.hidden)
      this.#draft = this.#input.value;
    this.#note.hidden = false;
    this.#put(question);
    this.focus();
    this.#input.setSelectionRange(question.length, question.length);
  }

  cancelEdit() {
    this.#note.hidden = true;
    this.#put(this.#draft);
    this.focus();
  }

  #submit(actions) {
    if (this.#input.value.trim() !== "")
      actions.send(this.#input.value.trim());
  }

  #put(text) {
    this.#input.value = text;
    this.#fit();
  }

  // As tall as its text; the style sheet bounds it.
  #fit() {
    this.#input.style.height = "auto";
    this.#input.style.height = `${this.#input.scrollHeight + this.#input.offsetHeight - this.#input.clientHeight}px`;
  }
}
