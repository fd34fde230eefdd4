// The course of a conversation: asks, shows what comes, stops, tries again.

import { byId } from "./dom.js";
import { RequestFault } from "./faults.js";
import { requestOf } from "./settings.js";

const pause = 1000; // milliseconds between two looks at a model that is being loaded

export class Chat {
  #server;
  #conversation;
  #settings;
  #list = null;
  #composer = null;
  #status = byId("status");
  #model = null;
  #running = null; // ends the reply that is coming
  #editing = false;
  #leaving = false;

  /** @param settings returns the settings in force */
  constructor(server, conversation, settings) {
    this.#server = server;
    this.#conversation = conversation;
    this.#settings = settings;
  }

  /** Gives it what it shows itself with. */
  attach(list, composer) {
    this.#list = list;
    this.#composer = composer;
  }

  get busy() {
    return this.#running !== null;
  }

  async send(text) {
    if (this.busy)
      return;
    if (this.#editing) {
      this.#conversation.dropTurn();
      this.#list.show(this.#conversation.messages);
    }

    this.#editing = false;
    this.#composer.clear();
    this.#conversation.ask(text);
    this.#list.addQuestion(text);
    await this.#reply();
  }

  /** Asks the last question again. */
  async retry() {
    if (this.busy || this.#conversation.question === null)
      return;
    this.#conversation.dropReply();
    this.#list.show(this.#conversation.messages);
    this.#composer.focus(); // the button that was pressed is gone
    await this.#reply();
  }

  edit() {
    if (this.busy || this.#conversation.question === null)
      return;
    this.#editing = true;
    this.#composer.edit(this.#conversation.question.content);
  }

  cancelEdit() {
    this.#editing = false;
    this.#composer.cancelEdit();
  }

  get editing() {
    return this.#editing;
  }

  stop() {
    this.#running?.abort();
  }

  /** The page goes, or is back. What has come of a reply is kept. */
  leave(leaving) {
    this.#leaving = leaving;
    this.#conversation.save();
  }

  /** Asks again where a key was missing, now that there may be one. */
  async keyChanged() {
    if (this.#conversation.messages.at(-1)?.fault?.kind === "key")
      await this.retry();
  }

  /** Forgets the conversation. */
  restart() {
    this.stop();
    this.#editing = false;
    this.#conversation.clear();
    this.#conversation.save();
    this.#list.show([]);
    this.#composer.clear();
    this.#composer.focus();
    this.#tell("New conversation.");
  }

  async #reply() {
    const running = new AbortController();
    const messages = this.#conversation.request(this.#settings().system);
    const reply = this.#conversation.begin();
    const view = this.#list.addReply(reply);
    this.#running = running;
    this.#composer.busy = true;
    this.#conversation.save();
    view.begin();
    this.#list.toEnd();
    this.#tell("Waiting for the reply.");
    const begun = performance.now();
    reply.fault = await this.#receive(messages, reply, view, running.signal);

    reply.seconds = (performance.now() - begun) / 1000;
    view.end();
    this.#running = null;
    this.#composer.busy = false;
    if (!this.#conversation.messages.includes(reply))
      return; // a new conversation was begun meanwhile
    this.#conversation.save();
    this.#tell(reply.fault !== null ? "The reply failed." : reply.finish === "stopped" ? "Stopped." : "The reply is complete.");
  }

  /** Takes a reply in; returns the fault that ended it, { kind, message }, or null. */
  async #receive(messages, reply, view, signal) {
    try {
      for await (const piece of this.#pieces(messages, view, signal))
        this.#take(piece, reply, view);
      return null;
    } catch (fault) {
      if (this.#leaving)
        return null; // the browser has cut the connection, since the page goes
      if (signal.aborted) {
        reply.finish = "stopped";
        return null;
      }

      return fault instanceof RequestFault ? { kind: fault.kind, message: fault.message } : { kind: "refused", message: `The page could not read the reply: ${fault.message}` };
    } finally {
      if (reply.reasoning !== "" && reply.thoughtSeconds === null)
        view.endThinking();
    }
  }

  /** The reply's pieces; where the model is still being loaded, waits for it and asks again. */
  async* #pieces(messages, view, signal) {
    while (true) {
      try {
        this.#model ??= await this.#server.model();
        yield* this.#server.chat({ model: this.#model, messages, ...requestOf(this.#settings()) }, signal);
        return;
      } catch (fault) {
        this.#model = null; // the server may have been started anew, with another one
        if (fault.kind !== "unavailable" || await this.#server.health() !== "loading")
          throw fault;
        view.wait("The model is being loaded…");
        this.#tell("The model is being loaded.");
        await this.#loaded(signal);
      }
    }
  }

  async #loaded(signal) {
    do {
      await new Promise(resolve => setTimeout(resolve, pause));
      signal.throwIfAborted();
    } while (await this.#server.health() === "loading");
  }

  #take(piece, reply, view) {
    if (piece.reasoning) {
      if (reply.reasoning === "")
        this.#tell("Thinking.");
      reply.reasoning += piece.reasoning;
      view.think(piece.reasoning);
    }

    if (piece.content) {
      if (reply.reasoning !== "" && reply.thoughtSeconds === null)
        view.endThinking();
      if (reply.content === "")
        this.#tell("Answering.");
      reply.content += piece.content;
      view.say(piece.content);
    }

    reply.finish = piece.finish ?? reply.finish;
    reply.usage = piece.usage ?? reply.usage;
  }

  // Said aloud by screen readers: how the reply stands, not each of its words.
  #tell(what) {
    this.#status.textContent = what;
  }
}
