/** Lines of files that may be large: as bytes, a chunk's worth at a time. */

const LINE_END = 0x0a;

/** A line without its end; `complete` is false for a last line that has none. */
export interface RawLine {
  readonly bytes: Buffer;
  readonly line: number;
  readonly complete: boolean;
}

/** Whether the line of `bytes` from `from` to `end` is wanted. It is asked about the lines in their order. */
export type LineTest = (bytes: Buffer, from: number, end: number) => boolean;

/** The lines of the chunks, one chunk's worth at a time; lines that `wanted` turns down cost no object. */
export async function* splitLines(chunks: AsyncIterable<Buffer>, wanted?: LineTest): AsyncGenerator<RawLine[]> {
  let rest: Buffer[] = [];
  let line = 0;
  for await (const chunk of chunks) {
    const lines: RawLine[] = [];
    let from = 0;
    const first = rest.length === 0 ? -1 : chunk.indexOf(LINE_END);
    if (first !== -1) {
      const bytes = Buffer.concat([...rest, chunk.subarray(0, first)]);
      line++;
      if (wanted === undefined || wanted(bytes, 0, bytes.length)) lines.push({ bytes, line, complete: true });
      rest = [];
      from = first + 1;
    }
    if (rest.length === 0) {
      for (let end = chunk.indexOf(LINE_END, from); end !== -1; end = chunk.indexOf(LINE_END, from)) {
        line++;
        if (wanted === undefined || wanted(chunk, from, end)) {
          lines.push({ bytes: chunk.subarray(from, end), line, complete: true });
        }
        from = end + 1;
      }
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
    if (lines.length > 0) yield lines;
  }
  if (rest.length > 0) yield [{ bytes: Buffer.concat(rest), line: line + 1, complete: false }];
}
