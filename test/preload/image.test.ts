// An image that cannot be trusted or understood refuses everything but helpers, says why, and is recorded.
import { chmodSync, chownSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect } from '@jest/globals';
import { type CallsRun, callOf, opened, shimmedCalls } from '../support/calls.js';
import { requireFixtures } from '../support/fixtures.js';
import { temporaryFolder } from '../support/paths.js';
import { compileImage, folderWithMode, imageFile, permissiveExcept } from '../support/shim.js';
import { requireThat } from '../support/tools.js';

const test = requireFixtures();
const testAsRoot = requireThat(process.getuid?.() === 0, 'needs root to give files to another user');

const accessDenied = 88;
const headerSize = 64;

async function goodImage(): Promise<Buffer> {
  return Buffer.from(await compileImage(permissiveExcept([])));
}

function written(bytes: Uint8Array): string {
  const path = join(temporaryFolder('image'), 'policy.img');
  writeFileSync(path, bytes, { mode: 0o600 });
  return path;
}

function flipped(image: Buffer, offset: number, mask = 1): Buffer {
  const copy = Buffer.from(image);
  copy.writeUInt8(copy.readUInt8(offset) ^ mask, offset);
  return copy;
}

/** Makes an image and returns its path. */
type Make = () => Promise<string> | string;

const broken: readonly (readonly [what: string, make: Make, why: RegExp])[] = [
  ['missing', () => '/nonexistent/policy.img', /No such file or directory/],
  ['a relative path', () => 'policy.img', /the path is not absolute/],
  ['empty', () => written(Buffer.alloc(0)), /truncated|shorter/i],
  ['cut in its header', async () => written((await goodImage()).subarray(0, headerSize - 1)), /truncated|shorter/i],
  ['cut in its body', async () => written((await goodImage()).subarray(0, -8)), /truncated|shorter/i],
  ['longer than it says', async () => written(Buffer.concat([await goodImage(), Buffer.alloc(8)])), /./],
  [
    'larger than any policy',
    () => {
      const path = written(Buffer.from('VSPOLICY'));
      truncateSync(path, 64 * 1024 * 1024 + 1);
      return path;
    },
    /the file is too large/,
  ],
  [
    'something else',
    () => written(Buffer.from('{ "name": "test" }'.padEnd(4096))),
    /not a (compiled )?policy|not an image/i,
  ],
  ['of another version', async () => written(flipped(await goodImage(), 8)), /version/i],
  ['made for another libvirt', async () => written(flipped(await goodImage(), 24)), /another|foreign/i],
  ['with a flipped bit in its checksum', async () => written(flipped(await goodImage(), 32)), /checksum/i],
  ['with a flipped bit in its body', async () => written(flipped(await goodImage(), 200, 0x80)), /checksum/i],
  ['a folder', () => temporaryFolder('folder'), /not a regular file/],
  ['a device', () => '/dev/zero', /not a regular file|too large|others may write/],
  [
    'a pipe that nobody writes to',
    async () => {
      const { spawnSync } = await import('node:child_process');
      const path = join(temporaryFolder('pipe'), 'policy.img');
      spawnSync('mkfifo', ['-m', '600', path]);
      return path;
    },
    /not a regular file/,
  ],
  [
    'writable by the world',
    async () => {
      const path = written(await goodImage());
      chmodSync(path, 0o666);
      return path;
    },
    /others may write to the file/,
  ],
  [
    'writable by the group',
    async () => {
      const path = written(await goodImage());
      chmodSync(path, 0o660);
      return path;
    },
    /others may write to the file/,
  ],
  [
    'in a folder that the world may write to',
    async () => {
      const folder = folderWithMode(temporaryFolder('image'), 'open', 0o777);
      const path = join(folder, 'policy.img');
      writeFileSync(path, await goodImage(), { mode: 0o600 });
      return path;
    },
    /others may write to a folder on the way/,
  ],
  [
    'below a folder that the world may write to',
    async () => {
      const folder = join(folderWithMode(temporaryFolder('image'), 'open', 0o777), 'closed');
      mkdirSync(folder, { mode: 0o700 });
      const path = join(folder, 'policy.img');
      writeFileSync(path, await goodImage(), { mode: 0o600 });
      return path;
    },
    /others may write to a folder on the way/,
  ],
  [
    'behind a link into a folder that the world may write to',
    async () => {
      const folder = folderWithMode(temporaryFolder('image'), 'open', 0o777);
      writeFileSync(join(folder, 'policy.img'), await goodImage(), { mode: 0o600 });
      const link = join(temporaryFolder('link'), 'policy.img');
      symlinkSync(join(folder, 'policy.img'), link);
      return link;
    },
    /others may write to a folder on the way/,
  ],
];

