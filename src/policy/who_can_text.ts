/** Who may do something, for people. */
import { printable } from '../printable.js';
import type { Need } from './needs.js';
import type { Answer, AnsweredCall, RuleUse, Subject, SubjectAnswer, WhoCan } from './who_can.js';

/** Lines for a terminal or a log; what the policy says cannot steer it. */
export function whoCanText({ policy, answers }: WhoCan): string {
  const lenient =
    policy.mode === 'enforcing' ? [] : [`policy \`${policy.name}\` is ${policy.mode}: it refuses nothing`];
  const lines = [...lenient, ...answers.flatMap(answerLines)];
  return `${lines.map(printable).join('\n')}\n`;
}

function answerLines({ calls, needs, who }: Answer): string[] {
  const others = who.find(({ subject }) => subject.kind === 'others');
  const usual = others === undefined ? [] : answerOf(others);
  // Who is judged like everyone else is among them.
  const apart = who.filter((one) => one !== others && answerOf(one).join() !== usual.join());
  return [
    `${calls.map(callText).join(', ')}${needsText(needs)}:`,
    ...apart.flatMap((one) => subjectLines(nameOf(one.subject), answerOf(one))),
    ...subjectLines(apart.length === 0 ? 'everyone' : 'everyone else', usual),
  ];
}

function callText({ function: name, arguments: added }: AnsweredCall): string {
  const list = Object.entries(added).map(([argument, value]) => `${argument} ${value}`);
  return list.length === 0 ? name : `${name} with ${list.join(', ')}`;
}

function needsText(needs: readonly Need[]): string {
  const permissions = needs.flatMap(({ permission }) => (permission === null ? [] : [permission]));
  return permissions.length === 0 ? '' : ` (${permissions.join(', ')})`;
}

function nameOf(subject: Subject): string {
  switch (subject.kind) {
    case 'user':
      return `user ${subject.name ?? subject.uid}`;
    case 'group':
      return `group ${subject.name ?? subject.gids[0]}${membersText(subject.members)}`;
    case 'others':
      return 'everyone else';
  }
}

const shown = 5;

function membersText(members: readonly string[]): string {
  if (members.length === 0) return '';
  const more = members.length > shown ? `, and ${members.length - shown} more` : '';
  return ` (${members.slice(0, shown).join(', ')}${more})`;
}

function subjectLines(who: string, [may, ...reasons]: readonly string[]): string[] {
  return may === undefined ? [] : [`  ${who}: ${may}`, ...reasons.map((reason) => `    ${reason}`)];
}

/** Always, never or on what it depends, and why. */
function answerOf({ may, allowedBy, deniedBy, allowedByDefault, lacking }: SubjectAnswer): string[] {
  const byDefault = allowedByDefault.length === 0 ? [] : [`allowed by default: ${permissionsText(allowedByDefault)}`];
  const allows = [...allowedBy.map((use) => `allowed by ${useText(use)}`), ...byDefault];
  // What is refused in any case is not refused by rules that depend on something.
  const refusing = may === 'never' ? deniedBy.filter(({ open }) => open.length === 0) : deniedBy;
  const denies = refusing.map((use) => `denied by ${useText(use)}`);
  const lacks = lacking.length === 0 ? [] : [`no rule allows ${permissionsText(lacking)}`];
  const reasons = { always: allows, never: [...denies, ...lacks], depends: [...allows, ...denies, ...lacks] }[may];
  return [may, ...reasons];
}

function permissionsText(permissions: readonly (string | null)[]): string {
  return permissions.map((permission) => (permission === null ? 'the call' : `\`${permission}\``)).join(', ');
}

function useText({ rule, file, line, open }: RuleUse): string {
  const conditions = open.map(({ condition, wanted }) => `${condition} ${JSON.stringify(wanted)}`);
  return `\`${rule}\` (${file}:${line})${conditions.length === 0 ? '' : `, where ${conditions.join(' and ')}`}`;
}
