/** The timeline: a lane for each guest, with its sessions as bars and what happened as marks on them. */
import type { EntryKind, PageBar, PageEntry, PageGuest } from '../page_data.js';
import { element, oncePerFrame } from './dom.js';
import { Rows } from './rows.js';
import type { State } from './state.js';
import { type Clock, span } from './times.js';

const LANE = 36;
/** Marks that are nearer to each other than this many pixels become one. */
const APART = 21;

/** What a mark of several entries looks like: the gravest of them. */
const GRAVITY: readonly EntryKind[] = ['denial', 'security', 'failure', 'run', 'resource', 'call', 'host'];

export class Lanes {
  readonly element = element('section', { class: 'timeline', 'aria-label': 'Timeline' });
  readonly #state: State;
  readonly #clock: Clock;
  readonly #axis = element('div', { class: 'axis', 'aria-hidden': 'true' });
  readonly #lanes = element('div', {
    class: 'lanes',
    tabindex: 0,
    role: 'application',
    'aria-label':
      'Timeline of the guests. Arrow keys move, plus and minus zoom, 0 shows all, n and p go to the next and previous entry.',
  });
  readonly #rows: Rows;
  /** Guests that are shown, by index; undefined is the lane of what is about no guest. */
  #shown: (number | undefined)[] = [];

  constructor(state: State, clock: Clock) {
    this.#state = state;
    this.#clock = clock;
    this.#rows = new Rows(this.#lanes, LANE, (row) => this.#lane(row));
    this.element.append(this.#axis, this.#lanes);
    const draw = oncePerFrame(() => this.#draw());
    state.onChange(draw);
    new ResizeObserver(draw).observe(this.#lanes);
    this.#lanes.addEventListener('wheel', (event) => this.#wheel(event), { passive: false });
    this.#lanes.addEventListener('keydown', (event) => this.#key(event));
    this.#lanes.addEventListener('pointerdown', (event) => this.#drag(event));
    draw();
  }

  #draw(): void {
    const state = this.#state;
    const filtered = state.query !== '' || state.hidden.size > 0 || state.unattributedOnly;
    const guests = [...state.data.guests.keys()].filter((guest) => !filtered || state.ofGuest.has(guest));
    this.#shown = state.ofGuest.has(undefined) ? [...guests, undefined] : guests;
    this.#drawAxis();
    this.#rows.show(this.#shown.length);
  }

  #drawAxis(): void {
    const { from, to } = this.#state;
    const width = this.#trackWidth();
    const { step, times } = this.#clock.marks(from, to, Math.max(2, Math.floor(width / 110)));
    const marks = times.map((time) => {
      const mark = element('span', {}, this.#clock.mark(time, step));
      mark.style.left = `${nameWidth() + this.#x(time, width)}px`;
      return mark;
    });
    this.#axis.replaceChildren(...marks);
  }

  #lane(row: number): HTMLElement {
    const index = this.#shown[row];
    const guest = index === undefined ? undefined : this.#state.data.guests[index];
    const track = element('div', { class: 'track' });
    const width = this.#trackWidth();
    if (guest !== undefined) track.append(...this.#bars(guest, width));
    track.append(...this.#marks(this.#state.ofGuest.get(index) ?? [], width));
    const name = element('div', { class: 'name', title: nameTitle(guest) }, guest?.name ?? 'host and others');
    return element('div', { class: row % 2 === 0 ? 'lane' : 'lane odd' }, name, track);
  }

  #bars(guest: PageGuest, width: number): HTMLElement[] {
    const drawn = (bars: readonly PageBar[], kind: string) => bars.flatMap((bar) => this.#bar(bar, kind, width));
    return [...drawn(guest.sessions, 'session'), ...drawn(guest.suspensions, 'suspension')];
  }

  #bar(bar: PageBar, kind: string, width: number): HTMLElement[] {
    const { from: first, to: last, data } = this.#state;
    const [from, to] = [bar.from ?? data.from, bar.to ?? data.to];
    if (to < first || from > last) return [];
    const left = Math.max(-4, this.#x(from, width));
    const right = Math.min(width + 4, this.#x(to, width));
    const classes = [kind, bar.from === undefined && 'since', bar.to === undefined && 'open', bar.vague && 'vague'];
    const made = element('div', {
      class: classes.filter(Boolean).join(' '),
      title: `${bar.label}, ${span(to - from)}`,
    });
    made.style.left = `${left}px`;
    made.style.width = `${Math.max(2, right - left)}px`;
    return [made];
  }

  #marks(list: readonly number[], width: number): HTMLElement[] {
    const [first, last] = this.#state.inView(list);
    const marks: HTMLElement[] = [];
    for (let at = first; at < last; ) {
      const begin = this.#x(this.#entry(list[at] as number).time, width);
      let end = at + 1;
      while (end < last && this.#x(this.#entry(list[end] as number).time, width) - begin < APART) end++;
      marks.push(this.#mark(list.slice(at, end), begin));
      at = end;
    }
    return marks;
  }

  #mark(indices: readonly number[], x: number): HTMLElement {
    const entries = indices.map((index) => this.#entry(index));
    const kind = GRAVITY.find((each) => entries.some((entry) => entry.kind === each)) ?? 'call';
    const first = indices[0] as number;
    const { selected } = this.#state;
    const classes = ['mark', kind, entries.some(({ unattributed }) => unattributed) && 'unattributed'];
    if (selected !== undefined && indices.includes(selected)) classes.push('selected');
    const text = entries.length === 1 ? (entries[0] as PageEntry).text : `${entries.length} entries`;
    const title = `${this.#clock.full((entries[0] as PageEntry).time)} ${text}`;
    const label = entries.length === 1 ? '' : entries.length > 99 ? '··' : String(entries.length);
    const made = element(
      'button',
      { type: 'button', tabindex: -1, class: classes.filter(Boolean).join(' '), title },
      label,
    );
    made.style.left = `${x}px`;
    made.addEventListener('click', () => this.#state.select(first));
    return made;
  }

  #entry(index: number): PageEntry {
    return this.#state.data.entries[index] as PageEntry;
  }

  #x(time: number, width: number): number {
    const { from, to } = this.#state;
    return ((time - from) / (to - from)) * width;
  }

  #trackWidth(): number {
    return Math.max(100, this.#lanes.clientWidth - nameWidth());
  }

  #timeAt(clientX: number): number {
    const { from, to } = this.#state;
    const left = this.#lanes.getBoundingClientRect().left + nameWidth();
    return from + ((clientX - left) / this.#trackWidth()) * (to - from);
  }

  /** The wheel alone scrolls the guests, as everywhere; with Ctrl or Shift it moves in time. */
  #wheel(event: WheelEvent): void {
    const across = Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : event.shiftKey ? event.deltaY : 0;
    if (event.ctrlKey) this.#state.zoom(event.deltaY > 0 ? 1.25 : 0.8, this.#timeAt(event.clientX));
    else if (across !== 0) this.#state.pan(across / this.#trackWidth());
    else return;
    event.preventDefault();
  }

  #drag(event: PointerEvent): void {
    if (event.button !== 0 || (event.target as Element).closest('button') !== null) return;
    let x = event.clientX;
    const move = (moved: PointerEvent) => {
      this.#state.pan((x - moved.clientX) / this.#trackWidth());
      x = moved.clientX;
    };
    const end = () => {
      window.removeEventListener('pointermove', move);
      window.removeEventListener('pointerup', end);
    };
    window.addEventListener('pointermove', move);
    window.addEventListener('pointerup', end);
  }

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const state = this.#state;
    const actions: Record<string, () => void> = {
      ArrowLeft: () => state.pan(-0.1),
      ArrowRight: () => state.pan(0.1),
      '+': () => state.zoom(0.5),
      '=': () => state.zoom(0.5),
      '-': () => state.zoom(2),
      '0': () => state.fit(),
      n: () => this.#step(1),
      p: () => this.#step(-1),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    action();
    event.preventDefault();
  }

  #step(by: 1 | -1): void {
    const { matching, selected } = this.#state;
    const at = selected === undefined ? -1 : matching.indexOf(selected);
    const next = at === -1 ? this.#state.inView()[0] : at + by;
    if (next >= 0 && next < matching.length) this.#state.select(matching[next]);
  }
}

function nameTitle(guest: PageGuest | undefined): string {
  if (guest === undefined) return 'what is about no guest';
  const former = guest.formerNames === undefined ? '' : `, before: ${guest.formerNames.join(', ')}`;
  return `${guest.name}${guest.uuid === undefined ? '' : ` ${guest.uuid}`}${former}`;
}

/** As the style sheet has it. */
function nameWidth(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--name-width'));
}
