// The conversation as it is shown: one entry a question, one a reply.

import { button, byId, element } from "./dom.js";
import { ReplyView } from "./reply-view.js";

const near = 120; // pixels above the end within which the page still follows a growing reply

export class MessageList {
  #list = byId("messages");
  #welcome = byId("welcome");
  #author;
  #actions;
  #replies = [];

  /**
   * @param author returns the model's name
   * @param actions retry(), edit() and enterKey()
   */
  constructor(author, actions) {
    this.#author = author;
    this.#actions = actions;
    // Whatever makes the end move: text that comes, thoughts that are unfolded.
    new ResizeObserver(() => this.#follow()).observe(this.#list);
    addEventListener("scroll", () => this.#following = this.#isAtEnd(), { passive: true });
  }

  #following = true;

  /** Shows a whole conversation; returns the view of a last reply. */
  show(messages) {
    this.#list.replaceChildren();
    this.#replies = [];
    for (const message of messages) {
      if (message.role === "user")
        this.addQuestion(message.content);
      else
        this.addReply(message).restore();
    }

    this.#mark();
  }

  addQuestion(text) {
    const edit = button("Edit", "quiet edit", () => this.#actions.edit());
    this.#list.append(element("li", { class: "turn question" },
      element("h2", { class: "off-screen" }, "You"),
      element("div", { class: "bubble" }, text),
      edit));
    this.#mark();
  }

  addReply(reply) {
    const view = new ReplyView(reply, this.#author(), this.#actions);
    this.#list.append(view.node);
    this.#replies.push(view);
    this.#mark();
    return view;
  }

  /** Goes to the end, and stays there while it grows. */
  toEnd() {
    this.#following = true;
    this.#follow();
  }

  #mark() {
    this.#welcome.hidden = this.#list.childElementCount > 0;
    for (const view of this.#replies)
      view.last = view === this.#replies.at(-1);
    const questions = [...this.#list.querySelectorAll(".question")];
    for (const question of questions)
      question.classList.toggle("last", question === questions.at(-1));
  }

  #follow() {
    if (this.#following)
      scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
  }

  #isAtEnd() {
    return scrollY + innerHeight >= document.documentElement.scrollHeight - near;
  }
}
