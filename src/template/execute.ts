// SPDX-License-Identifier: Apache-2.0
// Runs a parsed template. Everything is bounded: steps, depth and output, so that a template that loops
// or explodes costs its own text and nothing else.

import { quote } from '../model/index.ts';
import { TemplateError } from './errors.ts';
import { printValue } from './format.ts';
import type {
  BranchNode,
  CommandNode,
  ListNode,
  OperandNode,
  PipeNode,
  StatementNode,
  TemplateNode,
} from './nodes.ts';
import { nodeText } from './nodes.ts';
import type { Tree } from './parser.ts';
import type { ParameterKind, TemplateFunction, Value } from './values.ts';
import { GoMap, Int, isFunction, isList, isTrue, MethodList, Struct, typeName } from './values.ts';

/** A function of templates that does what the output would do. */
export type Escaper = 'html' | 'urlquery';

/** Where text goes. `value` may escape for its surroundings. */
export interface TemplateOutput {
  literal(text: string): void;
  /** @param escaper in which the pipeline ends: the value is fit for one kind of place already */
  value(value: Value, escaper?: Escaper): void;
  /** UTF-16 units written so far. */
  readonly length: number;
}

export interface ExecutionLimits {
  /** Nodes evaluated. */
  readonly stepsMax: number;
  /** Nested {{template}} calls. */
  readonly depthMax: number;
  readonly outputMax: number;
}

export const defaultLimits: ExecutionLimits = {
  stepsMax: 2_000_000,
  depthMax: 500,
  outputMax: 16 << 20,
};

/** Plain text. */
export class TextOutput implements TemplateOutput {
  private readonly parts: string[] = [];
  length = 0;

  literal(text: string): void {
    this.parts.push(text);
    this.length += text.length;
  }

  value(value: Value): void {
    this.literal(value === undefined ? '<no value>' : printValue(value));
  }

  text(): string {
    return this.parts.join('');
  }
}

/** No value was piped in; nil is one. */
const missing = Symbol('missing');
type Final = Value | typeof missing;

/** Where a function or method is called. */
interface CallSite {
  readonly dot: Value;
  readonly name: string;
  readonly node: OperandNode;
  /** What messages show when the call fails: the whole command, for a function. */
  readonly shown: TemplateNode;
}

type Flow = 'next' | 'break' | 'continue';

/** What an execution has used up. */
export interface Counters {
  steps: number;
}

/** `NAME:LINE:COLUMN` of a position in a template's text, the column in bytes from 0. */
export function placeOf(tree: Tree, at: number): string {
  const before = tree.text.slice(0, at);
  const line = before.split('\n').length;
  const column = new TextEncoder().encode(before.slice(before.lastIndexOf('\n') + 1)).length;
  return `${tree.parseName}:${line}:${column}`;
}

export interface ExecutionOptions {
  readonly trees: ReadonlyMap<string, Tree>;
  readonly functions: ReadonlyMap<string, TemplateFunction>;
  readonly limits: ExecutionLimits;
  readonly output: TemplateOutput;
}

class Execution {
  private readonly options: ExecutionOptions;
  private readonly tree: Tree;
  private readonly depth: number;
  private readonly counters: Counters;
  private node: TemplateNode | undefined;
  private variables: { readonly name: string; value: Value }[];

  constructor(
    options: ExecutionOptions,
    tree: Tree,
    data: Value,
    depth = 0,
    counters = { steps: 0 },
  ) {
    this.options = options;
    this.tree = tree;
    this.depth = depth;
    this.counters = counters;
    this.variables = [{ name: '$', value: data }];
  }

  run(data: Value): void {
    this.list(data, this.tree.root);
  }

  private fail(message: string): never {
    const { node, tree } = this;
    const { name } = tree;
    if (node === undefined) throw new TemplateError(`template: ${name}: ${message}`);
    throw new TemplateError(
      `template: ${placeOf(tree, node.at)}: executing ${quote(name)} at <${nodeText(node)}>: ${message}`,
    );
  }

  private at(node: TemplateNode): void {
    this.node = node;
    if (++this.counters.steps > this.options.limits.stepsMax)
      this.fail(`more than ${this.options.limits.stepsMax} steps`);
    if (this.options.output.length > this.options.limits.outputMax)
      this.fail(`output longer than ${this.options.limits.outputMax} characters`);
  }

