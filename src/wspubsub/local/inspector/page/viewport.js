// A list of which only what is seen is in the page, however long it is.

import { make } from "./dom.js";

const MARGIN_ROWS = 8;

/**
 * Args: `element` scrolls; `rowHeight` is in CSS pixels; `key(item)` names an item,
 * `signature(item)` changes when it must be drawn again, `draw(row, item, index)` fills
 * a row.
 */
export class Viewport {
  constructor(element, { rowHeight, key, signature, draw }) {
    Object.assign(this, { element, rowHeight, key, signature, draw });
    this.items = [];
    this.rows = new Map();
    this.space = make("div", { class: "space", role: "presentation" });
    element.append(this.space);
    // Where the user has left it: neither what comes nor another view changes that.
    this.isAtEnd = true;
    element.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#schedule()).observe(element);
  }

  show(items) {
    this.items = items;
    this.space.style.setProperty("height", `${items.length * this.rowHeight}px`);
    this.paint();
  }

  scrollToEnd() {
    this.element.scrollTop = this.element.scrollHeight;
    this.paint();
  }

  /** Bring an item into view by scrolling as little as possible. */
  reveal(index) {
    const top = index * this.rowHeight;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.rowHeight > scrollTop + clientHeight) {
      this.element.scrollTop = top + this.rowHeight - clientHeight;
    }
    this.paint();
  }

  paint() {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / this.rowHeight) - MARGIN_ROWS);
    const seen = Math.ceil(clientHeight / this.rowHeight) + 2 * MARGIN_ROWS;
    const rows = new Map();
    let before = null;
    for (const [offset, item] of this.items.slice(first, first + seen).entries()) {
      const row = this.#paintRow(item, first + offset);
      rows.set(this.key(item), row);
      // Rows stand in the page in their order, which is the order they are read in.
      const next = before ? before.nextSibling : this.space.firstChild;
      if (next !== row) this.space.insertBefore(row, next);
      before = row;
    }
    for (const [key, row] of this.rows) if (!rows.has(key)) row.remove();
    this.rows = rows;
  }

  // The row stays the same element, so a click that began on it also ends on it.
  #paintRow(item, index) {
    const row = this.rows.get(this.key(item)) ?? make("div", { class: "row" });
    row.style.setProperty("top", `${index * this.rowHeight}px`);
    const signature = `${index} ${this.items.length} ${this.signature(item)}`;
    if (row.dataset.signature !== signature) {
      this.draw(row, item, index);
      row.dataset.signature = signature;
    }
    return row;
  }

  #scrolled() {
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    // Of a hidden view nothing is known.
    if (clientHeight) this.isAtEnd = scrollTop + clientHeight >= scrollHeight - this.rowHeight;
    this.#schedule();
  }

  #schedule() {
    if (this.scheduled) return;
    this.scheduled = true;
    requestAnimationFrame(() => {
      this.scheduled = false;
      this.paint();
    });
  }
}
