/** `vmctl events`: a line for everything that happens to guests. */
import type { Connection, DomainEvents } from 'virtshim';
import type { Invocation } from './options.js';
import { table } from './table.js';

type Lifecycle = DomainEvents['lifecycle'];

/** `VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN` is `stopped (shutdown)`. */
function words({ event, eventName, detailName }: Lifecycle): string {
  if (eventName === null) return `event ${event}`;
  const what = eventName.replace('VIR_DOMAIN_EVENT_', '').toLowerCase();
  const why = detailName
    ?.slice(eventName.length + 1)
    .toLowerCase()
    .replaceAll('_', ' ');
  return why === undefined || why === what ? what : `${what} (${why})`;
}

async function line(event: Lifecycle): Promise<string> {
  const time = new Date().toISOString().slice(11, 23);
  return table([[time, await event.domain.name(), words(event)]]);
}

export async function follow(
  connection: Connection,
  [name]: readonly string[],
  { count }: Invocation,
): Promise<number> {
  const domain = name === undefined ? undefined : await connection.lookupByName(name);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt);
  const events = connection.domainEvents('lifecycle', { signal: interrupted.signal, ...(domain && { domain }) });
  try {
    await events.ready();
    process.stderr.write('vmctl: listening\n');
    let seen = 0;
    for await (const event of events) {
      process.stdout.write(await line(event));
      await event.domain.free();
      seen += 1;
      if (seen >= count) break;
    }
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
  }
  return 0;
}
