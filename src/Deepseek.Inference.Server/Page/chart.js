// A small chart of the last values of one figure, with the newest beside it.

import { drawing, element } from "./dom.js";

const [width, height] = [240, 56];
const values = 60; // kept, and shown from left to right

export class Chart {
  node;
  #label;
  #format;
  #values = [];
  #now = element("span", { class: "now" }, "–");
  #area = drawing("path", { class: "area" });
  #line = drawing("path", { class: "line" });
  #image = drawing("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img" }, this.#area, this.#line);
  #ceiling;

  /**
   * @param label what is shown
   * @param format makes a value text, with its unit
   * @param ceiling the value at the top; null for the greatest one shown
   */
  constructor(label, format, ceiling = null) {
    this.#label = label;
    this.#format = format;
    this.#ceiling = ceiling;
    this.node = element("figure", { class: "chart" }, element("figcaption", {}, element("span", { class: "label" }, label), this.#now), this.#image);
    this.#draw();
  }

  add(value) {
    this.#values.push(value);
    if (this.#values.length > values)
      this.#values.shift();
    this.#now.textContent = this.#format(value);
    this.#draw();
  }

  #draw() {
    const most = Math.max(...this.#values, 0);
    const top = this.#ceiling ?? (most > 0 ? most * 1.1 : 1);
    const points = this.#values.map((value, i) => {
      const x = width - (this.#values.length - 1 - i) * width / (values - 1);
      return `${x.toFixed(1)} ${(height - 2 - value / top * (height - 6)).toFixed(1)}`;
    });
    this.#line.setAttribute("d", points.length > 1 ? `M${points.join("L")}` : "");
    this.#area.setAttribute("d", points.length > 1 ? `M${points.join("L")}L${width} ${height}L${points[0].split(" ")[0]} ${height}Z` : "");
    this.#image.setAttribute("aria-label", this.#values.length === 0
      ? `${this.#label}: no value yet`
      : `${this.#label}: now ${this.#format(this.#values.at(-1))}, at most ${this.#format(most)} of late`);
  }
}
