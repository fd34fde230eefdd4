// Speaks to the server that the page came from, and to no other.

import { readEvents } from "./event-stream.js";
import { cutFault, faultOf, networkFault, RequestFault } from "./faults.js";

export class Server {
  #key;

  /** @param key returns the API key; an empty one is not sent. */
  constructor(key) {
    this.#key = key;
  }

  /** The id of the model that is served. */
  async model() {
    const list = await (await this.#request("v1/models")).json();
    return list.data[0].id;
  }

  async stats() {
    return (await this.#request("stats", { signal: AbortSignal.timeout(10_000) })).json();
  }

  /** What the server says of its health: ok, loading or failed. It needs no key, and begins to load a model that is not. */
  async health() {
    const response = await send("health", { signal: AbortSignal.timeout(10_000) });
    try {
      return (await response.json()).status;
    } catch {
      return response.ok ? "ok" : "failed";
    }
  }

  /** Asks for a reply; gives { reasoning, content, finish, usage } as they come, each null where it is not new. */
  async* chat(body, signal) {
    const response = await this.#request("v1/chat/completions", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
      signal,
    });
    let ended = false;
    for await (const data of readStream(response.body, signal)) {
      ended = data === "[DONE]";
      if (!ended)
        yield pieceOf(JSON.parse(data));
    }

    if (!ended)
      throw cutFault();
  }

  async #request(address, init = {}) {
    const headers = new Headers(init.headers);
    if (this.#key() !== "")
      headers.set("Authorization", `Bearer ${this.#key()}`);
    const response = await send(address, { ...init, headers });
    if (!response.ok)
      throw await faultOf(response);
    return response;
  }
}

// Addresses are relative to the page, which may lie under a path of a larger site.
async function send(address, init) {
  try {
    return await fetch(new URL(address, document.baseURI), { cache: "no-store", credentials: "same-origin", redirect: "error", ...init });
  } catch (fault) {
    throw init.signal?.aborted && fault.name === "AbortError" ? fault : networkFault();
  }
}

async function* readStream(body, signal) {
  try {
    yield* readEvents(body);
  } catch (fault) {
    throw signal.aborted ? fault : cutFault();
  }
}

function pieceOf(event) {
  if (event.error !== undefined)
    throw new RequestFault("refused", event.error.message);
  const choice = event.choices[0];
  return {
    reasoning: choice?.delta.reasoning_content ?? null,
    content: choice?.delta.content ?? null,
    finish: choice?.finish_reason ?? null,
    usage: event.usage ?? null,
  };
}
