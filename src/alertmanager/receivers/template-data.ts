// SPDX-License-Identifier: Apache-2.0
// What a notification's templates speak of, in Go's shapes: `.Alerts.Firing`, `.CommonLabels.SortedPairs`.

import type { Labels } from '../../model/index.ts';
import { compareText, labelsFrom } from '../../model/index.ts';
import type { TemplateFunction, Value } from '../../template/index.ts';
import {
  GoMap,
  isList,
  MethodList,
  Struct,
  TimeValue,
  ZERO_TIME_MS,
} from '../../template/index.ts';
import type { Alert } from '../alert.ts';
import type { Notification } from '../notify/integration.ts';
import { NO_END_MS } from '../notify/integration.ts';

type Texts = Readonly<Record<string, string>>;

const none = (call: () => Value): TemplateFunction => ({ parameters: [], call });

/** `template.Strings`: joins. */
const strings = (texts: readonly string[]): Value =>
  new MethodList(texts, 'template.Strings', {
    Join: { parameters: ['string'], call: ([separator]) => texts.join(String(separator)) },
  });

type Sorted = readonly (readonly [name: string, value: string])[];

/** `alertname` first, the rest by name. */
function sortedPairs(texts: Texts): Sorted {
  const names = Object.keys(texts).sort(compareText);
  const first = names.filter((name) => name === 'alertname');
  return [...first, ...names.filter((name) => name !== 'alertname')].map((name) => [
    name,
    texts[name] ?? '',
  ]);
}

const pairsText = (sorted: Sorted): string =>
  sorted.map(([name, value]) => `${name}=${value}`).join(', ');

/** `template.Pairs`. */
const pairList = (sorted: Sorted): Value =>
  new MethodList(
    sorted.map(([name, value]) => new Struct('template.Pair', { Name: name, Value: value })),
    'template.Pairs',
    {
      Names: none(() => strings(sorted.map(([name]) => name))),
      Values: none(() => strings(sorted.map(([, value]) => value))),
      String: none(() => pairsText(sorted)),
    },
  );

/** `template.KV`: a map of texts with methods. */
export function keyValues(texts: Texts): GoMap {
  const sorted = sortedPairs(texts);
  return new GoMap(Object.entries(texts), 'template.KV', '', {
    SortedPairs: none(() => pairList(sorted)),
    Names: none(() => strings(sorted.map(([name]) => name))),
    Values: none(() => strings(sorted.map(([, value]) => value))),
    String: none(() => pairsText(sorted)),
    Remove: {
      parameters: ['[]string'],
      call: ([names]) => {
        const gone = new Set(isList(names) ? names : []);
        return keyValues(
          Object.fromEntries(Object.entries(texts).filter(([name]) => !gone.has(name))),
        );
      },
    },
  });
}

const textsOf = (labels: Labels): Texts =>
  Object.fromEntries(labels.map(({ name, value }) => [name, value]));

/** Pairs that all the maps share. */
export function common(maps: readonly Texts[]): Record<string, string> {
  const [first, ...rest] = maps;
  const shared: Record<string, string> = {};
  for (const [name, value] of Object.entries(first ?? {}))
    if (rest.every((map) => map[name] === value)) shared[name] = value;
  return shared;
}

const isFiring = (alert: Alert): boolean => alert.endsAtMs === NO_END_MS;

function alertData(alert: Alert): Struct {
  return new Struct('template.Alert', {
    Status: isFiring(alert) ? 'firing' : 'resolved',
    Labels: keyValues(textsOf(alert.labels)),
    Annotations: keyValues(alert.annotations),
    StartsAt: new TimeValue(alert.startsAtMs),
    EndsAt: new TimeValue(alert.endsAtMs),
    GeneratorURL: alert.generatorUrl,
    Fingerprint: alert.fingerprint,
  });
}

/** What `.Firing` and `.Resolved` give. */
const partOf = (alerts: readonly Struct[]): Value => new MethodList(alerts, '[]template.Alert', {});

/** `template.Alerts`: ranges over all, `.Firing` and `.Resolved` give parts. */
function alertList(alerts: readonly Alert[]): Value {
  const shown = alerts.map(alertData);
  const part = (wanted: boolean): Value =>
    partOf(shown.filter((_, i) => isFiring(alerts[i]!) === wanted));
  return new MethodList(shown, 'template.Alerts', {
    Firing: none(() => part(true)),
    Resolved: none(() => part(false)),
  });
}

