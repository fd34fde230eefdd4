// Builds nodes. What the page shows is put there as text, never as markup.

const svgNamespace = "http://www.w3.org/2000/svg";

/** An element with attributes (those that are null or false left out) and children: nodes, or strings that become text. */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same of an SVG drawing. */
export function drawing(name, attributes = {}, ...children) {
  return fill(document.createElementNS(svgNamespace, name), attributes, children);
}

/** A button that says what it does. */
export function button(label, className, onClick) {
  const made = element("button", { type: "button", class: className }, label);
  made.addEventListener("click", onClick);
  return made;
}

/** The element of the page with an id. */
export function byId(id) {
  const found = document.getElementById(id);
  if (found === null)
    throw new Error(`The page has no element '${id}'.`);
  return found;
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false)
      made.setAttribute(name, value === true ? "" : String(value));
  }

  made.append(...children.filter(child => child !== null));
  return made;
}
