// SPDX-License-Identifier: Apache-2.0
// Checks answers against a Swagger 2 document: as much of JSON Schema as upstream's API uses.

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
  readonly allOf?: readonly Schema[];
}

interface Answer {
  readonly $ref?: string;
  readonly schema?: Schema;
}

interface Operation {
  readonly responses: Readonly<Record<string, Answer>>;
}

interface Specification {
  readonly basePath: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** An answer that was seen. `body` is its text. */
export interface SeenAnswer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body: string;
}

const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

const keywords = new Set([
  ...['$ref', 'type', 'format', 'enum', 'items', 'minItems', 'properties', 'required'],
  ...['additionalProperties', 'allOf', 'default', 'description'],
]);

/** A document's operations. */
export class OpenApi {
  private readonly document: Specification & Readonly<Record<string, unknown>>;

  constructor(file: string) {
    this.document = parse(readFileSync(file, 'utf8')) as Specification & Record<string, unknown>;
  }

  /** `GET /alerts 200` for everything that is described. */
  get answers(): string[] {
    return Object.entries(this.document.paths).flatMap(([path, operations]) =>
      Object.entries(operations)
        .filter(([method]) => method !== 'parameters')
        .flatMap(([method, { responses }]) =>
          Object.keys(responses).map((status) => `${method.toUpperCase()} ${path} ${status}`),
        ),
    );
  }

  private at<Part extends { readonly $ref?: string }>(part: Part): Part {
    if (part.$ref === undefined) return part;
    let found: unknown = this.document;
    for (const name of part.$ref.replace(/^#\//, '').split('/'))
      found = (found as Record<string, unknown>)[name];
    if (found === undefined) throw new Error(`no ${part.$ref} in the document`);
    return this.at(found as Part);
  }

  /** Which described answer this is, and what is wrong with it. */
  check(seen: SeenAnswer): { readonly name: string; readonly problems: readonly string[] } {
    const { basePath, paths } = this.document;
    const path = seen.path.slice(basePath.length - 1).replace(/\?.*/s, '');
    const template = Object.keys(paths).find((each) =>
      new RegExp(`^${each.replace(/\{\w+\}/g, '[^/]+')}$`).test(path),
    );
    const operation = paths[template ?? '']?.[seen.method.toLowerCase()];
    const answer = operation?.responses[String(seen.status)];
    const name = `${seen.method} ${template} ${seen.status}`;
    if (answer === undefined) return { name, problems: [`${name} is not described`] };
    const { schema } = this.at(answer);
    if (schema === undefined)
      return { name, problems: seen.body === '' ? [] : [`a body where none is described`] };
    let value: unknown;
    try {
      value = JSON.parse(seen.body);
    } catch {
      return { name, problems: [`no JSON: ${seen.body.slice(0, 80)}`] };
    }
    const problems: string[] = [];
    this.validate(value, [schema], 'body', problems);
    return { name, problems };
  }

  /** All of `parts` hold for `value`; a property that none of them names is a problem too. */
  private validate(value: unknown, parts: Schema[], path: string, problems: string[]): void {
    const schemas = parts.flatMap((part) => this.flat(part));
    for (const schema of schemas) this.validateScalar(value, schema, path, problems);
    if (Array.isArray(value)) {
      for (const { items, minItems = 0 } of schemas) {
        if (value.length < minItems) problems.push(`${path} has fewer than ${minItems}`);
        if (items === undefined) continue;
        for (const [i, item] of value.entries())
          this.validate(item, [items], `${path}[${i}]`, problems);
      }
    } else if (typeof value === 'object' && value !== null) {
      this.validateObject(value as Record<string, unknown>, schemas, path, problems);
    }
  }

  private flat(part: Schema): Schema[] {
    const schema = this.at(part);
    for (const key of Object.keys(schema))
      if (!keywords.has(key)) throw new Error(`the validator does not know ${key}`);
    return schema.allOf === undefined ? [schema] : schema.allOf.flatMap((each) => this.flat(each));
  }

  private validateScalar(value: unknown, schema: Schema, path: string, problems: string[]): void {
    const { type, format } = schema;
    const actual = Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value;
    if (type !== undefined && actual !== type) {
      problems.push(`${path} is ${actual}, not ${type}`);
      return;
    }
    if (typeof value !== 'string') return;
    if (schema.enum !== undefined && !schema.enum.includes(value))
      problems.push(`${path} is ${JSON.stringify(value)}, none of ${schema.enum.join(', ')}`);
    if (format === 'date-time' && !(dateTime.test(value) && Number.isFinite(Date.parse(value))))
      problems.push(`${path} is ${JSON.stringify(value)}, no time`);
    if (format === 'uri' && value !== '' && !URL.canParse(value))
      problems.push(`${path} is ${JSON.stringify(value)}, no URI`);
  }

  private validateObject(
    value: Record<string, unknown>,
    schemas: readonly Schema[],
    path: string,
    problems: string[],
  ): void {
    for (const { required = [] } of schemas)
      for (const name of required)
        if (value[name] === undefined) problems.push(`${path}.${name} is missing`);
    for (const [name, part] of Object.entries(value)) {
      const described = schemas.flatMap(({ properties, additionalProperties }) => {
        const own = properties?.[name] ?? additionalProperties;
        return own === undefined ? [] : [own];
      });
      if (described.length === 0) problems.push(`${path}.${name} is not described`);
      else this.validate(part, described, `${path}.${name}`, problems);
    }
  }
}
