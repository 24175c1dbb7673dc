import { expect } from '@jest/globals';
import { runScript } from '../support/node_api.js';
import { nodeVersions } from '../support/node_versions.js';

const blocks = `
{
  await using connection = await Connection.open('test:///default');
  using domain = await connection.lookupByName('test');
  globalThis.left = [connection, domain];
  report(await domain.name());
}
report(left.map((object) => object.freed));
`;

for (const { major, program, test } of nodeVersions) {
  test(`objects live and end on Node ${major}`, () => {
    const { reports } = runScript(
      `
      const connection = await Connection.open('test:///default');
      const { decode } = (await import('koffi')).default;
      for (let i = 0; i < 2000; i++) await connection.lookupByName('test');
      const references = () => decode(connection.pointer, 8, 'uint');
      for (let i = 0; i < 200 && references() > 1; i++) { gc(); await new Promise((done) => setTimeout(done, 20)); }
      report(references());
      const domain = connection.lookupByNameSync('test');
      await Promise.all([domain.suspend(), domain.free(), connection[Symbol.asyncDispose]()]);
      report([connection.freed, domain.freed]);
    `,
      { program, node: ['--expose-gc'] },
    );
    expect(reports).toEqual([1, [true, true]]);
  });

  if (major >= 24) {
    test(`\`using\` and \`await using\` on Node ${major}`, () => {
      expect(runScript(blocks, { program }).reports).toEqual(['test', [true, true]]);
    });
  }
}
