/** Conditions on the XML that a call brings along. */
import { ComparisonResolver, type Complain, severalUnderNot, type ValueKind } from './comparison.js';
import type { Condition } from './condition.js';
import type { ComparisonDocument, XmlDocument, XmlTestsDocument } from './document.js';
import { stringProblem } from './glob.js';
import type { Path, Source } from './source.js';
import { suggest } from './suggest.js';
import { xmlFactNames, xmlFacts } from './xml_facts.js';
import { xpathProblem } from './xpath.js';

/** Resolves `xml` of the rule at `path`; complains about what makes no sense. */
export function resolveXml(source: Source, path: Path, document: XmlDocument, complain: Complain): Condition[] {
  const resolver = new XmlResolver(source, path, complain);
  const { not, ...tests } = document;
  return [
    ...resolver.tests(['xml'], tests as XmlTestsDocument, false),
    ...resolver.tests(['xml', 'not'], not ?? {}, true),
  ];
}

class XmlResolver {
  constructor(
    private readonly source: Source,
    private readonly path: Path,
    private readonly complain: Complain,
  ) {}

  tests(steps: Path, document: XmlTestsDocument, negated: boolean): Condition[] {
    return Object.entries(document).flatMap(([name, value]) => {
      if (name === 'xpath') return this.expressions([...steps, name], (value ?? []) as readonly string[], negated);
      return this.fact([...steps, name], name, value as ComparisonDocument, negated);
    });
  }

  private expressions(steps: Path, expressions: readonly string[], negated: boolean): Condition[] {
    return expressions.flatMap((expression, index): Condition[] => {
      const at = [...steps, index];
      const problem = stringProblem(expression) ?? xpathProblem(expression);
      if (problem === undefined) return [{ kind: 'xpath', steps: at, expression, negated }];
      this.complain([...this.path, ...at], { code: 'bad-xpath', message: problem });
      return [];
    });
  }

  private fact(steps: Path, fact: string, comparison: ComparisonDocument, negated: boolean): Condition[] {
    const path = [...this.path, ...steps];
    const type = xmlFacts[fact]?.type;
    if (type === undefined) {
      const suggestion = suggest(fact, [...xmlFactNames, 'xpath', 'not']);
      this.complain(path, {
        code: 'unknown-xml-fact',
        message: `unknown fact of XML \`${fact}\``,
        suggestion,
        atKey: true,
      });
      return [];
    }
    const several = negated ? severalUnderNot(fact, comparison) : undefined;
    if (several !== undefined) this.complain(path, several);
    const compared = { what: `fact \`${fact}\``, where: '', kinds: new Set<ValueKind>([type]) };
    const tests = new ComparisonResolver(this.source, path, compared, this.complain).resolve(comparison);
    return tests.map((test): Condition => ({ kind: 'xmlFact', steps, fact, test, negated }));
  }
}
