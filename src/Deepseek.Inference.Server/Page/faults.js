// What can go wrong with a request, in words for whoever sits before the page.

/** A request that failed. `kind` is key, busy, unavailable, network, cut or refused. */
export class RequestFault extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

export function networkFault() {
  return new RequestFault("network", `The server at ${location.host} cannot be reached. It may have been stopped, or the connection is gone.`);
}

export function cutFault() {
  return new RequestFault("cut", "The connection ended before the reply did.");
}

/** The fault that a response tells of. */
export async function faultOf(response) {
  const kinds = { 401: "key", 429: "busy", 503: "unavailable" };
  return new RequestFault(kinds[response.status] ?? "refused", await messageOf(response));
}

async function messageOf(response) {
  try {
    const message = (await response.json()).error.message;
    if (typeof message === "string" && message !== "")
      return message;
  } catch {
    // Something between the page and the server answered in a form of its own.
  }

  return `The server answered with the status ${response.status}, and did not say why.`;
}
