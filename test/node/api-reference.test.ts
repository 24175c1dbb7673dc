// The API reference: every name that a signature speaks of is there, every link leads somewhere.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { command } from '../support/cli.js';
import { ROOT, temporaryFolder } from '../support/paths.js';
import { requireThat } from '../support/tools.js';

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };

/** typedoc is no dependency: it needs an older TypeScript beside it. npm has it in its cache, or gets it. */
function hasTypedoc(): boolean {
  const [program = '', ...args] = `${scripts['docs:api']} --version`.split(' ');
  const env = { npm_config_fetch_retries: '0', npm_config_prefer_offline: 'true', npm_config_loglevel: 'error' };
  return command(program, args, { cwd: ROOT, env }).status === 0;
}

const withTypedoc = requireThat(hasTypedoc(), 'typedoc is not in the cache of npm, and could not be fetched');

withTypedoc('npm run docs:api has nothing to warn of', () => {
  const folder = join(temporaryFolder('reference'), 'reference');
  const run = command('npm', ['run', '--silent', 'docs:api', '--', '--out', folder], { cwd: ROOT });
  expect({ status: run.status, said: run.stdout.replace(/^.*html generated at .*\n/m, '') }).toEqual({
    status: 0,
    said: '',
  });
  expect(existsSync(join(folder, 'classes/index.Connection.html'))).toBe(true);
  expect(existsSync(join(folder, 'variables/ffi.virDomainGetInfo.html'))).toBe(true);
  expect(readdirSync(folder)).toContain('index.html');
});
