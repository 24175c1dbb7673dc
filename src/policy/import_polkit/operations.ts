/** What the operators and methods of JavaScript make of values that may not be known yet. */
import { hasWildcard } from '../glob.js';
import { driverNames } from './actions.js';
import { exactly, type Fact, type Place, type Test } from './path.js';
import { globsFor } from './regexp.js';
import { nothing, type Plain, plain, type Value } from './values.js';

export function unknown(place: Place, why: string): Value {
  return { is: 'unknown', place, why };
}

/** Whether it is true, false, or hangs on a test; undefined where that is not known. */
export function truthOf(value: Value): boolean | { readonly test: Test; readonly negated: boolean } | undefined {
  switch (value.is) {
    case 'plain':
      return Boolean(value.value);
    case 'test':
      return value;
    case 'match':
      return { test: value.test, negated: false };
    case 'position':
      // 0 is the only place that is false.
      return value.first && { test: value.first, negated: true };
    case 'unknown':
    case 'part':
      return undefined;
    default:
      // Names are never empty.
      return true;
  }
}

/** A test of a text, where a rule of virtshim can have it. */
export function textTest(of: Fact, globs: readonly string[], place: Place): Value {
  const exact = globs.every((glob) => !hasWildcard(glob));
  if (of === 'name' || globs.length === 0) return testOf(of, globs);
  if (!exact) return unknown(place, `only whole texts can be compared with the ${nounOf[of]}`);
  if (of === 'uuid')
    return testOf(
      of,
      globs.filter((glob) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(glob)),
    );
  if (of === 'user') return testOf(of, globs);
  const foreign = globs.find((glob) => !driverNames.has(glob));
  if (foreign !== undefined) return unknown(place, `libvirt has no driver that it calls \`${foreign}\``);
  return testOf(
    of,
    globs.map((glob) => driverNames.get(glob) ?? glob),
  );
}

const nounOf: Readonly<Record<Fact, string>> = { user: 'user', name: 'name', uuid: 'uuid', driver: 'driver' };

function testOf(of: Fact, globs: readonly string[]): Value {
  return globs.length === 0 ? plain(false) : { is: 'test', test: { about: of, globs }, negated: false };
}

export function not(value: Value, place: Place): Value {
  const truth = truthOf(value);
  if (truth === undefined) return value.is === 'unknown' ? value : unknown(place, 'whether this is empty is not known');
  if (typeof truth === 'boolean') return plain(!truth);
  return { is: 'test', test: truth.test, negated: !truth.negated };
}

/** `left OPERATOR right` for the operators that compare. */
export function compare(operator: string, left: Value, right: Value, place: Place): Value {
  if (left.is === 'unknown') return left;
  if (right.is === 'unknown') return right;
  if (left.is === 'plain' && right.is === 'plain') return comparePlain(operator, left.value, right.value, place);
  if (left.is === 'plain' && right.is === 'position')
    return comparePosition(mirrored(operator), right, left.value, place);
  if (left.is === 'position' && right.is === 'plain') return comparePosition(operator, left, right.value, place);
  if (!/^[!=]==?$/.test(operator)) return unknown(place, `\`${operator}\` on what only the call tells`);
  const equal = left.is === 'plain' ? equals(right, left.value, place) : equalsValue(left, right, place);
  return operator.startsWith('!') ? not(equal, place) : equal;
}

function comparePlain(operator: string, left: Plain, right: Plain, place: Place): Value {
  const [a, b] = [left as string, right as string];
  switch (operator) {
    case '===':
      return plain(left === right);
    case '!==':
      return plain(left !== right);
    case '==':
      // biome-ignore lint/suspicious/noDoubleEquals: what the rule says is what is meant
      return plain(left == right);
    case '!=':
      // biome-ignore lint/suspicious/noDoubleEquals: what the rule says is what is meant
      return plain(left != right);
    case '<':
      return plain(a < b);
    case '<=':
      return plain(a <= b);
    case '>':
      return plain(a > b);
    case '>=':
      return plain(a >= b);
    default:
      return unknown(place, `the operator \`${operator}\``);
  }
}

function mirrored(operator: string): string {
  return operator.replace(/[<>]/, (sign) => (sign === '<' ? '>' : '<'));
}

type Position = Extract<Value, { is: 'position' }>;

