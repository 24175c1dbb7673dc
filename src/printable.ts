const HARMLESS = /^[ -~]*$/;

/**
 * Control characters would let a file's contents steer the reader's terminal. Bytes that are no UTF-8 are lone surrogates
 * U+DC80 to U+DCFF in texts, see trail/escape.ts.
 */
export function printable(text: string): string {
  if (HARMLESS.test(text)) return text;
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) => {
    const whole = character.codePointAt(0) ?? 0;
    const code = whole >= 0xdc80 && whole <= 0xdcff ? whole - 0xdc00 : whole;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
