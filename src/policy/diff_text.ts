/** Differences for people. */
import { printable } from '../printable.js';
import type { ActorChanges, Counterexample, Judged, Part, PolicyDiff, RecordedChange, TrafficDiff } from './diff.js';

/** As many kinds of calls of an actor, and counterexamples, are shown unless all are wanted. */
const most = 20;

/** Lines for a terminal or a log; what policies and trails say cannot steer it. */
export function diffText(diff: PolicyDiff, all = false): string {
  const shown = all ? Number.POSITIVE_INFINITY : most;
  const lines = [
    ...trafficLines(diff.traffic, shown),
    ...analysisLines(diff, shown),
    ...(diff.settings.length === 0 ? [] : [`settings that differ: ${diff.settings.join(', ')}`]),
    conclusion(diff),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function trafficLines(traffic: TrafficDiff | undefined, shown: number): string[] {
  if (traffic === undefined) return [];
  const total = `recorded traffic: ${traffic.changed} of ${traffic.calls} calls change their verdict`;
  return [total, ...traffic.actors.flatMap((actor) => actorLines(actor, shown))];
}

function actorLines({ uid, user, actor, count, changes }: ActorChanges, shown: number): string[] {
  const who = `${user ?? `uid ${uid}`}${actor === undefined ? '' : ` for ${actor}`}`;
  const left = changes.length - shown;
  return [
    `  ${who}: ${count} call${count === 1 ? '' : 's'}`,
    ...changes.slice(0, shown).map(changeLine),
    ...(left > 0 ? [`    and ${left} more kinds of calls`] : []),
  ];
}

function changeLine({ function: name, resource, before, after, count, records }: RecordedChange): string {
  const on = resource === undefined ? '' : ` on \`${resource}\``;
  const more = count > records.length ? ', ...' : '';
  return `    ${count} x ${name}${on}: ${change(before, after)}; record${count === 1 ? '' : 's'} ${records.join(', ')}${more}`;
}

function change(before: Judged, after: Judged): string {
  return `${judgedText(before)} -> ${judgedText(after)}`;
}

function judgedText({ verdict, rule, permission }: Judged): string {
  if (rule !== null) return `${verdict} by \`${rule}\``;
  return permission === null ? `${verdict} by default` : `${verdict}, nothing allows \`${permission}\``;
}

function analysisLines({ analysis }: PolicyDiff, shown: number): string[] {
  if (analysis === undefined) return [];
  const left = analysis.counterexamples.length - shown;
  const { withoutEffect, counterexamples } = analysis;
  return [
    ...counterexamples.slice(0, shown).flatMap(counterexampleLines),
    ...(left > 0 ? [`and ${left} more; --all shows them`] : []),
    ...(withoutEffect.length === 0 ? [] : [withoutEffectLine(withoutEffect, shown)]),
  ];
}

function withoutEffectLine(parts: readonly Part[], shown: number): string {
  const left = parts.length > shown ? `, and ${parts.length - shown} more` : '';
  return `no call was found whose verdict changes by: ${parts.slice(0, shown).map(partText).join(', ')}${left}`;
}

function counterexampleLines({ part, action, call, command, before, after }: Counterexample): string[] {
  const about = part.what === 'rule' ? `, \`${action}\`` : '';
  return [`${partText(part)}${about}: ${change(before, after)}`, `  ${command}`, ...xmlLines(call)];
}

// No option tells what is in XML.
function xmlLines({ xml }: Counterexample['call']): string[] {
  const facts = Object.entries(xml?.facts ?? {}).flatMap(([fact, values]) =>
    values.length === 0 ? [] : [`\`${fact}\` ${values.map((value) => `\`${value}\``).join(', ')}`],
  );
  const paths = Object.entries(xml?.xpath ?? {}).flatMap(([path, holds]) => (holds ? [`\`${path}\``] : []));
  return facts.length + paths.length === 0 ? [] : [`  with XML in which there is ${[...facts, ...paths].join('; ')}`];
}

function partText({ what, id, change: how }: Part): string {
  if (what === 'mode') return `mode ${id}`;
  return what === 'default' ? `default of \`${id}\`` : `rule \`${id}\` (${how})`;
}

function conclusion({ differs, same, analysis }: PolicyDiff): string {
  if (same === 'image') return 'the same: both compile to one image';
  if (same === 'rules') return 'the same: rules, defaults and modes are';
  if (differs) return 'they differ';
  if (analysis === undefined) return 'no difference was seen';
  return `no difference was found in ${analysis.tried} calls, which is no proof that there is none`;
}
