// Parts a paragraph's text into words, code, formulas, links and emphasis. It goes through the text once.

import { linkable } from "./addresses.js";
import { resolveEmphasis } from "./markdown-emphasis.js";

const punctuation = /[!-/:-@[-`{-~]/;
const formulas = [["\\(", "\\)"], ["\\[", "\\]"], ["$$", "$$"]];

/** The nodes of a text: { type, text } or { type, children }. */
export function parseInline(text) {
  return new InlineParser(text).parse();
}

class InlineParser {
  #text;
  #at = 0;
  #plain = "";
  #items = []; // nodes, and the runs of marks that may become emphasis
  #brackets = []; // where in the items a link's text may begin
  #closers = new Map(); // where a mark is found last, so that a missing one is looked for once

  constructor(text) {
    this.#text = text;
  }

  parse() {
    while (this.#at < this.#text.length) {
      const character = this.#text[this.#at];
      if (!this.#special(character)) {
        this.#plain += character;
        this.#at++;
      }
    }

    this.#flush();
    return resolveEmphasis(this.#items);
  }

  #special(character) {
    switch (character) {
      case "\n": return this.#node({ type: "break" }, 1);
      case "\\": return this.#formula() || this.#escape();
      case "$": return this.#formula();
      case "`": return this.#code();
      case "*": case "_": case "~": return this.#run(character);
      case "[": return this.#openBracket();
      case "]": return this.#closeBracket();
      case "<": return this.#pointedAddress();
      case "h": case "H": return this.#bareAddress();
      default: return false;
    }
  }

  #node(node, length) {
    this.#flush();
    this.#items.push(node);
    this.#at += length;
    return true;
  }

  #flush() {
    if (this.#plain !== "")
      this.#items.push({ type: "text", text: this.#plain });
    this.#plain = "";
  }

  #escape() {
    const next = this.#text[this.#at + 1] ?? "";
    if (next === "\n")
      return this.#node({ type: "break" }, 2);
    if (!punctuation.test(next))
      return false;
    this.#plain += next;
    this.#at += 2;
    return true;
  }

  // Formulas are shown as they are written: marks of emphasis within them are none.
  #formula() {
    for (const [open, close] of formulas) {
      if (!this.#text.startsWith(open, this.#at))
        continue;
      const end = this.#find(close, this.#at + open.length);
      if (end < 0)
        return false;
      return this.#node({ type: "formula", text: this.#text.slice(this.#at, end + close.length) }, end + close.length - this.#at);
    }

    return false;
  }

  #code() {
    const ticks = /`+/y;
    ticks.lastIndex = this.#at;
    const open = ticks.exec(this.#text)[0];
    const end = this.#findTicks(open.length, this.#at + open.length);
    if (end < 0) {
      this.#plain += open;
      this.#at += open.length;
      return true;
    }

    let text = this.#text.slice(this.#at + open.length, end).replaceAll("\n", " ");
    if (text.startsWith(" ") && text.endsWith(" ") && text.trim() !== "")
      text = text.slice(1, -1);
    return this.#node({ type: "code", text }, end + open.length - this.#at);
  }

  /** Where a run of exactly so many back-ticks begins; negative where none does. */
  #findTicks(count, from) {
    if (!this.#closers.has("ticks")) {
      const runs = new Map();
      for (const found of [...this.#text.matchAll(/`+/g)].reverse()) {
        const length = found[0].length;
        runs.set(length, runs.get(length) ?? []);
        runs.get(length).push(found.index);
      }

      this.#closers.set("ticks", runs);
    }

    const places = this.#closers.get("ticks").get(count) ?? []; // the last one first
    while (places.length > 0 && places.at(-1) < from)
      places.pop();
    return places.at(-1) ?? -1;
  }

  #find(mark, from) {
    if ((this.#closers.get(mark) ?? 0) < 0)
      return -1;
    const found = this.#text.indexOf(mark, from);
    this.#closers.set(mark, found);
    return found;
  }

  #run(mark) {
    let end = this.#at;
    while (this.#text[end] === mark)
      end++;
    const [before, after] = [this.#text[this.#at - 1] ?? " ", this.#text[end] ?? " "];
    const word = /[\p{L}\p{N}_]/u;
    const inWord = mark === "_" && word.test(before) && word.test(after);
    return this.#node({
      type: "run",
      mark,
      count: end - this.#at,
      opens: !inWord && /\S/.test(after),
      closes: !inWord && /\S/.test(before),
    }, end - this.#at);
  }

  #openBracket() {
    this.#flush();
    this.#brackets.push(this.#items.length);
    return this.#node({ type: "text", text: "[" }, 1);
  }

  #closeBracket() {
    const open = this.#brackets.pop();
    if (open === undefined)
      return false;
    const target = this.#target(this.#at + 1);
    if (target === null)
      return false;
    this.#flush();
    const children = resolveEmphasis(this.#items.splice(open).slice(1));
    this.#dropImageMark();
    this.#brackets.length = 0; // a link holds no links
    return this.#node(linkNode(target.address, children), target.end - this.#at);
  }

  // Pictures are not fetched: their address would tell somebody that the reply was read. They become links.
  #dropImageMark() {
    const before = this.#items.at(-1);
    if (before?.type === "text" && before.text.endsWith("!"))
      this.#items[this.#items.length - 1] = { type: "text", text: before.text.slice(0, -1) };
  }

  /** The address in parentheses after a link's text. */
  #target(at) {
    const found = /\( *(?:<([^<>\n]{0,2000})>|([^\s<>]{0,2000}))/y;
    found.lastIndex = at;
    const match = found.exec(this.#text);
    if (match === null)
      return null;
    if (match[1] !== undefined)
      return this.#targetEnd(found.lastIndex, match[1]);
    // Parentheses of the address itself come in pairs.
    let depth = 0;
    let length = 0;
    for (const character of match[2]) {
      depth += character === "(" ? 1 : character === ")" ? -1 : 0;
      if (depth < 0)
        break;
      length += character.length;
    }

    return this.#targetEnd(found.lastIndex - match[2].length + length, match[2].slice(0, length));
  }

  #targetEnd(at, address) {
    const rest = /(?: +"[^"\n]{0,1000}")? *\)/y; // a title may follow; it is not shown
    rest.lastIndex = at;
    return rest.test(this.#text) ? { address, end: rest.lastIndex } : null;
  }

  #pointedAddress() {
    const found = /<((?:https?:\/\/|mailto:)[^\s<>]{1,2000})>/iy;
    found.lastIndex = this.#at;
    const match = found.exec(this.#text);
    return match !== null && this.#node(linkNode(match[1], [{ type: "text", text: match[1] }]), match[0].length);
  }

  #bareAddress() {
    if (/[\p{L}\p{N}]/u.test(this.#text[this.#at - 1] ?? ""))
      return false;
    const found = /https?:\/\/[^\s<>"'`|\p{Script=Han}。，；：！？（）“”]{1,2000}/iuy;
    found.lastIndex = this.#at;
    const match = found.exec(this.#text);
    if (match === null)
      return false;
    const address = withoutClosing(match[0]);
    return linkable(address) !== null && this.#node(linkNode(address, [{ type: "text", text: address }]), address.length);
  }
}

function linkNode(address, children) {
  return { type: "link", address, href: linkable(address), children };
}

// What ends a sentence does not belong to the address before it.
function withoutClosing(address) {
  let end = address.length;
  while (end > 0) {
    const last = address[end - 1];
    const unpaired = (last === ")" && !address.slice(0, end).includes("(")) || (last === "]" && !address.slice(0, end).includes("["));
    if (!unpaired && !".,;:!?*_~".includes(last))
      break;
    end--;
  }

  return address.slice(0, end);
}
