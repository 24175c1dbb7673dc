/** What `virtshim report` is asked for, checked. */
import type { AuditInput } from '../../audit/read.js';
import { VirtshimError } from '../../errors.js';
import { parseMoment } from '../../report/times.js';

export const REPORT_FORMATS = ['table', 'json', 'csv'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** As commander hands them over. */
export interface ReportOptions {
  readonly start?: readonly string[];
  readonly end?: readonly string[];
  readonly vm?: string;
  readonly uuid?: string;
  readonly showUuid?: boolean;
  readonly allEvents?: boolean;
  readonly summary?: boolean;
  readonly timeline?: boolean;
  readonly html?: string;
  readonly trail?: readonly string[];
  readonly proof?: boolean;
  readonly file?: readonly string[];
  readonly stdin?: boolean;
  readonly debug?: boolean;
  readonly format: ReportFormat;
  readonly compat?: 'auvirt';
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** @throws VirtshimError VIRTSHIM_USAGE */
export function checkOptions(options: ReportOptions): void {
  const { stdin, file, uuid, compat, format, timeline } = options;
  if (options.html !== undefined) checkHtml(options);
  if (stdin === true && file !== undefined) {
    throw new VirtshimError('VIRTSHIM_USAGE', '--stdin and --file exclude each other', {
      hint: 'write --file - among other files to read standard input as well',
    });
  }
  if (uuid !== undefined && !UUID.test(uuid)) {
    throw new VirtshimError('VIRTSHIM_USAGE', `\`${uuid}\` is not a UUID`, { hint: '`virsh domuuid GUEST` prints it' });
  }
  if (timeline === true && (format === 'csv' || compat !== undefined)) {
    const other = compat === undefined ? '--format csv' : `--compat ${compat}`;
    throw new VirtshimError('VIRTSHIM_USAGE', `--timeline and ${other} exclude each other`, {
      hint: '--format json prints one object for each entry',
    });
  }
  if (compat !== undefined && format !== 'table') {
    throw new VirtshimError('VIRTSHIM_USAGE', `--compat ${compat} and --format ${format} exclude each other`);
  }
}

function checkHtml({ format, compat, timeline, allEvents, summary, proof }: ReportOptions): void {
  const asText = [timeline, allEvents, summary, proof].includes(true);
  if (format === 'table' && compat === undefined && !asText) return;
  throw new VirtshimError('VIRTSHIM_USAGE', '--html takes no option that is about the text', {
    hint: 'the page has everything: --start, --end, --vm, --uuid, --file and --trail choose what it is about',
  });
}

/** --start and --end in milliseconds since 1970. */
export function periodOf({ start, end }: ReportOptions): { since?: number; until?: number } {
  const since = start && parseMoment(start, 'start').getTime();
  const until = end && parseMoment(end, 'end').getTime();
  if (since !== undefined && until !== undefined && since > until) {
    throw new VirtshimError('VIRTSHIM_USAGE', 'the period ends before it starts', { hint: 'swap --start and --end' });
  }
  return { ...(since !== undefined && { since }), ...(until !== undefined && { until }) };
}

/** The logs to read: those that were named, or auditd's own with the rotated ones. */
export async function inputsOf({ file, stdin }: ReportOptions): Promise<AuditInput[]> {
  if (stdin === true) return [process.stdin];
  const { isFolder, SYSTEM_LOG, withRotated } = await import('../../audit/files.js');
  if (file === undefined) return withRotated(SYSTEM_LOG);
  const inputs = file.map(async (path) => {
    if (path === '-') return [process.stdin];
    return (await isFolder(path)) ? withRotated(path) : [path];
  });
  return (await Promise.all(inputs)).flat();
}
