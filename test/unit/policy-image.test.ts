// Images: the same policy gives the same bytes, and whatever is not an image of this version is told apart.
import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { apiFingerprint } from '../../src/generated/api.js';
import { native } from '../../src/native.js';
import type { PolicyDocument, RuleDocument } from '../../src/policy/document.js';
import { bodySize, headerSize, sectionNames } from '../../src/policy/image_layout.js';
import { imageOf } from './policy_tools.js';

const document: PolicyDocument = {
  name: 'p',
  rules: [
    { id: 'a', effect: 'deny', actions: ['domain.stop'], resources: { names: ['prod-*', 'db?'] } },
    { id: 'b', effect: 'allow', actions: ['control'], subjects: { uids: [0, 1000] } },
  ],
};

/** The image with a checksum that fits it. */
function sealed(image: Uint8Array): Uint8Array {
  image.set(createHash('sha256').update(image.subarray(headerSize)).digest(), 32);
  return image;
}

function errorOf(image: Uint8Array): string {
  const loaded = native().loadPolicy(image);
  return loaded.ok ? 'ok' : loaded.error;
}

async function changed(change: (view: DataView) => void): Promise<Uint8Array> {
  const image = Uint8Array.from(await imageOf(document));
  change(new DataView(image.buffer));
  return image;
}

describe('an image', () => {
  test('has the documented header', async () => {
    const image = await imageOf(document);
    const view = new DataView(image.buffer, image.byteOffset);
    expect(Buffer.from(image.subarray(0, 8)).toString('latin1')).toBe('VSPOLICY');
    expect([view.getUint32(8, true), view.getUint32(12, true)]).toEqual([3, 64]);
    expect(view.getBigUint64(16, true)).toBe(BigInt(image.length));
    expect(view.getBigUint64(24, true)).toBe(apiFingerprint);
    const digest = createHash('sha256').update(image.subarray(headerSize)).digest('hex');
    expect(Buffer.from(image.subarray(32, 64)).toString('hex')).toBe(digest);
    expect(native().loadPolicy(image)).toMatchObject({ ok: true, digest, rules: ['a', 'b'] });
  });

  test('is the same for the same policy, and another for another', async () => {
    expect(await imageOf(document)).toEqual(await imageOf(document));
    expect(await imageOf({ ...document, mode: 'permissive' })).not.toEqual(await imageOf(document));
  });

  test('does not depend on prose', async () => {
    const described = { ...document, description: 'why', comment: 'how' };
    expect(await imageOf(described)).toEqual(await imageOf(document));
  });

  test('may lie at any address', async () => {
    const image = await imageOf(document);
    for (let offset = 0; offset < 8; offset++) {
      const shifted = new Uint8Array(image.length + 8).subarray(offset, offset + image.length);
      shifted.set(image);
      expect(errorOf(shifted)).toBe('ok');
    }
  });

  test('keeps equal conditions once', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `guest-with-a-long-name-${index}`);
    const rule = (index: number): RuleDocument => ({
      id: `r${index}`,
      effect: 'deny',
      actions: ['virDomainDestroy', 'virDomainDestroyFlags'],
      resources: { names },
      connections: { uris: ['qemu+ssh://*'] },
    });
    const one = await imageOf({ name: 'p', rules: [rule(0)] });
    const two = await imageOf({ name: 'p', rules: [rule(0), rule(1)] });
    // The second rule brings its own row, its id and its entries in the index of the group, but no list and no string.
    expect(two.length - one.length).toBeLessThan(50 * 12 + 200);
  });
});

describe('what is no image', () => {
  test('every truncation', async () => {
    const image = await imageOf(document);
    for (let length = 0; length < image.length; length += length < 200 ? 1 : 97) {
      expect([length, errorOf(image.slice(0, length))]).toEqual([length, 'the policy image is truncated']);
    }
  });

  test.each<[string, (view: DataView) => void]>([
    ['not a policy image', (view) => view.setUint8(0, 0x7b)],
    ['the policy image was made by another version of virtshim', (view) => view.setUint32(8, 1, true)],
    ['the policy image is corrupt', (view) => view.setUint32(12, 96, true)],
    [
      'the policy image was compiled against another table of libvirt functions',
      (view) => view.setBigUint64(24, apiFingerprint ^ 1n, true),
    ],
    ['the checksum of the policy image does not match', (view) => view.setUint8(32, view.getUint8(32) ^ 1)],
    ['the checksum of the policy image does not match', (view) => view.setUint8(500, view.getUint8(500) ^ 1)],
  ])('%s', async (expected, change) => {
    expect(errorOf(await changed(change))).toBe(expected);
  });

  test('bytes behind the image', async () => {
    const image = await imageOf(document);
    expect(errorOf(Buffer.concat([image, Buffer.alloc(8)]))).toBe('the policy image is corrupt');
  });

  test('JSON', () => {
    expect(
      errorOf(Buffer.from('{"name": "not compiled", "description": "a policy that nobody compiled, long enough"}')),
    ).toBe('not a policy image');
  });

  test.each(
    sectionNames.map((name, index) => [name, headerSize + bodySize - 8 * sectionNames.length + index * 8] as const),
  )('a section out of bounds: %s', async (_, at) => {
    for (const offset of [0, 8, 63, 0x7ffffff8, 0xfffffff8]) {
      const image = await changed((view) => view.setUint32(at, offset, true));
      expect(errorOf(sealed(image))).toBe('the policy image is corrupt');
    }
    const image = await changed((view) => view.setUint32(at + 4, 0xffffffff, true));
    expect(errorOf(sealed(image))).toBe('the policy image is corrupt');
  });

  test.each([
    ['mode', 0],
    ['unknownApi', 1],
    ['onAuditFailure', 2],
    ['audit', 3],
  ])('a setting that does not exist: %s', async (_, at) => {
    const image = await changed((view) => view.setUint8(headerSize + at, 9));
    expect(errorOf(sealed(image))).toBe('the policy image is corrupt');
  });

  test('it judges nothing', async () => {
    const image = await changed((view) => view.setUint8(500, view.getUint8(500) ^ 1));
    expect(() => native().decide(image, { function: 'virDomainDestroy' })).toThrow('the checksum of the policy image');
  });
});

describe('requests that make no sense', () => {
  test.each([
    [{ function: 'virDomainDestory' }, 'unknown function `virDomainDestory`'],
    [{ function: 'virDomainDestroy', arguments: { flags: 1 } }, '`virDomainDestroy` has no argument `flags`'],
    [{ function: 'virDomainLookupByUUID', arguments: { uuid: 'x' } }, '`x` is not a uuid'],
    [{ function: 'virDomainDestroyFlags', arguments: { flags: 'x' } }, 'argument `flags` cannot be given like this'],
    [{ function: 'virDomainDestroy', resource: { kind: 'guest' } }, 'unknown kind of resource `guest`'],
  ])('%j', async (request, message) => {
    const image = await imageOf(document);
    expect(() => native().decide(image, request)).toThrow(message);
  });
});
