// SPDX-License-Identifier: Apache-2.0

import type { PositionRange } from '../ast/nodes.ts';
import type { PlanNode } from './nodes.ts';

/** A node before it has an id. */
export type Draft<Node extends PlanNode> = Node extends PlanNode ? Omit<Node, 'id'> : never;

/** A node's parameters as text, with its children by id and without places. */
function keyOf(draft: object): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(draft)) {
    if (name === 'position' || name.endsWith('Position') || name.endsWith('Positions')) continue;
    parts.push(`${name}=${valueKey(value)}`);
  }
  return parts.join(';');
}

function valueKey(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  if ('id' in value && 'kind' in value) return `#${String(value.id)}`;
  if (Array.isArray(value)) return `[${value.map(valueKey).join(',')}]`;
  return `{${keyOf(value)}}`;
}

/**
 * Makes the nodes of one plan, equal ones once: what two places of a query have in common is computed once
 * because it is one node.
 */
export class PlanNodes {
  private readonly known = new Map<string, PlanNode>();

  get count(): number {
    return this.known.size;
  }

  make<Node extends PlanNode>(draft: Draft<Node>): Node {
    const key = keyOf(draft);
    const known = this.known.get(key);
    if (known !== undefined) return known as Node;
    const node = { ...draft, id: this.known.size } as unknown as Node;
    this.known.set(key, node);
    return node;
  }
}

export const noPosition: PositionRange = { start: 0, end: 0 };
