/** All that is known of the selected entry. */
import type { PageChange, PageEntry } from '../page_data.js';
import { element } from './dom.js';
import type { State } from './state.js';
import type { Clock } from './times.js';

export class Details {
  readonly element = element('section', {
    class: 'details',
    'aria-label': 'Details',
    tabindex: 0,
    'aria-live': 'polite',
  });
  readonly #state: State;
  readonly #clock: Clock;
  #shown: number | undefined | null = null;
  #utc = true;

  constructor(state: State, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
    state.onChange(() => this.#draw());
    this.#draw();
  }

  #draw(): void {
    const { selected, data } = this.#state;
    if (this.#shown === selected && this.#utc === this.#clock.utc) return;
    this.#shown = selected;
    this.#utc = this.#clock.utc;
    const entry = selected === undefined ? undefined : data.entries[selected];
    this.element.replaceChildren(...(entry === undefined ? [hint()] : this.#parts(entry)));
  }

  #parts(entry: PageEntry): HTMLElement[] {
    const guest = entry.guest === undefined ? undefined : this.#state.data.guests[entry.guest];
    const about = guest === undefined ? '' : `${guest.name} `;
    const facts: (readonly [string, string])[] = [
      ['time', this.#clock.full(entry.time, true)],
      ...(guest?.uuid === undefined ? [] : [['uuid', guest.uuid] as const]),
      ...entry.facts,
    ];
    const list = element('dl', {});
    for (const [name, value] of facts) list.append(element('dt', {}, name), element('dd', {}, value));
    return [
      element('h2', { class: entry.kind }, `${about}${entry.text}`),
      ...(entry.changes === undefined ? [] : [changesList(entry.changes)]),
      list,
      element('h3', {}, 'Proof'),
      element('ul', { class: 'proof' }, ...entry.proof.map((proof) => element('li', {}, element('code', {}, proof)))),
    ];
  }
}

function hint(): HTMLElement {
  return element(
    'p',
    { class: 'hint' },
    'Select an entry, on the timeline or in the list, to see all that is known of it.',
  );
}

function changesList(changes: readonly PageChange[]): HTMLElement {
  const rows = changes.map(({ path, before, after }) => {
    const values = [
      ...(before === undefined ? [] : [element('del', {}, before)]),
      ...(after === undefined ? [] : [element('ins', {}, after)]),
    ];
    return element('li', {}, element('code', {}, path || 'the whole definition'), ...values);
  });
  const heading = element(
    'h3',
    {},
    rows.length === 0 ? 'No difference in the definition' : 'What changed in the definition',
  );
  return element('div', { class: 'changes' }, heading, element('ul', {}, ...rows));
}
