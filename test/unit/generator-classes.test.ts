import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type ClassFacts, classes, fileOf } from '../../src/generator/classes/kinds.js';
import { leftOut } from '../../src/generator/classes/left-out.js';
import { placeOf } from '../../src/generator/classes/names.js';
import { classOutputs } from '../../src/generator/classes/outputs.js';
import { FactsError, readInputs } from '../../src/generator/facts.js';
import { buildFfi } from '../../src/generator/ffi/model.js';
import { buildApi } from '../../src/generator/model.js';
import { readLibvirtPython } from '../support/libvirt_python.js';
import { ROOT } from '../support/paths.js';
import { requireThat } from '../support/tools.js';

const inputs = readInputs(join(ROOT, 'native/api'));
const api = buildApi(inputs);
const byName = new Map(api.functions.map((fn) => [fn.name, fn]));

/** `Domain.info` for virDomainGetInfo; undefined where it is no method. */
function methodName(functionName: string): string | undefined {
  const fn = byName.get(functionName);
  const place = fn && leftOut(fn) === undefined ? placeOf(fn) : undefined;
  return place && `${place.class.name}.${place.method}`;
}

function generatedText(each: ClassFacts): string {
  return readFileSync(join(ROOT, 'src/generated/classes', `${fileOf(each)}.ts`), 'utf8');
}

const texts = new Map(classes.map((each) => [each.name, generatedText(each)]));

/** Whether both forms of a method are declared. */
function isDeclared(method: string): boolean {
  const [className = '', name] = method.split('.');
  const text = texts.get(className) ?? '';
  return text.includes(`\n  async ${name}(`) && text.includes(`\n  ${name}Sync(`);
}

/** What libvirt-python's classes have and ours do not, or not by that name: C function -> why. */
const differences: Readonly<Record<string, string>> = {
  virConnGetLastError: 'errors are thrown',
  virConnResetLastError: 'errors are thrown',
  virConnectClose: 'by hand: Connection.close',
  virConnectDomainEventDeregister: 'by hand: events',
  virConnectDomainEventDeregisterAny: 'by hand: events',
  virConnectDomainEventRegister: 'by hand: events',
  virConnectDomainEventRegisterAny: 'by hand: events',
  virConnectListDomainsID: 'not a function of C: the method calls virConnectListDomains',
  virConnectNetworkEventDeregisterAny: 'by hand: events',
  virConnectNetworkEventRegisterAny: 'by hand: events',
  virConnectNodeDeviceEventDeregisterAny: 'by hand: events',
  virConnectNodeDeviceEventRegisterAny: 'by hand: events',
  virConnectRegisterCloseCallback: 'by hand: events',
  virConnectSecretEventDeregisterAny: 'by hand: events',
  virConnectSecretEventRegisterAny: 'by hand: events',
  virConnectStoragePoolEventDeregisterAny: 'by hand: events',
  virConnectStoragePoolEventRegisterAny: 'by hand: events',
  virConnectUnregisterCloseCallback: 'by hand: events',
  virStreamEventAddCallback: 'by hand: streams',
  virStreamEventRemoveCallback: 'by hand: streams',
  virStreamEventUpdateCallback: 'by hand: streams',
};

/** libvirt_qemu and libvirt_lxc have functions; here they are methods of their first argument. */
const placedByHand: Readonly<Record<string, string>> = {
  qemuAgentCommand: 'Domain.qemuAgentCommand',
  qemuAttach: 'Connection.qemuAttach',
  qemuMonitorCommand: 'Domain.qemuMonitorCommand',
  qemuMonitorCommandWithFiles: 'Domain.qemuMonitorCommandWithFiles',
  lxcEnterCGroup: 'Domain.lxcEnterCGroup',
  lxcOpenNamespace: 'Domain.lxcOpenNamespace',
};

function installedPython() {
  try {
    return readLibvirtPython();
  } catch {
    return undefined;
  }
}

const python = installedPython();

/** Its methods that call C, as `Domain.info` and the function. */
function pythonMethods(): [string, string][] {
  return Object.entries(python ?? {}).flatMap(([owner, methods]) =>
    Object.entries(methods).flatMap(([method, functions]) => {
      if (!owner.startsWith('vir') || method.startsWith('__') || method === 'c_pointer') return [];
      const className = owner === 'virConnect' ? 'Connection' : owner.slice(3);
      return functions.map((fn): [string, string] => [`${className}.${method}`, fn]);
    }),
  );
}

describe('the tables', () => {
  const ffi = buildFfi(api, inputs);

  test('an entry for a function or a parameter that is not there stops the generator', () => {
    const without = (name: string) => ({ ...ffi, functions: ffi.functions.filter((fn) => fn.name !== name) });
    const named = () => classOutputs(api, without('virDomainFSTrim'));
    expect(named).toThrow(new FactsError(['names.ts: unknown function `virDomainFSTrim`']));
    const measured = () => classOutputs(api, without('virNodeDeviceListCaps'));
    expect(measured).toThrow(new FactsError(['measured.ts: `virNodeDeviceListCaps` has no parameter `maxnames`']));
    const functions = api.functions.filter((fn) => !fn.name.startsWith('virEvent'));
    expect(() => classOutputs({ ...api, functions }, ffi)).toThrow(FactsError);
  });

  test('as they are, they fit', () => {
    expect(classOutputs(api, ffi)).toHaveLength(classes.length);
  });
});

describe('methods', () => {
  test('every function that acts on an object is a method of its class, or left out with a reason', () => {
    const acting = api.functions.filter((fn) => placeOf(fn) !== undefined);
    const methods = acting.filter((fn) => leftOut(fn) === undefined);
    expect(methods.filter((fn) => !isDeclared(methodName(fn.name) ?? '')).map((fn) => fn.name)).toEqual([]);
    expect(methods).toHaveLength(442);
    expect(acting).toHaveLength(515);
  });

  test('every other function has one of ours in its place, or a reason', () => {
    const others = api.functions.filter((fn) => placeOf(fn) === undefined && leftOut(fn) === undefined);
    const ours = readFileSync(join(ROOT, 'src/libvirt/functions.ts'), 'utf8');
    expect(others.map((fn) => fn.name)).toEqual([
      'virAdmGetVersion',
      'virAdmInitialize',
      'virGetVersion',
      'virInitialize',
    ]);
    for (const { name } of others) expect(ours).toContain(`ffi.${name}(`);
  });

  test('no two functions have one method', () => {
    const names = api.functions.flatMap((fn) => methodName(fn.name) ?? []);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  requireThat(python !== undefined, 'python3-libvirt not installed')('are called as in libvirt-python', () => {
    const methods = pythonMethods();
    const other = methods.filter(([method, fn]) => methodName(fn) !== method && differences[fn] === undefined);
    expect(other).toEqual([]);
    expect(methods.length).toBeGreaterThan(420);
    for (const fn of Object.keys(differences)) expect(methods.map(([, each]) => each)).toContain(fn);
  });

  requireThat(python !== undefined, 'python3-libvirt not installed')('take in libvirt-qemu and libvirt-lxc', () => {
    const functions = { ...python?.libvirt_qemu, ...python?.libvirt_lxc };
    for (const [name, place] of Object.entries(placedByHand)) {
      expect(functions[name]?.map(methodName)).toEqual([place]);
    }
  });
});
