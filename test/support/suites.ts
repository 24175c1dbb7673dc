// Sources of other projects, with their own test suites: from a folder that VIRTSHIM_TEST_SUITES names, else from the
// distribution's source packages, where the machine can reach them; those of Go from its packages of sources. Nothing of
// them is kept.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, temporaryFolder } from './paths.js';
import { findTool } from './tools.js';

export type Source = { folder: string } | { missing: string };

const PATIENCE_MS = 30_000;
let downloads: Download | undefined;

/** The unpacked source of a source package, or why it cannot be had. */
export function sourceOf(sourcePackage: string): Source {
  const given = process.env.VIRTSHIM_TEST_SUITES;
  const source = (given === undefined ? undefined : unpackedIn(given, sourcePackage)) ?? downloaded(sourcePackage);
  if ('folder' in source) return source;
  const wayOut = `set VIRTSHIM_TEST_SUITES to a folder that has its source as ${sourcePackage}-VERSION`;
  return { missing: `${source.missing}; ${wayOut} (docs/transparency.md)` };
}

function downloaded(sourcePackage: string): Source {
  downloads ??= new Download();
  return downloads.get(sourcePackage);
}

function unpackedIn(folder: string, sourcePackage: string): Source | undefined {
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  const found = entries
    .filter((entry) => entry.isDirectory())
    .find(({ name }) => name === sourcePackage || name.startsWith(`${sourcePackage}-`));
  return found === undefined ? undefined : { folder: join(folder, found.name) };
}

/** Where Debian's packages of Go libraries put their sources, tests included. */
const GO_PATH = '/usr/share/gocode';

/** The installed source of a Go package. */
export function goSourceOf(importPath: string, packageName: string): Source {
  const folder = join(GO_PATH, 'src', importPath);
  return existsSync(folder) ? { folder } : { missing: `${packageName} is not installed` };
}

/** Compiles the tests of an installed Go package and returns the program that runs them. */
export function compileGoTests(importPath: string): string {
  const program = join(temporaryFolder('go'), 'go.test');
  // Today's `go vet` refuses what the compiler accepts.
  const run = spawnSync('go', ['test', '-vet=off', '-c', '-o', program, importPath], {
    encoding: 'utf8',
    env: { ...process.env, GOPATH: GO_PATH, GO111MODULE: 'off', GOFLAGS: '', GOCACHE: join(ROOT, 'build/go') },
  });
  if (run.status !== 0) throw new Error(`go test -c ${importPath}: ${run.stderr}`);
  return program;
}

/** apt with lists of its own, so that the machine's are not touched. */
class Download {
  private readonly folder = temporaryFolder('suites');
  private readonly why = this.prepare();

  get(sourcePackage: string): Source {
    if (this.why !== undefined) return { missing: this.why };
    const run = this.apt('source', sourcePackage);
    if (run.status === 0)
      return unpackedIn(this.folder, sourcePackage) ?? { missing: `${sourcePackage} was not unpacked` };
    const error = run.stderr.split('\n').find((line) => line.startsWith('E:')) ?? 'no answer in time';
    return { missing: `apt-get source ${sourcePackage}: ${error.replace(/https?:\S+ +| \[IP.*/g, '')}` };
  }

  private prepare(): string | undefined {
    if (findTool('apt-get') === undefined || findTool('dpkg-source') === undefined)
      return 'apt-get and dpkg-source are not installed';
    mkdirSync(join(this.folder, 'lists/partial'), { recursive: true });
    mkdirSync(join(this.folder, 'sources'));
    const files = ['/etc/apt/sources.list', ...aptParts()].filter((file) => existsSync(file));
    for (const file of files) {
      const text = readFileSync(file, 'utf8');
      if (!/\b(debian|ubuntu)\b/.test(text)) continue;
      const sources = text.replace(/^deb /gm, 'deb-src ').replace(/^Types:.*$/gm, 'Types: deb-src');
      writeFileSync(join(this.folder, 'sources', file.replace(/^.*\//, '')), sources);
    }
    return this.apt('update').status === 0 ? undefined : 'the package sources cannot be reached';
  }

  private apt(...args: string[]) {
    const settings = {
      'Dir::Etc::SourceList': join(this.folder, 'sources/sources.list'),
      'Dir::Etc::SourceParts': join(this.folder, 'sources'),
      'Dir::State::Lists': join(this.folder, 'lists'),
      'Dir::Cache': this.folder,
      'Acquire::Retries': '0',
      'Acquire::http::Timeout': '5',
      'APT::Sandbox::User': 'root',
    };
    const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
    return spawnSync('apt-get', ['-q', ...options, ...args], {
      cwd: this.folder,
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      timeout: PATIENCE_MS,
    });
  }
}

function aptParts(): string[] {
  const folder = '/etc/apt/sources.list.d';
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
}
