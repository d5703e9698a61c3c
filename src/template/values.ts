// SPDX-License-Identifier: Apache-2.0
// Go's values as templates see them. JavaScript has one kind of number where Go has two that print and
// compare differently, so integers are objects: a number is a float64, an {@link Int} is an int.
//
//   nil undefined · bool boolean · float64 number · int Int · string string · slice array
//   map GoMap · struct Struct (fields, methods) · func TemplateFunction · HTML that is safe SafeHtml

/** Go's int. The value is a safe integer. */
export class Int {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** A string that html templates leave as it is. */
export class SafeHtml {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A map with text keys. `zero` is what a missing key gives: '' for map[string]string, else undefined. */
export class GoMap {
  readonly typeName: string;
  readonly zero: Value;
  /** Called before keys are looked up. */
  readonly methods: ReadonlyMap<string, TemplateFunction>;
  private readonly entries: ReadonlyMap<string, Value>;

  constructor(
    entries: Iterable<readonly [string, Value]>,
    typeName: string,
    zero: Value,
    methods: Readonly<Record<string, TemplateFunction>> = {},
  ) {
    this.entries = new Map(entries);
    this.typeName = typeName;
    this.zero = zero;
    this.methods = new Map(Object.entries(methods));
  }

  /** map[string]string of a plain object. */
  static ofStrings(texts: Readonly<Record<string, string>>): GoMap {
    return new GoMap(Object.entries(texts), 'map[string]string', '');
  }

  get size(): number {
    return this.entries.size;
  }

  get(key: string): Value {
    return this.entries.has(key) ? this.entries.get(key) : this.zero;
  }

  /** Keys in the order in which Go's templates range over them. */
  keys(): string[] {
    return [...this.entries.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }
}

/** What a parameter takes. `any` takes everything. */
export type ParameterKind =
  | 'any'
  | 'string'
  | 'int'
  | 'float64'
  | 'bool'
  | 'time.Time'
  | '[]string'
  | '[]interface {}'
  /** What a query gave, and one element of that. */
  | 'template.queryResult'
  | '*template.sample';

/** A function or method. Arguments have been checked against `parameters` when `call` runs. */
export interface TemplateFunction {
  readonly parameters: readonly ParameterKind[];
  /** Kind of all further arguments; undefined: there are none. */
  readonly rest?: ParameterKind;
  /** @throws Error: the message follows "error calling NAME: " */
  call(args: readonly Value[]): Value;
}

/** A list whose type has methods: ranges and indexes as any list. */
export class MethodList extends Array<Value> {
  readonly typeName: string;
  readonly methods: ReadonlyMap<string, TemplateFunction>;

  constructor(
    items: readonly Value[],
    typeName: string,
    methods: Readonly<Record<string, TemplateFunction>>,
  ) {
    super();
    for (const item of items) this.push(item);
    this.typeName = typeName;
    this.methods = new Map(Object.entries(methods));
  }

  /** What `map` and `slice` give are plain lists. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }
}

/** A struct: fields and methods by name. `text` is its String() method, where it has one. */
export class Struct {
  readonly typeName: string;
  readonly fields: ReadonlyMap<string, Value>;
  readonly methods: ReadonlyMap<string, TemplateFunction>;
  readonly text: (() => string) | undefined;

  constructor(
    typeName: string,
    fields: Readonly<Record<string, Value>>,
    methods: Readonly<Record<string, TemplateFunction>> = {},
    text?: () => string,
  ) {
    this.typeName = typeName;
    this.fields = new Map(Object.entries(fields));
    this.methods = new Map(Object.entries(methods));
    this.text = text;
  }
}

export type Value =
  | undefined
  | boolean
  | number
  | string
  | Int
  | SafeHtml
  | GoMap
  | Struct
  | TemplateFunction
  | readonly Value[];

export const isList = (value: Value): value is readonly Value[] => Array.isArray(value);

export const isFunction = (value: Value): value is TemplateFunction =>
  typeof value === 'object' && 'call' in value && 'parameters' in value;

/** The name that Go's messages use for the type of a value. */
export function typeName(value: Value): string {
  if (value === undefined) return '<nil>';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'string') return 'string';
  if (value instanceof Int) return 'int';
  if (value instanceof SafeHtml) return 'template.HTML';
  if (value instanceof GoMap || value instanceof Struct) return value.typeName;
  if (isFunction(value)) return 'func';
  if (value instanceof MethodList) return value.typeName;
  return value.length > 0 && value.every((entry) => typeof entry === 'string')
    ? '[]string'
    : '[]interface {}';
}

/** Whether `if` takes the value as true: not the zero value and not empty. */
export function isTrue(value: Value): boolean {
  if (value === undefined) return false;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'string') return value !== '';
  if (value instanceof Int) return value.value !== 0;
  if (value instanceof SafeHtml) return value.text !== '';
  if (value instanceof GoMap) return value.size > 0;
  if (isList(value)) return value.length > 0;
  return true;
}
