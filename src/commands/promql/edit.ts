// SPDX-License-Identifier: Apache-2.0
// `promtool promql format` and `label-matchers set|delete`: queries laid out and edited.

import { compileRegexp, type Matcher, RegexpError } from '../../model/index.ts';
import {
  allSyntaxFeatures,
  type Expression,
  formatExpression,
  ParseError,
  parseExpression,
  type VectorSelector,
} from '../../promql/index.ts';
import type { Command, CommandArgument, CommandValues } from '../command.ts';
import { CommandError } from '../command.ts';

const queryArgument: CommandArgument = { name: 'query', help: 'PromQL query.', required: true };

/** @throws CommandError */
function requireExperimental(values: CommandValues): void {
  if (values.flag('experimental')) return;
  throw new CommandError(
    'This command is experimental and requires the --experimental flag to be set.',
  );
}

/** @throws CommandError */
function parse(text: string): Expression {
  try {
    return parseExpression(text, allSyntaxFeatures);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    throw new CommandError(error.message, { cause: error });
  }
}

type Edit = (matchers: readonly Matcher[]) => readonly Matcher[];

/** The same query with the matchers of each selector edited. */
function editSelectors(node: Expression, edit: Edit): Expression {
  const below = <T extends Expression>(child: T): Expression => editSelectors(child, edit);
  switch (node.kind) {
    case 'vectorSelector':
      return editSelector(node, edit);
    case 'matrixSelector':
      return { ...node, selector: editSelector(node.selector, edit) };
    case 'subquery':
    case 'unary':
    case 'paren':
      return { ...node, expression: below(node.expression) };
    case 'call':
      return { ...node, args: node.args.map(below) };
    case 'aggregation': {
      const { parameter } = node;
      const expression = below(node.expression);
      return parameter === undefined
        ? { ...node, expression }
        : { ...node, expression, parameter: below(parameter) };
    }
    case 'binary':
      return { ...node, left: below(node.left), right: below(node.right) };
    case 'number':
    case 'string':
      return node;
  }
}

const editSelector = (node: VectorSelector, edit: Edit): VectorSelector => ({
  ...node,
  matchers: edit(node.matchers),
});

export const formatCommand: Command = {
  words: ['promql', 'format'],
  help: 'Format PromQL query to pretty printed form.',
  flags: [],
  args: [queryArgument],
  run: async (values, host) => {
    requireExperimental(values);
    host.out(`${formatExpression(parse(values.text('query')))}\n`);
    return 0;
  },
};

/** @throws CommandError */
function matcherOf(values: CommandValues): Matcher {
  const type = values.text('type') as Matcher['type'];
  const matcher = { name: values.text('name'), type, value: values.text('value') };
  if (type !== '=~' && type !== '!~') return matcher;
  try {
    compileRegexp(matcher.value);
  } catch (error) {
    if (!(error instanceof RegexpError)) throw error;
    throw new CommandError(error.message, { cause: error });
  }
  return matcher;
}

export const setMatcherCommand: Command = {
  words: ['promql', 'label-matchers', 'set'],
  help: 'Set a label matcher in the query.',
  flags: [
    {
      name: 'type',
      short: 't',
      kind: 'choice',
      choices: ['=', '!=', '=~', '!~'],
      byDefault: '=',
      help: 'Type of the label matcher to set.',
    },
  ],
  args: [
    queryArgument,
    { name: 'name', help: 'Name of the label matcher to set.', required: true },
    { name: 'value', help: 'Value of the label matcher to set.', required: true },
  ],
  run: async (values, host) => {
    requireExperimental(values);
    const query = parse(values.text('query'));
    const matcher = matcherOf(values);
    const edited = editSelectors(query, (matchers) =>
      matchers.some(({ name }) => name === matcher.name)
        ? matchers.map((each) => (each.name === matcher.name ? matcher : each))
        : [...matchers, matcher],
    );
    host.out(`${formatExpression(edited)}\n`);
    return 0;
  },
};

export const deleteMatcherCommand: Command = {
  words: ['promql', 'label-matchers', 'delete'],
  help: 'Delete a label from the query.',
  flags: [],
  args: [queryArgument, { name: 'name', help: 'Name of the label to delete.', required: true }],
  run: async (values, host) => {
    requireExperimental(values);
    const query = parse(values.text('query'));
    const gone = values.text('name');
    const edited = editSelectors(query, (matchers) => matchers.filter(({ name }) => name !== gone));
    host.out(`${formatExpression(edited)}\n`);
    return 0;
  },
};
