/** The host's policy, the environment of this shell, and the trail's folder. */
import { constants, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defaultTrail, HOST_POLICY } from '../../folders.js';
import { native } from '../../native.js';
import { SHIM_VARIABLES } from '../environment.js';
import { may, statusOf } from '../files.js';
import type { Finding } from './finding.js';

const OTHERS_MAY_WRITE = 0o022;

export function hostPolicyFinding(path: string = HOST_POLICY): Finding {
  const topic = 'host policy';
  const status = statusOf(path);
  if (status === undefined) return { topic, state: 'ok', seen: `none is installed in ${path}` };
  if (status.uid !== 0 || (status.mode & OTHERS_MAY_WRITE) !== 0) {
    return {
      topic,
      state: 'problem',
      seen: `${path} may be written by others, so every call is refused`,
      fix: `chown root:root ${path} && chmod 644 ${path}`,
    };
  }
  const problem = imageProblem(path);
  if (problem !== undefined) {
    return {
      topic,
      state: 'problem',
      seen: `${path} ${problem}, so every call is refused`,
      fix: `virtshim policy compile POLICY.json -o ${path}`,
    };
  }
  return { topic, state: 'ok', seen: `${path} holds, beside whatever policy a program is run with` };
}

/** Why the shim could not use this image; undefined where it can. */
function imageProblem(path: string): string | undefined {
  if (!may(path, constants.R_OK)) return 'cannot be read';
  const image = native().loadPolicy(readFileSync(path));
  return image.ok ? undefined : `is not usable (${image.error})`;
}

export interface ShellEnvironment {
  /** This very process runs under the shim. */
  readonly wrapped: boolean;
  readonly variables: Readonly<Record<string, string>>;
}

export function shellEnvironment(shim: string, env: NodeJS.ProcessEnv = process.env): ShellEnvironment {
  const set = SHIM_VARIABLES.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  return { wrapped: (env.LD_PRELOAD ?? '').split(/[\s:]+/).includes(shim), variables: Object.fromEntries(set) };
}

export function environmentFindings(shim: string, env: NodeJS.ProcessEnv = process.env): Finding[] {
  const topic = 'environment';
  const { wrapped, variables } = shellEnvironment(shim, env);
  const findings: Finding[] = [
    { topic, state: 'ok', seen: wrapped ? 'programs of this shell run under the shim' : 'this shell wraps nothing' },
  ];
  const policy = variables.VIRTSHIM_POLICY;
  const problem = policy === undefined ? undefined : imageProblem(policy);
  if (problem !== undefined) {
    findings.push({
      topic,
      state: 'problem',
      seen: `VIRTSHIM_POLICY names \`${policy}\`, which ${problem}, so every call is refused`,
      fix: 'correct VIRTSHIM_POLICY, or unset it: eval "$(virtshim env --unset)"',
    });
  }
  // VIRTSHIM_TRAIL alone is where `trail show` looks.
  if (!wrapped && (policy ?? variables.VIRTSHIM_MODE) !== undefined) {
    findings.push({
      topic,
      state: 'problem',
      seen: 'a policy or a mode is set, but LD_PRELOAD does not name the shim: nothing is judged or recorded',
      fix: 'set the whole environment: eval "$(virtshim env ...)"',
    });
  }
  return findings;
}

export interface TrailState {
  readonly folder: string;
  readonly exists: boolean;
  readonly bytes: number;
  readonly finding: Finding;
}

/** The folder where a program started from this shell would record to. */
export function trailState(env: NodeJS.ProcessEnv = process.env): TrailState {
  const folder = env.VIRTSHIM_TRAIL ?? defaultTrail(env);
  const topic = 'trail';
  const status = statusOf(folder);
  if (status === undefined) return { folder, exists: false, bytes: 0, finding: missingTrail(folder) };
  const bytes = statusOf(join(folder, 'trail.xml'))?.size ?? 0;
  const make = (finding: Omit<Finding, 'topic'>): TrailState => ({
    folder,
    exists: true,
    bytes,
    finding: { topic, ...finding },
  });
  const fix = `use another folder with --trail, or: chmod go-w ${folder}`;
  if (!status.isDirectory()) return make({ state: 'problem', seen: `\`${folder}\` is not a folder`, fix });
  if ((status.mode & OTHERS_MAY_WRITE) !== 0) {
    return make({ state: 'problem', seen: `others may write to \`${folder}\`, so no record is written there`, fix });
  }
  if (!may(folder, constants.W_OK)) return make({ state: 'problem', seen: `\`${folder}\` cannot be written`, fix });
  return make({ state: 'ok', seen: `\`${folder}\` holds ${bytes} bytes of records` });
}

function missingTrail(folder: string): Finding {
  const topic = 'trail';
  const parent = nearestFolder(dirname(folder));
  if (may(parent, constants.W_OK))
    return { topic, state: 'ok', seen: `\`${folder}\` will be made with the first record` };
  return {
    topic,
    state: 'problem',
    seen: `\`${folder}\` does not exist and cannot be made in \`${parent}\``,
    fix: 'use another folder: virtshim run --trail DIR',
  };
}

function nearestFolder(path: string): string {
  return statusOf(path) !== undefined || path === dirname(path) ? path : nearestFolder(dirname(path));
}
