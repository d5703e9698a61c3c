// SPDX-License-Identifier: Apache-2.0
// Tokens -> trees, with Go's rules and messages.

import { quote } from '../model/index.ts';
import { TemplateError } from './errors.ts';
import type { Token, TokenKind } from './lexer.ts';
import { tokenize } from './lexer.ts';
import { parseChar, parseNumber, unquote } from './literals.ts';
import type {
  BranchNode,
  CommandNode,
  ListNode,
  OperandNode,
  PipeNode,
  StatementNode,
} from './nodes.ts';
import { nodeText } from './nodes.ts';

/** One parsed template body. */
export interface Tree {
  readonly name: string;
  /** The name of the text it stood in, for messages. */
  readonly parseName: string;
  readonly text: string;
  readonly root: ListNode;
}

/** Nesting of actions and parentheses; Go has no limit, JavaScript's stack has. */
const DEPTH_MAX = 500;

const shown = (token: Token): string => {
  if (token.kind === 'end') return 'EOF';
  if (token.kind === 'error') return token.text;
  if (token.kind === 'keyword' || token.kind === 'dot' || token.kind === 'nil') {
    return `<${token.text}>`;
  }
  return token.text.length > 10 ? `${quote(token.text.slice(0, 10))}...` : quote(token.text);
};

/** Nothing but spaces: such a template does not count as a definition. */
export const isBlank = (list: ListNode): boolean =>
  list.nodes.every((node) => node.kind === 'text' && node.text.trim() === '');

type Ending = { readonly how: 'end' | 'else'; readonly at: number };

class Parser {
  private readonly name: string;
  private readonly text: string;
  private readonly tokens: readonly Token[];
  private readonly hasFunction: (name: string) => boolean;
  private position = 0;
  private depth = 0;
  private rangeDepth = 0;
  private variables = ['$'];
  readonly trees: Tree[] = [];

  constructor(name: string, text: string, hasFunction: (name: string) => boolean) {
    this.name = name;
    this.text = text;
    this.tokens = tokenize(text);
    this.hasFunction = hasFunction;
  }

  run(): readonly Tree[] {
    const nodes: StatementNode[] = [];
    for (;;) {
      const token = this.peek();
      if (token.kind === 'end') break;
      if (token.kind === 'left') {
        const open = this.position;
        this.next();
        if (this.nextNonSpace().text === 'define' && this.previous().kind === 'keyword') {
          this.definition();
          continue;
        }
        this.position = open;
      }
      const { node, ending } = this.textOrAction();
      if (ending !== undefined) this.fail(`unexpected {{${ending.how}}}`, ending.at);
      if (node !== undefined) nodes.push(node);
    }
    this.addTree(this.name, { kind: 'list', at: 0, nodes });
    return this.trees;
  }

  private addTree(name: string, root: ListNode): void {
    const isTaken = this.trees.some((tree) => tree.name === name && !isBlank(tree.root));
    if (isTaken && !isBlank(root))
      this.fail(`template: multiple definition of template ${quote(name)}`);
    this.trees.push({ name, parseName: this.name, text: this.text, root });
  }

  private fail(message: string, at = this.previous().at): never {
    let line = 1;
    for (let i = 0; i < at; i++) if (this.text.charCodeAt(i) === 10) line++;
    throw new TemplateError(`template: ${this.name}:${line}: ${message}`);
  }

  private unexpected(token: Token, where: string): never {
    if (token.kind === 'error') this.fail(token.text, token.at);
    this.fail(`unexpected ${shown(token)} in ${where}`, token.at);
  }

  private peek(): Token {
    return this.tokens[Math.min(this.position, this.tokens.length - 1)]!;
  }

  private previous(): Token {
    return this.tokens[Math.min(Math.max(0, this.position - 1), this.tokens.length - 1)]!;
  }

  /** The last token comes again and again. */
  private next(): Token {
    const token = this.peek();
    this.position++;
    return token;
  }

  private nextNonSpace(): Token {
    let token = this.next();
    while (token.kind === 'space') token = this.next();
    return token;
  }

  private peekNonSpace(): Token {
    while (this.peek().kind === 'space') this.position++;
    return this.peek();
  }

  private expect(kind: TokenKind, where: string): Token {
    const token = this.nextNonSpace();
    if (token.kind !== kind) this.unexpected(token, where);
    return token;
  }

  private definition(): void {
    const name = this.templateName('define clause');
    this.expect('right', 'define clause');
    const outer = this.variables;
    this.variables = ['$'];
    const { list, ending } = this.list();
    if (ending.how !== 'end') this.fail(`unexpected {{else}} in define clause`, ending.at);
    this.variables = outer;
    this.addTree(name, list);
  }

  private templateName(where: string): string {
    const token = this.nextNonSpace();
    if (token.kind !== 'string' && token.kind !== 'rawString') this.unexpected(token, where);
    return this.textOf(token);
  }