const ofAnother: readonly (readonly [what: string, make: Make, why: RegExp])[] = [
  [
    'that belongs to another user',
    async () => {
      const path = written(await goodImage());
      chownSync(path, 65534, 65534);
      return path;
    },
    /belongs to another user/,
  ],
  [
    'in a folder of another user',
    async () => {
      const path = written(await goodImage());
      chownSync(dirname(path), 65534, 65534);
      return path;
    },
    /belongs to another user/,
  ],
];

const steps = ['init', 'event_register', 'update_timeout', ...opened, 'open_ro:test:///default', 'destroy_null'];

/** Helpers work; everything else is refused for this reason, and the trail says so. */
function expectRefusedFor(run: CallsRun, why: RegExp): void {
  for (const helper of ['init', 'event_register']) expect(callOf(run, helper)).toMatchObject({ value: '0', code: 0 });
  for (const step of ['open', 'open_ro'])
    expect(callOf(run, step)).toMatchObject({ value: 'null', code: accessDenied });
  expect(callOf(run, 'destroy_null')).toMatchObject({ value: '-1', code: accessDenied, domain: 55, callbacks: 1 });
  expect(callOf(run, 'open').message).toMatch(/^access denied: virConnectOpen: the policy cannot be used: /);
  expect(callOf(run, 'open').message).toMatch(why);
  const [notice, ...refused] = run.records;
  expect(notice).toMatchObject({ root: 'notice', kind: 'policy-unusable' });
  expect(notice?.text).toMatch(why);
  expect(refused.map((record) => [record.event, record.effect, record.state])).toEqual([
    ['virConnectOpen', 'denied', 0],
    ['virConnectOpenReadOnly', 'denied', 0],
    ['virDomainDestroy', 'denied', 0],
  ]);
  for (const record of refused) expect(record.reason).toMatch(why);
}

describe('refused', () => {
  test.each(broken)('%s', async (_what, make, why) => {
    expectRefusedFor(shimmedCalls(steps, { policy: await make() }), why);
  });

  testAsRoot.each(ofAnother)('%s', async (_what, make, why) => {
    expectRefusedFor(shimmedCalls(steps, { policy: await make() }), why);
  });

  test('any single bit of an image that is flipped', async () => {
    const image = await goodImage();
    // Enough offsets to meet the header and each section; the prime step avoids hitting the same field each time.
    const offsets = [...Array.from({ length: headerSize }, (_, index) => index)];
    for (let offset = headerSize; offset < image.length; offset += 997) offsets.push(offset);
    const accepted: number[] = [];
    for (const offset of offsets) {
      const run = shimmedCalls(opened, { policy: written(flipped(image, offset, 1 << (offset % 8))) });
      if (run.calls[0]?.code !== accessDenied) accepted.push(offset);
    }
    expect(accepted).toEqual([]);
  });
});

describe('not refused', () => {
  test.each([
    ['a good image', async () => written(await goodImage())],
    [
      'behind a link in a safe folder',
      async () => {
        const link = join(temporaryFolder('link'), 'policy.img');
        symlinkSync(written(await goodImage()), link);
        return link;
      },
    ],
    [
      'readable by everybody',
      async () => {
        const path = written(await goodImage());
        chmodSync(path, 0o644);
        return path;
      },
    ],
  ])('%s', async (_what, make) => {
    const run = shimmedCalls(opened, { policy: await make() });
    expect(run.calls).toMatchObject([{ value: 'object', code: 0 }]);
    expect(run.records.filter((record) => record.root === 'notice')).toEqual([]);
  });

  test('in permissive mode a broken image forwards everything, and the trail says what it is', () => {
    const run = shimmedCalls([...opened, 'lookup:test', 'destroy'], { policy: '/nonexistent', mode: 'permissive' });
    expect(callOf(run, 'destroy')).toMatchObject({ value: '0', code: 0 });
    expect(run.records[0]).toMatchObject({ kind: 'policy-unusable' });
    expect(run.records.filter((record) => record.event === 'virDomainDestroy')).toHaveLength(2);
  });

  test('in disabled mode a broken image does nothing at all', () => {
    const run = shimmedCalls([...opened, 'lookup:test', 'destroy'], { policy: '/nonexistent', mode: 'disabled' });
    expect(callOf(run, 'destroy')).toMatchObject({ value: '0', code: 0 });
    expect(run.records).toEqual([]);
  });

  test('a mode that is none leaves the policy as strict as it is', async () => {
    const policy = await imageFile({ name: 'test', audit: { netlink: false } });
    const run = shimmedCalls(opened, { policy, env: { VIRTSHIM_MODE: 'Permissive ' } });
    expect(run.calls).toMatchObject([{ value: 'null', code: accessDenied }]);
  });
});
