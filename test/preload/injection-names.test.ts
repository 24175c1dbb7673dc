// The name that the policy judges a definition by is the name that libvirt reads in it, or it counts as unknown. Both
// read thousands of documents here that were made to be read in two ways.
import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { type Answer, act, type Command, OPEN } from '../support/actor.js';
import { deny, imageFile, permissiveExcept } from '../support/shim.js';
import { requireTool } from '../support/tools.js';
import { readTrail } from '../support/trail_checks.js';

const test = requireTool('cc');

const DOCUMENTS = Number(process.env.VIRTSHIM_TEST_DOCUMENTS ?? 6000);
const SEED = Number(process.env.VIRTSHIM_TEST_SEED ?? 20240229);
const DENIED = 88;

const word = fc.constantFrom('prod-1', 'ok-1', 'prod-2', 'ok-2', 'ok-3', 'p', '');
const blanks = fc.constantFrom('', ' ', '\n', '\t', '  \n', '\r\n', '\r');
const decoy = word.map((name) => `<name>${name}</name>`);

const attribute = fc.constantFrom(
  ...[
    `a='1'`,
    `b="2"`,
    `c='>'`,
    `d="/>"`,
    `e='<'`,
    `f="&gt;<name>"`,
    `g='"'`,
    `h="'"`,
    `i = '1'`,
    `j\n=\n"x"`,
    `xmlns='urn:x'`,
  ],
  ...[
    `xmlns=''`,
    `xmlns:x='urn:x'`,
    `x:k='1'`,
    `xml:space='preserve'`,
    `a='--'`,
    `k=1`,
    `l`,
    `m='&#x3e;'`,
    `n='</name>'`,
  ],
);
const attributes = fc.array(attribute, { maxLength: 2 }).map((all) => all.map((one) => ` ${one}`).join(''));

