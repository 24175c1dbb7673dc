import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readInputs } from '../../src/generator/facts.js';
import { parseApiXml, readApiFolder } from '../../src/generator/import/api-xml.js';
import { formatFacts } from '../../src/generator/import/format.js';
import { mergeFacts } from '../../src/generator/import/merge.js';
import { buildApi } from '../../src/generator/model.js';
import { ROOT } from '../support/paths.js';
import { requireThat } from '../support/tools.js';

const apiFolder = join(ROOT, 'native/api');
const inputs = readInputs(apiFolder);
const known = inputs.facts;
const installed = '/usr/share/libvirt/api';

function description(version: number, functions: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<api name='libvirt'><files/><symbols>
  <macro name='LIBVIR_VERSION_NUMBER' file='libvirt-common' raw='${version}' version='0.0.1'/>
  <macro name='VIR_CPU_USED' file='libvirt-domain' params='cpumap,cpu' raw='' version='1.0.0'/>
  <macro name='VIR_NEW_FIELD' file='libvirt-domain' string='new' version='13.0.0'/>
  <enum name='VIR_NEW_A' file='libvirt-domain' value='1' type='virNewFlags' version='13.0.0'/>
  <enum name='VIR_NEW_B' file='libvirt-domain' value='VIR_NEW_A' type='virNewFlags' version='13.0.0'/>
  ${functions}
</symbols></api>`;
}

const suspend = `<function name='virDomainSuspend' file='libvirt-domain' module='libvirt-domain' version='0.0.3'>
  <info><![CDATA[a <b> & c]]></info>
  <return type='int' info='0 or -1'/><arg name='domain' type='virDomainPtr' info=''/>
  <arg name='flags' type='unsigned int' info=''/>
  <acls><check object='domain' perm='suspend'/><check object='domain' perm='write' flags='VIR_NEW_B'/>
  <filter object='domain' perm='read'/></acls>
</function>`;

describe('an API description', () => {
  test('becomes facts', () => {
    expect(parseApiXml(description(13_000_000, suspend), 'libvirt')).toEqual({
      libvirtVersion: '13.0.0',
      functions: [
        {
          name: 'virDomainSuspend',
          library: 'libvirt',
          group: 'libvirt-domain',
          since: '0.0.3',
          returns: 'int',
          args: [
            { name: 'domain', type: 'virDomainPtr' },
            { name: 'flags', type: 'unsigned int' },
          ],
          aclChecks: [
            { object: 'domain', perm: 'suspend' },
            { object: 'domain', perm: 'write', flags: 'VIR_NEW_B' },
          ],
          aclFilters: [{ object: 'domain', perm: 'read' }],
        },
      ],
      callbacks: [],
      structs: [],
      typedefs: [],
      enums: {
        virNewFlags: {
          library: 'libvirt',
          values: [
            { name: 'VIR_NEW_A', value: 1, since: '13.0.0' },
            { name: 'VIR_NEW_B', value: 'VIR_NEW_A', since: '13.0.0' },
          ],
        },
      },
      constants: {
        LIBVIR_VERSION_NUMBER: { library: 'libvirt', since: '0.0.1', raw: '13000000' },
        VIR_NEW_FIELD: { library: 'libvirt', since: '13.0.0', string: 'new' },
      },
    });
  });

  test.each([
    ['not XML', '<api name="x"><symbols>'],
    ['another document', '<domain/>'],
    ['a function without a version', description(13_000_000, "<function name='virX' file='f'/>")],
  ])('is refused where it is %s', (_, text) => expect(() => parseApiXml(text, 'libvirt')).toThrow());
});

describe('merging', () => {
  test('a newer libvirt changes what it describes and keeps the rest', () => {
    const { facts, summary } = mergeFacts(known, parseApiXml(description(13_000_000, suspend), 'libvirt'));
    expect(summary).toMatchObject({ added: [], changed: ['virDomainSuspend'], differing: [] });
    expect(summary.kept).toHaveLength(567);
    const api = buildApi({ ...inputs, facts });
    const changed = api.functions.find((fn) => fn.name === 'virDomainSuspend');
    expect(changed?.checks[1]).toEqual({ permission: 'domain.write', condition: 'AllSet', mask: 1, arg: 1 });
    expect(api.version).toBe('13.0.0');
  });

  test('an older libvirt changes nothing, but its difference is told', () => {
    const { facts, summary } = mergeFacts(known, parseApiXml(description(9_000_000, suspend), 'libvirt'));
    expect(summary).toMatchObject({ added: [], changed: [], differing: ['virDomainSuspend'] });
    expect(facts.functions).toEqual(known.functions);
    expect(facts.libvirtVersion).toBe('12.8.0');
  });

  test('10.0.0 is newer than 9.0.0', () => {
    const nine = { ...known, libvirtVersion: '9.0.0' };
    expect(mergeFacts(nine, parseApiXml(description(10_000_000, suspend), 'libvirt')).summary.changed).toHaveLength(1);
  });

  test('a new function is added and asks for a class', () => {
    const added = suspend.replace('virDomainSuspend', 'virDomainTeleport');
    const { facts, summary } = mergeFacts(known, parseApiXml(description(13_000_000, added), 'libvirt'));
    expect(summary.added).toEqual(['virDomainTeleport']);
    expect(() => buildApi({ ...inputs, facts })).toThrow(
      'virDomainTeleport: has no class: add it to native/api/classes.json',
    );
  });

  test('checks stay known where a description has none at all', () => {
    const silent = suspend.replace(/<acls>.*<\/acls>/s, '');
    const { facts } = mergeFacts(known, parseApiXml(description(13_000_000, silent), 'libvirt'));
    const merged = facts.functions.find((fn) => fn.name === 'virDomainSuspend');
    expect(merged?.args).toHaveLength(2);
    expect(merged?.aclChecks).toEqual([{ object: 'domain', perm: 'suspend' }]);
  });
});

test('libvirt.json is in the form that the import writes', () => {
  const text = readFileSync(join(apiFolder, 'libvirt.json'), 'utf8');
  expect(formatFacts(known)).toBe(text);
  expect(formatFacts(mergeFacts(known, known).facts)).toBe(text);
});

const withLibvirt = requireThat(existsSync(join(installed, 'libvirt-api.xml')), 'libvirt-dev not installed');

withLibvirt('the installed libvirt, older or the same, describes each function as the facts do', () => {
  const { facts, summary } = mergeFacts(known, readApiFolder(installed));
  expect(summary).toMatchObject({ added: [], changed: [], differing: [] });
  expect(facts).toEqual(known);
});

withLibvirt('the installed libvirt, believed, leaves every prototype as it is', () => {
  const older = { ...known, libvirtVersion: '0.0.1' };
  const { facts, summary } = mergeFacts(older, readApiFolder(installed));
  expect(summary.changed).toEqual([]);
  expect(facts.functions).toEqual(known.functions);
});
