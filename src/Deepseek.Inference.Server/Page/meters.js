// What the server does, asked for while somebody looks.

import { Chart } from "./chart.js";
import { byId } from "./dom.js";
import { formatBytes, formatCount, formatPart, formatRate } from "./formats.js";

const pause = 1000; // milliseconds between two questions
const longPause = 4000; // where the last one had no answer

const words = {
  ready: "Ready",
  loading: "Loading the model…",
  unloaded: "Not loaded yet",
  failed: "The model could not be loaded",
  key: "An API key is needed",
  gone: "The server cannot be reached",
};

export class Meters {
  #server;
  #state = byId("state");
  #name = byId("model");
  #facts = byId("server-facts");
  #timer = 0;
  #lookedAt = false;
  #rate = new Chart("Tokens a second", formatRate);
  #experts = new Chart("Expert hits", formatPart, 1);
  #memory = new Chart("Memory", formatBytes);
  #hits = null; // hits and misses at the last look

  constructor(server) {
    this.#server = server;
    this.#experts.node.hidden = true; // until the model is known to page
    byId("charts").append(this.#rate.node, this.#experts.node, this.#memory.node);
    document.addEventListener("visibilitychange", () => this.#watch());
  }

  /** The model's id; null before the server has told it. */
  model = null;

  /** Begins to ask, or asks again at once. */
  start() {
    this.#lookedAt = false;
    this.#watch();
  }

  #watch() {
    const visible = document.visibilityState === "visible";
    if (visible && !this.#lookedAt)
      this.#look();
    this.#lookedAt = visible;
  }

  async #look() {
    clearTimeout(this.#timer);
    let next = pause;
    try {
      this.#show(await this.#server.stats());
    } catch (fault) {
      this.#say(fault.kind === "key" ? "key" : "gone");
      next = longPause;
    }

    clearTimeout(this.#timer);
    if (document.visibilityState === "visible")
      this.#timer = setTimeout(() => this.#look(), next);
  }

  #show(stats) {
    this.model = stats.model;
    this.#name.textContent = stats.model;
    document.title = stats.model;
    this.#say(stats.state);
    this.#rate.add(stats.tokens.generated_per_second);
    this.#memory.add(stats.memory.resident_bytes);
    this.#showExperts(stats.paging);
    const { requests, tokens, caches } = stats;
    this.#facts.replaceChildren(...[
      [`${requests.running} running, ${requests.waiting} waiting`, "Replies"],
      [formatCount(tokens.generated, "token"), "Generated"],
      [`${formatCount(caches.tokens, "token")} in ${caches.kept + requests.running}`, "Caches"],
    ].flatMap(([value, name]) => [term(name, "dt"), term(value, "dd")]));
  }

  /** Hits since the last look, not since the server's start, which would soon stand still. */
  #showExperts(paging) {
    this.#experts.node.hidden = paging === null;
    if (paging === null)
      return;
    const asked = this.#hits === null ? 0 : paging.hits + paging.misses - this.#hits.hits - this.#hits.misses;
    this.#experts.add(asked > 0 ? (paging.hits - this.#hits.hits) / asked : paging.hit_rate);
    this.#hits = paging;
  }

  #say(state) {
    this.#state.dataset.state = state;
    if (this.#state.textContent !== words[state])
      this.#state.textContent = words[state];
  }
}

function term(text, name) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
