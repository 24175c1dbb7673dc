// Trails that say what a test wants them to say. Nobody could have written them so: their chain is made up.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './paths.js';

export interface Recorded {
  readonly call: string;
  readonly uid?: number;
  readonly actor?: string;
  readonly uri?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly uuid?: string;
  /** The elements within `<param>`, as they stand in a record. */
  readonly params?: string;
  readonly effect?: 'permitted' | 'denied' | 'would-deny';
  readonly failed?: boolean;
  readonly nested?: boolean;
}

/** Id of the record of the call with that index. */
export const ridOf = (index: number): string => (index + 1).toString(16).padStart(16, '0');

/** The folder of a trail with a response for each call. */
export function recordedTrail(calls: readonly Recorded[]): string {
  const folder = join(temporaryFolder('recorded'), 'trail');
  mkdirSync(folder);
  writeFileSync(join(folder, 'trail.xml'), calls.map((call, index) => `${line(call, index)}\n`).join(''));
  return folder;
}

function line(recorded: Recorded, index: number): string {
  const { call, uid = 1001, uri = 'test:///default', kind = 'domain', effect = 'permitted' } = recorded;
  const time = new Date(Date.UTC(2026, 0, 5, 10, 0, index)).toISOString().replace('Z', '000000Z');
  const head = `rid="${ridOf(index)}" seq="${index + 1}" time="${time}" pid="7" tid="7" uid="${uid}"`;
  const rest = `auid="4294967295" ses="4294967295" comm="virsh" exe="/usr/bin/virsh"${recorded.nested ? ' nested="1"' : ''}`;
  const parts = [
    `<event>${call}</event><decision effect="${effect}"/>`,
    recorded.actor === undefined ? '' : `<asserted actor="${recorded.actor}"/>`,
    uri === '' ? '' : `<connection driver="${uri.split(/[+:]/)[0]}" uri="${uri}" readonly="0"/>`,
    `<resource kind="${kind}"${attribute('name', recorded.name)}${attribute('uuid', recorded.uuid)}/>`,
    `<param>${recorded.params ?? ''}</param><state>${recorded.failed ? 0 : 1}</state>`,
  ];
  return `<methodresponse ${head} ${rest} chain="${'0'.repeat(64)}">${parts.join('')}</methodresponse>`;
}

const attribute = (name: string, value: string | undefined): string =>
  value === undefined ? '' : ` ${name}="${value}"`;