/** The plain facts of a notification, for payloads and templates alike. */
export interface NotificationFacts {
  readonly status: 'firing' | 'resolved';
  readonly groupLabels: Texts;
  readonly commonLabels: Texts;
  readonly commonAnnotations: Texts;
  readonly firingCount: number;
  readonly resolvedCount: number;
}

export function factsOf({ alerts, groupLabels }: Notification): NotificationFacts {
  const firingCount = alerts.filter(isFiring).length;
  return {
    status: firingCount > 0 ? 'firing' : 'resolved',
    groupLabels: textsOf(groupLabels),
    commonLabels: common(alerts.map(({ labels }) => textsOf(labels))),
    commonAnnotations: common(alerts.map(({ annotations }) => annotations)),
    firingCount,
    resolvedCount: alerts.length - firingCount,
  };
}

/** The dot of a notification's templates. */
export function templateData(notification: Notification, externalUrl: string): Struct {
  const facts = factsOf(notification);
  return new Struct('*template.Data', {
    Receiver: notification.receiver.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
    Status: facts.status,
    Alerts: alertList(notification.alerts),
    NotificationReason: notification.reason,
    GroupLabels: keyValues(facts.groupLabels),
    CommonLabels: keyValues(facts.commonLabels),
    CommonAnnotations: keyValues(facts.commonAnnotations),
    RouteLabels: keyValues(notification.routeLabels),
    ExternalURL: externalUrl,
  });
}

/** Labels as a plain object in the order of their names. */
export const sortedTexts = (texts: Texts): Texts => textsOf(labelsFrom(texts));

/** One alert of {@link PlainTemplateData}. */
export interface PlainTemplateAlert {
  readonly status?: string;
  readonly labels?: Texts;
  readonly annotations?: Texts;
  /** RFC 3339; the zero time when absent. */
  readonly startsAt?: string;
  readonly endsAt?: string;
  readonly generatorURL?: string;
  readonly fingerprint?: string;
}

/** What templates speak of, as JSON: the shape of a webhook's body. */
export interface PlainTemplateData {
  readonly receiver?: string;
  readonly status?: string;
  readonly alerts?: readonly PlainTemplateAlert[];
  readonly notification_reason?: string;
  readonly groupLabels?: Texts;
  readonly commonLabels?: Texts;
  readonly commonAnnotations?: Texts;
  readonly routeLabels?: Texts;
  readonly externalURL?: string;
}

function plainTime(text: string | undefined): TimeValue {
  const ms = text === undefined ? ZERO_TIME_MS : Date.parse(text);
  return new TimeValue(Number.isNaN(ms) ? ZERO_TIME_MS : ms);
}

/** The dot of a template that is tried out, without a notification. */
export function plainTemplateData(data: PlainTemplateData): Struct {
  const alerts = data.alerts ?? [];
  const shown = alerts.map(
    (alert) =>
      new Struct('template.Alert', {
        Status: alert.status ?? '',
        Labels: keyValues(alert.labels ?? {}),
        Annotations: keyValues(alert.annotations ?? {}),
        StartsAt: plainTime(alert.startsAt),
        EndsAt: plainTime(alert.endsAt),
        GeneratorURL: alert.generatorURL ?? '',
        Fingerprint: alert.fingerprint ?? '',
      }),
  );
  const part = (status: string): Value =>
    partOf(shown.filter((_, i) => alerts[i]?.status === status));
  return new Struct('template.Data', {
    Receiver: data.receiver ?? '',
    Status: data.status ?? '',
    Alerts: new MethodList(shown, 'template.Alerts', {
      Firing: none(() => part('firing')),
      Resolved: none(() => part('resolved')),
    }),
    NotificationReason: data.notification_reason ?? '',
    GroupLabels: keyValues(data.groupLabels ?? {}),
    CommonLabels: keyValues(data.commonLabels ?? {}),
    CommonAnnotations: keyValues(data.commonAnnotations ?? {}),
    RouteLabels: keyValues(data.routeLabels ?? {}),
    ExternalURL: data.externalURL ?? '',
  });
}
