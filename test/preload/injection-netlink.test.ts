// Hostile names through the kernel and auditd: the machine's own audit log tells who did what to which guest.
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect } from '@jest/globals';
import { type ActorRun, act, actorProgram, type Command, domainXml, OPEN } from '../support/actor.js';
import { hostileValues, invalidUtf8 } from '../support/hostile.js';
import { temporaryFolder } from '../support/paths.js';
import { deny, imageFile, permissiveExcept } from '../support/shim.js';
import { requireThat } from '../support/tools.js';
import { ausearch, readTrail } from '../support/trail_checks.js';

const auditd = /^enabled 1.*^pid [1-9]/ms.test(spawnSync('auditctl', ['-s'], { encoding: 'utf8' }).stdout ?? '');
const test = requireThat(process.geteuid?.() === 0 && auditd, 'netlink delivery needs root and a running auditd');

// Names of this run alone: the log holds those of others.
const run = randomUUID().slice(0, 8);
const names = [...hostileValues.values(), ...invalidUtf8.values()]
  .filter((name) => !name.includes('/') && name.length + run.length <= 255)
  .map((name) => Buffer.concat([name, Buffer.from(run)]));
const uuids = names.map(() => randomUUID());

describe('the audit log', () => {
  let actor: ActorRun;
  let lines: string[];

  let pid: string;
  const excerpt = join(temporaryFolder('netlink'), 'audit.log');

  /** What ausearch finds of this run in what auditd wrote, in the machine's own log or in our part of it. */
  const logged = (...args: (string | Buffer)[]) =>
    ausearch(undefined, '--input-logs', ...args).filter((line) => line.includes(` pid=${pid} `));
  const found = (...args: (string | Buffer)[]) => ausearch(excerpt, ...args);

  beforeAll(async () => {
    if (!auditd) return;
    const policy = await imageFile(
      permissiveExcept([deny('no-reset', ['virDomainReset'])], { audit: { netlink: true } }),
    );
    const commands = names.flatMap((name, i): Command[] => [
      ['define', domainXml(`plain-${i}`, `<uuid>${uuids[i]}</uuid>`)],
      ['rename', name],
      ['lookupuuid', uuids[i] ?? ''],
      ['autostart', '1'],
      ['suspend'],
      ['reset'],
      ['undefine'],
    ]);
    actor = act([OPEN, ...commands], { policy });
    const responses = readTrail(actor.trail).filter((record) => record.type === 'methodresponse');
    pid = responses[0]?.root.attributes.pid ?? '';
    for (let waited = 0; waited < 10_000; waited += 200) {
      lines = logged();
      if (lines.length >= responses.length) break;
      await sleep(200);
    }
    expect(lines).toHaveLength(responses.length);
    writeFileSync(excerpt, `${lines.join('\n')}\n`, 'latin1');
  });

  test('holds every record whole, and each only once', () => {
    const ids = readTrail(actor.trail)
      .filter((record) => record.type === 'methodresponse')
      .map((record) => record.rid);
    expect(lines.map((line) => / rid=([0-9a-f]{16}) /.exec(line)?.[1]).sort()).toEqual([...ids].sort());
    // Behind the closing quote comes only what auditd adds.
    for (const line of lines) expect(line).toMatch(/ res=(success|failed)'(\x1d[A-Z]+="[^"]*"( [A-Z]+="[^"]*")*)?$/);
  });

  test('tells each guest by its uuid and by its name, with the outcome', () => {
    for (const [i, name] of names.entries()) {
      const operations = (args: (string | Buffer)[]) =>
        found(...args)
          .map((line) => /op=(virDomain(?:SetAutostart|Suspend|Reset)) reason=(\w+) .* res=(\w+)'/.exec(line))
          .filter((match) => match !== null)
          .map(([, op, reason, res]) => `${op} ${reason} ${res}`)
          .sort();
      const all = [
        'virDomainReset denied failed',
        'virDomainSetAutostart permitted success',
        'virDomainSuspend error failed',
      ];
      expect([name.toString('latin1'), operations(['--uuid', uuids[i] ?? ''])]).toEqual([name.toString('latin1'), all]);
      expect([name.toString('latin1'), operations(['-w', '-vm', name])]).toEqual([name.toString('latin1'), all]);
      expect(operations(['--uuid', uuids[i] ?? '', '-sv', 'yes'])).toEqual([all[1]]);
      expect(operations(['--uuid', uuids[i] ?? '', '-sv', 'no'])).toEqual([all[0], all[2]]);
    }
  });

  test('is forged nowhere', () => {
    for (const forged of [
      ['--uuid', 'deadbeef'],
      ['-x', '/bin/evil'],
      ['-ui', '77'],
      ['-tm', 'tty9'],
      ['-w', '-vm', 'victim'],
    ]) {
      expect([forged, logged(...forged)]).toEqual([forged, []]);
    }
    expect(found('-ui', '0')).toEqual(lines);
    expect(found('-w', '-x', actorProgram())).toEqual(lines);
  });

  test('names no user but the real one when it is interpreted', () => {
    const run = spawnSync('ausearch', ['--input-logs', '-i', '-m', 'VIRT_CONTROL', '-p', pid], {
      encoding: 'latin1',
      maxBuffer: 1 << 28,
    });
    expect(run.stdout).toContain('uid=root');
    expect(run.stdout).not.toMatch(/ uid=(?!root)\S+ auid=/);
  });
});
