// SPDX-License-Identifier: Apache-2.0
// The syntax tree of a template, and the text of its nodes as Go's messages show them.

import { quote } from '../model/index.ts';
import type { Int } from './values.ts';

interface NodeBase {
  /** UTF-16 offset into the template's text. */
  readonly at: number;
}

export interface TextNode extends NodeBase {
  readonly kind: 'text';
  readonly text: string;
}
export interface DotNode extends NodeBase {
  readonly kind: 'dot';
}
export interface NilNode extends NodeBase {
  readonly kind: 'nil';
}
export interface BoolNode extends NodeBase {
  readonly kind: 'bool';
  readonly value: boolean;
}
export interface NumberNode extends NodeBase {
  readonly kind: 'number';
  readonly text: string;
  readonly value: number | Int;
}
export interface StringNode extends NodeBase {
  readonly kind: 'string';
  /** As written, with its quotes. */
  readonly quoted: string;
  readonly value: string;
}
/** A function's name. */
export interface IdentifierNode extends NodeBase {
  readonly kind: 'identifier';
  readonly name: string;
}
/** `$x.Field.…` */
export interface VariableNode extends NodeBase {
  readonly kind: 'variable';
  /** The first begins with `$`. */
  readonly names: readonly string[];
}
/** `.Field.…` of the dot. */
export interface FieldNode extends NodeBase {
  readonly kind: 'field';
  readonly names: readonly string[];
}
/** `(pipeline).Field.…` */
export interface ChainNode extends NodeBase {
  readonly kind: 'chain';
  readonly node: OperandNode;
  readonly names: readonly string[];
}
export interface CommandNode extends NodeBase {
  readonly kind: 'command';
  readonly args: readonly OperandNode[];
}
export interface PipeNode extends NodeBase {
  readonly kind: 'pipe';
  /** Names with `$`, at most two and two only for range. */
  readonly declared: readonly string[];
  /** `=` rather than `:=`. */
  readonly assigns: boolean;
  readonly commands: readonly CommandNode[];
}
export interface ActionNode extends NodeBase {
  readonly kind: 'action';
  readonly pipe: PipeNode;
}
export interface ListNode extends NodeBase {
  readonly kind: 'list';
  readonly nodes: readonly StatementNode[];
}
export interface BranchNode extends NodeBase {
  readonly kind: 'if' | 'range' | 'with';
  readonly pipe: PipeNode;
  readonly list: ListNode;
  readonly otherwise: ListNode | undefined;
}
export interface InvocationNode extends NodeBase {
  readonly kind: 'template';
  readonly name: string;
  readonly pipe: PipeNode | undefined;
}
export interface LeaveNode extends NodeBase {
  readonly kind: 'break' | 'continue';
}

export type OperandNode =
  | DotNode
  | NilNode
  | BoolNode
  | NumberNode
  | StringNode
  | IdentifierNode
  | VariableNode
  | FieldNode
  | ChainNode
  | PipeNode;

export type StatementNode = TextNode | ActionNode | BranchNode | InvocationNode | LeaveNode;
export type TemplateNode = OperandNode | StatementNode | CommandNode | ListNode;

/** A node as Go prints it in messages. */
export function nodeText(node: TemplateNode): string {
  switch (node.kind) {
    case 'text':
      return quote(node.text);
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'bool':
      return String(node.value);
    case 'number':
      return node.text;
    case 'string':
      return node.quoted;
    case 'identifier':
      return node.name;
    case 'variable':
      return node.names.join('.');
    case 'field':
      return `.${node.names.join('.')}`;
    case 'chain': {
      const inner = nodeText(node.node);
      return `${node.node.kind === 'pipe' ? `(${inner})` : inner}.${node.names.join('.')}`;
    }
    case 'command':
      return node.args
        .map((arg) => (arg.kind === 'pipe' ? `(${nodeText(arg)})` : nodeText(arg)))
        .join(' ');
    case 'pipe': {
      const declared =
        node.declared.length === 0
          ? ''
          : `${node.declared.join(', ')} ${node.assigns ? '=' : ':='} `;
      return declared + node.commands.map(nodeText).join(' | ');
    }
    case 'action':
      return `{{${nodeText(node.pipe)}}}`;
    case 'list':
      return node.nodes.map(nodeText).join('');
    case 'template':
      return `{{template ${quote(node.name)}${node.pipe === undefined ? '' : ` ${nodeText(node.pipe)}`}}}`;
    case 'break':
    case 'continue':
      return `{{${node.kind}}}`;
    default: {
      const otherwise = node.otherwise === undefined ? '' : `{{else}}${nodeText(node.otherwise)}`;
      return `{{${node.kind} ${nodeText(node.pipe)}}}${nodeText(node.list)}${otherwise}{{end}}`;
    }
  }
}

/** All `template` and `block` actions in a list, however deep. */
export function invocations(list: ListNode): readonly InvocationNode[] {
  return list.nodes.flatMap((node) => {
    if (node.kind === 'template') return [node];
    if (node.kind !== 'if' && node.kind !== 'range' && node.kind !== 'with') return [];
    const { list: body, otherwise } = node;
    return [...invocations(body), ...(otherwise === undefined ? [] : invocations(otherwise))];
  });
}
