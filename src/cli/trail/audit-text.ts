import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readLines } from '../../trail/lines.js';

/** The lines of audit.log that belong to these records; what the kernel took is in its own log instead. */
export async function auditLines(folder: string, rids: ReadonlySet<string>): Promise<string[]> {
  const file = join(folder, 'audit.log');
  if (!existsSync(file)) return [];
  const found: string[] = [];
  for await (const chunk of readLines(file)) {
    for (const { bytes } of chunk) {
      const text = bytes.toString('latin1');
      const rid = / rid=([0-9a-f]{16})\b/.exec(text)?.[1];
      if (rid !== undefined && rids.has(rid)) found.push(text);
    }
  }
  return found;
}
