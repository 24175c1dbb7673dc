import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { test } from '@jest/globals';

/** Where `name` is found along PATH (or `name` itself if it is a path), or undefined. */
export function findTool(name: string): string | undefined {
  const places = name.includes('/') ? [name] : (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, name));
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** jest's `test` where all tools (commands or paths) are there, else `test.skip`, with the reason printed once. */
export function requireTool(...names: string[]): typeof test | typeof test.skip {
  const missing = names.filter((name) => findTool(name) === undefined);
  return missing.length === 0 ? test : skipBecause(`${missing.join(', ')} not installed`);
}

/** `test` where `holds`, else `test.skip`, with the reason printed once. */
export function requireThat(holds: boolean, reason: string): typeof test | typeof test.skip {
  return holds ? test : skipBecause(reason);
}

/** `test` where the interpreter runs this program, which loads the binding; else skipped. */
export function requireBinding(packageName: string, program: string, ...args: string[]) {
  const works = spawnSync(program, args, { stdio: 'ignore' }).status === 0;
  return requireThat(works, `${packageName} is not installed`);
}

function skipBecause(reason: string): typeof test.skip {
  process.stderr.write(`skipped: ${reason}\n`);
  return test.skip;
}
