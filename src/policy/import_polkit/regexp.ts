/** Regular expressions that say no more than globs can. */
import { exactly } from './path.js';

const most = 64;

/**
 * Globs of which one matches wherever the expression does, and nowhere else; undefined where there are none such. Texts
 * are taken to hold no line ends.
 */
export function globsFor({ source, flags }: RegExp): string[] | undefined {
  if (flags !== '') return undefined;
  const parser = new Parser(source);
  const globs = parser.whole();
  return globs === undefined || globs.length > most ? undefined : [...new Set(globs)];
}

/** Each method gives the alternatives of what it has read, or undefined for what no glob can say. */
class Parser {
  private at = 0;

  constructor(private readonly source: string) {}

  whole(): string[] | undefined {
    const branches = this.branches(true);
    return this.at === this.source.length ? branches : undefined;
  }

  private branches(outermost: boolean): string[] | undefined {
    const all: string[] = [];
    do {
      const branch = outermost ? this.anchored() : this.sequence();
      if (branch === undefined) return undefined;
      all.push(...branch);
    } while (this.take('|'));
    return all.length > most ? undefined : all;
  }

  private anchored(): string[] | undefined {
    const start = this.take('^') ? '' : '*';
    const middle = this.sequence();
    const end = this.take('$') ? '' : '*';
    return middle?.map((glob) => `${start}${glob}${end}`.replaceAll(/(?<!\\)\*{2,}/g, '*'));
  }

  private sequence(): string[] | undefined {
    let sofar: string[] = [''];
    while (this.at < this.source.length && !'|)$'.includes(this.source[this.at] ?? '')) {
      const next = this.repeated();
      if (next === undefined || sofar.length * next.length > most) return undefined;
      sofar = sofar.flatMap((start) => next.map((end) => start + end));
    }
    return sofar;
  }

  private repeated(): string[] | undefined {
    if (this.take('.*')) return this.take('?') ? undefined : ['*'];
    if (this.take('.+')) return this.take('?') ? undefined : ['?*'];
    const one = this.one();
    if (this.take('?')) return one && ['', ...one];
    return '*+{'.includes(this.source[this.at] ?? ' ') ? undefined : one;
  }

  private one(): string[] | undefined {
    if (this.take('(?:') || (this.source[this.at + 1] !== '?' && this.take('('))) {
      const inner = this.branches(false);
      return this.take(')') ? inner : undefined;
    }
    if (this.take('[')) return this.characters();
    if (this.take('\\d')) return [...'0123456789'];
    if (this.take('\\')) return this.literal(/[^A-Za-z0-9]/);
    // A dot is a character, and a question mark in a glob a byte.
    return this.literal(/[^.^$*+?()[\]{}|\\]/);
  }

  private literal(allowed: RegExp): string[] | undefined {
    const character = this.source[this.at] ?? '';
    if (character === '' || !allowed.test(character) || /[\ud800-\udfff]/.test(character)) return undefined;
    this.at++;
    return [exactly(character)];
  }

  private characters(): string[] | undefined {
    const end = this.source.indexOf(']', this.at);
    const inside = this.source.slice(this.at, end);
    this.at = end + 1;
    if (end < 0 || !/^[A-Za-z0-9_.:@ -]+$/.test(inside)) return undefined;
    const all: string[] = [];
    for (const [range, from = '', to = ''] of inside.matchAll(/([A-Za-z0-9])-([A-Za-z0-9])|./g)) {
      if (from === '') all.push(range);
      else for (let code = from.charCodeAt(0); code <= to.charCodeAt(0); code++) all.push(String.fromCharCode(code));
    }
    return all.map(exactly);
  }

  private take(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false;
    this.at += text.length;
    return true;
  }
}
