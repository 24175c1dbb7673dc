import type { HostEvent, ReportEvent, SecurityEvent } from './event.js';
import { Host } from './host.js';
import type { Session, SessionReport } from './session.js';

/** Makes sessions of events that come in order of time, those of several hosts among each other. */
export class SessionBuilder {
  readonly #byNode = new Map<string, Host>();
  readonly #sessions: Session[] = [];
  readonly #hosts: HostEvent[] = [];
  readonly #unmatched: SecurityEvent[] = [];

  /** Calls that virtshim saw are no part of sessions. */
  add(event: ReportEvent): void {
    const host = this.#host(event.proof.node);
    switch (event.kind) {
      case 'control':
        host.control(event);
        break;
      case 'resource':
        host.resource(event);
        break;
      case 'machine-id':
        host.machineId(event);
        break;
      case 'avc':
      case 'anomaly':
        if (!host.security(event)) this.#unmatched.push(event);
        break;
      case 'boot':
      case 'shutdown':
        this.#hosts.push(event);
        host.down(event);
        break;
      default:
    }
  }

  finish(): SessionReport {
    for (const host of this.#byNode.values()) host.finish();
    return { sessions: this.#sessions, hosts: this.#hosts, unmatched: this.#unmatched };
  }

  #host(node: string | undefined): Host {
    const known = this.#byNode.get(node ?? '');
    if (known !== undefined) return known;
    const host = new Host(node, this.#sessions);
    this.#byNode.set(node ?? '', host);
    return host;
  }
}

/** The sessions of a log's events. */
export async function sessionsOf(events: AsyncIterable<ReportEvent> | Iterable<ReportEvent>): Promise<SessionReport> {
  const builder = new SessionBuilder();
  for await (const event of events) builder.add(event);
  return builder.finish();
}