  private list(dot: Value, list: ListNode): Flow {
    for (const node of list.nodes) {
      const flow = this.statement(dot, node);
      if (flow !== 'next') return flow;
    }
    return 'next';
  }

  private statement(dot: Value, node: StatementNode): Flow {
    this.at(node);
    switch (node.kind) {
      case 'text':
        this.options.output.literal(node.text);
        return 'next';
      case 'action': {
        const value = this.pipe(dot, node.pipe);
        this.node = node;
        if (node.pipe.declared.length === 0) this.options.output.value(value, escaperOf(node.pipe));
        return 'next';
      }
      case 'template':
        this.invoke(dot, node.name, node.pipe);
        return 'next';
      case 'break':
      case 'continue':
        return node.kind;
      case 'range':
        return this.range(dot, node);
      default:
        return this.condition(dot, node);
    }
  }

  private condition(dot: Value, node: BranchNode): Flow {
    const mark = this.variables.length;
    const value = this.pipe(dot, node.pipe);
    let flow: Flow = 'next';
    if (isTrue(value)) flow = this.list(node.kind === 'with' ? value : dot, node.list);
    else if (node.otherwise !== undefined) flow = this.list(dot, node.otherwise);
    this.variables.length = mark;
    return flow;
  }

  private range(dot: Value, node: BranchNode): Flow {
    const mark = this.variables.length;
    const value = this.pipe(dot, node.pipe, true);
    const ran = this.iterate(value, (key, element) => {
      this.at(node);
      const { declared, assigns } = node.pipe;
      const inner = this.variables.length;
      const set = (name: string, to: Value): void =>
        assigns ? this.assign(name, to) : void this.variables.push({ name, value: to });
      if (declared.length === 1) set(declared[0]!, element);
      else if (declared.length === 2) {
        set(declared[0]!, key);
        set(declared[1]!, element);
      }
      const flow = this.list(element, node.list);
      this.variables.length = inner;
      return flow !== 'break';
    });
    let flow: Flow = 'next';
    if (!ran && node.otherwise !== undefined) flow = this.list(dot, node.otherwise);
    this.variables.length = mark;
    return flow;
  }

  /** Calls `visit` for each element until it returns false; whether there was any. */
  private iterate(value: Value, visit: (key: Value, element: Value) => boolean): boolean {
    if (value === undefined) return false;
    if (value instanceof Int) {
      for (let i = 0; i < value.value; i++) if (!visit(new Int(i), new Int(i))) break;
      return value.value > 0;
    }
    if (value instanceof GoMap) {
      for (const key of value.keys()) if (!visit(key, value.get(key))) break;
      return value.size > 0;
    }
    if (!isList(value)) this.fail(`range can't iterate over ${printValue(value)}`);
    for (let i = 0; i < value.length; i++) if (!visit(new Int(i), value[i])) break;
    return value.length > 0;
  }

  private invoke(dot: Value, name: string, pipe: PipeNode | undefined): void {
    const tree = this.options.trees.get(name);
    if (tree === undefined) this.fail(`template ${quote(name)} not defined`);
    const { depthMax } = this.options.limits;
    if (this.depth >= depthMax) this.fail(`exceeded maximum template depth (${depthMax})`);
    const data = pipe === undefined ? undefined : this.pipe(dot, pipe);
    new Execution(this.options, tree, data, this.depth + 1, this.counters).run(data);
  }

  /** @param forRange declared variables are the loop's own business */
  private pipe(dot: Value, pipe: PipeNode, forRange = false): Value {
    this.at(pipe);
    let value: Final = missing;
    for (const command of pipe.commands) value = this.command(dot, command, value);
    const result = value === missing ? undefined : value;
    if (forRange) return result;
    for (const name of pipe.declared) {
      if (pipe.assigns) this.assign(name, result);
      else this.variables.push({ name, value: result });
    }
    return result;
  }

  private assign(name: string, value: Value): void {
    for (let i = this.variables.length - 1; i >= 0; i--) {
      const variable = this.variables[i]!;
      if (variable.name !== name) continue;
      variable.value = value;
      return;
    }
    this.fail(`undefined variable: ${name}`);
  }

  private variable(name: string): Value {
    for (let i = this.variables.length - 1; i >= 0; i--)
      if (this.variables[i]!.name === name) return this.variables[i]!.value;
    this.fail(`undefined variable: ${name}`);
  }

