// SPDX-License-Identifier: Apache-2.0
// Jira: one issue for each group, found again by a label, moved as the group fires and resolves.

import type { HttpClient } from '../../base/index.ts';
import { compareText, quote } from '../../model/index.ts';
import type { Integration, Notification, NotifyOutcome } from '../notify/integration.ts';
import type { ReceiverContext, Renderer } from './context.ts';
import { guarded, rendererFor } from './context.ts';
import { sha256 } from './group-hash.ts';
import type { JiraOptions } from './options.ts';
import { send } from './sender.ts';
import { factsOf } from './template-data.ts';
import { truncateRunes } from './truncate.ts';
import { renderedPayload } from './webhook.ts';

const SUMMARY_RUNES_MAX = 255;
const DESCRIPTION_RUNES_MAX = 32_767;
const MINUTE_MS = 60_000;

interface FoundIssue {
  readonly key?: string;
  readonly fields?: { readonly status?: { readonly statusCategory?: { readonly key?: string } } };
}

interface SearchAnswer {
  readonly issues?: readonly FoundIssue[];
}

interface TransitionsAnswer {
  readonly transitions?: readonly { readonly id?: string; readonly name?: string }[];
}

/** An answer's document, or why there is none. */
type Answer =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly outcome: NotifyOutcome };

/** One notification's talk with Jira. */
type Ask = (method: 'GET' | 'POST' | 'PUT', url: string, body?: unknown) => Promise<Answer>;

const ok: NotifyOutcome = { ok: true };

const prefixed = (outcome: NotifyOutcome, prefix: string): NotifyOutcome =>
  outcome.ok ? outcome : { ...outcome, message: `${prefix}: ${outcome.message}` };

const alertLabel = (notification: Notification): string =>
  `ALERT{${sha256(notification.groupKey)}}`;

/** The issue of the group that is open, or was closed so lately that it may be opened again. */
function searchQuery(
  { texts, reopenDurationMs }: JiraOptions,
  project: string,
  label: string,
  firing: boolean,
): string {
  const wontFix =
    texts.wontFixResolution === '' ? '' : `resolution != ${quote(texts.wontFixResolution)} and `;
  const minutes = Math.trunc(reopenDurationMs / MINUTE_MS);
  const state =
    firing && texts.reopenTransition !== '' && minutes > 0
      ? `(resolutiondate is EMPTY OR resolutiondate >= -${minutes}m)`
      : 'statusCategory != Done';
  return `${wontFix}${state} and project=${quote(project)} and labels=${quote(label)} order by status ASC,resolutiondate DESC`;
}

/** Jira Cloud has no other search any more than version 3's own; Jira Data Center does not have that one. */
function searchUrl({ apiUrl, apiType }: JiraOptions): string {
  const isCloud =
    apiType === 'cloud' ||
    (apiType === 'auto' && new URL(apiUrl).hostname.endsWith('atlassian.net'));
  return isCloud ? `${apiUrl.replace(/\/2$/, '/3')}/search/jql` : `${apiUrl}/search`;
}

/** A text as a document in Atlassian's format, one paragraph for each line. */
const textDocument = (text: string): unknown => ({
  type: 'doc',
  version: 1,
  content: text.split('\n').map((line) => ({
    type: 'paragraph',
    content: line === '' ? [] : [{ type: 'text', text: line }],
  })),
});

/** What version 3 takes: a template that makes such a document is passed on, other text becomes one. */
function description(text: string, apiUrl: string): unknown {
  if (!apiUrl.endsWith('/3')) return truncateRunes(text, DESCRIPTION_RUNES_MAX);
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // No JSON: a text.
  }
  return textDocument(truncateRunes(text, DESCRIPTION_RUNES_MAX));
}