const comment = fc.oneof(
  decoy.map((name) => `<!--${name}-->`),
  decoy.map((name) => `<!-->${name}-->`),
  decoy.map((name) => `<!--->${name}-->`),
  decoy.map((name) => `<!---->${name}`),
  decoy.map((name) => `<!-- --${name}-->`),
  decoy.map((name) => `<!-- > ${name} -- >-->`),
  decoy.map((name) => `<!-${name}->`),
  fc.constant('<!--x--->'),
);
const instruction = fc.oneof(
  decoy.map((name) => `<?x ${name}?>`),
  decoy.map((name) => `<?>${name}?>`),
  decoy.map((name) => `<??>${name}?>`),
  decoy.map((name) => `<?name ${name} > ? >?>`),
  decoy.map((name) => `<?xml-x encoding="UTF-7"?>${name}`),
  decoy.map((name) => `<?xml encoding="UTF-8"?>${name}`),
);
const cdata = fc.oneof(
  decoy.map((name) => `<![CDATA[${name}]]>`),
  decoy.map((name) => `<![CDATA[]]>${name}<![CDATA[]]>`),
  decoy.map((name) => `<![cdata[${name}]]>`),
);
const nested = fc.oneof(
  fc
    .tuple(fc.constantFrom('x', 'metadata', 'name2', 'Name', 'n', 'name-', 'namex', 'a:b', 'title'), attributes, decoy)
    .map(([tag, attrs, name]) => `<${tag}${attrs}>${name}</${tag}>`),
  decoy.map((name) => `<metadata><x xmlns='urn:x'>${name}</x></metadata>`),
  fc.tuple(attributes, decoy).map(([attrs, name]) => `<x${attrs}/>${name}`),
  fc.tuple(attributes, word).map(([attrs, name]) => `<x:name${attrs}>${name}</x:name>`),
  word.map((name) => `<x:name xmlns:x=''>${name}</x:name>`),
  word.map((name) => `<:name>${name}</:name>`),
  word.map((name) => `<name:>${name}</name:>`),
  fc.constant('<name/>'),
  fc.constant('<name />'),
  fc.constant('<name></name>'),
  fc.constant("<name a='/'></name>"),
);
const content = fc.oneof(
  { weight: 6, arbitrary: word },
  word.map((name) => name.replace('p', '&#112;')),
  word.map((name) => name.replace('r', '&#x72;')),
  word.map((name) => `<![CDATA[${name}]]>`),
  word.map((name) => name.replace('-', '<!-- -->-')),
  word.map((name) => name.replace('-', '<?x?>-')),
  word.map((name) => name.replace('-', '<b/>-')),
  word.map((name) => `<b>${name}</b>`),
  fc.tuple(blanks, word, blanks).map((parts) => parts.join('')),
  word.map((name) => `${name}&x;`),
  word.map((name) => `${name}]]>`),
  word.map((name) => `${name}>"'`),
  word.map((name) => `${name}&amp;&lt;`),
);
const name = fc.oneof(
  { weight: 6, arbitrary: content.map((text) => `<name>${text}</name>`) },
  fc.tuple(attributes, content).map(([attrs, text]) => `<name${attrs}>${text}</name>`),
  fc.tuple(blanks, content, blanks).map(([a, text, b]) => `<name${a}>${text}</name${b}>`),
  content.map((text) => `<name>${text}</ name>`),
  content.map((text) => `<name>${text}</x></name>`),
  content.map((text) => `< name>${text}</name>`),
);
const encoding = fc.constantFrom(
  'UTF-8',
  'utf-8',
  'US-ASCII',
  'ISO-8859-1',
  'UTF-7',
  'UTF-16',
  'EBCDIC-US',
  'xUTF-8',
  'Utf-8',
);
const prolog = fc.oneof(
  { weight: 8, arbitrary: fc.constant('') },
  fc.constant('\ufeff'),
  fc.constant(' '),
  encoding.map((which) => `<?xml version='1.0' encoding='${which}'?>`),
  encoding.map((which) => `<?xml version="1.0"  encoding = "${which}" standalone='yes'?>`),
  encoding.map((which) => `\ufeff<?xml version="1.0" encoding="${which}"?>\n`),
  fc.constant(`<?xml version='1.1'?>`),
  fc.constant('<!DOCTYPE domain>'),
  decoy.map((text) => `<!DOCTYPE domain SYSTEM "${text.replaceAll('"', '')}">`),
  fc.constant(`<!DOCTYPE domain [<!ENTITY x "prod-1">]>`),
  fc.constant(`<!DOCTYPE domain [<!ENTITY x "<name>prod-1</name>">]>`),
  fc.constant(`<!DOCTYPE domain [<!ATTLIST name xmlns CDATA "urn:x">]>`),
  comment,
  instruction,
);
const child = fc.oneof(
  { weight: 3, arbitrary: blanks },
  comment,
  instruction,
  cdata,
  nested,
  { weight: 4, arbitrary: name },
  fc.constantFrom('&x;', 'text', '&#60;name>', '</domain>', '<', '>', '<x>'),
);

function documentOf(root: string, kind: string, more: string) {
  return fc
    .record({
      prolog,
      attributes: fc.oneof({ weight: 4, arbitrary: fc.constant('') }, attributes),
      prefix: fc.oneof({ weight: 12, arbitrary: fc.constant('') }, fc.constant('x:')),
      before: fc.array(child, { maxLength: 3 }),
      first: name,
      after: fc.array(child, { maxLength: 2 }),
      space: blanks,
      end: fc.constantFrom('', '', '', '<!-- -->', 'x'),
    })
    .map((parts) => {
      const tag = `${parts.prefix}${root}`;
      const children = [...parts.before, parts.first, ...parts.after].join(parts.space);
      return `${parts.prolog}<${tag}${kind}${parts.attributes}>${children}${more}</${tag}>${parts.end}`;
    });
}

interface Kind {
  define: string;
  documents: string[];
  /** Undoes what one definition left, so that the next one meets nothing of that name. */
  clean: readonly Command[];
  event: string;
}

const sample = (arbitrary: fc.Arbitrary<string>, numRuns: number) => fc.sample(arbitrary, { numRuns, seed: SEED });

const kinds: Record<string, Kind> = {
  domains: {
    define: 'define',
    documents: sample(
      documentOf('domain', ` type='test'`, '<memory>1024</memory><os><type>hvm</type></os>'),
      DOCUMENTS,
    ),
    clean: [['drop']],
    event: 'virDomainDefineXML',
  },
  networks: {
    define: 'netdefine',
    documents: sample(documentOf('network', '', ''), DOCUMENTS / 4),
    clean: [['netundefine']],
    event: 'virNetworkDefineXML',
  },
  'storage pools': {
    define: 'pooldefine',
    documents: sample(
      documentOf('pool', ` type='logical'`, '<source><name>prod-vg</name></source><target><path>/x</path></target>'),
      DOCUMENTS / 4,
    ),
    clean: [['poolundefine']],
    event: 'virStoragePoolDefineXML',
  },
};

