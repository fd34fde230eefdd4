// What the model thought before it answered: folded, with how long it took and how many tokens it was.

import { element } from "./dom.js";
import { formatCount, formatSeconds } from "./formats.js";

const often = 200; // milliseconds between two readings of the clock

export class ThinkingView {
  node;
  #summary = element("summary");
  #text = element("div", { class: "thought" });
  #begun = 0;
  #timer = 0;

  constructor() {
    this.node = element("details", { class: "thinking" }, this.#summary, this.#text);
  }

  /** Counts the time from now until the end. */
  begin() {
    this.#begun = performance.now();
    this.node.classList.add("working");
    this.#summary.textContent = "Thinking…";
    this.#timer = setInterval(() => this.#summary.textContent = `Thinking… ${formatSeconds(this.#seconds())}`, often);
  }

  append(text) {
    // It is shown as written: thoughts are notes, and cheap to show while they come.
    this.#text.append(text);
  }

  /** Ends the count; gives the seconds it took. */
  end() {
    clearInterval(this.#timer);
    this.node.classList.remove("working");
    return this.#seconds();
  }

  /** Says how much was thought: whichever of the two is known. */
  tell(seconds, tokens) {
    const parts = [
      seconds === null ? "Thoughts" : `Thought for ${formatSeconds(seconds)}`,
      ...(tokens > 0 ? [formatCount(tokens, "token")] : []),
    ];
    this.#summary.textContent = parts.join(" · ");
  }

  #seconds() {
    return (performance.now() - this.#begun) / 1000;
  }
}