function issueFields(
  options: JiraOptions,
  label: string,
  { text }: Renderer,
  isUpdate: boolean,
): Readonly<Record<string, unknown>> {
  const { texts, apiUrl } = options;
  const priority = text(texts.priority);
  const isWritten = (field: 'summary' | 'description'): boolean =>
    !isUpdate || options.updates[field];
  return {
    project: { key: text(texts.project) },
    issuetype: { name: text(texts.issueType) },
    ...(isWritten('summary')
      ? { summary: truncateRunes(text(texts.summary), SUMMARY_RUNES_MAX) }
      : {}),
    ...(isWritten('description')
      ? { description: description(text(texts.description), apiUrl) }
      : {}),
    labels: [...options.labels.map(text), label].sort(compareText),
    ...(priority === '' ? {} : { priority: { name: priority } }),
  };
}

/** Moves an issue whose state is not that of its group. Where no transition is named, it stays. */
async function move(
  { apiUrl, texts }: JiraOptions,
  issue: FoundIssue,
  firing: boolean,
  ask: Ask,
): Promise<NotifyOutcome> {
  const status = issue.fields?.status;
  if (status === undefined) return ok;
  const isDone = status.statusCategory?.key === 'done';
  const name = firing ? texts.reopenTransition : texts.resolveTransition;
  if (isDone !== firing || name === '') return ok;
  const key = issue.key ?? '';
  const url = `${apiUrl}/issue/${key}/transitions`;
  const known = await ask('GET', url);
  if (!known.ok) return known.outcome;
  const { transitions = [] } = known.body as TransitionsAnswer;
  const id = transitions.find((each) => each.name === name)?.id;
  if (id === undefined) {
    const message = `can't find transition ${name} for issue ${key}`;
    return { ok: false, retry: false, reason: 'other', message };
  }
  const moved = await ask('POST', url, { transition: { id } });
  return moved.ok ? ok : moved.outcome;
}

async function tell(
  options: JiraOptions,
  notification: Notification,
  renderer: Renderer,
  ask: Ask,
): Promise<NotifyOutcome> {
  const firing = factsOf(notification).status === 'firing';
  const label = alertLabel(notification);
  const project = renderer.text(options.texts.project);
  const found = await ask('POST', searchUrl(options), {
    jql: searchQuery(options, project, label, firing),
    maxResults: 2,
    fields: ['status'],
  });
  if (!found.ok) return prefixed(found.outcome, 'failed to look up existing issues');
  const issue = (found.body as SearchAnswer).issues?.[0];
  // Nobody wants an issue for what is over.
  if (issue === undefined && !firing) return ok;
  const fields = {
    ...issueFields(options, label, renderer, issue !== undefined),
    ...(renderedPayload(options.fields, renderer) as Record<string, unknown>),
  };
  const method = issue === undefined ? 'POST' : 'PUT';
  const path = issue === undefined ? 'issue' : `issue/${issue.key ?? ''}`;
  const written = await ask(method, `${options.apiUrl}/${path}`, { fields });
  if (!written.ok)
    return prefixed(written.outcome, `failed to ${method} request to ${quote(path)}`);
  return issue === undefined ? ok : move(options, issue, firing, ask);
}

function asker(client: HttpClient, context: ReceiverContext, signal: AbortSignal): Ask {
  return async (method, url, body) => {
    const request = {
      method,
      url,
      headers: {
        'content-type': 'application/json',
        // Names of transitions and errors are translated otherwise.
        'accept-language': 'en',
        'user-agent': context.userAgent,
      },
      ...(body === undefined ? {} : { body: `${JSON.stringify(body)}\n` }),
    };
    const sent = await send(client, request, signal, { retryStatuses: [429] });
    if (!sent.ok) return sent;
    const text = new TextDecoder().decode(sent.response.body);
    // Updates and transitions are answered with nothing.
    return { ok: true, body: text.trim() === '' ? {} : JSON.parse(text) };
  };
}

/** One issue for each group of alerts: made, updated, closed and opened again. */
export function createJira(
  options: JiraOptions,
  index: number,
  context: ReceiverContext,
): Integration {
  const client = context.createHttpClient(options.httpClient);
  return {
    type: options.type,
    index,
    sendResolved: options.sendResolved,
    notify: (notification, signal) =>
      guarded(() =>
        tell(
          options,
          notification,
          rendererFor(context, notification),
          asker(client, context, signal),
        ),
      ),
  };
}
