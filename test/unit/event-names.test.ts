import { describe, expect, test } from '@jest/globals';
import * as constants from '../../src/generated/ffi/constants.js';
import type { Domain, Network, Secret, StoragePool } from '../../src/libvirt/classes.js';
import type {
  NetworkEvents,
  NodeDeviceEvents,
  QemuMonitorEvent,
  SecretEvents,
  StoragePoolEvents,
} from '../../src/libvirt/event_types.js';
import { type DomainEvents, type EventKind, eventIds, lifecycleNames } from '../../src/libvirt/event_types.js';

const prefixes: readonly [EventKind, string][] = [
  ['domain', 'VIR_DOMAIN_EVENT_ID_'],
  ['network', 'VIR_NETWORK_EVENT_ID_'],
  ['storagePool', 'VIR_STORAGE_POOL_EVENT_ID_'],
  ['nodeDevice', 'VIR_NODE_DEVICE_EVENT_ID_'],
  ['secret', 'VIR_SECRET_EVENT_ID_'],
];

function camelCase(constant: string): string {
  return constant.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

describe('the names of events', () => {
  test.each(prefixes)('of a %s are all those of libvirt', (kind, prefix) => {
    const ids = Object.entries(constants).filter(([name]) => name.startsWith(prefix) && !name.endsWith('_LAST'));
    const expected = ids.map(([name, value]) => [camelCase(name.slice(prefix.length)), value]);
    expect(expected.length).toBeGreaterThan(1);
    expect(eventIds[kind]).toEqual(Object.fromEntries(expected));
  });
});

describe('the names of a lifecycle event', () => {
  test.each<[EventKind, number, number, string | null, string | null]>([
    ['domain', 2, 1, 'VIR_DOMAIN_EVENT_STARTED', 'VIR_DOMAIN_EVENT_STARTED_MIGRATED'],
    ['domain', 0, 3, 'VIR_DOMAIN_EVENT_DEFINED', 'VIR_DOMAIN_EVENT_DEFINED_FROM_SNAPSHOT'],
    ['domain', 5, 99, 'VIR_DOMAIN_EVENT_STOPPED', null],
    ['domain', 99, 0, null, null],
    ['network', 2, 0, 'VIR_NETWORK_EVENT_STARTED', null],
    ['storagePool', 4, 0, 'VIR_STORAGE_POOL_EVENT_CREATED', null],
    ['nodeDevice', 1, 0, 'VIR_NODE_DEVICE_EVENT_DELETED', null],
    ['secret', 0, 0, 'VIR_SECRET_EVENT_DEFINED', null],
  ])('%s %i/%i', (kind, event, detail, eventName, detailName) => {
    expect(lifecycleNames(kind, event, detail)).toEqual({ eventName, detailName });
  });

  test('no value of the enumeration is without one, and no constant is named twice', () => {
    const names = Array.from({ length: constants.VIR_DOMAIN_EVENT_LAST }, (_, i) => lifecycleNames('domain', i, 0));
    expect(names.every(({ eventName, detailName }) => eventName !== null && detailName !== null)).toBe(true);
    expect(new Set(names.map(({ detailName }) => detailName)).size).toBe(constants.VIR_DOMAIN_EVENT_LAST);
  });
});

// Checked by the compiler: what an event tells has libvirt's names and types.
type Is<Left, Right> = [Left] extends [Right] ? ([Right] extends [Left] ? true : false) : false;
type Plain<T> = { [Key in keyof T]: T[Key] };

const typed: readonly true[] = [
  true satisfies Is<
    Plain<DomainEvents['blockJob2']>,
    { readonly domain: Domain; readonly disk: string | null; readonly type: number; readonly status: number }
  >,
  true satisfies Is<Plain<DomainEvents['reboot']>, { readonly domain: Domain }>,
  true satisfies Is<DomainEvents['rtcChange']['utcoffset'], number | bigint>,
  true satisfies Is<
    Plain<NetworkEvents['metadataChange']>,
    { readonly network: Network; readonly type: number; readonly nsuri: string | null }
  >,
  true satisfies Is<Plain<StoragePoolEvents['refresh']>, { readonly pool: StoragePool }>,
  true satisfies Is<Plain<SecretEvents['valueChanged']>, { readonly secret: Secret }>,
  true satisfies Is<keyof NodeDeviceEvents['lifecycle'], 'device' | 'event' | 'detail' | 'eventName' | 'detailName'>,
  true satisfies Is<
    NodeDeviceEvents['lifecycle']['eventName'],
    `VIR_NODE_DEVICE_EVENT_${'CREATED' | 'DELETED' | 'DEFINED' | 'UNDEFINED'}` | null
  >,
  true satisfies Is<'VIR_DOMAIN_EVENT_CRASHED' extends DomainEvents['lifecycle']['eventName'] ? true : false, true>,
  true satisfies Is<'VIR_DOMAIN_EVENT_ID_REBOOT' extends DomainEvents['lifecycle']['eventName'] ? true : false, false>,
  true satisfies Is<keyof QemuMonitorEvent, 'domain' | 'event' | 'seconds' | 'micros' | 'details'>,
];

test('the types of events are as stated above', () => {
  expect(typed.every(Boolean)).toBe(true);
});
