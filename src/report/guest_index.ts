/** By what denials and anomalies are known to concern a guest: its labels, its resources, its process. */
import type { ControlEvent, MachineIdEvent, SecurityEvent } from './event.js';
import type { ResourcePeriod, SecurityMatch } from './session.js';

export interface Found<State> {
  readonly state: State;
  readonly by: SecurityMatch['by'];
  readonly through: SecurityMatch['through'];
}

/** Holds what is true now: entries are added when something begins, and taken out when it ends. */
export class GuestIndex<State> {
  readonly #labels = new Map<string, { state: State; event: MachineIdEvent }>();
  readonly #imageLabels = new Map<string, { state: State; event: MachineIdEvent }>();
  readonly #profiles = new Map<string, { state: State; event: MachineIdEvent | ControlEvent }>();
  readonly #processes = new Map<number, { state: State; event: ControlEvent }>();
  readonly #objects = new Map<string, { state: State; period: ResourcePeriod }>();

  addLabel(state: State, event: MachineIdEvent): void {
    if (event.model === 'dac' || !event.success) return;
    const entry = { state, event };
    setKnown(this.#labels, levelOf(event.guestLabel), entry);
    setKnown(this.#imageLabels, levelOf(event.imageLabel), entry);
    setKnown(this.#profiles, event.guest.uuid, entry);
  }

  addStart(state: State, event: ControlEvent): void {
    const entry = { state, event };
    setKnown(this.#processes, event.guestPid, entry);
    const { uuid } = event.guest;
    if (uuid !== undefined && !this.#profiles.has(uuid)) this.#profiles.set(uuid, entry);
  }

  addObject(state: State, period: ResourcePeriod): void {
    if (FILES.has(period.kind)) this.#objects.set(period.value, { state, period });
  }

  removeObject(period: ResourcePeriod): void {
    if (this.#objects.get(period.value)?.period === period) this.#objects.delete(period.value);
  }

  remove(event: MachineIdEvent | ControlEvent): void {
    removeOwn(this.#profiles, event.guest.uuid, event);
    if (event.kind === 'control') removeOwn(this.#processes, event.guestPid, event);
    else {
      removeOwn(this.#labels, levelOf(event.guestLabel), event);
      removeOwn(this.#imageLabels, levelOf(event.imageLabel), event);
    }
  }

  find(event: SecurityEvent): Found<State> | undefined {
    if (event.kind === 'anomaly') return this.#ofProcess(event) ?? this.#ofLabel(event.subject.label);
    const { scontext, profile } = event.details;
    return this.#ofLabel(profile ?? scontext) ?? this.#ofObject(event);
  }

  #ofProcess({ subject }: SecurityEvent): Found<State> | undefined {
    const found = subject.pid === undefined ? undefined : this.#processes.get(subject.pid);
    return found && { state: found.state, by: 'pid', through: found.event };
  }

  #ofLabel(label: string | undefined): Found<State> | undefined {
    const uuid = PROFILE.exec(label ?? '')?.[1];
    if (uuid !== undefined) {
      const found = this.#profiles.get(uuid);
      return found && { state: found.state, by: 'profile', through: found.event };
    }
    const found = this.#labels.get(levelOf(label) ?? '');
    return found && { state: found.state, by: 'label', through: found.event };
  }

  /** What others do with a guest's files. */
  #ofObject({ details }: SecurityEvent): Found<State> | undefined {
    const image = this.#imageLabels.get(levelOf(details.tcontext) ?? '');
    if (image !== undefined) return { state: image.state, by: 'object', through: image.event };
    const file = this.#objects.get(details.apparmor === undefined ? '' : (details.name ?? ''));
    return file?.period.start && { state: file.state, by: 'object', through: file.period.start };
  }
}

/** Kinds of resources whose value is the path of a file; that of others may be equal to one by chance. */
const FILES = new Set(['disk', 'fs', 'chardev', 'rng', 'dev', 'hostdev', 'shmem', 'evdev', 'tpm', 'tpm-external']);

/** The profile that libvirt makes for a guest: that of a helper of it begins with the same name. */
const PROFILE = /(?:^|\/)libvirt-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:\/\/.*)?$/;

/** Sensitivity and categories of an SELinux context (`s0:c107,c434`): libvirt gives each guest categories of its own. */
function levelOf(context: string | undefined): string | undefined {
  return /^(?:[^:]*:){3}(.+)$/.exec(context ?? '')?.[1];
}

function setKnown<Key, Value>(map: Map<Key, Value>, key: Key | undefined, value: Value): void {
  if (key !== undefined) map.set(key, value);
}

function removeOwn<Key, Event>(map: Map<Key, { event: Event }>, key: Key | undefined, event: Event): void {
  if (key !== undefined && map.get(key)?.event === event) map.delete(key);
}
