// SPDX-License-Identifier: Apache-2.0
// Whether all pushed metrics, together with our own, would still be one well-formed exposition after a
// push: upstream's check, which gathers everything anew. Here only what the push brings is looked at,
// because what is there already has passed.

import { goFloat } from '../metrics/index.ts';
import type { FamilyType, LabelPairs, Metric, NameScheme } from '../model/index.ts';
import { isValidLabelName, quote } from '../model/index.ts';
import type { Block, FamilyIndex } from './family-index.ts';
import type { Grouping } from './grouping.ts';
import type { SanitizedFamily } from './sanitize.ts';
import { identityOf } from './sanitize.ts';

/** What there is besides the push. */
export interface StoreView {
  readonly families: ReadonlyMap<string, FamilyIndex>;
  /** Our own metrics. */
  readonly own: ReadonlyMap<string, FamilyType>;
  readonly scheme: NameScheme;
}

/** Faults listed in an answer; more are only counted. */
const FAULTS_LISTED_MAX = 100;

const typeText = (type: FamilyType): string =>
  type === 'gaugehistogram' ? 'GAUGE_HISTOGRAM' : type.toUpperCase();

const field = (name: string, value: number): string => `${name}:${goFloat(value)}`;

function distributionText({ distribution }: Metric, type: FamilyType): string {
  const parts: string[] = [];
  if (distribution !== undefined) {
    parts.push(field('sample_count', distribution.count), field('sample_sum', distribution.sum));
    for (const { bound, value } of distribution.points) {
      parts.push(
        type === 'summary'
          ? `quantile:{${field('quantile', bound)} ${field('value', value)}}`
          : `bucket:{${field('cumulative_count', value)} ${field('upper_bound', bound)}}`,
      );
    }
  }
  return `${type === 'summary' ? 'summary' : 'histogram'}:{${parts.join(' ')}}`;
}

/** The metric in the text form of its protobuf message. */
export function metricText(metric: Metric, type: FamilyType): string {
  const parts: string[] = [];
  for (let i = 0; i < metric.labels.length; i += 2)
    parts.push(`label:{name:${quote(metric.labels[i]!)} value:${quote(metric.labels[i + 1]!)}}`);
  const kind = metric.strayKind ?? type;
  if (kind !== 'none') {
    parts.push(
      metric.distribution === undefined
        ? `${kind}:{${field('value', metric.value)}}`
        : distributionText(metric, kind),
    );
  }
  return `{ ${parts.join(' ')} }`;
}

/** Where label values of both sets agree on the names they share. */
function agree(a: LabelPairs, b: LabelPairs): boolean {
  let i = 0;
  let k = 0;
  while (i < a.length && k < b.length) {
    if (a[i] === b[k]) {
      if (a[i + 1] !== b[k + 1]) return false;
      i += 2;
      k += 2;
    } else if (a[i]! < b[k]!) i += 2;
    else k += 2;
  }
  return true;
}

/** What is wrong: the first of the texts, and how many there are. */
export interface Faults {
  readonly texts: readonly string[];
  readonly count: number;
}

/** A family of a push, however much of it is at hand. */
export interface PushedFamily {
  readonly name: string;
  readonly type: FamilyType;
  readonly first: Metric | undefined;
  /** What is wrong in the family itself. */
  inside(): Faults;
  metrics(): readonly Metric[];
}

class FaultList implements Faults {
  readonly texts: string[] = [];
  count = 0;

  add(text: () => string): void {
    this.count++;
    if (this.texts.length < FAULTS_LISTED_MAX) this.texts.push(text());
  }

  addAll({ texts, count }: Faults): void {
    this.count += count;
    for (const text of texts) if (this.texts.length < FAULTS_LISTED_MAX) this.texts.push(text);
  }
}

function labelFault(labels: LabelPairs, type: FamilyType, scheme: NameScheme): string | undefined {
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i]!;
    if (i > 0 && labels[i - 2] === name)
      return `has two or more labels with the same name: ${name}`;
    if (!isValidLabelName(name, scheme) || name.startsWith('__'))
      return `has a label with an invalid name: ${name}`;
    if (type === 'summary' && name === 'quantile')
      return 'must not have an explicit "quantile" label';
  }
  return undefined;
}

/** What is wrong in one family, whatever else there is. */
export function faultsInside(
  { name, type, metrics, keys }: SanitizedFamily,
  scheme: NameScheme,
): Faults {
  const faults = new FaultList();
  let sets = new Set<string>();
  for (let i = 0; i < metrics.length; i++) {
    const metric = metrics[i]!;
    const shown = (): string => `collected metric ${quote(name)} ${metricText(metric, type)}`;
    if (metric.strayKind !== undefined) {
      faults.add(() => `${shown()} is not a ${typeText(type)}`);
      continue;
    }
    const fault = labelFault(metric.labels, type, scheme);
    if (fault !== undefined) {
      faults.add(() => `${shown()} ${fault}`);
      continue;
    }
    // Metrics with equal keys stand together; only among them can there be equal label sets.
    const startsAnew = i === 0 || keys[i - 1] !== keys[i];
    const goesOn = i + 1 < keys.length && keys[i + 1] === keys[i];
    if (startsAnew) {
      if (goesOn) sets = new Set([identityOf(metric.labels)]);
      continue;
    }
    const identity = identityOf(metric.labels);
    if (sets.has(identity))
      faults.add(() => `${shown()} was collected before with the same name and label values`);
    sets.add(identity);
  }
  return faults;
}

