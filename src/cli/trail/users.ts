import { readFileSync } from 'node:fs';

/** uid -> name as /etc/passwd has it; the number itself for others. */
export function userNames(): (uid: number) => string {
  const nameOf = knownUserNames();
  return (uid) => nameOf(uid) ?? String(uid);
}

/** The same for those that are there alone. */
export function knownUserNames(file = '/etc/passwd'): (uid: number) => string | undefined {
  const names = new Map<number, string>();
  for (const line of lines(file)) {
    const [name, , uid] = line.split(':');
    if (name !== undefined && uid !== undefined && !names.has(Number(uid))) names.set(Number(uid), name);
  }
  return (uid) => names.get(uid);
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
