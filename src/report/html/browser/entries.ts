/** The entries of the period that is seen, one a line; the selected one stands in the details. */
import type { PageEntry } from '../page_data.js';
import { element, oncePerFrame } from './dom.js';
import { Rows } from './rows.js';
import type { State } from './state.js';
import type { Clock } from './times.js';

const ROW = 28;

export class Entries {
  readonly element = element('section', { class: 'entries', 'aria-label': 'Entries' });
  readonly #state: State;
  readonly #clock: Clock;
  readonly #count = element('p', { class: 'count', role: 'status' });
  readonly #list = element('div', {
    class: 'list',
    tabindex: 0,
    role: 'listbox',
    'aria-label': 'Entries of the period',
  });
  readonly #rows: Rows;
  #first = 0;
  #last = 0;
  #revealed: { selected: number | undefined; at: number } = { selected: undefined, at: -1 };

  constructor(state: State, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
    this.#rows = new Rows(this.#list, ROW, (row) => this.#row(row));
    this.element.append(this.#count, this.#list);
    const draw = oncePerFrame(() => this.#draw());
    state.onChange(draw);
    this.#list.addEventListener('keydown', (event) => this.#key(event));
    draw();
  }

  focus(): void {
    this.#list.focus();
  }

  #draw(): void {
    const { matching, data, selected } = this.#state;
    [this.#first, this.#last] = this.#state.inView();
    const shown = this.#last - this.#first;
    this.#count.textContent = `${shown} of ${data.entries.length} entries`;
    this.#rows.show(shown);
    const at = selected === undefined ? -1 : matching.indexOf(selected, this.#first) - this.#first;
    const seen = at >= 0 && at < shown;
    if (seen) this.#list.setAttribute('aria-activedescendant', `entry-${selected}`);
    else this.#list.removeAttribute('aria-activedescendant');
    // Another selection, or the same at another place since the period changed; not where the reader scrolled.
    if (seen && (this.#revealed.selected !== selected || this.#revealed.at !== at)) this.#rows.reveal(at);
    this.#revealed = { selected, at };
  }

  #row(row: number): HTMLElement {
    const index = this.#state.matching[this.#first + row] as number;
    const entry = this.#state.data.entries[index] as PageEntry;
    const guest = entry.guest === undefined ? '' : (this.#state.data.guests[entry.guest]?.name ?? '');
    const made = element(
      'div',
      {
        class: ['entry', entry.kind, entry.unattributed && 'unattributed'].filter(Boolean).join(' '),
        role: 'option',
        id: `entry-${index}`,
        'aria-selected': index === this.#state.selected ? 'true' : 'false',
        'aria-setsize': this.#last - this.#first,
        'aria-posinset': row + 1,
      },
      element('time', {}, this.#clock.full(entry.time)),
      element('span', { class: `sign ${entry.kind}`, 'aria-hidden': 'true' }),
      element('span', { class: 'guest' }, guest),
      element('span', { class: 'text', title: entry.text }, entry.text),
    );
    made.addEventListener('click', () => this.#state.select(index));
    return made;
  }

  #key(event: KeyboardEvent): void {
    const { matching, selected } = this.#state;
    const at = selected === undefined ? -1 : matching.indexOf(selected);
    const known = at >= this.#first && at < this.#last;
    const moves: Record<string, number> = {
      ArrowDown: known ? at + 1 : this.#first,
      ArrowUp: known ? at - 1 : this.#last - 1,
      PageDown: (known ? at : this.#first) + this.#rows.page,
      PageUp: (known ? at : this.#last) - this.#rows.page,
      Home: this.#first,
      End: this.#last - 1,
    };
    const next = moves[event.key];
    if (next === undefined || this.#last === this.#first) return;
    this.#state.select(matching[Math.min(Math.max(next, this.#first), this.#last - 1)]);
    event.preventDefault();
  }
}