  private textOf(token: Token): string {
    return this.literal(token, () =>
      token.kind === 'rawString' ? token.text.slice(1, -1) : unquote(token.text),
    );
  }

  /** What a literal stands for; a mistake in it is one of the template. */
  private literal<Result>(token: Token, read: () => Result): Result {
    try {
      return read();
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error), token.at);
    }
  }

  /** Statements up to `{{end}}` or `{{else}}`. */
  private list(): { list: ListNode; ending: Ending } {
    if (++this.depth > DEPTH_MAX) this.fail(`nested deeper than ${DEPTH_MAX} actions`);
    const at = this.peekNonSpace().at;
    const nodes: StatementNode[] = [];
    while (this.peek().kind !== 'end') {
      const { node, ending } = this.textOrAction();
      if (ending !== undefined) {
        this.depth--;
        return { list: { kind: 'list', at, nodes }, ending };
      }
      if (node !== undefined) nodes.push(node);
    }
    this.fail('unexpected EOF', this.text.length);
  }

  private textOrAction(): { node?: StatementNode; ending?: Ending } {
    const token = this.next();
    if (token.kind === 'text') return { node: { kind: 'text', at: token.at, text: token.text } };
    if (token.kind !== 'left') this.unexpected(token, 'input');
    return this.action();
  }

  private action(): { node?: StatementNode; ending?: Ending } {
    const token = this.nextNonSpace();
    const { at } = token;
    if (token.kind === 'keyword') {
      switch (token.text) {
        case 'if':
        case 'with':
        case 'range':
          return { node: this.branch(token.text, at) };
        case 'block':
          return { node: this.block() };
        case 'template':
          return { node: this.invocation() };
        case 'break':
        case 'continue':
          if (this.rangeDepth === 0) this.fail(`{{${token.text}}} outside {{range}}`, at);
          this.expect('right', `{{${token.text}}}`);
          return { node: { kind: token.text, at } };
        case 'end':
          this.expect('right', 'end');
          return { ending: { how: 'end', at } };
        case 'else': {
          const next = this.peekNonSpace();
          // `{{else if …}}` and `{{else with …}}` stay for the branch that they belong to.
          if (!(next.kind === 'keyword' && (next.text === 'if' || next.text === 'with')))
            this.expect('right', 'else');
          return { ending: { how: 'else', at } };
        }
        default:
          this.unexpected(token, 'command');
      }
    }
    this.position--;
    const pipe = this.pipeline('command', 'right');
    return { node: { kind: 'action', at, pipe } };
  }

  private branch(kind: BranchNode['kind'], at: number): BranchNode {
    const variableCount = this.variables.length;
    const pipe = this.pipeline(kind, 'right');
    if (kind === 'range') this.rangeDepth++;
    const { list, ending } = this.list();
    if (kind === 'range') this.rangeDepth--;
    let otherwise: ListNode | undefined;
    if (ending.how === 'else') {
      const next = this.peek();
      if (next.kind === 'keyword' && (kind === 'if' || kind === 'with')) {
        if (next.text !== kind) this.unexpected(next, 'input');
        this.next();
        if (++this.depth > DEPTH_MAX) this.fail(`nested deeper than ${DEPTH_MAX} actions`);
        otherwise = { kind: 'list', at: next.at, nodes: [this.branch(kind, next.at)] };
        this.depth--;
      } else {
        if (next.kind === 'keyword') this.unexpected(next, 'input');
        const rest = this.list();
        if (rest.ending.how !== 'end') this.fail('expected end; found {{else}}', rest.ending.at);
        otherwise = rest.list;
      }
    }
    this.variables.length = variableCount;
    return { kind, at, pipe, list, otherwise };
  }

  private block(): StatementNode {
    const { at } = this.peekNonSpace();
    const name = this.templateName('block clause');
    const pipe = this.pipeline('block clause', 'right');
    const outer = this.variables;
    const outerRange = this.rangeDepth;
    this.variables = ['$'];
    this.rangeDepth = 0;
    const { list, ending } = this.list();
    if (ending.how !== 'end') this.fail('unexpected {{else}} in block clause', ending.at);
    this.variables = outer;
    this.rangeDepth = outerRange;
    this.addTree(name, list);
    return { kind: 'template', at, name, pipe };
  }

  private invocation(): StatementNode {
    const { at } = this.peekNonSpace();
    const name = this.templateName('template clause');
    let pipe: PipeNode | undefined;
    if (this.nextNonSpace().kind !== 'right') {
      this.position--;
      pipe = this.pipeline('template clause', 'right');
    }
    return { kind: 'template', at, name, pipe };
  }

  /** Declarations at the head of a pipeline, if there are any. A name is known from here on. */
  private declarations(where: string): { declared: string[]; assigns: boolean } {
    const declared: string[] = [];
    for (;;) {
      const start = this.position;
      const name = this.peekNonSpace();
      if (name.kind !== 'variable') break;
      this.next();
      const next = this.peekNonSpace();
      if (next.kind === 'declare' || next.kind === 'assign') {
        this.next();
        this.declare(declared, name.text);
        return { declared, assigns: next.kind === 'assign' };
      }
      if (next.text !== ',' || next.kind !== 'symbol') {
        this.position = start;
        break;
      }
      this.next();
      this.declare(declared, name.text);
      if (where !== 'range' || declared.length > 1)
        this.fail(`too many declarations in ${where}`, next.at);
      const { kind, at } = this.peekNonSpace();
      if (kind !== 'variable' && kind !== 'right' && kind !== ')')
        this.fail('range can only initialize variables', at);
    }
    return { declared, assigns: false };
  }

  private declare(declared: string[], name: string): void {
    declared.push(name);
    this.variables.push(name);
  }

  private pipeline(where: string, end: 'right' | ')'): PipeNode {
    const { at } = this.peekNonSpace();
    const { declared, assigns } = this.declarations(where);
    const commands: CommandNode[] = [];
    for (;;) {
      const token = this.nextNonSpace();
      if (token.kind === end) break;
      if (!startsOperand(token)) this.unexpected(token, where);
      this.position--;
      commands.push(this.command());
    }
    if (commands.length === 0) this.fail(`missing value for ${where}`);
    commands.slice(1).forEach((command, i) => {
      const first = command.args[0]?.kind;
      if (
        first === 'bool' ||
        first === 'dot' ||
        first === 'nil' ||
        first === 'number' ||
        first === 'string'
      )
        this.fail(`non executable command in pipeline stage ${i + 2}`, command.at);
    });
    return { kind: 'pipe', at, declared, assigns, commands };
  }

  private command(): CommandNode {
    const { at } = this.peekNonSpace();
    const args: OperandNode[] = [];
    for (;;) {
      this.peekNonSpace();
      const operand = this.operand();
      if (operand !== undefined) args.push(operand);
      const token = this.next();
      if (token.kind === 'space') continue;
      if (token.kind === 'right' || token.kind === ')') this.position--;
      else if (token.kind !== 'pipe') this.unexpected(token, 'operand');
      break;
    }
    if (args.length === 0) this.fail('empty command');
    return { kind: 'command', at, args };
  }

  private operand(): OperandNode | undefined {
    const node = this.term();
    if (node === undefined || this.peek().kind !== 'field') return node;
    const { at } = this.peek();
    const names: string[] = [];
    while (this.peek().kind === 'field') names.push(this.next().text.slice(1));
    // As in Go, the place of the whole is that of the first name behind it.
    if (node.kind === 'field' || node.kind === 'variable')
      return { ...node, at, names: [...node.names, ...names] };
    if (
      node.kind === 'bool' ||
      node.kind === 'string' ||
      node.kind === 'number' ||
      node.kind === 'nil' ||
      node.kind === 'dot'
    )
      this.fail(`unexpected . after term ${quote(nodeText(node))}`, at);
    return { kind: 'chain', at, node, names };
  }

  private term(): OperandNode | undefined {
    const token = this.nextNonSpace();
    const { at, text } = token;
    switch (token.kind) {
      case 'identifier':
        if (!this.hasFunction(text)) this.fail(`function ${quote(text)} not defined`, at);
        return { kind: 'identifier', at, name: text };
      case 'dot':
        return { kind: 'dot', at };
      case 'nil':
        return { kind: 'nil', at };
      case 'variable':
        this.checkVariable(text, at);
        return { kind: 'variable', at, names: [text] };
      case 'field':
        return { kind: 'field', at, names: [text.slice(1)] };
      case 'bool':
        return { kind: 'bool', at, value: text === 'true' };
      case 'number':
      case 'char': {
        const value = this.literal(token, () =>
          token.kind === 'char' ? parseChar(text) : parseNumber(text),
        );
        return { kind: 'number', at, text, value };
      }
      case 'string':
      case 'rawString':
        return { kind: 'string', at, quoted: text, value: this.textOf(token) };
      case '(': {
        if (++this.depth > DEPTH_MAX) this.fail(`nested deeper than ${DEPTH_MAX} parentheses`, at);
        const pipe = this.pipeline('parenthesized pipeline', ')');
        this.depth--;
        return pipe;
      }
      default:
        this.position--;
        return undefined;
    }
  }

  private checkVariable(name: string, at: number): void {
    if (!this.variables.includes(name)) this.fail(`undefined variable ${quote(name)}`, at);
  }
}

const operandKinds: ReadonlySet<TokenKind> = new Set<TokenKind>([
  'bool',
  'char',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'rawString',
  'string',
  'variable',
  '(',
]);

const startsOperand = (token: Token): boolean => operandKinds.has(token.kind);

/**
 * Parses a template text: the body under `name` last, before it what it defines.
 * @throws TemplateError
 */
export const parseTemplate = (
  name: string,
  text: string,
  hasFunction: (name: string) => boolean,
): readonly Tree[] => new Parser(name, text, hasFunction).run();