// Documents whose names are not even tried to read; they count as unknown, and a rule about names refuses them.
const unread: readonly RegExp[] = [
  /<!(DOCTYPE|\[CDATA\[)/,
  /<\?xml[^>]*encoding *= *["'](?!(UTF-8|utf-8|US-ASCII)["'])/, // another encoding, or spelled in another way
  /<\?xml-x encoding="UTF-7"/,
  /<name[^>a-zA-Z2:-][^>]*>/, // attributes or blanks in the tag
  /<name>[^<]*[&\r][^<]*<\/name/, // references, line ends to be normalised
  /<name>[^<]*<(?!\/name)/, // markup inside
  /<name( *\/>|><\/name)/, // empty
];

describe.each(Object.entries(kinds))('definitions of %s', (_what, kind) => {
  const commands = kind.documents.flatMap((document): Command[] => [[kind.define, document], ...kind.clean]);
  const answersOf = (answers: readonly Answer[]) =>
    answers
      .filter((answer) => answer.command === kind.define)
      .map((answer) => ({ ...answer, text: answer.name?.toString() }));

  test('never pass under a name that the policy denies', async () => {
    const actions = ['domain.*', 'network.*', 'storage-pool.*'];
    const policy = await imageFile(
      permissiveExcept([deny('prod', actions, ['prod-*'])], { audit: { netlink: false } }),
    );
    const run = act([OPEN, ...commands], { policy, timeout: 100_000 });
    const bare = act([OPEN, ...commands], { shim: false });
    expect([run.status, bare.status]).toEqual([0, 0]);
    const judged = answersOf(run.answers);
    const plain = answersOf(bare.answers);
    expect([judged.length, plain.length]).toEqual([kind.documents.length, kind.documents.length]);

    const passed = judged
      .map((answer, i) => [answer.text, kind.documents[i]])
      .filter(([text]) => text?.startsWith('prod-'));
    expect(passed).toEqual([]);
    // The documents were worth the trouble: libvirt took many of both sorts.
    const taken = plain.filter((answer) => answer.result === 0);
    expect(taken.filter((answer) => answer.text?.startsWith('prod-')).length).toBeGreaterThan(
      kind.documents.length / 50,
    );
    expect(taken.filter((answer) => answer.text?.startsWith('ok-')).length).toBeGreaterThan(kind.documents.length / 50);

    // What is harmless passes unless the document is of a documented sort.
    const refused = plain.flatMap((answer, i) =>
      answer.result === 0 && !answer.text?.startsWith('prod-') && judged[i]?.code === DENIED
        ? [kind.documents[i] ?? '']
        : [],
    );
    expect(refused.filter((document) => !unread.some((pattern) => pattern.test(document)))).toEqual([]);
    // And everything else ends as without the shim.
    for (const [i, answer] of judged.entries()) {
      if (answer.code !== DENIED)
        expect([answer.result, answer.code, answer.text]).toEqual([plain[i]?.result, plain[i]?.code, plain[i]?.text]);
    }
  });

  test('are recorded before the call under no other name than after it', async () => {
    const policy = await imageFile(permissiveExcept([], { audit: { netlink: false } }));
    const run = act([OPEN, ...commands], { policy, timeout: 100_000 });
    const records = readTrail(run.trail).filter((record) => record.event === kind.event);
    const before = new Map(
      records
        .filter((record) => record.type === 'methodcall')
        .map((record) => [record.rid, record.resource('name')?.toString()]),
    );
    const after = records.filter((record) => record.type === 'methodresponse' && record.state === '1');
    expect(after.length).toBeGreaterThan(kind.documents.length / 20);
    const told = after.filter((record) => before.get(record.rid) !== undefined);
    expect(told.length).toBeGreaterThan(after.length / 8);
    expect(
      told.map((record) => [before.get(record.rid), record.resource('name')?.toString()]).filter(([a, b]) => a !== b),
    ).toEqual([]);
  });
});
