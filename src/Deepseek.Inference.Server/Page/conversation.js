// What was said: questions, and replies with what is known of them. It outlives a reload of the page, not the tab.

const place = "deepseek.conversation";

export class Conversation {
  /** { role: "user", content } or { role: "assistant", content, reasoning, … }, in turns. */
  messages = [];

  /** Takes up what the tab kept. */
  static load() {
    const conversation = new Conversation();
    try {
      const kept = JSON.parse(sessionStorage.getItem(place)) ?? [];
      if (Array.isArray(kept) && kept.every(isMessage))
        conversation.messages = kept;
    } catch {
      // Nothing that can be read: a new conversation.
    }

    return conversation;
  }

  save() {
    try {
      sessionStorage.setItem(place, JSON.stringify(this.messages));
    } catch {
      // The conversation is longer than the browser keeps: it goes on, and a reload begins anew.
      sessionStorage.removeItem(place);
    }
  }

  ask(content) {
    this.messages.push({ role: "user", content });
  }

  /** A reply to come. */
  begin() {
    const reply = { role: "assistant", content: "", reasoning: "", finish: null, usage: null, seconds: null, thoughtSeconds: null, fault: null };
    this.messages.push(reply);
    return reply;
  }

  /** The last question; null where there is none. */
  get question() {
    return this.messages.findLast(message => message.role === "user") ?? null;
  }

  /** Drops the reply to the last question. */
  dropReply() {
    if (this.messages.at(-1)?.role === "assistant")
      this.messages.pop();
  }

  /** Drops the last question and its reply. */
  dropTurn() {
    this.dropReply();
    this.messages.pop();
  }

  clear() {
    this.messages = [];
  }

  /** The messages as a request sends them: instructions first, and of replies what was said, not what was thought. */
  request(instructions) {
    const said = this.messages.filter(message => message.role === "user" || message.content !== "");
    return [
      ...(instructions.trim() === "" ? [] : [{ role: "system", content: instructions }]),
      ...said.map(({ role, content }) => ({ role, content })),
    ];
  }
}

function isMessage(message) {
  return (message?.role === "user" || message?.role === "assistant") && typeof message.content === "string";
}
