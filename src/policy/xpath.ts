/** What can be said about an XPath 1.0 expression without the library that evaluates it. */

/** Each part of an expression takes stack when it is evaluated, of which the program's thread may have little. */
const maxLength = 1000;
const maxNesting = 30;

const closing: Readonly<Record<string, string>> = { '(': ')', '[': ']' };

/** What is wrong with the expression, or undefined where nothing is to be seen. */
export function xpathProblem(expression: string): string | undefined {
  if (expression.trim() === '') return 'an XPath expression is empty';
  if (expression.length > maxLength) return `an XPath expression is longer than ${maxLength} characters: split it`;
  return bracketProblem(expression);
}

function bracketProblem(expression: string): string | undefined {
  const open: string[] = [];
  for (let at = 0; at < expression.length; at++) {
    const char = expression[at] ?? '';
    if (char === '"' || char === "'") {
      const end = expression.indexOf(char, at + 1);
      if (end < 0) return `XPath \`${expression}\` has a string without an end`;
      at = end;
    } else if (char in closing) {
      open.push(closing[char] ?? '');
      if (open.length > maxNesting) return `an XPath expression has more than ${maxNesting} brackets within each other`;
    } else if ((char === ')' || char === ']') && open.pop() !== char) {
      return `XPath \`${expression}\` has a \`${char}\` too many`;
    }
  }
  const missing = open.pop();
  return missing === undefined ? undefined : `XPath \`${expression}\` lacks a \`${missing}\``;
}
