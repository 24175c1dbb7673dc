/** `virtshim report --html FILE`: the timeline as one self-contained page. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { systemReason, VirtshimError } from '../../errors.js';
import { type PageWords, reportPage } from '../../report/html/report_page.js';
import { selectTimeline } from '../../report/timeline_selection.js';
import type { Outcome } from '../outcome.js';
import { knownUserNames, userNames } from '../trail/users.js';
import { entryText } from './entry_text.js';
import { LogReading } from './reading.js';
import { periodOf, type ReportOptions } from './request.js';
import { readTimeline } from './timeline_sources.js';
import { otherCallText } from './timeline_text.js';

export async function reportHtml(file: string, options: ReportOptions): Promise<Outcome> {
  const { vm, uuid } = options;
  const period = periodOf(options);
  const reading = new LogReading();
  const timeline = selectTimeline(await readTimeline(reading, options), { ...period, vm, uuid });
  await writePage(file, reportPage(timeline, { title: titleOf(options), made: Date.now(), words: words() }));
  return reading.finish();
}

/** Logs that were named may be another host's. */
function titleOf({ file, stdin, trail }: ReportOptions): string {
  const own = file === undefined && stdin !== true && trail === undefined;
  return own ? `Guests of ${hostname()}` : 'Guests';
}

function words(): PageWords {
  const nameOf = userNames();
  return {
    of: ({ suspensions }) => {
      const byCall = new Map(suspensions.map((suspension) => [suspension.began, suspension]));
      return (entry) => entryText(entry, byCall, nameOf);
    },
    call: (call) => otherCallText(call, nameOf),
    account: knownUserNames(),
  };
}

/** Whole or not at all, and the owner's alone: it tells who did what. */
async function writePage(file: string, page: Iterable<string>): Promise<void> {
  const fresh = `${file}.${randomBytes(6).toString('hex')}`;
  try {
    const handle = await open(fresh, 'wx', 0o600);
    try {
      await writeAll(handle, page);
    } finally {
      await handle.close();
    }
    await rename(fresh, file);
  } catch (cause) {
    await rm(fresh, { force: true });
    if (cause instanceof VirtshimError) throw cause;
    throw new VirtshimError('VIRTSHIM_FILE', `cannot write \`${file}\`: ${systemReason(cause)}`, { cause });
  }
}

async function writeAll(handle: FileHandle, page: Iterable<string>): Promise<void> {
  for (const piece of page) await handle.appendFile(piece);
}
