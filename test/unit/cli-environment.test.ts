import { describe, expect, test } from '@jest/globals';
import { otherPreloads, shimVariables } from '../../src/cli/environment.js';

const SHIM = '/opt/virtshim/libvirtshim.so';

describe('the environment of a wrapped program', () => {
  test('names the shim before what is preloaded already', () => {
    expect(shimVariables({ shim: SHIM }, '/a.so /b.so:/c.so').LD_PRELOAD).toBe(`${SHIM}:/a.so:/b.so:/c.so`);
  });

  test('names the shim once, where it is wrapped again', () => {
    expect(shimVariables({ shim: SHIM }, `${SHIM}:/a.so`).LD_PRELOAD).toBe(`${SHIM}:/a.so`);
  });

  test('sets only what was asked for', () => {
    expect(shimVariables({ shim: SHIM, noInherit: false }, undefined)).toEqual({ LD_PRELOAD: SHIM });
    const said = { actor: 'alice', reason: 'ticket 4711' };
    const all = { shim: SHIM, policy: '/p.img', trail: '/t', mode: 'permissive', noInherit: true, ...said } as const;
    expect(shimVariables(all, undefined)).toEqual({
      LD_PRELOAD: SHIM,
      VIRTSHIM_POLICY: '/p.img',
      VIRTSHIM_TRAIL: '/t',
      VIRTSHIM_MODE: 'permissive',
      VIRTSHIM_ACTOR: 'alice',
      VIRTSHIM_REASON: 'ticket 4711',
      VIRTSHIM_NO_INHERIT: '1',
    });
  });

  test.each(['/opt/my programs/s.so', '/opt/a:b/s.so', '/opt/$LIB/s.so', '/opt/a\nb/s.so'])(
    'refuses the path %j, which the loader would not find',
    (shim) => {
      expect(() => shimVariables({ shim }, undefined)).toThrow(/loader cannot preload/);
    },
  );

  test('leaves other libraries when the shim is taken out', () => {
    expect(otherPreloads(SHIM, `/a.so:${SHIM} /b.so`)).toEqual(['/a.so', '/b.so']);
    expect(otherPreloads(SHIM, undefined)).toEqual([]);
  });
});
