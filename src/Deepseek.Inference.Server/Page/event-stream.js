// Reads a stream of server-sent events.

/** The data of each event, as it comes; the response's body is let go of when the reader stops. */
export async function* readEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (done)
        return;
      const lines = (rest + value).split("\n");
      rest = lines.pop(); // a line that has not ended
      for (const line of lines) {
        if (line.startsWith("data:"))
          yield line.slice("data:".length).trim();
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
