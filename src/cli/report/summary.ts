import type { Summary } from '../../report/summary.js';
import { table } from '../text.js';
import { momentText } from './table.js';

export function summaryText(summary: Summary): string {
  const { from, to } = summary;
  return table([
    ['First event', from === undefined ? '-' : momentText(from)],
    ['Last event', to === undefined ? '-' : momentText(to)],
    ['Starts', String(summary.starts)],
    ['Stops', String(summary.stops)],
    ['Running at the end', String(summary.running)],
    ['Ends without a record', String(summary.lost)],
    ['Resource assignments', String(summary.resources)],
    ['Failed operations', String(summary.failures)],
    ['AVCs of guests', String(summary.avcs)],
    ['Anomalies of guests', String(summary.anomalies)],
    ['AVCs and anomalies of no guest', String(summary.unmatched)],
    ['Host shutdowns', String(summary.shutdowns)],
    ['Host boots', String(summary.boots)],
  ]);
}
