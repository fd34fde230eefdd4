// Shows a reply, while it comes and afterwards.

import { copyButton } from "./clipboard.js";
import { button, element } from "./dom.js";
import { formatCount, formatSeconds } from "./formats.js";
import { GrowingMarkdown, renderMarkdown } from "./markdown-view.js";
import { ThinkingView } from "./thinking-view.js";

export class ReplyView {
  node;
  #reply;
  #actions;
  #thinking = null;
  #text = element("div", { class: "text" });
  #growing = null;
  #wait = element("p", { class: "wait" }, "Waiting for the first word…");
  #foot = element("div", { class: "foot" });

  /**
   * @param reply the message, which the view reads whenever it is told of a change
   * @param actions retry() and enterKey()
   */
  constructor(reply, author, actions) {
    this.#reply = reply;
    this.#actions = actions;
    this.node = element("li", { class: "turn reply" }, element("h2", { class: "off-screen" }, author), this.#text, this.#foot);
  }

  /** Shows a reply that has ended before the page knew it. */
  restore() {
    if (this.#reply.reasoning)
      this.#think().append(this.#reply.reasoning);
    this.#text.replaceChildren(...renderMarkdown(this.#reply.content));
    this.end();
  }

  begin() {
    this.#text.append(this.#wait);
    this.#growing = new GrowingMarkdown(this.#text);
  }

  /** Says what the reply waits for. */
  wait(what) {
    this.#wait.textContent = what;
  }

  think(text) {
    this.#wait.remove();
    if (this.#thinking === null)
      this.#think().begin();
    this.#thinking.append(text);
  }

  /** What was thought is complete. */
  endThinking() {
    this.#reply.thoughtSeconds = this.#thinking.end();
    this.#thinking.tell(this.#reply.thoughtSeconds, null);
  }

  say(text) {
    this.#wait.remove();
    this.#growing.append(text);
  }

  /** Shows how it ended: well, stopped, or by a fault that can be tried again. */
  end() {
    this.#wait.remove();
    this.#growing?.flush();
    const { usage, thoughtSeconds, fault = null } = this.#reply;
    this.#thinking?.tell(thoughtSeconds ?? null, usage?.completion_tokens_details?.reasoning_tokens ?? null);
    if (this.#text.childNodes.length === 0 && fault === null)
      this.#text.append(element("p", { class: "wait" }, "No answer was given."));
    this.#foot.replaceChildren(...(fault === null ? this.#closing() : [this.#faultBox(fault)]));
  }

  /** Only the last reply can be asked for again. */
  set last(last) {
    this.node.classList.toggle("last", last);
  }

  #think() {
    this.#thinking = new ThinkingView();
    this.#text.before(this.#thinking.node);
    return this.#thinking;
  }

  #closing() {
    return [
      element("div", { class: "actions" },
        copyButton("Copy", "Copy the reply as Markdown", () => this.#reply.content),
        button("Try again", "quiet retry", () => this.#actions.retry())),
      element("p", { class: "facts" }, this.#facts()),
    ];
  }

  #facts() {
    const { usage, seconds, finish } = this.#reply;
    const endings = { length: "cut at the longest length", stopped: "stopped", null: "interrupted" };
    return [
      ...(usage === null || usage === undefined ? [] : [formatCount(usage.completion_tokens, "token")]),
      ...(seconds === null || seconds === undefined ? [] : [formatSeconds(seconds)]),
      ...(endings[finish] === undefined ? [] : [endings[finish]]),
    ].join(" · ");
  }

  #faultBox(fault) {
    const again = button("Try again", "plain", () => this.#actions.retry());
    const actions = fault.kind === "key" ? [button("Enter the key", "plain strong", () => this.#actions.enterKey()), again] : [again];
    return element("div", { class: "fault", role: "alert" }, element("p", {}, fault.message), element("div", { class: "actions" }, ...actions));
  }
}
