/** `vmctl console`: this terminal as the guest's. */
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Connection } from 'virtshim';

const leave = 0x1d; // Ctrl+]

/** Passes on what is typed, up to the key that leaves. */
function untilLeft(): Transform {
  return new Transform({
    transform(chunk: Buffer, _, done) {
      const end = chunk.indexOf(leave);
      if (end < 0) return done(null, chunk);
      if (end > 0) this.push(chunk.subarray(0, end));
      this.push(null);
      done();
    },
  });
}

export async function attach(connection: Connection, [name = '', device]: readonly string[]): Promise<number> {
  const guest = await connection.lookupByName(name);
  const console = await guest.openConsoleStream(device);
  const { stdin, stdout } = process;
  if (stdin.isTTY) stdin.setRawMode(true);
  process.stderr.write(`vmctl: connected to ${await guest.name()}; Ctrl+] leaves\n`);
  try {
    const typed = pipeline(stdin, untilLeft(), console);
    const shown = pipeline(console, stdout, { end: false });
    await Promise.race([typed, shown]);
  } finally {
    if (stdin.isTTY) stdin.setRawMode(false);
    console.destroy();
    stdin.destroy();
  }
  return 0;
}