// Of a position nothing is known but whether it is -1 and whether it is 0.
function comparePosition(operator: string, { present, first }: Position, number: Plain, place: Place): Value {
  const found: Value = { is: 'test', test: present, negated: false };
  const missing = not(found, place);
  const asked = `${operator.slice(0, 2)} ${String(number)}`;
  if (['!= -1', '> -1', '>= 0'].includes(asked)) return found;
  if (['== -1', '< 0', '<= -1'].includes(asked)) return missing;
  const atStart: Value | undefined = first && { is: 'test', test: first, negated: false };
  if (atStart !== undefined && asked === '== 0') return atStart;
  if (atStart !== undefined && asked === '!= 0') return not(atStart, place);
  return unknown(place, 'where a text was found, but for its start');
}

function equalsValue(left: Value, right: Value, place: Place): Value {
  if (right.is === 'plain') return equals(left, right.value, place);
  return unknown(place, 'a comparison of two things that only the call tells');
}

function equals(value: Value, other: Plain, place: Place): Value {
  if (value.is === 'text')
    return typeof other === 'string' ? textTest(value.of, [exactly(other)], place) : plain(false);
  if (value.is === 'part') return equalsPart(value, other, place);
  if (other === null || other === undefined) return value.is === 'match' ? not(value, place) : plain(false);
  if (value.is === 'test' && typeof other === 'boolean') return other ? value : not(value, place);
  return unknown(place, 'a comparison of what cannot be compared');
}

function equalsPart({ of, end, length }: Extract<Value, { is: 'part' }>, other: Plain, place: Place): Value {
  if (typeof other !== 'string' || other.length > length) return plain(false);
  const glob = exactly(other);
  // A text that is shorter than the part is all of it.
  if (other.length < length) return other === '' ? plain(false) : textTest(of, [glob], place);
  return textTest(of, [end === 'first' ? `${glob}*` : `*${glob}`], place);
}

/** `object[name]` and `object.name`; undefined where reading it throws. */
export function member(object: Value, name: Value, place: Place): Value | undefined {
  if (object.is === 'unknown') return object;
  if (name.is !== 'plain') return name.is === 'unknown' ? name : unknown(place, 'a property that only the call tells');
  const key = String(name.value);
  switch (object.is) {
    case 'plain':
      return memberOfPlain(object.value, key, place);
    case 'list':
      return key === 'length' ? plain(object.items.length) : (object.items[Number(key)] ?? nothing);
    case 'map':
      return object.entries.get(key) ?? (key in {} ? unknown(place, `the property \`${key}\``) : nothing);
    case 'text':
      return key === '0'
        ? { is: 'part', of: object.of, end: 'first', length: 1 }
        : unknown(place, `\`${key}\` of a text`);
    default:
      return unknown(place, `the property \`${key}\``);
  }
}

function memberOfPlain(value: Plain, key: string, place: Place): Value | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string' && key === 'length') return plain(value.length);
  if (typeof value === 'string' && /^[0-9]+$/.test(key)) return plain(value[Number(key)]);
  return unknown(place, `the property \`${key}\``);
}

const textMethods: ReadonlySet<string> = new Set([
  ...['indexOf', 'lastIndexOf', 'startsWith', 'endsWith', 'includes', 'substr', 'substring', 'slice', 'split', 'match'],
  ...['search', 'replace', 'toLowerCase', 'toUpperCase', 'trim', 'charAt', 'concat', 'toString'],
]);

/** `object.name(...args)` of texts, lists and regular expressions; undefined where calling it throws. */
export function method(object: Value, name: string, args: readonly Value[], place: Place): Value | undefined {
  const blind = [object, ...args].find((value) => value.is === 'unknown');
  if (blind !== undefined) return blind;
  const [first = nothing] = args;
  if (object.is === 'plain' && object.value instanceof RegExp) return regexpMethod(object.value, name, first, place);
  if (object.is === 'plain') return plainMethod(object.value, name, args, place);
  if (object.is === 'text') return textMethod(object.of, name, args, place);
  if (object.is === 'list') return listMethod(object.items, name, first, place);
  if (object.is === 'groups') return groupsMethod(name, first, place);
  return unknown(place, `the method \`${name}\` here`);
}

function plainMethod(value: Plain, name: string, args: readonly Value[], place: Place): Value | undefined {
  if (value === null || value === undefined) return undefined;
  const plainArgs = args.flatMap((arg) => (arg.is === 'plain' ? [arg.value] : []));
  if (typeof value !== 'string' || !textMethods.has(name) || plainArgs.length < args.length) {
    return unknown(place, `the method \`${name}\` here`);
  }
  const run = String.prototype[name as 'trim'] as (...given: readonly Plain[]) => Plain | string[];
  const result = run.apply(value, plainArgs);
  return Array.isArray(result) ? { is: 'list', items: result.map((item) => plain(item)) } : plain(result);
}

