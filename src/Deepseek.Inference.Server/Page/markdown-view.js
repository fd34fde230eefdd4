// Shows Markdown: builds the nodes of a reply, whole or while it grows.

import { copyButton } from "./clipboard.js";
import { element } from "./dom.js";
import { parseBlocks } from "./markdown-blocks.js";
import { parseInline } from "./markdown-inline.js";

/** The nodes of a whole text. */
export function renderMarkdown(text) {
  return parseBlocks(clean(text)).map(renderBlock);
}

/** A text that grows: blocks that can no longer change are left alone, and at most one change a frame is drawn. */
export class GrowingMarkdown {
  #container;
  #tail = ""; // the text from the first block that may change
  #drawn = []; // that block and those after it: { source, node }
  #frame = 0;

  constructor(container) {
    this.#container = container;
  }

  append(text) {
    this.#tail += clean(text);
    if (this.#frame === 0)
      this.#frame = requestAnimationFrame(() => this.flush());
  }

  /** Draws what has come, now. */
  flush() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const lines = this.#tail.split("\n");
    const blocks = parseBlocks(this.#tail);
    const sources = blocks.map((block, i) => lines.slice(block.line, blocks[i + 1]?.line).join("\n").trimEnd());
    this.#draw(blocks, sources);

    // A block is finished once the next one has certainly begun: its last line, which may grow, decides nothing.
    const settled = blocks.findLastIndex(block => block.line + block.sure < lines.length);
    if (settled > 0) {
      this.#tail = lines.slice(blocks[settled].line).join("\n");
      this.#drawn.splice(0, settled);
    }
  }

  #draw(blocks, sources) {
    for (const [i, block] of blocks.entries()) {
      const before = this.#drawn[i];
      if (before?.source === sources[i] && before.type === block.type)
        continue;
      if (before?.type === "code" && block.type === "code" && before.language === block.language) {
        before.node.querySelector("code").textContent = block.text;
        before.source = sources[i];
        continue;
      }

      const node = renderBlock(block);
      if (before === undefined)
        this.#container.append(node);
      else
        before.node.replaceWith(node);
      this.#drawn[i] = { source: sources[i], type: block.type, language: block.language, node };
    }

    for (const { node } of this.#drawn.splice(blocks.length))
      node.remove();
  }
}

function clean(text) {
  return text.replaceAll("\r", "");
}

function renderBlock(block) {
  switch (block.type) {
    // The page's own headings come first, so those of a reply begin at the third level.
    case "heading": return element(`h${Math.min(6, block.level + 2)}`, {}, ...renderInline(block.text));
    case "rule": return element("hr");
    case "code": return renderCode(block);
    case "quote": return element("blockquote", {}, ...block.blocks.map(renderBlock));
    case "list": return renderList(block);
    case "table": return renderTable(block);
    default: return element("p", {}, ...renderInline(block.text));
  }
}

function renderCode(block) {
  const code = element("code", {}, block.text);
  const label = block.language === "" ? "Code" : `Code, ${block.language}`;
  return element("div", { class: "code" },
    element("div", { class: "code-head" },
      element("span", {}, block.language === "" ? "text" : block.language),
      copyButton("Copy", "Copy the code", () => code.textContent)),
    // Code that is wider than the page is scrolled, with the keyboard too.
    element("pre", { tabindex: 0, role: "group", "aria-label": label }, code));
}

function renderList(list) {
  const items = list.items.map(blocks => element("li", {}, ...blocks.flatMap(block =>
    !list.loose && block.type === "paragraph" ? renderInline(block.text) : [renderBlock(block)])));
  return list.start === null
    ? element("ul", {}, ...items)
    : element("ol", { start: list.start === 1 ? null : list.start }, ...items);
}

function renderTable(table) {
  const row = (cells, name, scope) => element("tr", {}, ...cells.map((cell, i) =>
    element(name, { scope, class: table.sides[i] === null ? null : `to-${table.sides[i]}` }, ...renderInline(cell))));
  return element("div", { class: "table", tabindex: 0, role: "group", "aria-label": "Table" },
    element("table", {},
      element("thead", {}, row(table.head, "th", "col")),
      element("tbody", {}, ...table.rows.map(cells => row(cells, "td", null)))));
}

function renderInline(text) {
  return parseInline(text).flatMap(node => renderNode(node, false));
}

function renderNode(node, linked) {
  const children = () => node.children.flatMap(child => renderNode(child, linked || node.type === "link"));
  switch (node.type) {
    case "text": return [document.createTextNode(node.text)];
    case "break": return [element("br")];
    case "code": return [element("code", {}, node.text)];
    case "formula": return [element("span", { class: "formula" }, node.text)];
    case "emphasis": return [element("em", {}, ...children())];
    case "strong": return [element("strong", {}, ...children())];
    case "deleted": return [element("del", {}, ...children())];
    default: return linked ? children() : renderLink(node, children());
  }
}

function renderLink(link, children) {
  if (link.href === null)
    return [...children, document.createTextNode(` (${link.address})`)];
  return [element("a", { href: link.href, title: link.href, target: "_blank", rel: "noopener noreferrer" }, ...children)];
}
