const { rmSync } = require('node:fs');

module.exports = () => {
  rmSync(process.env.VIRTSHIM_TEST_TMP, { recursive: true, force: true });
};
