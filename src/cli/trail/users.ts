import { readFileSync } from 'node:fs';

/** uid -> name as /etc/passwd has it; the number itself for others. */
export function userNames(file = '/etc/passwd'): (uid: number) => string {
  const names = new Map<number, string>();
  for (const line of lines(file)) {
    const [name, , uid] = line.split(':');
    if (name !== undefined && uid !== undefined && !names.has(Number(uid))) names.set(Number(uid), name);
  }
  return (uid) => names.get(uid) ?? String(uid);
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