class Inspection {
  readonly faults = new FaultList();
  private readonly view: StoreView;
  private readonly grouping: Grouping;
  private readonly pushed: ReadonlyMap<string, PushedFamily>;
  private readonly vanishing: (name: string) => boolean;

  constructor(
    view: StoreView,
    grouping: Grouping,
    pushed: ReadonlyMap<string, PushedFamily>,
    vanishing: (name: string) => boolean,
  ) {
    this.view = view;
    this.grouping = grouping;
    this.pushed = pushed;
    this.vanishing = vanishing;
  }

  private fault(text: () => string): void {
    this.faults.add(text);
  }

  /** The type of the family of that name once the push is in; undefined when there will be none. */
  private typeAfter(name: string): FamilyType | undefined {
    const known = this.view.own.get(name) ?? this.pushed.get(name)?.type;
    if (known !== undefined) return known;
    const index = this.view.families.get(name);
    if (index === undefined) return undefined;
    const isOnlyOurs = index.blocks.size === 1 && index.blocks.has(this.grouping.key);
    return isOnlyOurs && this.vanishing(name) ? undefined : index.type;
  }

  family(family: PushedFamily): void {
    const { name, type } = family;
    const own = this.view.own.get(name);
    if (own !== undefined && own !== type) {
      this.fault(
        () =>
          `gathered metric family ${name} has type ${typeText(type)} but should have ${typeText(own)}`,
      );
      return;
    }
    this.suffixes(name, type);
    const other = this.otherType(name, type);
    if (other !== undefined && family.first !== undefined) {
      const text = metricText(family.first, type);
      this.fault(() => `collected metric ${quote(name)} ${text} is not a ${typeText(other)}`);
      return;
    }
    this.faults.addAll(family.inside());
    this.otherGroups(family);
  }

  /** The type that other groups have under this name, where it is not `type`. */
  private otherType(name: string, type: FamilyType): FamilyType | undefined {
    const index = this.view.families.get(name);
    if (index === undefined) return undefined;
    for (const { grouping, stored } of index.blocks.values()) {
      if (grouping.key === this.grouping.key) continue;
      return stored.type === type ? undefined : stored.type;
    }
    return undefined;
  }

  /** A summary or histogram `x` owns the names `x_count`, `x_sum` and `x_bucket`. */
  private suffixes(name: string, type: FamilyType): void {
    for (const suffix of ['_count', '_sum', '_bucket']) {
      if (name.endsWith(suffix) && name.length > suffix.length) {
        const base = name.slice(0, -suffix.length);
        const baseType = this.typeAfter(base);
        const collides =
          baseType === 'histogram' || (baseType === 'summary' && suffix !== '_bucket');
        if (collides) {
          this.fault(
            () =>
              `collected metric named ${quote(name)} collides with previously collected ${baseType} named ${quote(base)}`,
          );
        }
      }
      const owns = type === 'histogram' || (type === 'summary' && suffix !== '_bucket');
      // Where both come in this push, the other one's turn reports it.
      const taken = name + suffix;
      if (!owns || this.pushed.has(taken) || this.typeAfter(taken) === undefined) continue;
      const what = suffix === '_bucket' ? 'histogram' : 'histogram or summary';
      this.fault(
        () =>
          `collected ${what} named ${quote(name)} collides with previously collected metric named ${quote(taken)}`,
      );
    }
  }

  /** Series that another group has already: possible only where the groups' label names differ. */
  private otherGroups(family: PushedFamily): void {
    const index = this.view.families.get(family.name);
    if (index === undefined) return;
    const { signature, pairs, key } = this.grouping;
    const alike = index.signatures.get(signature) ?? 0;
    if (alike === index.blocks.size) return;
    const rivals: Block[] = [];
    for (const block of index.blocks.values()) {
      const { grouping } = block;
      if (grouping.signature === signature || grouping.key === key) continue;
      if (agree(grouping.pairs, pairs)) rivals.push(block);
    }
    if (rivals.length === 0) return;
    for (const metric of family.metrics()) {
      const identity = identityOf(metric.labels);
      if (!rivals.some((block) => block.labelSets().has(identity))) continue;
      this.fault(
        () =>
          `collected metric ${quote(family.name)} ${metricText(metric, family.type)} was collected before with the same name and label values`,
      );
    }
  }
}

/**
 * What is wrong with a push, in upstream's words; undefined when nothing is.
 *
 * @param pushed  all families that the push sets in the group
 * @param vanishing  whether the group's family of that name goes away with the push
 * Cost: O(metrics pushed), plus the groups of other label names that share a family.
 */
export function findInconsistency(
  view: StoreView,
  grouping: Grouping,
  pushed: ReadonlyMap<string, PushedFamily>,
  vanishing: (name: string) => boolean,
): string | undefined {
  const inspection = new Inspection(view, grouping, pushed, vanishing);
  for (const family of pushed.values()) inspection.family(family);
  const { texts, count } = inspection.faults;
  if (count === 0) return undefined;
  if (count === 1) return texts[0];
  const rest = count - texts.length;
  const more = rest > 0 ? `\n* … and ${rest} more` : '';
  return `${count} error(s) occurred:\n${texts.map((fault) => `* ${fault}`).join('\n')}${more}`;
}
