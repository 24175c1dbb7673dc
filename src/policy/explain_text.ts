/** Explanations for people. */
import type { NativeActual, NativeFailedCondition } from '../native.js';
import { printable } from '../printable.js';
import type { ExplainedNeed, ExplainedRule, Explanation, OtherSubject, UndecidedFact } from './explain.js';

/** As many rules that did not decide are shown unless all are wanted. */
const most = 10;

/** Lines for a terminal or a log; what the policy and the call say cannot steer it. */
export function explanationText(explanation: Explanation, all = false): string {
  const lines = [
    headline(explanation),
    ...reasons(explanation),
    ...section(
      'needs',
      explanation.needs.map((need) => needLine(need, explanation)),
    ),
    ...section('rules that came close', closeRules(explanation, all)),
    ...section('not known, and could change this', explanation.undecided.map(undecidedLine)),
    ...section('no user was told; these would be judged otherwise', explanation.otherwise.map(otherLine)),
    ...section('notes', [...explanation.notes]),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)];
}

const verdicts = { permitted: 'permitted', denied: 'denied', 'would-deny': 'permitted, but recorded as would-deny' };

function headline({ call, verdict }: Explanation): string {
  const { kind, name, uuid } = call.resource ?? {};
  const what = name || uuid || undefined;
  const on =
    what === undefined && kind === undefined ? '' : ` on ${[kind, what && `\`${what}\``].filter(Boolean).join(' ')}`;
  const by = call.uid === undefined ? '' : ` by uid ${call.uid}`;
  return `${call.function}${on}${by}: ${verdicts[verdict]}`;
}

function reasons({ decision, decidedBy, needs, policy }: Explanation): string[] {
  const lines: string[] = [];
  if (decidedBy !== null) lines.push(`by ${describeRule(decidedBy)}`);
  else lines.push(`by default: ${byDefault(decision.permission, decision.effect, needs)}`);
  if (decidedBy?.assumed) lines.push(`  as far as is known: ${conditionText(decidedBy.assumed)}`);
  if (decision.wouldDeny !== null) lines.push(`permissive rule \`${decision.wouldDeny}\` would deny it`);
  if (decision.reasonMissing) lines.push('a reason is missing: with one, an allow rule could hold');
  if (policy.mode !== 'enforcing') lines.push(`policy \`${policy.name}\` is ${policy.mode}: it refuses nothing`);
  return lines;
}

function byDefault(permission: string | null, effect: string, needs: readonly ExplainedNeed[]): string {
  if (needs.length === 0) return 'a helper, which only a deny rule of its name refuses';
  if (effect === 'allow') return `the defaults allow ${[...new Set(needs.map(({ set }) => `\`${set}\``))].join(', ')}`;
  const need = needs.find((one) => one.permission === permission);
  const what = permission === null ? 'the call' : `\`${permission}\``;
  return `no rule allows ${what}, and the default of \`${need?.set ?? '*'}\` is deny`;
}

function describeRule({ rule, effect, file, line, description }: ExplainedRule): string {
  return `${effect} rule \`${rule}\` (${file}:${line})${description === undefined ? '' : `: ${description}`}`;
}

function needLine({ permission, set, byDefault, allowedBy }: ExplainedNeed, { decision }: Explanation): string {
  const name = permission ?? `no permission, set \`${set}\``;
  const denied = decision.effect === 'deny' && decision.rule !== null ? ', but a deny rule comes first' : '';
  if (allowedBy.length > 0) return `${name}: allowed by ${allowedBy.map((rule) => `\`${rule}\``).join(', ')}${denied}`;
  return `${name}: no rule allows it; default of \`${set}\`: ${byDefault}`;
}

function closeRules({ rules, decidedBy, call }: Explanation, all: boolean): string[] {
  const others = rules.filter((one) => one !== decidedBy);
  // Those that hold or hang on something unknown are nearer than those that do not hold.
  const distance = ({ holds, failed }: ExplainedRule) => (holds ? 0 : failed?.unknown === true ? 1 : 2);
  const sorted = [...others].sort((a, b) => distance(a) - distance(b));
  const shown = all ? sorted : sorted.slice(0, most);
  const lines = shown.flatMap((one) => [describeRule(one), `    ${whyNot(one, call.uid === undefined)}`]);
  const left = sorted.length - shown.length;
  return left === 0 ? lines : [...lines, `and ${left} more`];
}

function whyNot({ holds, failed, assumed, permissive, effect }: ExplainedRule, nobody: boolean): string {
  if (failed !== null) return `fails: ${conditionText(failed, nobody)}`;
  if (assumed !== null) return `holds as far as is known: ${conditionText(assumed, nobody)}`;
  if (permissive) return 'holds, but is permissive: it only records';
  return holds && effect === 'allow' ? 'holds' : 'holds, but an earlier rule decides';
}

/** `resources.names` wants `test-*`, is `prod-1`. */
export function conditionText(
  { condition, not, wanted, actual, unknown }: NativeFailedCondition,
  nobody = false,
): string {
  const values = wanted.map((value) => `\`${value}\``).join(', ');
  const want = condition === 'require' ? 'wants a reason' : `${not ? 'wants none of' : 'wants'} ${values}`;
  return `\`${condition}\` ${want}, ${actualText(condition, actual, unknown, nobody)}`;
}

function actualText(condition: string, actual: NativeActual, unknown: boolean, nobody: boolean): string {
  if (nobody && /^subjects\.(not\.)?(users|uids|groups)$/.test(condition)) return 'no user was told';
  if (condition === 'rate') return unknown ? 'how many there were is not known' : 'which is not so';
  if (Array.isArray(actual)) return listText(actual, unknown);
  if (unknown) return 'which is not known';
  if (actual === null) return 'is NULL';
  if (condition === 'times') return `is ${new Date(Number(actual) * 1000).toISOString().replace('.000Z', 'Z')}`;
  return `is \`${actual}\``;
}

function listText(values: readonly unknown[], unknown: boolean): string {
  if (values.length === 0) return 'has none';
  const list = values.map((value) => `\`${String(value)}\``).join(', ');
  return unknown ? `which only some of these bear out: ${list}` : `has ${list}`;
}

const optionOf: Readonly<Record<string, string>> = {
  'connections.uris': '--uri',
  'connections.drivers': '--uri or --driver',
  'connections.transports': '--uri or --transport',
  'connections.hosts': '--uri or --host',
  'connections.readOnly': '--read-only or --read-write',
  'resources.names': '--name',
  'resources.uuids': '--uuid',
  'subjects.executables': '--exe',
  'subjects.commands': '--comm',
  'subjects.terminals': '--tty',
  'subjects.labels': '--label',
  'subjects.actors': '--actor',
  'monitor.commands': '--monitor-command',
  require: '--reason',
  times: '--at',
  rate: '--rate-reached or --rate-free',
};

function undecidedLine({ fact, rules }: UndecidedFact): string {
  const option = optionOf[fact] ?? (fact.startsWith('xml.') ? '--xml' : undefined);
  const tell = option === undefined ? '' : `; tell it by ${option}`;
  return `\`${fact}\`, which ${rules.map((rule) => `\`${rule}\``).join(', ')} ask${rules.length === 1 ? 's' : ''} for${tell}`;
}

function otherLine({ kind, account, effect }: OtherSubject): string {
  return `${kind === 'user' ? 'user' : 'members of group'} ${account}: ${effect === 'allow' ? 'permitted' : 'denied'}`;
}
