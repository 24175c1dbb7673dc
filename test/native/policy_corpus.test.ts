// What fuzzing kept, one input for each part of the code that was reached, once more: nothing may crash.
// build-fuzz/policy_image_fuzz and build-fuzz/xml_facts_fuzz go on from there; docs/long-runs.md says how.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { BUILD, ROOT } from '../support/paths.js';

/** Runs the program on the files of the folder; returns how many of them it could use. */
function replay(program: string, corpus: string): number {
  const folder = join(ROOT, 'test/fixtures/policy', corpus);
  const files = readdirSync(folder).map((name) => join(folder, name));
  expect(files.length).toBeGreaterThan(100);
  const run = spawnSync(join(BUILD, program), files, { encoding: 'utf8', timeout: 60_000 });
  expect(run).toMatchObject({ status: 0, stderr: '' });
  return Number(/^\d+ inputs, (\d+) (images used|documents read)$/m.exec(run.stdout)?.[1]);
}

test('the corpus of hostile images', () => {
  // Some of them pass for images, and are judged by.
  expect(replay('test_policy_image_fuzz', 'image-corpus')).toBeGreaterThan(20);
});

test('the corpus of hostile XML', () => {
  expect(replay('test_xml_facts_fuzz', 'xml-corpus')).toBeGreaterThan(50);
});
