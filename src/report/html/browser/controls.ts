/** Search, kinds, zoom, zone and theme. */
import { ENTRY_KINDS, type EntryKind, type PageData } from '../page_data.js';
import { button, element } from './dom.js';
import type { State } from './state.js';
import { type Clock, span } from './times.js';

const LABELS: Readonly<Record<EntryKind, string>> = {
  run: 'Starts and stops',
  call: 'Calls',
  denial: 'Denials',
  failure: 'Failures',
  resource: 'Resources',
  security: 'AVC and anomalies',
  host: 'Host',
};

const THEMES = ['auto', 'dark', 'light'] as const;

export class Controls {
  readonly element = element('header', {});
  readonly #state: State;
  readonly #clock: Clock;
  readonly #range = element('span', { class: 'range', role: 'status' });
  readonly #search = element('input', {
    type: 'search',
    placeholder: 'Search: guest, user, program, rule, record id',
    'aria-label': 'Search',
  });
  #theme = 0;

  constructor(state: State, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
    this.element.append(this.#heading(), this.#kinds(), this.#tools());
    this.#search.addEventListener('input', () => {
      state.query = this.#search.value;
      state.filter();
    });
    state.onChange(() => this.#drawRange());
    this.#drawRange();
  }

  focusSearch(): void {
    this.#search.focus();
    this.#search.select();
  }

  #heading(): HTMLElement {
    const { data } = this.#state;
    const made = `made ${this.#clock.full(data.made)} UTC`;
    return element(
      'div',
      { class: 'heading' },
      element('h1', {}, data.title),
      element('p', {}, `${summary(data)}; ${made}`),
    );
  }

  #kinds(): HTMLElement {
    const counts = new Map<EntryKind, number>();
    for (const { kind } of this.#state.data.entries) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const present = ENTRY_KINDS.filter((kind) => counts.has(kind));
    const group = element('div', { class: 'kinds', role: 'group', 'aria-label': 'Kinds of entries' });
    for (const kind of present) {
      group.append(
        this.#toggle(`${LABELS[kind]} ${counts.get(kind)}`, kind, true, (shown) => {
          if (shown) this.#state.hidden.delete(kind);
          else this.#state.hidden.add(kind);
        }),
      );
    }
    const unattributed = this.#state.data.entries.filter((entry) => entry.unattributed).length;
    if (unattributed > 0) {
      group.append(
        this.#toggle(`Only unattributed ${unattributed}`, 'only', false, (only) => {
          this.#state.unattributedOnly = only;
        }),
      );
    }
    return group;
  }

  #toggle(label: string, kind: string, pressed: boolean, change: (pressed: boolean) => void): HTMLElement {
    const made = element('button', { type: 'button', class: `kind ${kind}`, 'aria-pressed': String(pressed) });
    made.append(element('span', { class: `sign ${kind}`, 'aria-hidden': 'true' }), label);
    made.addEventListener('click', () => {
      const now = made.getAttribute('aria-pressed') !== 'true';
      made.setAttribute('aria-pressed', String(now));
      change(now);
      this.#state.filter();
    });
    return made;
  }

  #tools(): HTMLElement {
    const state = this.#state;
    const theme = button('◐', 'Theme: as the system has it, dark, light', () => this.#nextTheme());
    const zone = button('UTC', 'Times in UTC or in your own zone', () => {
      this.#clock.toggle();
      zone.textContent = this.#clock.utc ? 'UTC' : 'local';
      state.changed();
    });
    return element(
      'div',
      { class: 'tools', role: 'toolbar', 'aria-label': 'Search and zoom' },
      this.#search,
      button('◀', 'Earlier (Left)', () => state.pan(-0.5)),
      button('−', 'Zoom out (-)', () => state.zoom(2)),
      button('+', 'Zoom in (+)', () => state.zoom(0.5)),
      button('▶', 'Later (Right)', () => state.pan(0.5)),
      button('All', 'Show all (0)', () => state.fit()),
      this.#range,
      zone,
      theme,
    );
  }

  #drawRange(): void {
    const { from, to } = this.#state;
    this.#range.textContent = `${this.#clock.full(from)} to ${this.#clock.full(to)} (${span(to - from)})`;
  }

  #nextTheme(): void {
    this.#theme = (this.#theme + 1) % THEMES.length;
    const theme = THEMES[this.#theme] ?? 'auto';
    document.documentElement.dataset.theme = theme;
  }
}

function summary({ guests, entries }: PageData): string {
  const count = (number: number, one: string) => `${number} ${one}${number === 1 ? '' : 's'}`;
  const sessions = guests.reduce((sum, { sessions: of }) => sum + of.length, 0);
  const denials = entries.filter(({ kind }) => kind === 'denial').length;
  return [
    count(guests.length, 'guest'),
    count(sessions, 'session'),
    count(entries.length, 'event'),
    count(denials, 'denial'),
  ].join(', ');
}
