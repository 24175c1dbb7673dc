// How JavaScript calls each of libvirt's functions, as it is worked out, generated and offered by virtshim/ffi.
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { arg, inout } from '../../src/ffi/args.js';
import * as ffi from '../../src/ffi/index.js';
import { out } from '../../src/ffi/outs.js';
import { returns } from '../../src/ffi/returns.js';
import { field } from '../../src/ffi/structs.js';
import { byHand } from '../../src/generated/ffi/by_hand.js';
import { callbackTypes } from '../../src/generated/ffi/callbacks.js';
import { eventListeners } from '../../src/generated/ffi/events.js';
import * as generated from '../../src/generated/ffi/functions.js';
import * as structs from '../../src/generated/ffi/structs.js';
import { FactsError, type Inputs, type RawFunction, readInputs } from '../../src/generator/facts.js';
import { buildFfi, type FfiFunction } from '../../src/generator/ffi/model.js';
import type { RawFfi } from '../../src/generator/ffi/raw.js';
import { buildApi } from '../../src/generator/model.js';
import { ROOT as root } from '../support/paths.js';

const inputs = readInputs(join(root, 'native/api'));
const api = buildApi(inputs);
const model = buildFfi(api, inputs);
const byName = new Map(model.functions.map((fn) => [fn.name, fn]));

function fn(name: string): FfiFunction {
  const found = byName.get(name);
  if (!found) throw new Error(`no function ${name}`);
  return found;
}

/** "(domain, flags?) => string" */
function shape(name: string): string {
  const { jsParams, resultType } = fn(name);
  return `(${jsParams.map((param) => `${param.name}${param.optional ? '?' : ''}`).join(', ')}) => ${resultType}`;
}

function makers(name: string): readonly string[] {
  return fn(name).codecs.map((codec) => codec.maker);
}