  private command(dot: Value, command: CommandNode, final: Final): Value {
    const first = command.args[0]!;
    const { args } = command;
    switch (first.kind) {
      case 'field':
        this.at(first);
        return this.fieldChain(dot, dot, first, first.names, args, final);
      case 'chain':
        this.at(first);
        return this.chain(dot, first, args, final);
      case 'identifier':
        return this.call(
          { dot, name: first.name, node: first, shown: command },
          this.lookUp(first.name, first),
          args,
          final,
        );
      case 'variable':
        this.at(first);
        return this.variableChain(dot, first, args, final);
      case 'pipe':
        break;
      default:
        this.at(first);
        break;
    }
    if (args.length > 1 || final !== missing)
      this.fail(`can't give argument to non-function ${nodeText(first)}`);
    if (first.kind === 'nil') this.fail('nil is not a command');
    return first.kind === 'pipe' ? this.pipe(dot, first) : constant(dot, first);
  }

  private chain(
    dot: Value,
    node: Extract<OperandNode, { kind: 'chain' }>,
    args: readonly OperandNode[],
    final: Final,
  ): Value {
    if (node.node.kind === 'nil')
      this.fail(`indirection through explicit nil in ${nodeText(node)}`);
    const receiver = this.argument(dot, 'any', node.node);
    return this.fieldChain(dot, receiver, node, node.names, args, final);
  }

  private variableChain(
    dot: Value,
    node: Extract<OperandNode, { kind: 'variable' }>,
    args: readonly OperandNode[],
    final: Final,
  ): Value {
    const value = this.variable(node.names[0]!);
    if (node.names.length > 1)
      return this.fieldChain(dot, value, node, node.names.slice(1), args, final);
    if (args.length > 1 || final !== missing)
      this.fail(`can't give argument to non-function ${nodeText(node)}`);
    return value;
  }

  private fieldChain(
    dot: Value,
    receiver: Value,
    node: OperandNode,
    names: readonly string[],
    args: readonly OperandNode[],
    final: Final,
  ): Value {
    let value = receiver;
    for (const name of names.slice(0, -1))
      value = this.field(dot, value, name, node, [node], missing);
    return this.field(dot, value, names.at(-1)!, node, args, final);
  }

  private field(
    dot: Value,
    receiver: Value,
    name: string,
    node: OperandNode,
    args: readonly OperandNode[],
    final: Final,
  ): Value {
    // Data that was not given has no fields, and that is no mistake.
    if (receiver === undefined) return undefined;
    const hasArguments = args.length > 1 || final !== missing;
    if (receiver instanceof Struct) {
      const method = receiver.methods.get(name);
      if (method !== undefined)
        return this.call({ dot, name, node, shown: node }, method, args, final);
      if (receiver.fields.has(name)) {
        if (hasArguments) this.fail(`${name} has arguments but cannot be invoked as function`);
        return receiver.fields.get(name);
      }
    }
    if (receiver instanceof GoMap || receiver instanceof MethodList) {
      const method = receiver.methods.get(name);
      if (method !== undefined)
        return this.call({ dot, name, node, shown: node }, method, args, final);
    }
    if (receiver instanceof GoMap) {
      if (hasArguments) this.fail(`${name} is not a method but has arguments`);
      return receiver.get(name);
    }
    this.fail(`can't evaluate field ${name} in type ${typeName(receiver)}`);
  }

  private lookUp(name: string, node: TemplateNode): TemplateFunction {
    this.at(node);
    const found = this.options.functions.get(name);
    if (found === undefined) this.fail(`${quote(name)} is not a defined function`);
    return found;
  }

