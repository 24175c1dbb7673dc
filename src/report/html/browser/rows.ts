/** A long list of which only the rows that are seen exist: ten thousand cost no more than forty. */
import { element, oncePerFrame } from './dom.js';

/** Taller elements are cut by browsers. */
const TALLEST = 8_000_000;

export class Rows {
  readonly element: HTMLElement;
  readonly #inner = element('div', { class: 'rows-inner', role: 'presentation' });
  readonly #rowHeight: number;
  readonly #make: (index: number) => HTMLElement;
  readonly #draw: () => void;
  #count = 0;

  /** @param make the row of an index; called anew at each drawing */
  constructor(container: HTMLElement, rowHeight: number, make: (index: number) => HTMLElement) {
    this.element = container;
    this.#rowHeight = rowHeight;
    this.#make = make;
    this.#draw = oncePerFrame(() => this.#drawNow());
    container.append(this.#inner);
    container.addEventListener('scroll', this.#draw);
    new ResizeObserver(this.#draw).observe(container);
  }

  /** How many rows fit at once. */
  get page(): number {
    return Math.max(1, Math.floor(this.element.clientHeight / this.#rowHeight) - 1);
  }

  show(count: number): void {
    this.#count = count;
    this.#inner.style.height = `${Math.min(count * this.#rowHeight, TALLEST)}px`;
    this.#draw();
  }

  reveal(index: number): void {
    const top = index * this.#rowHeight;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.#rowHeight > scrollTop + clientHeight) {
      this.element.scrollTop = top + this.#rowHeight - clientHeight;
    }
    this.#draw();
  }

  #drawNow(): void {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / this.#rowHeight) - 2);
    const last = Math.min(this.#count, Math.ceil((scrollTop + clientHeight) / this.#rowHeight) + 2);
    const rows: HTMLElement[] = [];
    for (let index = first; index < last; index++) {
      const row = this.#make(index);
      row.style.top = `${index * this.#rowHeight}px`;
      row.style.height = `${this.#rowHeight}px`;
      rows.push(row);
    }
    this.#inner.replaceChildren(...rows);
  }
}
