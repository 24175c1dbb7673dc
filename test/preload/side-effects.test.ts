// A permitted call leaves errno, libvirt's last error and the program's error function exactly as a bare call does,
// whatever the shim had to look up.
import { describe, expect } from '@jest/globals';
import { bareCalls, shimmedCalls, withDomain } from '../support/calls.js';
import { requireFixtures } from '../support/fixtures.js';
import { deny, imageFile, permissiveExcept, type ShimOptions } from '../support/shim.js';

const test = requireFixtures();

const uuidOfTest = '6695eb01-f6a4-8304-79aa-97f2502e193f';

/** Call sequences with successes and failures, with an error of before still there and without one. */
const sequences: readonly (readonly [what: string, steps: readonly string[]])[] = [
  ['successes', [...withDomain, 'suspend', 'resume', 'is_active', 'xml', 'name', 'uri', 'free', 'close']],
  ['failures', [...withDomain, 'resume', 'lookup:none', 'lookup_id:99', 'define:<domain>', 'open:nothing:///']],
  [
    'successes after a failure',
    [...withDomain, 'keep_error', 'suspend', 'keep_error', 'resume', 'keep_error', 'name', 'keep_error', 'is_active'],
  ],
  [
    'look-ups after a failure',
    [
      ...withDomain,
      'keep_error',
      'lookup:test',
      'keep_error',
      `lookup_uuid:${uuidOfTest}`,
      'keep_error',
      'lookup_id:1',
    ],
  ],
  ['failures after a failure', [...withDomain, 'keep_error', 'resume', 'keep_error', 'lookup:none']],
  [
    'the last error, asked for in words',
    [...withDomain, 'keep_error', 'last_error_message', 'suspend', 'last_error_message'],
  ],
  [
    'helpers that leave the error alone',
    [...withDomain, 'keep_error', 'update_timeout', 'keep_error', 'event_register'],
  ],
  [
    'no object',
    [...withDomain, 'suspend_null', 'destroy_null', 'close_null', 'name_null', 'lookup_null_conn', 'lookup_null_name'],
  ],
  [
    'no object after a failure',
    [...withDomain, 'keep_error', 'suspend_null', 'keep_error', 'close_null', 'keep_error', 'lookup_null_name'],
  ],
  [
    'an object of another kind',
    [...withDomain, 'network:default', 'suspend_network', 'destroy_conn', 'keep_error', 'suspend_network'],
  ],
  [
    'the other kinds',
    [
      ...withDomain,
      'network:default',
      'network:none',
      'keep_error',
      'network_destroy',
      'pool:default-pool',
      'pool:none',
      'keep_error',
      'vol_create:<volume><name>v</name><capacity>4096</capacity></volume>',
      'vol:v',
      'vol:none',
      'keep_error',
      'vol_delete',
      'interface:eth1',
      'interface:none',
      'keep_error',
      'interface_destroy',
      'device:computer',
      'device:none',
      'device_destroy',
      'filter:none',
      'secret:none',
      'keep_error',
      'snapshot_create:<domainsnapshot><name>s</name></domainsnapshot>',
      'snapshot:none',
      'keep_error',
      'revert',
      'snapshot_delete',
      'checkpoint_create:<domaincheckpoint><name>c</name></domaincheckpoint>',
      'checkpoint_delete',
      'stream_new',
      'keep_error',
      'stream_finish',
    ],
  ],
  ['the end of a connection', [...withDomain, 'ref', 'keep_error', 'close', 'keep_error', 'close', 'name', 'free']],
  [
    'a connection that cannot be opened',
    ['init', 'open:nothing:///', 'open:gibberish', 'open_ro:nothing+tcp://x/', 'open_auth:x:y'],
  ],
];

/** Policies that make the shim look at everything, and refuse none of these calls. */
const settings: readonly (readonly [what: string, options: () => Promise<ShimOptions>])[] = [
  ['no policy', async () => ({})],
  [
    'every call recorded',
    async () => ({
      policy: await imageFile(permissiveExcept([], { audit: { netlink: false, levels: { '*': 'request-response' } } })),
    }),
  ],
  [
    'rules that would refuse everything, in permissive mode',
    async () => ({
      policy: await imageFile(
        permissiveExcept(
          [
            { ...deny('all-facts', ['*'], ['no-such-name']), connections: { uris: ['*:///nowhere'], readOnly: true } },
            deny('everything', ['*']),
          ],
          { mode: 'permissive' },
        ),
      ),
    }),
  ],
  [
    'rules about other names, uuids and connections',
    async () => ({
      policy: await imageFile(
        permissiveExcept([
          { ...deny('other-uri', ['*']), connections: { uris: ['xen:*'] } },
          { ...deny('other-driver', ['*']), connections: { drivers: ['qemu'], readOnly: true } },
        ]),
      ),
    }),
  ],
  [
    'a record that cannot be written, with onAuditFailure allow',
    async () => ({
      policy: await imageFile(permissiveExcept([], { onAuditFailure: 'allow' })),
      trail: '/proc/nowhere/trail',
    }),
  ],
];

describe.each(settings)('%s', (_setting, options) => {
  test.each(sequences)('%s', async (_what, steps) => {
    const run = shimmedCalls(steps, await options());
    expect(run.calls).toEqual(bareCalls(steps));
  });
});

describe('the sequences themselves', () => {
  test('hold what they say', () => {
    const calls = bareCalls([...withDomain, 'keep_error', 'suspend', 'resume', 'resume', 'update_timeout']);
    expect(calls.map((call) => [call.step, call.value, call.code, call.callbacks])).toEqual([
      ['open', 'object', 0, 0],
      ['lookup', 'object', 0, 0],
      ['suspend', '0', 0, 0],
      ['resume', '0', 0, 0],
      ['resume', '-1', 1, 1],
      ['update_timeout', 'void', 1, 0],
    ]);
  });
});
