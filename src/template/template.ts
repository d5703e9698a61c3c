// SPDX-License-Identifier: Apache-2.0
// A set of templates that call each other by name, as Go's text/template and html/template have it.

import { quote } from '../model/index.ts';
import { builtins } from './builtins.ts';
import { TemplateError } from './errors.ts';
import type { Counters, ExecutionLimits, TemplateOutput } from './execute.ts';
import { defaultLimits, execute, placeOf, TextOutput } from './execute.ts';
import { HtmlOutput } from './html-output.ts';
import type { Tree } from './parser.ts';
import { isBlank, parseTemplate } from './parser.ts';
import { invocations } from './nodes.ts';
import type { TemplateFunction, Value } from './values.ts';

export type TemplateFunctions = Readonly<Record<string, TemplateFunction>>;

/** Parsed here so that their names are known; the executor runs them itself. */
const junction: TemplateFunction = { parameters: ['any'], rest: 'any', call: ([value]) => value };

/**
 * A template set. Parsing may go on after executing; a later definition of a name replaces an earlier
 * one, unless it is empty.
 */
export class TemplateSet {
  private readonly functions: ReadonlyMap<string, TemplateFunction>;
  private readonly trees: Map<string, Tree>;
  private readonly limits: ExecutionLimits;
  /** Trees of which all templates that they call are there. */
  private readonly checked = new Set<Tree>();

  constructor(functions: TemplateFunctions, limits: ExecutionLimits = defaultLimits) {
    this.functions = new Map(
      Object.entries({ and: junction, or: junction, ...builtins, ...functions }),
    );
    this.trees = new Map();
    this.limits = limits;
  }

  /** A set with the same definitions that can go its own way, with functions added or replaced. */
  clone(functions: TemplateFunctions = {}): TemplateSet {
    const copy = new TemplateSet(
      { ...Object.fromEntries(this.functions), ...functions },
      this.limits,
    );
    for (const [name, tree] of this.trees) copy.trees.set(name, tree);
    return copy;
  }

  has(name: string): boolean {
    return this.trees.has(name);
  }

  /** Adds `text` under `name`, and what it defines. @throws TemplateError; nothing is added then */
  parse(name: string, text: string): void {
    const trees = parseTemplate(name, text, (fn) => this.functions.has(fn));
    for (const tree of trees)
      if (!this.trees.has(tree.name) || !isBlank(tree.root)) this.trees.set(tree.name, tree);
  }

  /** The text that template `name` gives for `data`. @throws TemplateError */
  text(name: string, data: Value): string {
    const output = new TextOutput();
    execute(this.options(output), this.tree(name), data);
    return output.text();
  }

  /**
   * As {@link text}, with every value escaped for its place in the HTML.
   * @param counters of an execution that this one is part of
   * @throws TemplateError
   */
  html(name: string, data: Value, counters?: Counters): string {
    const output = new HtmlOutput();
    const tree = this.trees.get(name);
    if (tree === undefined) {
      throw new TemplateError(`html/template: ${quote(name)} is undefined`);
    }
    this.checkInvocations(tree);
    execute(this.options(output), tree, data, counters);
    const unfinished = output.unfinished();
    if (unfinished !== undefined) {
      throw new TemplateError(`html/template:${name}: ends in a non-text context: ${unfinished}`);
    }
    return output.text();
  }

  /** Go looks for every template that an HTML template could call before it begins. */
  private checkInvocations(tree: Tree): void {
    if (this.checked.has(tree)) return;
    this.checked.add(tree);
    for (const { name, at } of invocations(tree.root)) {
      const callee = this.trees.get(name);
      if (callee === undefined) {
        this.checked.clear();
        const place = placeOf(tree, at);
        throw new TemplateError(`html/template:${place}: no such template ${quote(name)}`);
      }
      this.checkInvocations(callee);
    }
  }

  private tree(name: string): Tree {
    const tree = this.trees.get(name);
    if (tree === undefined)
      throw new TemplateError(
        `template: no template ${JSON.stringify(name)} associated with template ""`,
      );
    return tree;
  }

  private options(output: TemplateOutput) {
    return { trees: this.trees, functions: this.functions, limits: this.limits, output };
  }
}
