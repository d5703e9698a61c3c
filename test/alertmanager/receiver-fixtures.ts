// SPDX-License-Identifier: Apache-2.0
// For tests: a context whose HTTP client gives prepared answers, and notifications.

import { FileError, type HttpRequest, type HttpResponse } from '../../src/base/index.ts';
import { labelsFrom } from '../../src/model/index.ts';
import { alertFunctions, TemplateSet } from '../../src/template/index.ts';
import { newAlert } from '../../src/alertmanager/alert.ts';
import { NO_END_MS, type Notification } from '../../src/alertmanager/notify/integration.ts';
import type { ReceiverContext } from '../../src/alertmanager/receivers/context.ts';
import { defaultTemplates } from '../../src/alertmanager/receivers/default-templates.ts';

export const FIXTURE_NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

/** An answer with a JSON document, or with a text as it is. */
export const answered = (status: number, body: unknown): HttpResponse => ({
  status,
  url: '',
  headers: {},
  body: new TextEncoder().encode(
    body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body),
  ),
});

/** Answers requests in order and keeps them; one too many is an error. */
export function fakeContext(
  answers: readonly HttpResponse[],
  environment: Readonly<Record<string, string>> = {},
  files: Readonly<Record<string, string>> = {},
): {
  context: ReceiverContext;
  requests: HttpRequest[];
} {
  const requests: HttpRequest[] = [];
  const templates = new TemplateSet(alertFunctions(() => FIXTURE_NOW_MS));
  templates.parse('default', defaultTemplates);
  const context = {
    clock: { now: () => FIXTURE_NOW_MS },
    templates,
    environment,
    externalUrl: 'http://am.example',
    userAgent: 'Alertmanager/test',
    readSecret: ({ value = '', file }: { readonly value?: string; readonly file?: string }) => {
      if (file === undefined) return value;
      const text = files[file];
      if (text === undefined) throw new FileError('ENOENT', file, `no ${file}`);
      return text;
    },
    createHttpClient: () => ({
      request: async (request: HttpRequest) => {
        const answer = answers[requests.length];
        requests.push(request);
        if (answer === undefined) throw new Error(`no answer for ${request.method} ${request.url}`);
        return answer;
      },
    }),
  };
  return { context: context as unknown as ReceiverContext, requests };
}

/** A notification of alerts with these labels, all firing or all resolved. */
export const notificationOf = (
  labelSets: readonly Readonly<Record<string, string>>[],
  resolved: boolean,
): Notification => ({
  groupKey: '{}:{}',
  groupLabels: labelsFrom({}),
  receiver: 'r',
  routeLabels: {},
  reason: 'first notification',
  nowMs: FIXTURE_NOW_MS,
  alerts: labelSets.map((labels) =>
    newAlert({
      labels: labelsFrom(labels),
      annotations: {},
      startsAtMs: FIXTURE_NOW_MS - 60_000,
      endsAtMs: resolved ? FIXTURE_NOW_MS : NO_END_MS,
      generatorUrl: 'http://prometheus.example/graph',
      updatedAtMs: FIXTURE_NOW_MS,
      timesOut: false,
    }),
  ),
  receiverData: new Map(),
});
