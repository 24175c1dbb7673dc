/** The work of the section `node`, by this package: `node virtshim.js GUESTS.xml DIST`. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Domain } from '../../src/index.js';
import { guestNames, guestsUri, serve, type Works } from './serve.js';

const { Connection } = (await import(
  pathToFileURL(join(process.argv[3] ?? '', 'index.js')).href
)) as typeof import('../../src/index.js');

function synchronous(guest: Domain): NonNullable<Works['sync']> {
  return {
    name: (calls) => {
      for (let i = 0; i < calls; i++) guest.nameSync();
    },
    info: (calls) => {
      for (let i = 0; i < calls; i++) guest.infoSync();
    },
    pause: (calls) => {
      for (let i = 0; i < calls; i += 2) {
        guest.suspendSync();
        guest.resumeSync();
      }
    },
  };
}

function asynchronous(guest: Domain): Works['async'][number] {
  return {
    name: async (calls) => {
      for (let i = 0; i < calls; i++) await guest.name();
    },
    info: async (calls) => {
      for (let i = 0; i < calls; i++) await guest.info();
    },
    pause: async (calls) => {
      for (let i = 0; i < calls; i += 2) {
        await guest.suspend();
        await guest.resume();
      }
    },
  };
}

const one = Connection.openSync('test:///default');
const many = Connection.openSync(guestsUri());
await serve({
  sync: synchronous(one.lookupByNameSync('test')),
  async: guestNames.map((name) => asynchronous(many.lookupByNameSync(name))),
});
