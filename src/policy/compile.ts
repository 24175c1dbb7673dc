/** Policy -> image. */
import { type ApiFunction, functions } from '../generated/api.js';
import { type Accounts, type LookUp, resolveAccounts, resolveAccountsSync } from './accounts.js';
import { setsOfFunction } from './action.js';
import { auditLevels } from './audit_levels.js';
import {
  idsOf,
  type KnownAccounts,
  kindMask,
  type RuleContext,
  readOnlyNumber,
  writeArguments,
  writeConditions,
} from './condition_writer.js';
import { type Diagnostic, hasErrors } from './diagnostic.js';
import type { Effect, Mode } from './document.js';
import { type GroupMember, writeGroup } from './group_index.js';
import { auditFileAlways, auditNetlink, none } from './image_layout.js';
import { ImageWriter, type Range } from './image_writer.js';
import { indexOptions } from './index_options.js';
import type { Policy } from './load.js';
import { isUnconditional, type Rule } from './rule.js';
import { type Checks, setOf } from './sets.js';

export interface Compiled {
  /** Undefined where there is any error. */
  readonly image: Uint8Array | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Compiles for this machine: its users and groups are looked up now. */
export async function compilePolicy(policy: Policy, lookUp?: LookUp): Promise<Compiled> {
  return compileWith(policy, await resolveAccounts(policy, lookUp));
}

/** `compilePolicy` while everything else in this thread waits. */
export function compilePolicySync(policy: Policy): Compiled {
  return compileWith(policy, resolveAccountsSync(policy));
}

function compileWith(policy: Policy, accounts: Accounts): Compiled {
  const { diagnostics } = accounts;
  return { image: hasErrors(diagnostics) ? undefined : writeImage(policy, accounts), diagnostics };
}

const modes: readonly Mode[] = ['enforcing', 'permissive', 'disabled'];
const effects: readonly Effect[] = ['allow', 'deny'];

/** The image of a policy all of whose accounts are known. The same policy gives the same bytes. */
export function writeImage(policy: Policy, accounts: KnownAccounts): Uint8Array {
  const writer = new ImageWriter();
  const name = writer.string(policy.name);
  const trail = writer.string(policy.trail);
  const members = policy.rules.map((rule) => {
    const uids = idsOf(rule.users, accounts.users, rule.uids);
    writeRule(writer, rule, uids, { policy: policy.name, accounts });
    return { options: indexOptions(rule, uids), unconditional: isUnconditional(rule) };
  });
  writeFunctions(writer, policy, members);
  return writer.finish((out) => {
    out.u8(modes.indexOf(policy.mode));
    out.u8(modes.indexOf(policy.unknownApi === 'deny' ? 'enforcing' : 'permissive'));
    // The image's numbers are those of OnAuditFailure, where refusing comes first.
    out.u8(policy.onAuditFailure === 'deny' ? 0 : 1);
    out.u8((policy.auditNetlink ? auditNetlink : 0) | (policy.auditFileAlways ? auditFileAlways : 0));
    out.u32(name);
    out.u32(trail);
    out.u32(0);
  });
}

type Conditions = Omit<GroupMember, 'rule' | 'checks'>;

function writeFunctions(writer: ImageWriter, policy: Policy, conditions: readonly Conditions[]): void {
  const groups = new Groups(writer, conditions);
  const concerned = rulesByFunction(policy.rules);
  for (const fn of functions) {
    const rules = concerned.get(fn.id) ?? [];
    const denyGroup = groups.indexOf('deny', fn, rules);
    // A helper is permitted unless a rule denies it by name.
    const allowGroup = setOf(fn) === undefined ? none : groups.indexOf('allow', fn, rules);
    writer.append('functions', (out) => {
      out.u32(denyGroup);
      out.u32(allowGroup);
      out.u16(defaultDeny(policy, fn));
      out.u8(auditLevels.indexOf(policy.auditLevels[fn.id] ?? 'none'));
      out.u8(0);
    });
  }
}

function rulesByFunction(rules: readonly Rule[]): Map<number, Rule[]> {
  const concerned = new Map<number, Rule[]>();
  for (const rule of rules) {
    for (const id of rule.coverage.keys()) {
      const known = concerned.get(id);
      if (known === undefined) concerned.set(id, [rule]);
      else known.push(rule);
    }
  }
  return concerned;
}

function defaultDeny(policy: Policy, fn: ApiFunction): Checks {
  const denied = setsOfFunction(fn).filter(([set]) => policy.defaults[set] === 'deny');
  return denied.reduce((mask, [, checks]) => mask | checks, 0);
}

/** Functions that the same rules concern in the same way share a group. */
class Groups {
  private readonly known = new Map<string, number>();

  constructor(
    private readonly writer: ImageWriter,
    private readonly conditions: readonly Conditions[],
  ) {}

  indexOf(effect: Effect, fn: ApiFunction, rules: readonly Rule[]): number {
    const concerned = rules.filter((rule) => rule.effect === effect);
    if (concerned.length === 0) return none;
    const checksOf = (rule: Rule) => rule.coverage.get(fn.id) ?? 0;
    const key = `${effect} ${concerned.map((rule) => `${rule.index}:${checksOf(rule)}`).join(' ')}`;
    const index =
      this.known.get(key) ??
      this.write(
        effect,
        concerned.map((rule) => [rule.index, checksOf(rule)]),
      );
    this.known.set(key, index);
    return index;
  }

  private write(effect: Effect, members: readonly (readonly [number, Checks])[]): number {
    const group = members.map(([rule, checks]) => {
      const conditions = this.conditions[rule];
      if (conditions === undefined) throw new RangeError(`no rule ${rule}`);
      return { rule, checks, ...conditions };
    });
    return writeGroup(this.writer, effect, group);
  }
}

function writeRule(writer: ImageWriter, rule: Rule, uids: readonly number[], context: RuleContext): void {
  const id = writer.string(rule.id);
  const ranges: readonly Range[] = [
    writer.idList(uids),
    writer.idList(idsOf(rule.groups, context.accounts.groups, [])),
    writer.globList(rule.uris),
    writer.globList(rule.drivers),
    writer.globList(rule.names),
    writer.globList(rule.uuids),
    writeArguments(writer, rule.arguments),
    writeConditions(writer, rule, context),
  ];
  writer.append('rules', (out) => {
    out.u32(id);
    out.u32(kindMask(rule.kinds));
    for (const range of ranges) out.range(range);
    out.u8(effects.indexOf(rule.effect));
    out.u8(readOnlyNumber(rule.readOnly));
    out.u8(rule.mode === 'permissive' ? 1 : 0);
    out.u8(0);
  });
}
