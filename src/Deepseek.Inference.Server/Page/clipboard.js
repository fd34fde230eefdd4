// Copies text.

import { button, element } from "./dom.js";

const told = 1600; // milliseconds for which a button says that it has copied

/** A button that copies what `text` returns, and says so. */
export function copyButton(label, description, text) {
  const made = button(label, "quiet", async () => {
    made.textContent = await copy(text()) ? "Copied" : "Not allowed";
    setTimeout(() => made.textContent = label, told);
  });
  made.title = description;
  return made;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

// Browsers lend the clipboard to pages of this machine, or of https, alone; a selection may be copied anywhere.
function copyBySelection(text) {
  const focused = document.activeElement;
  const area = element("textarea", { class: "off-screen", "aria-hidden": "true", tabindex: -1 });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return done;
}
