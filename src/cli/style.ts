import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];

interface Output {
  readonly isTTY?: boolean;
}

/** Colours are for people at a terminal who did not ask for none (https://no-color.org). */
export function wantsColour(output: Output, env: NodeJS.ProcessEnv = process.env): boolean {
  return output.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

/** A painter for texts that go to `output`. */
export function painter(output: Output): (style: Style, text: string) => string {
  const colour = wantsColour(output);
  // styleText itself would ask standard output, whichever stream the text is for.
  return (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text);
}