function regexpMethod(pattern: RegExp, name: string, given: Value, place: Place): Value {
  if (name !== 'test' && name !== 'exec') return unknown(place, `the method \`${name}\` here`);
  // With `g` or `y` it goes on where it stopped before.
  if (/[gy]/.test(pattern.flags)) return unknown(place, `a regular expression with \`${pattern.flags}\``);
  if (given.is === 'plain')
    return plain(
      name === 'test' ? pattern.test(String(given.value)) : (pattern.exec(String(given.value))?.[0] ?? null),
    );
  const test = given.is === 'text' ? matching(given.of, pattern, place) : unknown(place, 'a regular expression here');
  return name === 'exec' ? asMatch(test) : test;
}

function matching(of: Fact, pattern: RegExp, place: Place): Value {
  const globs = globsFor(pattern);
  return globs === undefined ? unknown(place, `the regular expression ${String(pattern)}`) : textTest(of, globs, place);
}

function asMatch(value: Value): Value {
  if (value.is === 'test' && !value.negated) return { is: 'match', test: value.test };
  return value.is === 'plain' ? plain(null) : value;
}

function textMethod(of: Fact, name: string, args: readonly Value[], place: Place): Value {
  const [first = nothing, second] = args;
  if (first.is !== 'plain') return unknown(place, `the method \`${name}\` here`);
  const { value } = first;
  if (value instanceof RegExp) {
    if (name === 'match' && !/[gy]/.test(value.flags)) return asMatch(matching(of, value, place));
    return name === 'search'
      ? position(matching(of, value, place), undefined)
      : unknown(place, `the method \`${name}\` here`);
  }
  if (typeof value === 'string' && second === undefined && value !== '') return search(of, name, exactly(value), place);
  return part(of, name, value, second, place) ?? unknown(place, `the method \`${name}\` here`);
}

function search(of: Fact, name: string, glob: string, place: Place): Value {
  switch (name) {
    case 'startsWith':
      return textTest(of, [`${glob}*`], place);
    case 'endsWith':
      return textTest(of, [`*${glob}`], place);
    case 'includes':
      return textTest(of, [`*${glob}*`], place);
    case 'indexOf':
      return position(textTest(of, [`*${glob}*`], place), textTest(of, [`${glob}*`], place));
    default:
      return unknown(place, `the method \`${name}\` here`);
  }
}

function position(present: Value, first: Value | undefined): Value {
  if (present.is !== 'test') return present.is === 'plain' ? plain(-1) : present;
  return { is: 'position', present: present.test, first: first?.is === 'test' ? first.test : undefined };
}

function part(of: Fact, name: string, from: Plain, to: Value | undefined, place: Place): Value | undefined {
  const end = to?.is === 'plain' ? to.value : undefined;
  if (name === 'charAt' && from === 0 && to === undefined) return { is: 'part', of, end: 'first', length: 1 };
  if (!['substr', 'substring', 'slice'].includes(name) || typeof from !== 'number') return undefined;
  if (from === 0 && typeof end === 'number' && end > 0) return { is: 'part', of, end: 'first', length: end };
  if (name !== 'substring' && from < 0 && to === undefined) return { is: 'part', of, end: 'last', length: -from };
  return unknown(place, 'a part of a text that is neither its start nor its end');
}

function listMethod(items: readonly Value[], name: string, wanted: Value, place: Place): Value {
  const plains = items.flatMap((item) => (item.is === 'plain' ? [item.value] : []));
  if (!['indexOf', 'includes'].includes(name) || plains.length < items.length)
    return unknown(place, `the method \`${name}\` here`);
  if (wanted.is === 'plain')
    return plain(name === 'indexOf' ? plains.indexOf(wanted.value) : plains.includes(wanted.value));
  if (wanted.is !== 'text') return unknown(place, `the method \`${name}\` here`);
  const globsOf = (values: readonly Plain[]) =>
    values.flatMap((value) => (typeof value === 'string' ? [exactly(value)] : []));
  const present = textTest(wanted.of, globsOf(plains), place);
  return name === 'includes' ? present : position(present, textTest(wanted.of, globsOf(plains.slice(0, 1)), place));
}

function groupsMethod(name: string, wanted: Value, place: Place): Value {
  if (wanted.is !== 'plain' || typeof wanted.value !== 'string')
    return unknown(place, `the method \`${name}\` of groups`);
  const test: Test = { about: 'group', group: wanted.value };
  if (name === 'indexOf') return { is: 'position', present: test, first: undefined };
  return name === 'includes'
    ? { is: 'test', test, negated: false }
    : unknown(place, `the method \`${name}\` of groups`);
}
