/** The work of the section `node`, by @unraid/libvirt, which has asynchronous calls only: `node unraid.js GUESTS.xml`. */
import { type Domain, Hypervisor } from '@unraid/libvirt';
import { guestNames, guestsUri, serve, type Works } from './serve.js';

const hypervisor = new Hypervisor({ uri: guestsUri() });

function asynchronous(guest: Domain): Works['async'][number] {
  return {
    name: async (calls) => {
      for (let i = 0; i < calls; i++) await hypervisor.domainGetName(guest);
    },
    info: async (calls) => {
      for (let i = 0; i < calls; i++) await hypervisor.domainGetInfo(guest);
    },
    pause: async (calls) => {
      for (let i = 0; i < calls; i += 2) {
        await hypervisor.domainSuspend(guest);
        await hypervisor.domainResume(guest);
      }
    },
  };
}

await hypervisor.connectOpen();
const guests: Domain[] = [];
for (const name of guestNames) guests.push(await hypervisor.domainLookupByName(name));
await serve({ async: guests.map(asynchronous) });
