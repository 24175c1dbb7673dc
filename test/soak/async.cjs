// Asynchronous calls of the addon, COUNT of them, 64 under way at once: node --expose-gc async.cjs COUNT
// Prints {calls, failures, crossed, grownKiB}: what the process has grown over the second half.
'use strict';

const { join } = require('node:path');

const root = join(__dirname, '../..');
const underWay = 64;

async function main(count) {
  const { native, shimPath } = await import(join(root, 'dist/native.js'));
  const { functionsByName } = await import(join(root, 'dist/generated/api.js'));
  const addon = native();
  addon.attach(shimPath());
  let calls = 0;
  const call = (name, ...args) =>
    new Promise((resolve, reject) => {
      calls += 1;
      addon.callAsync(functionsByName.get(name).id, args, null, (result, error) => {
        if (error === null) resolve(result);
        else reject(Object.assign(new Error(error.message), { native: error }));
      });
    });

  const connection = await call('virConnectOpen', 'test:///default');
  const domain = await call('virDomainLookupByName', connection, 'test');
  let failures = 0;
  let crossed = 0;
  const fails = async (mark, promise) => {
    const error = await promise.then(
      () => undefined,
      (reason) => reason,
    );
    failures += 1;
    if (!error?.message.includes(mark)) crossed += 1;
  };
  const look = async (name) => {
    const found = await call('virDomainLookupByName', connection, name);
    await call('virDomainFree', found);
  };
  const list = async () => {
    const place = new BigUint64Array(1);
    const length = await call('virConnectListAllDomains', connection, new Uint8Array(place.buffer), 0);
    for (const each of addon.readPointers(place[0], length)) await call('virDomainFree', each);
    addon.free(place[0]);
  };
  const kinds = [
    () => call('virDomainGetName', domain),
    () => call('virDomainGetXMLDesc', domain, 0),
    () => call('virDomainGetInfo', domain, Buffer.alloc(40)),
    () => call('virDomainGetInfo', domain, new Uint8Array(100_000)),
    (i) => fails(`none${i}`, call('virDomainDefineXML', connection, `<none${i}/>`)),
    () => look('test'),
    () => list(),
  ];
  const lane = async (until) => {
    while (calls < until) await kinds[calls % kinds.length](calls);
  };
  const run = (until) => Promise.all(Array.from({ length: underWay }, () => lane(until)));
  const grown = () => {
    globalThis.gc();
    return process.memoryUsage.rss() / 1024;
  };

  await run(count / 2);
  const before = grown();
  await run(count);
  const grownKiB = Math.round(grown() - before);
  await call('virDomainFree', domain);
  await call('virConnectClose', connection);
  console.log(JSON.stringify({ calls, failures, crossed, grownKiB }));
}

main(Number(process.argv[2]));
