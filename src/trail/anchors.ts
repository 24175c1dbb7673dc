import { readLines } from './lines.js';

const RECORD_ID = / rid=([0-9a-f]{16})/;
const CHAIN = / chain=([0-9a-f]{16})/;

/**
 * The chain values that audit text repeats, by record id. Where the text is root's (auditd's log), a user who rewrites
 * a trail cannot rewrite them too. Files that are not there or may not be read are passed over.
 * @returns the first 16 hex digits of the chain value of each response
 */
export async function readAnchors(files: readonly string[]): Promise<Map<string, string>> {
  const anchors = new Map<string, string>();
  for (const file of files) {
    try {
      for await (const lines of readLines(file)) for (const { bytes } of lines) addAnchor(anchors, bytes);
    } catch {
      // not there, or not ours to read: fewer anchors, no failure
    }
  }
  return anchors;
}

function addAnchor(anchors: Map<string, string>, bytes: Buffer): void {
  if (!bytes.includes(' rid=')) return;
  const text = bytes.toString('latin1');
  const rid = RECORD_ID.exec(text)?.[1];
  const chain = CHAIN.exec(text)?.[1];
  if (rid !== undefined && chain !== undefined) anchors.set(rid, chain);
}
