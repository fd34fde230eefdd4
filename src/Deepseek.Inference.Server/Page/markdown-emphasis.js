// Pairs the runs of *, _ and ~ in a paragraph.

const deepest = 16; // emphasis within emphasis; what lies deeper keeps its marks
const reach = 32; // runs that a closing one looks back over, so that a text of marks alone costs no more than any other

/** Makes emphasis of the runs that pair, and text of the others. */
export function resolveEmphasis(items) {
  const done = [];
  const open = []; // runs of `done` that wait for their end, with their places in it
  for (const item of items) {
    if (item.type !== "run") {
      done.push(item);
      continue;
    }

    const run = { ...item };
    while (run.closes && run.count > 0 && close(done, open, run)) {
      // A run of three closes both one and two.
    }

    if (run.count > 0) {
      if (run.opens)
        open.push({ run, place: done.length });
      done.push(run);
    }
  }

  return joinTexts(done.map(plain));
}

function close(done, open, run) {
  for (let i = open.length - 1; i >= Math.max(0, open.length - reach); i--) {
    const { run: opening, place } = open[i];
    const width = run.mark === "~" ? 2 : Math.min(2, opening.count, run.count);
    if (opening.mark !== run.mark || opening.count < width || run.count < width || place === done.length - 1)
      continue;
    const depth = done.slice(place + 1).reduce((most, node) => Math.max(most, node.depth ?? 0), 0) + 1;
    if (depth > deepest)
      return false;

    const children = joinTexts(done.splice(place + 1).map(plain)); // a run that found no partner within a pair finds none outside
    open.length = i + 1;
    opening.count -= width;
    run.count -= width;
    if (opening.count === 0) {
      done.pop();
      open.pop();
    }

    done.push({ type: run.mark === "~" ? "deleted" : width === 2 ? "strong" : "emphasis", depth, children });
    return true;
  }

  return false;
}

function plain(item) {
  return item.type === "run" ? { type: "text", text: item.mark.repeat(item.count) } : item;
}

function joinTexts(nodes) {
  const joined = [];
  for (const node of nodes) {
    if (node.type === "text" && joined.at(-1)?.type === "text")
      joined[joined.length - 1] = { type: "text", text: joined.at(-1).text + node.text };
    else
      joined.push(node);
  }

  return joined;
}
