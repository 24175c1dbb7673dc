/** Checks a document against a JSON Schema of policies/ and says what is wrong in the author's terms. */
import { readFileSync } from 'node:fs';
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { packageFile } from '../package_root.js';
import { whenNeeded } from '../when_needed.js';
import type { Diagnostic } from './diagnostic.js';
import { type Complaint, fromPointer, type Path, type Source } from './source.js';
import { suggest } from './suggest.js';

export type SchemaName = 'policy' | 'rules' | 'cases';

const validators = new Map<SchemaName, ValidateFunction>();

/** Every violation, none where the document is as the schema wants it. */
export function validateAgainstSchema(source: Source, name: SchemaName): Diagnostic[] {
  const validate = validatorOf(name);
  const { value } = source;
  if (validate(value)) return [];
  return (validate.errors ?? []).filter(isTelling).map((error) => {
    const path = [...fromPointer(error.instancePath, value), ...extraSteps(error)];
    return source.complain(path, explain(error, source, path));
  });
}

function validatorOf(name: SchemaName): ValidateFunction {
  const known = validators.get(name);
  if (known !== undefined) return known;
  const { Ajv2020 } = whenNeeded('ajv/dist/2020.js');
  const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: true, allowUnionTypes: true });
  if (name === 'rules') ajv.addSchema(readSchema('policy'));
  const validate = ajv.compile(readSchema(name));
  validators.set(name, validate);
  return validate;
}

function readSchema(name: SchemaName): object {
  return JSON.parse(readFileSync(packageFile(`policies/${name}.schema.json`), 'utf8')) as object;
}

// ajv reports a bad property name once for the name and once for the object.
function isTelling(error: ErrorObject): boolean {
  return error.keyword !== 'propertyNames';
}

// ajv points at the object for a property that should not be there; we point at the property.
function extraSteps(error: ErrorObject): Path {
  const params = error.params as { additionalProperty?: string };
  if (params.additionalProperty !== undefined) return [params.additionalProperty];
  return error.propertyName === undefined ? [] : [error.propertyName];
}

function explain(error: ErrorObject, source: Source, path: Path): Complaint {
  if (error.propertyName !== undefined) return unknownProperty(error.propertyName, allowedValues(error));
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownProperty(String(path.at(-1)), Object.keys(parentProperties(error)));
    case 'required':
      return { code: 'missing-property', message: `property \`${String(error.params.missingProperty)}\` is missing` };
    case 'enum':
      return wrongWord(source.textOf(path), error.data, allowedValues(error));
    case 'type':
      return { code: 'wrong-type', message: `expected ${typeNames(error)}, found ${typeOf(error.data)}` };
    default:
      return { code: 'wrong-value', message: violation(error, source.textOf(path)) };
  }
}

const MOST_LISTED = 15;

function unknownProperty(name: string, known: readonly string[]): Complaint {
  const suggestion = suggest(name, known);
  // Nothing near: whoever wrote it knows the thing by another name.
  const others = suggestion === undefined && known.length > 0 && known.length <= MOST_LISTED;
  const message = `unknown property \`${name}\`${others ? ` (known: ${known.join(', ')})` : ''}`;
  return { code: 'unknown-property', message, suggestion, atKey: true };
}

function wrongWord(text: string, data: unknown, allowed: readonly string[]): Complaint {
  const suggestion = typeof data === 'string' ? suggest(data, allowed) : undefined;
  const shown = typeof data === 'string' ? data : clip(text);
  return { code: 'wrong-value', message: `\`${shown}\` is not one of ${allowed.join(', ')}`, suggestion };
}

function violation(error: ErrorObject, text: string): string {
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'pattern':
      return `${clip(text)} does not fit: ${patternMeaning(error)}`;
    case 'minItems':
    case 'minProperties':
    case 'minLength':
      return 'must not be empty';
    case 'uniqueItems':
      return `items ${String(params.j)} and ${String(params.i)} are the same`;
    case 'minimum':
    case 'maximum':
      return `must be ${String(params.comparison)} ${String(params.limit)}`;
    default:
      return error.message ?? error.keyword;
  }
}

function patternMeaning(error: ErrorObject): string {
  const schema = error.parentSchema as { description?: string } | undefined;
  return schema?.description ?? `expected ${String(error.params.pattern)}`;
}

function parentProperties(error: ErrorObject): Record<string, unknown> {
  return (error.parentSchema as { properties?: Record<string, unknown> } | undefined)?.properties ?? {};
}

function allowedValues(error: ErrorObject): string[] {
  return ((error.params as { allowedValues?: readonly unknown[] }).allowedValues ?? []).map(String);
}

function typeNames(error: ErrorObject): string {
  const { type } = error.params as { type: string | readonly string[] };
  const names = (typeof type === 'string' ? [type] : type).map(withArticle);
  return names.length > 2 ? `${names.slice(0, -1).join(', ')} or ${names.at(-1)}` : names.join(' or ');
}

function typeOf(data: unknown): string {
  if (data === null) return 'null';
  if (Array.isArray(data)) return 'an array';
  return withArticle(typeof data);
}

function withArticle(type: string): string {
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
}

function clip(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
