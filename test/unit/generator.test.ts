import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FactsError, type Inputs, type RawFunction, readInputs } from '../../src/generator/facts.js';
import { type ApiFunction, buildApi } from '../../src/generator/model.js';
import { generate, staleOutputs, writeOutputs } from '../../src/generator/outputs.js';
import { ROOT as root, temporaryFolder } from '../support/paths.js';

const inputs = readInputs(join(root, 'native/api'));
const api = buildApi(inputs);
const byName = new Map(api.functions.map((fn) => [fn.name, fn]));

function fn(name: string): ApiFunction {
  const found = byName.get(name);
  if (!found) throw new Error(`no function ${name}`);
  return found;
}

function arg(name: string, argName: string) {
  return fn(name).args.find((candidate) => candidate.name === argName);
}

/** The permissions that a call with these flags needs. */
function needed(name: string, flags: number): readonly string[] {
  const active = fn(name).checks.filter(({ condition, mask }) => {
    if (condition === 'AllSet') return (flags & mask) >>> 0 === mask;
    if (condition === 'NoneSet') return (flags & mask) === 0;
    return condition === 'Always';
  });
  return [...new Set(active.map((check) => check.permission))].sort();
}

describe('coverage', () => {
  test('all functions of the four libraries are there', () => {
    const count = (library: string) => api.functions.filter((each) => each.library === library).length;
    expect(['libvirt', 'libvirt-qemu', 'libvirt-lxc', 'libvirt-admin'].map(count)).toEqual([525, 6, 4, 33]);
    expect(api.functions).toHaveLength(568);
  });

  test('ids follow the byte order of the names, as binary search needs it', () => {
    const names = api.functions.map((each) => each.name);
    expect(names).toEqual([...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    expect(new Set(names).size).toBe(568);
  });

  test('the committed files are what the generator writes', () => {
    expect(staleOutputs(root, generate(root))).toEqual([]);
  });

  test('each function has one exported wrapper that passes its own id', () => {
    for (const each of api.functions) {
      const file = `native/generated/wrappers_${each.library.replaceAll('-', '_')}.cc`;
      const text = wrapperText(file);
      expect(text.split(new RegExp(`^VIRTSHIM_EXPORT [^(]*\\b${each.name}\\(`, 'm'))).toHaveLength(2);
      expect(text.split(`FunctionId::${each.name},`)).toHaveLength(2);
    }
  });
});

const wrapperTexts = new Map<string, string>();
function wrapperText(path: string): string {
  const text = wrapperTexts.get(path) ?? readFileSync(join(root, path), 'utf8');
  wrapperTexts.set(path, text);
  return text;
}

describe('a check against the committed files', () => {
  let folder: string;
  beforeEach(() => {
    folder = temporaryFolder('generator');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('names exactly the files that differ or are missing', () => {
    const outputs = generate(root);
    expect(staleOutputs(folder, outputs)).toEqual([...outputs.keys()]);
    expect(writeOutputs(folder, outputs)).toEqual([...outputs.keys()]);
    expect(writeOutputs(folder, outputs)).toEqual([]);
    const edited = new Map(outputs).set('native/generated/facts.cc', '// edited\n');
    expect(staleOutputs(folder, edited)).toEqual(['native/generated/facts.cc']);
  });
});

describe('permission checks', () => {
  const live = 1;
  const config = 2;

  test('domain.save is needed where the configuration may change', () => {
    expect(needed('virDomainSetMemoryFlags', config)).toEqual(['domain.save', 'domain.write']);
    expect(needed('virDomainSetMemoryFlags', live | config)).toEqual(['domain.save', 'domain.write']);
    expect(needed('virDomainSetMemoryFlags', 0)).toEqual(['domain.save', 'domain.write']);
    expect(needed('virDomainSetMemoryFlags', live)).toEqual(['domain.write']);
  });

  test('secrets in XML need read-secure', () => {
    expect(needed('virDomainGetXMLDesc', 0)).toEqual(['domain.read']);
    expect(needed('virDomainGetXMLDesc', 1)).toEqual(['domain.read', 'domain.read-secure']);
    expect(needed('virDomainGetXMLDesc', 8)).toEqual(['domain.read', 'domain.read-secure']);
    expect(needed('virDomainGetXMLDesc', 2)).toEqual(['domain.read']);
  });

  test('aliases of flags are resolved', () => {
    expect(needed('virDomainManagedSaveGetXMLDesc', 1)).toEqual(['domain.read', 'domain.read-secure']);
  });

  test('a condition on another argument than flags names it', () => {
    const checks = fn('virDomainInterfaceAddresses').checks;
    expect(checks).toEqual([
      { permission: 'domain.read', condition: 'Always', mask: 0, arg: -1 },
      { permission: 'domain.write', condition: 'Equals', mask: 1, arg: 2 },
    ]);
    expect(fn('virDomainInterfaceAddresses').args[2]?.name).toBe('source');
  });

  test('twins need the same', () => {
    const twins = [
      ['virDomainDestroy', 'virDomainDestroyFlags'],
      ['virDomainCreate', 'virDomainCreateWithFlags'],
      ['virDomainCreateLinux', 'virDomainCreateXML'],
      ['virDomainLookupByUUID', 'virDomainLookupByUUIDString'],
      ['virNetworkLookupByUUID', 'virNetworkLookupByUUIDString'],
      ['virNetworkPortLookupByUUID', 'virNetworkPortLookupByUUIDString'],
      ['virNWFilterLookupByUUID', 'virNWFilterLookupByUUIDString'],
      ['virSecretLookupByUUID', 'virSecretLookupByUUIDString'],
      ['virStoragePoolLookupByUUID', 'virStoragePoolLookupByUUIDString'],
      ['virConnectOpen', 'virConnectOpenReadOnly'],
      ['virConnectOpen', 'virConnectOpenAuth'],
      ['virConnectGetAllDomainStats', 'virDomainListGetStats'],
      ['virDomainOpenGraphics', 'virDomainOpenGraphicsFD'],
    ] as const;
    for (const [one, other] of twins) expect([other, needed(other, 0)]).toEqual([other, needed(one, 0)]);
  });

  test('only calls that no permission of libvirt covers are without a check', () => {
    const uncovered = api.functions.filter(
      (each) => each.checks.length === 0 && !['helper', 'local-query', 'stream-transfer', 'admin'].includes(each.class),
    );
    expect(uncovered.map((each) => each.name)).toEqual([
      'virAdmConnectClose',
      'virAdmConnectOpen',
      'virAdmConnectRegisterCloseCallback',
      'virAdmConnectUnregisterCloseCallback',
      'virConnectClose',
      'virConnectIsSecure',
      'virConnectSetKeepAlive',
      'virDomainLxcEnterCGroup',
      'virDomainLxcEnterNamespace',
      'virDomainLxcEnterSecurityLabel',
    ]);
  });

  test('no state-changing call needs reading rights only', () => {
    const readOnly = /^[a-z-]+\.(read|getattr|search-[a-z-]+)$/;
    const weak = api.functions.filter(
      (each) => each.stateChanging && each.checks.length > 0 && each.checks.every((c) => readOnly.test(c.permission)),
    );
    expect(weak.map((each) => each.name)).toEqual([]);
  });

  test('a condition reads an integer argument', () => {
    for (const each of api.functions) {
      for (const check of each.checks.filter(({ condition }) => condition !== 'Always')) {
        expect([each.name, each.args[check.arg]?.type]).toEqual([each.name, 'UInt']);
      }
    }
  });
});

describe('arguments', () => {
  test('secrets are marked', () => {
    const secret = api.functions.flatMap((each) =>
      each.args.filter((a) => a.secret).map((a) => `${each.name} ${a.name}`),
    );
    expect(secret).toEqual([
      'virDomainSendKey keycodes',
      'virDomainSetUserPassword password',
      'virSecretSetValue value',
    ]);
  });

  test('what a call fills is never read, what it reads is', () => {
    expect(arg('virDomainGetMemoryParameters', 'params')?.type).toBe('Out');
    expect(arg('virDomainGetCPUStats', 'params')?.type).toBe('Out');
    expect(arg('virDomainSetMemoryParameters', 'params')).toMatchObject({ type: 'TypedParams', count: 2 });
    expect(arg('virDomainMigrate3', 'params')).toMatchObject({ type: 'TypedParams', count: 3 });
    expect(arg('virDomainGetUUID', 'uuid')?.type).toBe('Out');
    expect(arg('virDomainLookupByUUID', 'uuid')?.type).toBe('Uuid');
    expect(arg('virDomainPinVcpu', 'cpumap')).toMatchObject({ type: 'Bytes', count: 3 });
    expect(arg('virDomainGetEmulatorPinInfo', 'cpumap')?.type).toBe('Out');
    expect(arg('virDomainSendKey', 'keycodes')).toMatchObject({ type: 'IntList', count: 4 });
    expect(arg('virStreamSend', 'data')).toMatchObject({ type: 'Bytes', count: 2 });
    expect(arg('virStreamRecv', 'data')?.type).toBe('Out');
    expect(arg('virConnectBaselineCPU', 'xmlCPUs')).toMatchObject({ type: 'StringList', count: 2 });
    expect(arg('virTypedParamsGetString', 'value')?.type).toBe('Out');
  });

  test('nothing that a getter takes is read through a pointer without a length', () => {
    const lists = api.functions.flatMap((each) =>
      each.args.filter((a) => ['TypedParams', 'IntList', 'Bytes', 'StringList'].includes(a.type) && a.count < 0),
    );
    expect(lists.map((a) => a.name)).toEqual(['values']); // virTypedParamsAddStringList: ended by NULL
  });
});

describe('state-changing calls', () => {
  test.each([
    ['virDomainDestroy', true],
    ['virDomainDefineXML', true],
    ['virDomainSetMemory', true],
    ['virDomainQemuMonitorCommand', true],
    ['virStorageVolDownload', true],
    ['virSecretGetValue', true],
    ['virConnectSetIdentity', true],
    ['virAdmServerSetClientLimits', true],
    ['virAdmConnectDaemonShutdown', true],
    ['virAdmConnectListServers', false],
    ['virConnectOpen', false],
    ['virConnectClose', false],
    ['virDomainGetHostname', false],
    ['virDomainLookupByName', false],
    ['virStreamSend', false],
    ['virDomainFree', false],
  ])('%s: %s', (name, expected) => expect(fn(name).stateChanging).toBe(expected));

  test('every setter, starter and destroyer is one', () => {
    const verbs =
      /(Set|Create|Destroy|Define|Undefine|Delete|Attach|Detach|Migrate|Suspend|Resume|Reset|Revert)(?!.*Get)/;
    const local = ['helper', 'local-query', 'connection', 'query', 'lookup', 'event-reg'];
    const missed = api.functions.filter(
      (each) => verbs.test(each.name) && !each.stateChanging && !local.includes(each.class),
    );
    expect(missed.map((each) => each.name)).toEqual([]);
  });
});

describe('failure values', () => {
  test.each([
    ['virDomainSuspend', 'Negative'],
    ['virStreamRecv', 'MinusOne'],
    ['virStreamRecvFlags', 'MinusOne'],
    ['virStreamSend', 'MinusOne'],
    ['virDomainGetID', 'MinusOne'],
    ['virDomainGetMaxMemory', 'Zero'],
    ['virNodeGetFreeMemory', 'Zero'],
    ['virAdmClientGetID', 'MinusOne'],
    ['virAdmClientGetTimestamp', 'MinusOne'],
    ['virDomainLookupByName', 'Null'],
    ['virDomainGetXMLDesc', 'Null'],
    ['virSecretGetValue', 'Null'],
    ['virEventUpdateHandle', 'None'],
  ])('%s: %s', (name, expected) => expect(fn(name).failure).toBe(expected));

  test('every function that returns something has one', () => {
    for (const each of api.functions) expect(each.failure === 'None').toBe(each.returns === 'Void');
  });
});

describe('the object of a call', () => {
  test.each([
    ['virDomainSuspend', 0, -1, 'Domain'],
    ['virDomainSnapshotDelete', 0, -1, 'DomainSnapshot'],
    ['virStoragePoolLookupByVolume', -1, -1, 'StoragePool'],
    ['virStorageVolLookupByName', -1, -1, 'StorageVol'],
    ['virStorageVolCreateXML', 0, -1, 'StoragePool'],
    ['virDomainMigrate', 0, -1, 'Domain'],
    ['virDomainDefineXML', -1, 0, 'Domain'],
    ['virDomainRestore', -1, 0, 'Domain'],
    ['virDomainListGetStats', -1, -1, 'Domain'],
    ['virStreamNew', -1, 0, 'Stream'],
    ['virConnectNumOfNetworks', -1, 0, 'Network'],
    ['virConnectListAllDomains', -1, 0, 'Domain'],
    ['virConnectGetCapabilities', -1, 0, 'Connect'],
    ['virConnectOpen', -1, -1, 'Connect'],
    ['virConnectDomainEventRegisterAny', 1, 0, 'Domain'],
    ['virAdmClientClose', 0, -1, 'AdmClient'],
    ['virAdmConnectLookupServer', -1, -1, 'AdmServer'],
    ['virGetVersion', -1, -1, 'None'],
  ])('%s', (name, resourceArg, connectArg, object) => {
    expect(fn(name)).toMatchObject({ resourceArg, connectArg, object });
  });

  test('the flags argument is found by its name', () => {
    for (const each of api.functions) {
      expect(each.flagsArg).toBe(each.args.findIndex((a) => a.name === 'flags'));
    }
    expect(fn('virDomainMigrate').flagsArg).toBe(2);
  });
});

describe('facts that the generator refuses', () => {
  const suspend = inputs.facts.functions.find((raw) => raw.name === 'virDomainSuspend') as RawFunction;

  function problemsWith(changes: Partial<RawFunction>, more: Partial<Inputs> = {}): readonly string[] {
    const functions = inputs.facts.functions.map((raw) => (raw === suspend ? { ...raw, ...changes } : raw));
    try {
      buildApi({ ...inputs, facts: { ...inputs.facts, functions }, ...more });
    } catch (error) {
      if (error instanceof FactsError) return error.problems;
      throw error;
    }
    return [];
  }

  test('none of them unchanged', () => expect(problemsWith({})).toEqual([]));

  test.each([
    ['an unknown type', [{ name: 'domain', type: 'virWidgetPtr' }], 'unknown type `virWidgetPtr` of `domain`'],
    ['a struct by value', [{ name: 'info', type: 'virDomainInfo' }], 'unknown type `virDomainInfo` of `info`'],
    ['a variadic function', [{ name: '...', type: '...' }], 'variadic functions cannot be wrapped'],
  ])('%s', (_, args, message) => {
    expect(problemsWith({ args })).toEqual([`virDomainSuspend: ${message}`]);
  });

  test('an unknown type that is returned', () => {
    expect(problemsWith({ returns: 'float' })).toEqual(['virDomainSuspend: unknown type `float` is returned']);
  });

  test('an unknown flag in a condition', () => {
    const args = [...suspend.args, { name: 'flags', type: 'unsigned int' }];
    const aclChecks = [{ object: 'domain', perm: 'write', flags: 'VIR_DOMAIN_NO_SUCH' }];
    expect(problemsWith({ args, aclChecks })).toEqual(['virDomainSuspend: unknown flag `VIR_DOMAIN_NO_SUCH`']);
  });

  test('a condition on flags that are no argument', () => {
    const aclChecks = [{ object: 'domain', perm: 'write', flags: 'VIR_DOMAIN_AFFECT_LIVE' }];
    expect(problemsWith({ aclChecks })).toEqual(['virDomainSuspend: a check asks for `flags`, which is no argument']);
  });

  test('a condition that the description lost', () => {
    const aclChecks = [{ object: 'domain', perm: 'write', flags: '' }];
    expect(problemsWith({ aclChecks })).toEqual([
      'virDomainSuspend: empty condition of `domain.write`: overrides.json must say when it holds',
    ]);
  });

  test('a function without a class, with the file that must name it', () => {
    const { virDomainSuspend: _, ...classes } = inputs.classes;
    expect(problemsWith({}, { classes })).toEqual([
      'virDomainSuspend: has no class: add it to native/api/classes.json',
    ]);
  });

  test('a list whose length nothing tells', () => {
    const args = [...suspend.args, { name: 'fds', type: 'int *' }];
    const list = { functions: ['virDomainSuspend'], arg: 'fds', type: 'IntList' as const, reason: 'x' };
    const overrides = { ...inputs.overrides, args: [...inputs.overrides.args, list] };
    expect(problemsWith({ args }, { overrides })).toEqual([
      'virDomainSuspend: no length is known for an argument of type IntList',
    ]);
  });

  test('overrides that name nothing or give no reason', () => {
    const overrides = {
      ...inputs.overrides,
      failure: [{ functions: ['virNoSuch'], value: 'Zero' as const, reason: '' }],
      args: [...inputs.overrides.args, { functions: ['virDomainSuspend'], arg: 'nosuch', secret: true, reason: 'x' }],
    };
    expect(problemsWith({}, { overrides })).toEqual([
      'overrides.json: args: `virDomainSuspend(nosuch)` is unknown',
      'overrides.json: failure: the entry of `virNoSuch` has no reason',
      'overrides.json: failure: `virNoSuch` is unknown',
    ]);
  });
});

describe('the fingerprint', () => {
  test('changes with what a policy image refers to, and with nothing else', () => {
    const changed = (change: (raw: RawFunction) => RawFunction) =>
      buildApi({ ...inputs, facts: { ...inputs.facts, functions: inputs.facts.functions.map(change) } }).fingerprint;
    const onSuspend = (changes: Partial<RawFunction>) => (raw: RawFunction) =>
      raw.name === 'virDomainSuspend' ? { ...raw, ...changes } : raw;
    expect(changed(onSuspend({ since: '9.9.9', group: 'other' }))).toBe(api.fingerprint);
    expect(changed(onSuspend({ args: [{ name: 'renamed', type: 'virDomainPtr' }] }))).not.toBe(api.fingerprint);
    expect(changed(onSuspend({ aclChecks: [{ object: 'domain', perm: 'stop' }] }))).not.toBe(api.fingerprint);
  });
});
