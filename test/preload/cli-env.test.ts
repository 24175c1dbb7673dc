// What `virtshim env` prints, read by the programs it is printed for.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { command, VIRTSHIM, virtshim } from '../support/cli.js';
import { SHIM, temporaryFolder } from '../support/paths.js';
import { requireTool } from '../support/tools.js';

/** A folder whose name every quoting has to survive. */
const TRAIL = join(temporaryFolder('env'), 'it\'s "a" $HOME\\n%h `x` \n trail');
mkdirSync(TRAIL, { mode: 0o700 });

describe('virtshim env', () => {
  test('sh', () => {
    const script = `eval "$(${VIRTSHIM} env --trail "$1" --mode permissive)" && env -0`;
    const variables = command('sh', ['-c', script, 'sh', TRAIL]).stdout.split('\0');
    expect(variables).toEqual(
      expect.arrayContaining([`LD_PRELOAD=${SHIM}`, `VIRTSHIM_TRAIL=${TRAIL}`, 'VIRTSHIM_MODE=permissive']),
    );
  });

  test('sh, and back again', () => {
    const script = `eval "$(${VIRTSHIM} env --trail /t --mode permissive)"; eval "$(${VIRTSHIM} env --unset)"; env`;
    expect(command('sh', ['-c', script]).stdout).not.toMatch(/LD_PRELOAD|VIRTSHIM/);
  });

  test('unset leaves other preloaded libraries', () => {
    const other = command('sh', ['-c', 'ldd /bin/sh | grep -o "/[^ ]*libc.so.6"']).stdout.trim();
    const changes = JSON.parse(
      virtshim(['env', '--unset', '--json'], { env: { LD_PRELOAD: `${SHIM}:${other}` } }).stdout,
    );
    expect(changes).toMatchObject({ LD_PRELOAD: other, VIRTSHIM_POLICY: null });
  });

  test('json', () => {
    expect(JSON.parse(virtshim(['env', '--trail', TRAIL, '--json']).stdout)).toEqual({
      LD_PRELOAD: SHIM,
      VIRTSHIM_TRAIL: TRAIL,
    });
  });

  requireTool('fish')('fish', () => {
    const script = `${VIRTSHIM} env --trail $argv[1] --shell fish | source; env -0`;
    expect(command('fish', ['-c', script, TRAIL]).stdout.split('\0')).toContain(`VIRTSHIM_TRAIL=${TRAIL}`);
  });

  test('systemd: quoted as systemd.syntax(7) says', () => {
    const lines = virtshim(['env', '--trail', TRAIL, '--shell', 'systemd'], { env: { LD_PRELOAD: '' } }).stdout.split(
      '\n',
    );
    const quoted = TRAIL.replace(/[\\"]/g, '\\$&').replace('%', '%%').replace('\n', '\\n');
    expect(lines).toEqual([
      '[Service]',
      `Environment="LD_PRELOAD=${SHIM}"`,
      `Environment="VIRTSHIM_TRAIL=${quoted}"`,
      '',
    ]);
  });

  requireTool('virsh')('a bare preload by these variables is wrapped', () => {
    const trail = temporaryFolder('trail');
    const script = `eval "$(${VIRTSHIM} env --trail '${trail}')"; virsh -c test:///default suspend test`;
    expect(command('sh', ['-c', script]).status).toBe(0);
    expect(readFileSync(join(trail, 'trail.xml'), 'utf8')).toContain('<event>virDomainSuspend</event>');
  });
});
