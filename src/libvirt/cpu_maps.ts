/** How long a map of the host's processors is: one bit for each that is there or could be. */
import type { Connection } from './classes.js';

export async function cpuMapLength(connection: Connection): Promise<number> {
  return Math.ceil((await connection.getCPUMap()).cpus / 8);
}

/** `cpuMapLength` while the thread waits. */
export function cpuMapLengthSync(connection: Connection): number {
  return Math.ceil(connection.getCPUMapSync().cpus / 8);
}