describe('coverage', () => {
  const handWritten = model.functions.filter((each) => each.byHand !== null).map((each) => each.name);
  const exported = Object.entries(ffi).flatMap(([name, value]) =>
    name.startsWith('vir') && typeof value === 'function' ? [{ name, value }] : [],
  );

  test('each of the 568 functions is generated, or written by hand with a reason, and never both', () => {
    const names = api.functions.map((each) => each.name);
    expect(names).toHaveLength(568);
    expect([...Object.keys(generated), ...Object.keys(byHand)].sort()).toEqual([...names].sort());
    expect(Object.keys(byHand).sort()).toEqual(handWritten);
    for (const { reason } of Object.values(byHand)) expect(reason).toMatch(/^\w.{10,}/);
  });

  test('few are written by hand', () => expect(handWritten).toHaveLength(21));

  test('virtshim/ffi offers them all as functions, with an asynchronous form', () => {
    expect(exported.map(({ name }) => name).sort()).toEqual(api.functions.map((each) => each.name).sort());
    for (const { name, value } of exported) {
      expect([value.name, typeof Reflect.get(value, 'async')]).toEqual([name, 'function']);
    }
  });

  test('every codec that is generated exists', () => {
    const groups: Readonly<Record<string, object>> = { arg, inout, out, returns, field };
    const used = [
      ...model.functions.flatMap((each) => each.codecs.map((codec) => codec.maker)),
      ...model.functions.flatMap((each) => each.returns?.text.replace(/\(.*/, '') ?? []),
      ...model.structs.flatMap((struct) => struct.fields.flatMap(({ descriptor }) => descriptor?.codec ?? [])),
    ];
    const missing = used.filter((maker) => {
      const [group = '', name = ''] = maker.split('.');
      return !(name in (groups[group] ?? {}));
    });
    expect([...new Set(missing)]).toEqual([]);
  });

  test('structs that are given and lists that are freed name what exists', () => {
    const calls = model.functions.flatMap((each) => each.codecs);
    const freeing = calls.filter((codec) => codec.maker === 'out.structs');
    expect(freeing.map((codec) => codec.args[2]?.replaceAll("'", '')).sort()).toEqual([
      'virDomainFSInfoFree',
      'virDomainIOThreadInfoFree',
      'virDomainInterfaceFree',
      'virNetworkDHCPLeaseFree',
    ]);
    for (const codec of freeing) expect(byName.has(codec.args[2]?.replaceAll("'", '') ?? '')).toBe(true);
    const named = calls.filter((codec) => /^out\.(struct|structs|structArray|structBlock|records)$/.test(codec.maker));
    for (const codec of named) expect(structs).toHaveProperty(codec.args[1] ?? '');
  });
});

describe('arguments', () => {
  const read = ['String', 'StringList', 'TypedParams', 'IntList', 'Uuid', 'Bytes'];
  // Room of the caller's, and memory that C code holds.
  const filled = /^(out|inout)\.|^arg\.(buffer|pointer)$/;

  test('go the way that the facts say: what C reads goes in, what C fills comes out', () => {
    const wrong = model.functions.flatMap(({ name, codecs, args }) =>
      codecs
        .filter(({ maker, fills }) => {
          const type = args[fills[0] ?? -1]?.type ?? 'Out';
          if (maker === 'arg.pointer') return false;
          return read.includes(type) ? !maker.startsWith('arg.') : type === 'Out' && !filled.test(maker);
        })
        .map((codec) => `${name}(${codec.name}): ${codec.maker}`),
    );
    expect(wrong).toEqual([]);
  });

  test('only helpers of C take bare pointers', () => {
    const bare = model.functions.filter((each) => each.codecs.some((codec) => codec.maker.endsWith('.pointer')));
    const helpers = new Set(api.functions.filter((each) => each.class === 'helper').map((each) => each.name));
    expect(bare.map((each) => each.name).filter((name) => !helpers.has(name))).toEqual([]);
    expect(bare.length).toBeGreaterThan(0);
  });

  test('flags come last and may be left out', () => {
    for (const { name, jsParams } of model.functions) {
      const index = jsParams.findIndex((param) => param.name === 'flags');
      if (index < 0) continue;
      expect([name, jsParams[index]?.optional]).toEqual([name, true]);
      if (!name.startsWith('virDomainMigrate')) expect([name, index]).toEqual([name, jsParams.length - 1]);
    }
  });

  test('nothing that may be left out stands before something that may not', () => {
    for (const { jsParams } of model.functions) {
      const first = jsParams.findIndex((param) => param.optional);
      if (first >= 0) expect(jsParams.slice(first).every((param) => param.optional)).toBe(true);
    }
  });

  test.each([
    ['virConnectOpen', '(name?) => virConnectPtr'],
    ['virConnectOpenAuth', '(name, auth, flags?) => virConnectPtr'],
    ['virDomainMigrate', '(domain, dconn, flags?, dname?, uri?, bandwidth?) => virDomainPtr'],
    ['virDomainMigrate3', '(domain, dconn, params?, flags?) => virDomainPtr'],
    ['virDomainBlockRebase', '(dom, disk, base?, bandwidth?, flags?) => void'],
    ['virDomainFSTrim', '(dom, mountPoint, minimum, flags?) => void'],
    ['virDomainFSFreeze', '(dom, mountpoints?, flags?) => number'],
    ['virDomainSetMetadata', '(domain, type, metadata?, key?, uri?, flags?) => void'],
    ['virDomainCreateXMLWithFiles', '(conn, xmlDesc, files, flags?) => virDomainPtr'],
    ['virDomainSendKey', '(domain, codeset, holdtime, keycodes, flags?) => void'],
    ['virDomainPinVcpu', '(domain, vcpu, cpumap) => void'],
    ['virSecretSetValue', '(secret, value, flags?) => void'],
    ['virConnectBaselineCPU', '(conn, xmlCPUs, flags?) => string'],
    ['virNodeListDevices', '(conn, cap, maxnames, flags?) => string[]'],
    ['virConnectDomainEventRegister', '(conn, cb) => void'],
    ['virConnectDomainEventRegisterAny', '(conn, dom, eventID, cb) => number'],
    ['virConnectDomainQemuMonitorEventRegister', '(conn, dom, event, cb, flags?) => number'],
    ['virStreamSend', '(stream, data) => number'],
    ['virStreamRecv', '(stream, data) => number'],
    ['virDomainSetAutostart', '(domain, autostart) => void'],
  ])('%s', (name, expected) => expect(shape(name)).toBe(expected));

  test('what C takes as NULL is null in JavaScript, also where it cannot be left out', () => {
    const types = fn('virDomainOpenConsole').jsParams.map((param) => param.tsType);
    expect(types).toEqual(['virDomainPtr', 'string | null | undefined', 'virStreamPtr', 'number']);
    expect(fn('virConnectGetDomainCapabilities').jsParams[1]?.tsType).toBe('string | null');
    expect(fn('virDomainMigrate').jsParams[2]?.tsType).toBe('number | bigint');
  });
});

describe('results', () => {
  test.each([
    ['virDomainGetInfo', '(domain) => virDomainInfo'],
    ['virDomainGetState', '(domain, flags?) => { state: number; reason: number }'],
    ['virDomainGetTime', '(dom, flags?) => { seconds: number | bigint; nseconds: number }'],
    ['virDomainGetJobStats', '(domain, flags?) => { type: number; params: TypedParameterValues }'],
    ['virGetVersion', '(type?) => { libVer: number | bigint; typeVer: number | bigint }'],
    ['virDomainGetAutostart', '(domain) => boolean'],
    ['virDomainIsActive', '(dom) => boolean'],
    ['virDomainHasManagedSaveImage', '(dom, flags?) => boolean'],
    ['virDomainGetBlockJobInfo', '(dom, disk, flags?) => virDomainBlockJobInfo | null'],
    ['virDomainGetUUIDString', '(domain) => string'],
    ['virDomainGetUUID', '(domain) => Uint8Array'],
    ['virDomainGetID', '(domain) => number'],
    ['virDomainGetMaxMemory', '(domain) => number | bigint'],
    ['virConnectListAllDomains', '(conn, flags?) => virDomainPtr[]'],
    ['virConnectListDomains', '(conn, maxids) => number[]'],
    ['virConnectListDefinedDomains', '(conn, maxnames) => string[]'],
    ['virDomainSnapshotListNames', '(domain, nameslen, flags?) => string[]'],
    ['virConnectGetCPUModelNames', '(conn, arch, flags?) => string[]'],
    ['virDomainInterfaceAddresses', '(dom, source, flags?) => virDomainInterface[]'],
    ['virDomainGetSecurityLabelList', '(domain) => virSecurityLabel[]'],
    ['virDomainGetDiskErrors', '(dom, maxerrors, flags?) => virDomainDiskError[]'],
    ['virDomainMemoryStats', '(dom, nr_stats, flags?) => virDomainMemoryStatStruct[]'],
    ['virNodeGetCPUStats', '(conn, cpuNum, flags?) => virNodeCPUStats[]'],
    ['virNodeGetCellsFreeMemory', '(conn, startCell, maxCells) => (number | bigint)[]'],
    ['virDomainGetMemoryParameters', '(domain, flags?) => TypedParameterValues'],
    ['virDomainGetGuestVcpus', '(domain, flags?) => TypedParameterValues'],
    ['virDomainBlockStats', '(dom, disk) => virDomainBlockStatsStruct'],
    ['virDomainBlockPeek', '(dom, disk, offset, size, flags?) => Uint8Array'],
    ['virDomainGetEmulatorPinInfo', '(domain, maplen, flags?) => Uint8Array'],
    ['virSecretGetValue', '(secret, flags?) => Uint8Array'],
    ['virDomainGetSchedulerType', '(domain) => string'],
    ['virNodeDeviceGetParent', '(dev) => string | null'],
    ['virDomainLxcOpenNamespace', '(domain, flags?) => number[]'],
    [
      'virDomainQemuMonitorCommandWithFiles',
      '(domain, cmd, infiles, flags?) => { outfiles: number[]; result: string | null }',
    ],
    ['virAdmConnectGetLoggingFilters', '(conn, flags?) => string | null'],
    ['virDomainOpenGraphicsFD', '(dom, idx, flags?) => number'],
    ['virGetLastError', '() => virError | null'],
  ])('%s', (name, expected) => expect(shape(name)).toBe(expected));

  test('the return value is the length of exactly those lists that have no other', () => {
    const counted = model.functions.filter((each) => each.returns?.text === 'returns.count');
    for (const { name, codecs } of counted) {
      expect([name, codecs.filter((codec) => codec.counted).length]).toEqual([name, 1]);
    }
    const silent = model.functions.filter((each) => each.returns?.text !== 'returns.count');
    expect(silent.filter(({ codecs }) => codecs.some((codec) => codec.counted))).toEqual([]);
  });

  test('an int is thrown away only where the function does something or fills something', () => {
    const getters = model.functions.filter(({ name, returns: value, resultType }) => {
      return (
        value?.text === 'returns.status' && resultType === 'void' && /(Get|List|NumOf|Is[A-Z]|Has|Lookup)/.test(name)
      );
    });
    expect(getters.map((each) => each.name)).toEqual([]);
  });

  test('scheduler parameters are asked for with room, as libvirt does not tell how many there are', () => {
    for (const name of ['virDomainGetSchedulerParameters', 'virDomainGetSchedulerParametersFlags']) {
      expect(fn(name).codecs.find((codec) => codec.maker === 'out.typedParams')?.args).toEqual(['1', '2', '16']);
    }
    expect(makers('virDomainGetBlkioParameters')).toContain('out.typedParams');
    expect(makers('virDomainGetGuestInfo')).toContain('out.typedParamsAlloc');
  });

  test('handles belong to the caller, but for those that libvirt lends', () => {
    const lent = model.functions.filter((each) => each.resultBorrowed).map((each) => each.name);
    const getters = api.functions.filter(({ name, returnsObject }) => {
      return returnsObject !== 'None' && /Get(Connect|Domain|Network)$/.test(name);
    });
    expect(lent).toEqual(getters.map((each) => each.name));
  });

  test('what means failure is said where the type does not tell', () => {
    const said = model.functions.filter((each) => each.failure !== null).map((each) => [each.name, each.failure]);
    expect(said).toEqual([
      ['virAdmClientGetID', 'MinusOne'],
      ['virStreamRecv', 'MinusOne'],
      ['virStreamRecvFlags', 'MinusOne'],
      ['virStreamSend', 'MinusOne'],
    ]);
  });

  test('what goes through a stream keeps its order; aborting waits for nothing', () => {
    const ordered = model.functions.filter((each) => each.orderArg >= 0 && each.byHand === null);
    expect(ordered.map((each) => each.name).filter((name) => name.startsWith('virStream'))).toEqual([
      'virStreamFinish',
      'virStreamFree',
      'virStreamRecv',
      'virStreamRecvFlags',
      'virStreamRecvHole',
      'virStreamSend',
      'virStreamSendHole',
    ]);
  });

  test('registrations of a connection are made one after the other', () => {
    const ordered = model.functions.filter((each) => each.orderArg === 0 && each.name.startsWith('virConnect'));
    const registrations = api.functions.map(({ name }) => name).filter((name) => /^virConnect.*egister/.test(name));
    expect(registrations.length).toBe(16);
    expect(ordered.map((each) => each.name)).toEqual(registrations);
  });
});

test('every event of every kind has a listener that native code knows', () => {
  for (const [register, listeners] of Object.entries(eventListeners)) {
    const kind = /^virConnect(\w+)EventRegisterAny$/.exec(register)?.[1];
    const ids = api.enums.get(`vir${kind}EventID`) ?? new Map<string, number>();
    const expected = [...ids].filter(([name]) => !name.endsWith('_LAST')).map(([, id]) => id);
    expect(Object.keys(listeners).map(Number)).toEqual(expected.sort((a, b) => a - b));
    for (const listener of Object.values(listeners)) expect(callbackTypes).toHaveProperty(listener);
  }
  expect(Object.keys(eventListeners)).toHaveLength(5);
  expect(eventListeners.virConnectDomainEventRegisterAny[0]).toBe('virConnectDomainEventCallback');
  expect(eventListeners.virConnectDomainEventRegisterAny[16]).toBe('virConnectDomainEventBlockJobCallback');
});

describe('what the generator refuses', () => {
  function problemsWith(changes: Partial<RawFfi>, more: Partial<Inputs> = {}): readonly string[] {
    const changed = { ...inputs, ...more, ffi: { ...inputs.ffi, ...changes } };
    try {
      buildFfi(buildApi(changed), changed);
    } catch (error) {
      if (error instanceof FactsError) return error.problems;
      throw error;
    }
    return [];
  }

  const reason = 'a reason';
  const optional = (functions: readonly string[], argName: string) => ({
    optional: [...inputs.ffi.optional, { functions, arg: argName, reason }],
  });

  test('nothing as it is', () => expect(problemsWith({})).toEqual([]));

  test('names of nothing', () => {
    expect(problemsWith(optional(['virDomainExplode'], 'name'))).toEqual([
      'ffi.json: optional: `virDomainExplode(name)` is unknown',
    ]);
    expect(problemsWith(optional(['virDomainSuspend'], 'nothing'))).toEqual([
      'ffi.json: optional: `virDomainSuspend(nothing)` is unknown',
    ]);
    expect(problemsWith({ flags: [{ enums: ['virNoEnum'], reason }] })).toEqual(['ffi.json: `virNoEnum` is unknown']);
    expect(problemsWith({ counts: [{ struct: 'virError', field: 'none', count: 'code', reason }] })).toContain(
      'ffi.json: `virError.none` is unknown',
    );
  });

  test('what is said twice, or without a reason, or of a function that is written by hand', () => {
    expect(problemsWith(optional(['virConnectOpen'], 'name'))).toEqual([
      'ffi.json: optional: `virConnectOpen(name)` stands there twice',
    ]);
    const silent = { functions: ['virDomainRef'], reason: '' };
    expect(problemsWith({ borrowed: [...inputs.ffi.borrowed, silent] })).toEqual([
      'ffi.json: an entry of borrowed has no reason',
    ]);
    expect(problemsWith(optional(['virNodeGetCPUMap'], 'conn'))).toEqual([
      'ffi.json: `virNodeGetCPUMap` is written by hand: say no more',
    ]);
  });

  test('codecs that do not exist, or that cannot be optional', () => {
    const chosen = { functions: ['virDomainSuspend'], arg: 'domain', codec: 'arg.magic', reason };
    expect(problemsWith({ args: [...inputs.ffi.args, chosen] })).toEqual([
      'virDomainSuspend: ffi.json: `arg.magic` is no codec',
    ]);
    expect(problemsWith(optional(['virDomainSetVcpus'], 'nvcpus'))).toEqual([
      'virDomainSetVcpus: `nvcpus` cannot be optional: arg.uint has no such form',
    ]);
  });

  test('an event without a listener', () => {
    const events = inputs.ffi.events.map((each) => {
      const { VIR_SECRET_EVENT_ID_LIFECYCLE: _, ...listeners } = each.listeners;
      return { ...each, listeners };
    });
    expect(problemsWith({ events })).toEqual(['ffi.json: no listener is known for `VIR_SECRET_EVENT_ID_LIFECYCLE`']);
  });

  test('a struct and a constant that it does not understand', () => {
    const { structs: known, constants } = inputs.facts;
    const fields = [{ name: 'level', type: 'virWidget' }];
    const facts = {
      ...inputs.facts,
      structs: known.map((struct) => (struct.name === 'virVcpuInfo' ? { ...struct, fields } : struct)),
      constants: { ...constants, VIR_ODD: { library: 'libvirt', raw: 'sizeof(int)' } as const },
    };
    expect(problemsWith({}, { facts })).toEqual([
      'VIR_ODD: the value `sizeof(int)` is not understood',
      'virVcpuInfo: the type `virWidget` of `level` is unknown',
    ]);
  });

  function problemsOf(name: string, args: RawFunction['args']): readonly string[] {
    const functions = inputs.facts.functions.map((raw) => (raw.name === name ? { ...raw, args } : raw));
    return problemsWith({}, { facts: { ...inputs.facts, functions } });
  }

  test('a new argument that nothing is known about', () => {
    const domain = { name: 'domain', type: 'virDomainPtr' };
    expect(problemsOf('virDomainSuspend', [domain, { name: 'data', type: 'void *' }])).toEqual([
      'virDomainSuspend: no codec is known for `data` of type `void *`: see native/api/ffi.json',
    ]);
    expect(problemsOf('virDomainSuspend', [domain, { name: 'names', type: 'char ** const' }])).toEqual([
      'virDomainSuspend: nothing tells how much room `names` has',
    ]);
  });
});
