// What fuzzing the loader of images kept, one input for each part of it that was reached, once more: nothing may crash.
// build-fuzz/policy_image_fuzz goes on from there; docs/long-runs.md says how.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { BUILD, ROOT } from '../support/paths.js';

test('the corpus of hostile images', () => {
  const folder = join(ROOT, 'test/fixtures/policy/image-corpus');
  const files = readdirSync(folder).map((name) => join(folder, name));
  expect(files.length).toBeGreaterThan(100);
  const run = spawnSync(join(BUILD, 'test_policy_image_fuzz'), files, { encoding: 'utf8', timeout: 60_000 });
  expect(run).toMatchObject({ status: 0, stderr: '' });
  // Some of them pass for images, and are judged by.
  expect(Number(/^\d+ inputs, (\d+) images used$/m.exec(run.stdout)?.[1])).toBeGreaterThan(20);
});
