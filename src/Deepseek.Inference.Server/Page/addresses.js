// Which addresses a reply may link to. A model may have read anything, so what it writes is trusted with nothing else.

const allowed = new Set(["http:", "https:", "mailto:"]);

/** The address in full where it may be linked to; null where it is only shown. */
export function linkable(address) {
  // Addresses without a scheme would lead to this server, which a reply cannot mean.
  const url = URL.canParse(address) ? new URL(address) : null;
  return url !== null && allowed.has(url.protocol) ? url.href : null;
}
