/** Puts the page together. */
import type { PageData } from '../page_data.js';
import { Controls } from './controls.js';
import { Details } from './details.js';
import { element } from './dom.js';
import { Entries } from './entries.js';
import { Lanes } from './lanes.js';
import { State } from './state.js';
import { Clock } from './times.js';

const KEYS =
  'Keys: / search, Tab between the parts, on the timeline ← → move, + − zoom, 0 all, n p next and previous, in the list ↑ ↓';

function start(): void {
  const data = JSON.parse(document.getElementById('report')?.textContent ?? '') as PageData;
  const state = new State(data);
  const clock = new Clock();
  const controls = new Controls(state, clock);
  const entries = new Entries(state, clock);
  const bottom = element('div', { class: 'bottom' }, entries.element, new Details(state, clock).element);
  const lanes = new Lanes(state, clock);
  const footer = element('footer', {}, KEYS);
  document.getElementById('app')?.append(controls.element, element('main', {}, lanes.element, bottom), footer);
  document.addEventListener('keydown', (event) => {
    const typing = event.target instanceof HTMLInputElement;
    if (event.key === '/' && !typing) {
      controls.focusSearch();
      event.preventDefault();
    } else if (event.key === 'Escape' && typing) {
      entries.focus();
    }
  });
}

start();
