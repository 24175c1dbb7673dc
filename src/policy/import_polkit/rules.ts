/** Grants of polkit -> rules of a policy. */
import { basename } from 'node:path';
import { functions, permissions } from '../../generated/api.js';
import { groupBy } from '../group_by.js';
import type { RuleDraft } from '../policy_text.js';
import { setOf } from '../sets.js';
import { apiActions, apiPrefix, manage, monitor, objectOf } from './actions.js';
import { type Conditions, conditionsOf, widerConditionsOf } from './conditions.js';
import { type Grant, type Note, simplifyGrants, verdictsOf } from './grants.js';
import type { Interpreter } from './interpreter.js';
import { type Path, type Place, simplify } from './path.js';

type Say = (note: Note) => void;

/** Whom libvirt asks: its access control about each call, its socket about each connection. */
export interface Scope {
  readonly calls: boolean;
  readonly connections: boolean;
}

export function rulesOf(interpreter: Interpreter, scope: Scope, say: Say): RuleDraft[] {
  const ids = new Set<string>();
  const named = (place: Place | undefined): string => uniqueId(ids, place);
  if (!scope.calls) return connectionRules(interpreter, named, say);
  return [
    ...(scope.connections ? openingRules(interpreter, say) : []),
    ...callRules(interpreter, named, say),
    {
      id: 'libvirt-asks-nothing',
      description: 'Calls for which libvirt needs no permission: what an object is called, streams, closing',
      effect: 'allow',
      actions: withoutPermission(),
    },
  ];
}

function uniqueId(ids: Set<string>, place: Place | undefined): string {
  const file =
    place &&
    basename(place.file)
      .replace(/\.rules$/, '')
      .replaceAll(/[^A-Za-z0-9._-]/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '');
  const start = place === undefined ? 'libvirt-default' : `${(file || 'polkit').slice(0, 48)}:${place.line}`;
  let id = start;
  for (let number = 2; ids.has(id); number++) id = `${start}-${number}`;
  ids.add(id);
  return id;
}

type Named = (place: Place | undefined) => string;

interface Allowed {
  readonly action: string;
  readonly place: Place | undefined;
  readonly conditions: Conditions;
}

function callRules(interpreter: Interpreter, named: Named, say: Say): RuleDraft[] {
  const allowed = apiActions.flatMap((action) => allowedBy(interpreter, action, say));
  const rules = groupBy(allowed, ({ place, conditions }) => JSON.stringify([place?.file, place?.line, conditions]));
  const groups = [...rules.values()].sort((a, b) => inOrder(a[0]?.place, b[0]?.place));
  return groups.map((group) => {
    const [first] = group;
    const actions = briefly(group.map(({ action }) => action.slice(apiPrefix.length)));
    return allow(named(first?.place), first?.place, actions, first?.conditions ?? {});
  });
}

// libvirt's own defaults last.
function inOrder(a: Place | undefined, b: Place | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1;
}

function allow(id: string, place: Place | undefined, actions: readonly string[], conditions: Conditions): RuleDraft {
  const from =
    place === undefined
      ? "libvirt's own defaults, where no rule decides"
      : `${basename(place.file)}, line ${place.line}`;
  return { id, description: `From ${from}`, effect: 'allow', actions, ...conditions };
}

function allowedBy(interpreter: Interpreter, action: string, say: Say): Allowed[] {
  const { yes } = verdictsOf(interpreter, action, say);
  const kind = action.startsWith(apiPrefix) ? objectOf(action) : undefined;
  return simplifyGrants(yes).flatMap((grant) => {
    const conditions = withoutUnknown(grant, say) ? conditionsOf(grant.path, kind) : undefined;
    if (conditions === undefined) return [];
    if (!('problem' in conditions)) return [{ action, place: grant.place, conditions }];
    say({ place: grant.place ?? nowhere, message: `cannot be asked here: ${conditions.problem}`, leftOut: true });
    return [];
  });
}

const nowhere: Place = { file: '', line: 1, column: 1 };

function withoutUnknown({ path }: Grant, say: Say): boolean {
  const unknown = path.flatMap(({ test }) => (test.about === 'unknown' ? [test] : []));
  for (const { place, why } of unknown) say({ place, message: `cannot be asked here: ${why}`, leftOut: true });
  return unknown.length === 0;
}

/** `domain.*` for all permissions on domains. */
function briefly(granted: readonly string[]): string[] {
  const objects = groupBy(granted, (permission) => permission.split('.')[0] ?? '');
  return [...objects].flatMap(([object, some]) => {
    const all = permissions.filter((permission) => permission.startsWith(`${object}.`));
    return some.length === all.length && all.length > 2 ? [`${object}.*`] : some;
  });
}

function withoutPermission(): string[] {
  const unasked = functions.filter((fn) => fn.checks.length === 0 && setOf(fn) !== undefined);
  return unasked
    .filter((fn) => !['admin', 'guest-access'].includes(fn.class))
    .map((fn) => fn.name)
    .filter((name) => !name.startsWith('virAdm'));
}

const unix = { transports: ['unix'] } as const;

/** Where only the socket asks: who may connect may do all, or all that a read-only connection can. */
function connectionRules(interpreter: Interpreter, named: Named, say: Say): RuleDraft[] {
  const readers = allowedBy(interpreter, monitor, say).map(({ place, conditions }) => {
    const rule = allow(named(place), place, ['connect', 'read', 'events'], conditions);
    return { ...rule, connections: { ...unix, readOnly: true } };
  });
  const managers = allowedBy(interpreter, manage, say).map(({ place, conditions }) => {
    return { ...allow(named(place), place, ['*'], conditions), connections: unix };
  });
  return [...managers, ...readers];
}

const openings = [
  { action: manage, id: 'no-connection', actions: ['virConnectOpen', 'virConnectOpenAuth'], readOnly: false },
  {
    ...{ action: monitor, id: 'no-read-only-connection', readOnly: true },
    actions: ['virConnectOpen', 'virConnectOpenAuth', 'virConnectOpenReadOnly'],
  },
];

/** Where the socket asks, too: nobody connects whom it would not let in. */
function openingRules(interpreter: Interpreter, say: Say): RuleDraft[] {
  return openings.flatMap(({ action, id, actions, readOnly }) => {
    const { yes, no } = verdictsOf(interpreter, action, say);
    const doubtful = yes.filter((grant) => !withoutUnknown(grant, say)).map(({ path }) => path);
    return refusals([...no, ...doubtful]).map((conditions, index) => ({
      id: index === 0 ? id : `${id}-${index + 1}`,
      description: `From ${action}: who gets no yes`,
      effect: 'deny' as const,
      actions,
      ...conditions,
      connections: { ...unix, readOnly },
    }));
  });
}

function refusals(paths: readonly Path[]): Conditions[] {
  const known = paths.map((path) => path.filter(({ test }) => test.about !== 'unknown'));
  const conditions = simplify(known).map(widerConditionsOf);
  return [...new Map(conditions.map((one) => [JSON.stringify(one), one])).values()];
}
