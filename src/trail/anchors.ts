import { readBlocks } from '../input/chunks.js';
import { wholeLines } from '../input/lines.js';
import type { NativeTrailCheck } from '../native.js';
import { auditFiles, isDamage, readLines } from './lines.js';
import type { TrailPlace } from './record.js';

/** Audit text to compare a trail with. */
export interface AnchorFile {
  readonly file: string;
  /** It is the trail's own: what it has and the trail has not was removed there. */
  readonly own: boolean;
}

/** The trail's own audit.log with what was rotated away, then these. */
export async function anchorFiles(dir: string, others: readonly string[]): Promise<AnchorFile[]> {
  const own = (await auditFiles(dir)).sort().map((file) => ({ file, own: true }));
  return [...own, ...others.map((file) => ({ file, own: false }))];
}

/**
 * Takes in the chain values that audit text repeats. Where the text is root's (auditd's log), a user who rewrites a trail
 * cannot rewrite them too. Files that are not there or may not be read are passed over.
 * @returns those that were read
 */
export async function readAnchors(check: NativeTrailCheck, files: readonly AnchorFile[]): Promise<AnchorFile[]> {
  const read: AnchorFile[] = [];
  for (const anchor of files) {
    try {
      for await (const lines of wholeLines(readBlocks(anchor.file))) check.addTexts(lines, anchor.own);
      read.push(anchor);
    } catch (error) {
      // Of one that is damaged there are fewer anchors; one that is not ours to read is none.
      if (isDamage(error)) read.push(anchor);
    }
  }
  return read;
}

/** A record that audit text tells of. */
export interface TextRecord extends TrailPlace {
  readonly rid: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** For people. */
  readonly what: string;
}

/** The records of the trail that the audit text has and the trail has not, once all of it was gone through. */
export async function* missingRecords(
  check: NativeTrailCheck,
  files: readonly AnchorFile[],
): AsyncGenerator<TextRecord> {
  for (const { file } of files) {
    try {
      for await (const lines of readLines(file)) {
        for (const { bytes, line } of lines) {
          if (check.takeMissing(bytes)) yield textRecord(file, line, bytes.toString('latin1'));
        }
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  }
}

function textRecord(file: string, line: number, text: string): TextRecord {
  const field = (name: string) => new RegExp(` ${name}=([^ ']*)`).exec(text)?.[1];
  const [, seconds, milliseconds] = /audit\((\d+)\.(\d+):/.exec(text) ?? [];
  const time = Number(seconds) * 1000 + Number(milliseconds);
  const rid = field('rid') ?? '';
  const guest = field('vm') ?? field('uuid') ?? field('target');
  const on = guest === undefined ? '' : ` of ${guest.replaceAll('"', '')}`;
  const when = Number.isNaN(time) ? '' : ` at ${new Date(time).toISOString()}`;
  const who = `by user ${field('uid')}, process ${field('pid')}`;
  return { file, line, rid, time, what: `${operationOf(text)}${on}${when} ${who} (record ${rid})` };
}

function operationOf(text: string): string {
  return / op=(\w+)/.exec(text)?.[1] ?? 'a call';
}
