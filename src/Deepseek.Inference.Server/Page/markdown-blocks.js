// Parts a reply's Markdown into blocks: headings, rules, fenced code, quotes, lists, tables, paragraphs. All else,
// HTML above all, is a paragraph's text. Every line is looked at a bounded number of times at each depth.

const deepest = 12; // quotes and lists within one another; what lies deeper is text
const widest = 64; // columns of a table

/**
 * The blocks of a text. Each tells the line on which it begins, and on how many lines its kind rests.
 */
export function parseBlocks(text) {
  return readBlocks(text.split("\n").map(expandTabs), 0);
}

function readBlocks(lines, depth) {
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    if (isBlank(lines[at])) {
      at++;
      continue;
    }

    const [block, next] = readBlock(lines, at, depth);
    blocks.push({ sure: 1, ...block, line: at });
    at = next;
  }

  return blocks;
}

function readBlock(lines, at, depth) {
  return readFence(lines, at)
    ?? readHeading(lines, at)
    ?? readRule(lines, at)
    ?? (depth < deepest ? readQuote(lines, at, depth) ?? readList(lines, at, depth) : null)
    ?? readTable(lines, at)
    ?? readParagraph(lines, at, depth);
}

function readFence(lines, at) {
  const open = fenceOf(lines[at]);
  if (open === null)
    return null;
  const body = [];
  let next = at + 1;
  for (; next < lines.length; next++) {
    const close = fenceOf(lines[next]);
    if (close !== null && close.mark === open.mark && close.length >= open.length && close.info === "")
      return [{ type: "code", language: open.info.split(/\s/, 1)[0], text: body.join("\n") }, next + 1];
    body.push(lines[next].slice(Math.min(open.indent, indentOf(lines[next]))));
  }

  // Not closed: it is still being written, or never will be.
  return [{ type: "code", language: open.info.split(/\s/, 1)[0], text: body.join("\n") }, next];
}

