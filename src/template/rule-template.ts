// SPDX-License-Identifier: Apache-2.0
// Expanding the labels and annotations of alerts, and checking them when rules are loaded.

import { TemplateError } from './errors.ts';
import type { RuleTemplateContext } from './rule-functions.ts';
import { ruleFunctions } from './rule-functions.ts';
import { TemplateSet } from './template.ts';
import type { Value } from './values.ts';
import { GoMap, Struct } from './values.ts';

/** What a rule's template speaks of. */
export interface AlertTemplateData {
  readonly labels: Readonly<Record<string, string>>;
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly externalUrl: string;
  /** The float itself, or the text form of a native histogram. */
  readonly value: Value;
}

/** Upstream defines these before every template, and positions in messages count them. */
const DEFINITIONS =
  '{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}';

/** The type that Go's messages name. */
const DATA_TYPE =
  'struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }';

const rootOf = (data: AlertTemplateData): Struct =>
  new Struct(DATA_TYPE, {
    Labels: GoMap.ofStrings(data.labels),
    ExternalLabels: GoMap.ofStrings(data.externalLabels),
    ExternalURL: data.externalUrl,
    Value: data.value,
  });

/**
 * Expands the templates of one rule in one evaluation; parsed texts are kept. `name` is the rule's, for
 * messages: upstream calls the template `__alert_NAME`.
 */
export class AlertExpander {
  private readonly name: string;
  private readonly context: RuleTemplateContext;
  private readonly parsed = new Map<string, TemplateSet>();

  constructor(name: string, context: RuleTemplateContext) {
    this.name = `__alert_${name}`;
    this.context = context;
  }

  /** @throws TemplateError: "error executing template …" or "error parsing template …" */
  expand(text: string, data: AlertTemplateData): string {
    if (!text.includes('{{')) return text;
    let set = this.parsed.get(text);
    if (set === undefined) {
      set = parse(this.name, text, this.context);
      this.parsed.set(text, set);
    }
    try {
      return set.text(this.name, rootOf(data));
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      throw new TemplateError(`error executing template ${this.name}: ${error.message}`);
    }
  }

  /** As {@link expand}; a failure becomes the text that upstream puts in its place. */
  expandOrExplain(
    text: string,
    data: AlertTemplateData,
    failed: (error: TemplateError) => void,
  ): string {
    try {
      return this.expand(text, data);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      failed(error);
      return `<error expanding template: ${error.message}>`;
    }
  }
}

function parse(name: string, text: string, context: RuleTemplateContext): TemplateSet {
  const set = new TemplateSet(ruleFunctions(context));
  try {
    set.parse(name, DEFINITIONS + text);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new TemplateError(`error parsing template ${name}: ${error.message}`);
  }
  return set;
}

const checkContext: RuleTemplateContext = {
  query: () => [],
  nowMs: 0,
  externalUrl: '',
  pathPrefix: '',
};

/** Checks a rule's template when it is loaded. @throws TemplateError */
export function checkAlertTemplate(name: string, text: string): void {
  new TemplateSet(ruleFunctions(checkContext)).parse(`__alert_${name}`, DEFINITIONS + text);
}