  /** Calls `fn` with the arguments after args[0] and what was piped in. */
  private call(
    { dot, name, node, shown }: CallSite,
    fn: TemplateFunction,
    args: readonly OperandNode[],
    final: Final,
  ): Value {
    const given = args.slice(1);
    const count = given.length + (final === missing ? 0 : 1);
    const { parameters, rest } = fn;
    if (rest !== undefined ? count < parameters.length : count !== parameters.length) {
      const want =
        rest !== undefined ? `want at least ${parameters.length}` : `want ${parameters.length}`;
      this.fail(`wrong number of args for ${name}: ${want} got ${count}`);
    }
    const isAnd = name === 'and';
    if ((isAnd || name === 'or') && node.kind === 'identifier')
      return this.junction(dot, isAnd, given, final);
    const values: Value[] = given.map((arg, i) =>
      this.argument(dot, parameters[i] ?? rest ?? 'any', arg),
    );
    if (final !== missing)
      values.push(this.checked(final, parameters[given.length] ?? rest ?? 'any'));
    try {
      const [callee] = values;
      if (name === 'call' && callee !== undefined && !isFunction(callee) && given[0] !== undefined)
        throw new Error(`non-function ${nodeText(given[0])} of type ${typeName(callee)}`);
      return fn.call(values);
    } catch (error) {
      if (error instanceof TemplateError) throw error;
      this.node = shown;
      this.fail(`error calling ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** `and` and `or`: the first argument that decides; later ones are not evaluated. */
  private junction(dot: Value, isAnd: boolean, args: readonly OperandNode[], final: Final): Value {
    let value: Value;
    for (const arg of args) {
      value = this.argument(dot, 'any', arg);
      if (isTrue(value) !== isAnd) return value;
    }
    return final === missing ? value : final;
  }

  private argument(dot: Value, kind: ParameterKind, node: OperandNode): Value {
    this.at(node);
    switch (node.kind) {
      case 'dot':
        return this.checked(dot, kind);
      case 'nil':
        if (kind !== 'any') this.fail(`cannot assign nil to ${kind}`);
        return undefined;
      case 'field':
        return this.checked(this.fieldChain(dot, dot, node, node.names, [node], missing), kind);
      case 'variable':
        return this.checked(this.variableChain(dot, node, [node], missing), kind);
      case 'pipe':
        return this.checked(this.pipe(dot, node), kind);
      case 'chain':
        return this.checked(this.chain(dot, node, [node], missing), kind);
      case 'identifier': {
        const fn = this.lookUp(node.name, node);
        const site = { dot, name: node.name, node, shown: node };
        return this.checked(this.call(site, fn, [node], missing), kind);
      }
      default:
        return this.literal(kind, node);
    }
  }

  private literal(
    kind: ParameterKind,
    node: Extract<OperandNode, { kind: 'bool' | 'number' | 'string' }>,
  ): Value {
    const { value } = node;
    if (kind === 'any') return value;
    if (kind === 'string' && typeof value === 'string') return value;
    if (kind === 'bool' && typeof value === 'boolean') return value;
    if (kind === 'int' && value instanceof Int) return value;
    if (kind === 'float64' && typeof value === 'number') return value;
    if (kind === 'float64' && value instanceof Int) return value.value;
    if (kind === 'time.Time' || kind.startsWith('[]') || kind.includes('template.'))
      this.fail(`can't handle ${nodeText(node)} for arg of type ${kind}`);
    const expected = kind === 'int' ? 'integer' : kind === 'float64' ? 'float' : kind;
    this.fail(`expected ${expected}; found ${nodeText(node)}`);
  }

  private checked(value: Value, kind: ParameterKind): Value {
    if (kind === 'any') return value;
    if (value === undefined) this.fail(`invalid value; expected ${kind}`);
    const fits =
      isList(value) && kind.startsWith('[]')
        ? kind === '[]interface {}' || value.every((entry) => typeof entry === 'string')
        : typeName(value) === kind || (kind === 'string' && typeName(value) === 'template.HTML');
    if (!fits) this.fail(`wrong type for value; expected ${kind}; got ${typeName(value)}`);
    return value;
  }
}

/** Whether the last thing that a pipeline does is Go's own `html`. */
function escaperOf({ commands }: PipeNode): Escaper | undefined {
  const first = commands.at(-1)?.args[0];
  if (first?.kind !== 'identifier') return undefined;
  return first.name === 'html' || first.name === 'urlquery' ? first.name : undefined;
}

function constant(
  dot: Value,
  node: Exclude<
    OperandNode,
    { kind: 'pipe' | 'field' | 'chain' | 'identifier' | 'variable' | 'nil' }
  >,
): Value {
  return node.kind === 'dot' ? dot : node.value;
}

/** Runs `tree` with `data` as the dot. @throws TemplateError */
export function execute(
  options: ExecutionOptions,
  tree: Tree,
  data: Value,
  counters?: Counters,
): void {
  new Execution(options, tree, data, 0, counters).run(data);
}
