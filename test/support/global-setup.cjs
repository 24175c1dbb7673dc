// One folder for all temporary files of a run; global-teardown.cjs removes it.
const { chmodSync, mkdtempSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

module.exports = () => {
  const folder = mkdtempSync(join(tmpdir(), 'virtshim-test-'));
  // Tests run programs as other users, too.
  chmodSync(folder, 0o711);
  process.env.VIRTSHIM_TEST_TMP = folder;
};
