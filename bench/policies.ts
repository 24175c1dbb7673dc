/** Policies of any size that concern the measured calls, so that each call really has to be judged. */
import type { PolicyDocument, RuleDocument } from '../src/policy/document.js';

export interface Shape {
  readonly name: string;
  /** The measured work that the rules are about; see programs/worker.c. */
  readonly work: 'active' | 'state';
  document(rules: number): PolicyDocument;
}

type RuleMaker = (index: number, count: number) => Omit<RuleDocument, 'id'>;

function policy(name: string, rules: number, make: RuleMaker, more: Partial<PolicyDocument> = {}): PolicyDocument {
  return {
    name,
    defaults: { '*': 'allow' },
    audit: { netlink: false },
    rules: Array.from({ length: rules }, (_, index) => ({ id: `r${index}`, ...make(index, rules) })),
    ...more,
  };
}

const denyRead = { effect: 'deny', actions: ['read', 'control'] } as const;
const byName: RuleMaker = (index) => ({ ...denyRead, resources: { names: [`guest-${index}`] } });
const byGlob: RuleMaker = (index) => ({ ...denyRead, resources: { names: [`tenant${index}-*`] } });
const bySuffix: RuleMaker = (index) => ({ ...denyRead, resources: { names: [`*-${index}`] } });
const byUuid: RuleMaker = (index) => ({ ...denyRead, resources: { uuids: [uuidOf(index)] } });
const bySubject: RuleMaker = (index) => ({ ...denyRead, subjects: { uids: [20_000 + index] } });
const byUri: RuleMaker = (index) => ({ ...denyRead, connections: { uris: [`qemu+ssh://host${index}/*`] } });
const byDriver: RuleMaker = (index) => ({
  ...denyRead,
  connections: { drivers: [['qemu', 'lxc', 'xen', 'vbox', 'esx'][index % 5] ?? 'qemu'] },
});
const byArgument: RuleMaker = (index) => ({
  effect: 'deny',
  actions: ['virDomainGetState'],
  arguments: { flags: { equal: index + 1 } },
});
const mixtures: readonly RuleMaker[] = [byName, byGlob, bySubject, byUri, byArgument];
const mixed: RuleMaker = (index, count) => (mixtures[index % mixtures.length] ?? byName)(index, count);

function uuidOf(index: number): string {
  return `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
}

// Nothing is permitted but what a rule allows; the last rule is the one about the guest.
const byAllowList: RuleMaker = (index, count) => ({
  effect: 'allow',
  actions: ['read', 'control'],
  resources: { names: [index === count - 1 ? 'test' : `guest-${index}`] },
});

/** The kinds of rules that a policy can be full of. */
export const shapes: readonly Shape[] = [
  { name: 'names', work: 'active', document: (rules) => policy('names', rules, byName) },
  { name: 'name prefixes', work: 'active', document: (rules) => policy('prefixes', rules, byGlob) },
  { name: 'name suffixes', work: 'active', document: (rules) => policy('suffixes', rules, bySuffix) },
  { name: 'uuids', work: 'active', document: (rules) => policy('uuids', rules, byUuid) },
  { name: 'users', work: 'active', document: (rules) => policy('users', rules, bySubject) },
  { name: 'connection uris', work: 'active', document: (rules) => policy('uris', rules, byUri) },
  { name: 'connection drivers', work: 'active', document: (rules) => policy('drivers', rules, byDriver) },
  { name: 'arguments', work: 'state', document: (rules) => policy('arguments', rules, byArgument) },
  { name: 'mixed', work: 'state', document: (rules) => policy('mixed', rules, mixed) },
  {
    name: 'allow list',
    work: 'active',
    document: (rules) =>
      policy('allow-list', rules, byAllowList, { defaults: { '*': 'allow', read: 'deny', control: 'deny' } }),
  },
];

/** A policy for the measurement of records: permits the calls on the guest, after looking at rules about others. */
export function recordingPolicy(rules: number, netlink: boolean): PolicyDocument {
  return policy('recording', rules, byName, { audit: { netlink } });
}

/** A policy that concerns other calls only. */
export function unrelatedPolicy(rules: number): PolicyDocument {
  return policy('unrelated', rules, (index) => ({
    effect: 'deny',
    actions: ['storage-pool.*'],
    resources: { names: [`pool-${index}`] },
  }));
}

// As long as the guest's, so that its length alone does not tell them apart.
const byShortName: RuleMaker = (index) => ({
  ...denyRead,
  resources: { names: [index.toString(36).padStart(4, '-')] },
});
const byExecutable: RuleMaker = (index) => ({ ...denyRead, subjects: { executables: [`/opt/tool${index}/bin/*`] } });
const byActor: RuleMaker = (index) => ({ ...denyRead, subjects: { actors: [`user${index}@*`] } });
const byHost: RuleMaker = (index) => ({ ...denyRead, connections: { hosts: [`node${index}.example`] } });
const byTime: RuleMaker = (index) => ({
  ...denyRead,
  resources: { names: [`guest-${index}`] },
  times: [{ from: '22:00', to: '06:00', zone: 'Europe/Berlin' }],
});
const byExceptions: RuleMaker = (index) => ({
  ...denyRead,
  resources: { names: [`tenant${index}-*`], not: { names: [`tenant${index}-test`] } },
  subjects: { not: { uids: [20_000 + index] } },
});

/** Those whose growth with the number of rules is measured on the decision alone. */
export const decisionShapes: readonly Shape[] = [
  ...shapes,
  { name: 'names of one length', work: 'active', document: (rules) => policy('short', rules, byShortName) },
  { name: 'executables', work: 'active', document: (rules) => policy('executables', rules, byExecutable) },
  { name: 'actors', work: 'active', document: (rules) => policy('actors', rules, byActor) },
  { name: 'hosts', work: 'active', document: (rules) => policy('hosts', rules, byHost) },
  { name: 'names and times', work: 'active', document: (rules) => policy('times', rules, byTime) },
  { name: 'names and exceptions', work: 'active', document: (rules) => policy('exceptions', rules, byExceptions) },
];
