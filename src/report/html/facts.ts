/** What is known of an event, as pairs of a name and a value. */
import type { Attribution } from '../attribution.js';
import type { CallEvent, SecurityEvent, Subject } from '../event.js';

export type Fact = readonly [name: string, value: string];
type MaybeFact = readonly [name: string, value: string | undefined];

export class Facts {
  /** @param account the name of an account, where it is known */
  constructor(private readonly account: (uid: number) => string | undefined) {}

  ofCause(cause: Attribution): Fact[] {
    if (cause.kind === 'none') return [['cause', 'unattributed']];
    if (cause.kind === 'call') return this.ofCall(cause.call);
    return cause.candidates.flatMap((call, index) => {
      return this.ofCall(call).map(([name, value]): Fact => [`${index + 1}. ${name}`, value]);
    });
  }

  ofCall(call: CallEvent): Fact[] {
    const { asserted, error, target, duration } = call;
    return known([
      ['call', call.operation],
      ['verdict', call.verdict],
      ['rule', call.rule],
      ['error', error && (error.message ?? String(error.code))],
      ...this.#ofSubject(call.subject),
      ['asserted user', asserted?.actor],
      ['asserted by', asserted?.via],
      ['asserted reason', asserted?.reason],
      ['connection', call.uri ?? call.driver],
      [target?.kind ?? 'object', target?.name],
      ...Object.entries(call.arguments).map(([name, value]): Fact => [`argument ${name}`, value]),
      ['time inside libvirt', duration === undefined ? undefined : `${duration.toFixed(3)} ms`],
      ['recorded in', call.recordedIn.join(' and ')],
    ]);
  }

  ofSecurity({ subject, details }: SecurityEvent): Fact[] {
    return [...known(this.#ofSubject(subject)), ...Object.entries(details)];
  }

  #ofSubject({ uid, auid, userName, loginName, pid, comm, exe, terminal, label }: Subject): MaybeFact[] {
    return [
      ['login user', this.#accountText(auid, loginName)],
      ['user', this.#accountText(uid, userName)],
      ['program', exe ?? comm],
      ['process', pid?.toString()],
      ['terminal', terminal],
      ['label', label],
    ];
  }

  #accountText(id: number | undefined, recorded: string | undefined): string | undefined {
    const name = id === undefined ? undefined : (recorded ?? this.account(id));
    return name === undefined ? id?.toString() : `${name} (${id})`;
  }
}

/** Those that have a value. */
export function known(facts: readonly MaybeFact[]): Fact[] {
  return facts.flatMap(([name, value]): Fact[] => (value === undefined || value === '' ? [] : [[name, value]]));
}