function fenceOf(line) {
  const found = /^( {0,3})(`{3,}|~{3,})(.*)$/.exec(line);
  if (found === null || (found[2][0] === "`" && found[3].includes("`")))
    return null;
  return { indent: found[1].length, mark: found[2][0], length: found[2].length, info: found[3].trim() };
}

function readHeading(lines, at) {
  const found = /^ {0,3}(#{1,6})(?: (.*))?$/.exec(lines[at]);
  if (found === null)
    return null;
  let text = (found[2] ?? "").trim();
  const closing = text.length - trailing(text, "#");
  if (closing === 0 || (closing < text.length && text[closing - 1] === " "))
    text = text.slice(0, closing).trimEnd();
  return [{ type: "heading", level: found[1].length, text }, at + 1];
}

function trailing(text, mark) {
  let count = 0;
  while (count < text.length && text[text.length - 1 - count] === mark)
    count++;
  return count;
}

function readRule(lines, at) {
  return /^ {0,3}([-*_]) *(?:\1 *){2,}$/.test(lines[at]) ? [{ type: "rule" }, at + 1] : null;
}

function readQuote(lines, at, depth) {
  const inner = [];
  let next = at;
  for (; next < lines.length; next++) {
    const found = /^ {0,3}> ?(.*)$/.exec(lines[next]);
    if (found !== null)
      inner.push(found[1]);
    else if (next === at || isBlank(lines[next]) || isBlank(inner.at(-1)) || beginsBlock(lines, next))
      break;
    else
      inner.push(lines[next]); // a paragraph goes on without its mark
  }

  return inner.length > 0 ? [{ type: "quote", blocks: readBlocks(inner, depth + 1) }, next] : null;
}

function itemOf(line) {
  const found = /^( {0,3})([-*+]|\d{1,9}[.)])(?:( +)(.*))?$/.exec(line);
  if (found === null || readRule([line], 0) !== null)
    return null;
  const [, before, mark, gap = "", rest = ""] = found;
  const space = rest === "" || gap.length > 4 ? 1 : gap.length;
  return {
    indent: before.length,
    column: before.length + mark.length + space,
    kind: mark.at(-1),
    number: mark.length > 1 ? Number.parseInt(mark, 10) : null,
    rest: rest === "" ? "" : gap.slice(space) + rest,
  };
}

function readList(lines, at, depth) {
  const first = itemOf(lines[at]);
  if (first === null)
    return null;
  const items = [];
  let loose = false;
  let item = first;
  while (true) {
    const [inner, end] = readItem(lines, at, item);
    items.push(readBlocks(inner, depth + 1));
    loose ||= isLoose(inner);
    at = end;
    const next = skipBlank(lines, at);
    item = next < lines.length ? itemOf(lines[next]) : null;
    if (item === null || item.kind !== first.kind)
      break;
    loose ||= next > at;
    at = next;
  }

  return [{ type: "list", start: first.number, loose, items }, at];
}

/** The lines of an item without their indentation, and the line after it. */
function readItem(lines, at, item) {
  const inner = [item.rest];
  let fenced = fenceOf(item.rest) !== null;
  for (at++; at < lines.length; at++) {
    const line = lines[at];
    if (isBlank(line)) {
      const next = skipBlank(lines, at);
      if (next === lines.length || !belongs(lines[next], item))
        break;
      inner.push("");
    } else if (belongs(line, item)) {
      const text = line.slice(Math.min(indentOf(line), item.column));
      if (fenceOf(text) !== null)
        fenced = !fenced;
      inner.push(text);
    } else if (fenced || isBlank(inner.at(-1)) || beginsBlock(lines, at) || itemOf(line) !== null)
      break;
    else
      inner.push(line.trimStart());
  }

  return [inner, at];
}

// Lists within lists are often indented by less than their item's text.
function belongs(line, item) {
  const indent = indentOf(line);
  return indent >= item.column || (indent >= item.indent + 2 && itemOf(line.trimStart()) !== null);
}

// Whether paragraphs of an item stand apart; an empty line of code does not count.
function isLoose(inner) {
  let fenced = false;
  for (const [i, line] of inner.entries()) {
    if (fenceOf(line) !== null)
      fenced = !fenced;
    if (!fenced && isBlank(line) && i > 0 && i < inner.length - 1)
      return true;
  }

  return false;
}

function readTable(lines, at) {
  if (!lines[at].includes("|") || at + 1 === lines.length)
    return null;
  const head = cellsOf(lines[at]);
  const marks = cellsOf(lines[at + 1]);
  if (marks.length !== head.length || head.length > widest || !marks.every(mark => /^:?-+:?$/.test(mark)))
    return null;
  const rows = [];
  let next = at + 2;
  for (; next < lines.length && lines[next].includes("|") && !beginsBlock(lines, next); next++) {
    const cells = cellsOf(lines[next]);
    rows.push(head.map((_, i) => cells[i] ?? ""));
  }

  return [{ type: "table", sure: 2, head, sides: marks.map(sideOf), rows }, next];
}

function cellsOf(line) {
  const text = line.trim().replace(/^\|/, "");
  const cells = text.split(/(?<!\\)\|/).map(cell => cell.trim().replaceAll("\\|", "|"));
  if (cells.length > 1 && cells.at(-1) === "")
    cells.pop();
  return cells;
}

function sideOf(mark) {
  if (!mark.endsWith(":"))
    return null;
  return mark.startsWith(":") ? "center" : "end";
}

function readParagraph(lines, at, depth) {
  const text = [lines[at].trim()];
  let next = at + 1;
  for (; next < lines.length && !isBlank(lines[next]); next++) {
    if (beginsBlock(lines, next) || (depth < deepest && interrupts(itemOf(lines[next]))) || readTable(lines, next) !== null)
      break;
    text.push(lines[next].trim());
  }

  return [{ type: "paragraph", text: text.join("\n") }, next];
}

function beginsBlock(lines, at) {
  return fenceOf(lines[at]) !== null || readHeading(lines, at) !== null || readRule(lines, at) !== null || /^ {0,3}>/.test(lines[at]);
}

// A number at a line's beginning is mostly a number: "in\n1984. was a year" is no list.
function interrupts(item) {
  return item !== null && item.rest !== "" && (item.number === null || item.number === 1);
}

function skipBlank(lines, at) {
  while (at < lines.length && isBlank(lines[at]))
    at++;
  return at;
}

function isBlank(line) {
  return line.trim() === "";
}

function indentOf(line) {
  return line.length - line.trimStart().length;
}

function expandTabs(line) {
  const indent = /^[ \t]*/.exec(line)[0];
  return indent.includes("\t") ? indent.replaceAll("\t", "    ") + line.slice(indent.length) : line;
}
