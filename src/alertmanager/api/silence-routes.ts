// SPDX-License-Identifier: Apache-2.0
// /silences and /silence/{id}.

import type { Clock, ServerRequest, ServerResponse } from '../../base/index.ts';
import { CompiledMatchers, type Matcher } from '../../model/index.ts';
import type { Alertmanager } from '../alertmanager.ts';
import type { Silence, SilenceState } from '../silence/silence.ts';
import { silenceState } from '../silence/silence.ts';
import { SilenceError, SilenceNotFoundError } from '../silence/silences.ts';
import {
  emptyAnswer,
  jsonAnswer,
  RequestError,
  timeText,
  ValidationCode,
  validationError,
} from './answers.ts';
import {
  booleanAt,
  booleanParameter,
  filterParameter,
  jsonBody,
  listAt,
  objectAt,
  textAt,
  textsAt,
  timeAt,
} from './parameters.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const order: readonly SilenceState[] = ['active', 'pending', 'expired'];

/** Active first, by their end; then pending, by their start; then expired, the last ended first. */
function compareSilences(a: Silence, b: Silence, nowMs: number): number {
  const state = silenceState(a, nowMs);
  const byState = order.indexOf(state) - order.indexOf(silenceState(b, nowMs));
  if (byState !== 0) return byState;
  if (state === 'active') return a.endsAtMs - b.endsAtMs;
  return state === 'pending' ? a.startsAtMs - b.startsAtMs : b.endsAtMs - a.endsAtMs;
}

/**
 * Upstream's filter of silences: the matchers' values stand for labels. A filter on a name that the
 * silence does not have passes only when it asks for the empty text by `=` or `=~`.
 */
function passes(silence: Silence, filter: CompiledMatchers): boolean {
  const labels = new Map(silence.matchers.map(({ name, value }) => [name, value]));
  return filter.matchers.every((matcher) => {
    const { name, type, value } = matcher;
    if (value === '' && (type === '=' || type === '=~')) {
      const own = labels.get(name);
      return own === undefined || own === '';
    }
    if (!labels.has(name)) return false;
    return new CompiledMatchers([matcher]).match(labels);
  });
}

function readMatcher(value: unknown, path: string): Matcher {
  const object = objectAt(value, path);
  const name = textAt(object, 'name', path, true) ?? '';
  const text = textAt(object, 'value', path, true) ?? '';
  const isRegex = booleanAt(object, 'isRegex', path);
  if (isRegex === undefined)
    throw validationError(ValidationCode.required, `${path}.isRegex in body is required`);
  const isEqual = booleanAt(object, 'isEqual', path) ?? true;
  const type = isRegex ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!=';
  return { name, type, value: text };
}

function readSilence(body: Uint8Array): Silence {
  const path = 'silence';
  const object = objectAt(jsonBody(path, body), path);
  const listed = object.matchers;
  if (listed === undefined || listed === null)
    throw validationError(ValidationCode.required, `${path}.matchers in body is required`);
  const matchers = listAt(listed, `${path}.matchers`);
  if (matchers.length === 0)
    throw validationError(
      ValidationCode.minItems,
      `${path}.matchers in body should have at least 1 items`,
    );
  const comment = textAt(object, 'comment', path, true) ?? '';
  const createdBy = textAt(object, 'createdBy', path, true) ?? '';
  const endsAt = timeAt(object, 'endsAt', path, true);
  const startsAt = timeAt(object, 'startsAt', path, true);
  return {
    id: textAt(object, 'id', path, false) ?? '',
    matchers: matchers.map((matcher, i) => readMatcher(matcher, `${path}.matchers.${i}`)),
    startsAtMs: startsAt ?? 0,
    endsAtMs: endsAt ?? 0,
    updatedAtMs: 0,
    createdBy,
    comment,
    annotations: textsAt(object, 'annotations', path),
  };
}

export class SilenceRoutes {
  private readonly manager: Alertmanager;
  private readonly clock: Clock;

  constructor(manager: Alertmanager, clock: Clock) {
    this.manager = manager;
    this.clock = clock;
  }

  private shown(silence: Silence): Record<string, unknown> {
    const { id, matchers, startsAtMs, endsAtMs, updatedAtMs, createdBy, comment, annotations } =
      silence;
    if (silence.moreMatcherSets !== undefined)
      throw new RequestError(
        500,
        `silence ${id} has several matcher sets, which API v2 cannot show`,
      );
    return {
      id,
      status: { state: silenceState(silence, this.clock.now()) },
      updatedAt: timeText(updatedAtMs),
      annotations,
      comment,
      createdBy,
      endsAt: timeText(endsAtMs),
      matchers: matchers.map(({ name, type, value }) => ({
        isEqual: type === '=' || type === '=~',
        isRegex: type === '=~' || type === '!~',
        name,
        value,
      })),
      startsAt: timeText(startsAtMs),
    };
  }

  list({ params }: ServerRequest): ServerResponse {
    const filter = filterParameter(params);
    const nowMs = this.clock.now();
    const states: Readonly<Record<SilenceState, boolean>> = {
      active: booleanParameter(params, 'active', true),
      pending: booleanParameter(params, 'pending', true),
      expired: booleanParameter(params, 'expired', true),
    };
    const { silences, stateMetrics } = this.manager;
    const shown = stateMetrics.silences
      .query(() =>
        silences
          .all()
          .filter((silence) => states[silenceState(silence, nowMs)] && passes(silence, filter)),
      )
      .sort((a, b) => compareSilences(a, b, nowMs));
    return jsonAnswer(shown.map((silence) => this.shown(silence)));
  }

  post({ body }: ServerRequest): ServerResponse {
    const silence = readSilence(body);
    if (silence.startsAtMs > silence.endsAtMs || silence.startsAtMs === silence.endsAtMs)
      throw new RequestError(400, 'Failed to create silence: start time must be before end time');
    if (silence.endsAtMs < this.clock.now())
      throw new RequestError(400, "Failed to create silence: end time can't be in the past");
    try {
      return jsonAnswer({ silenceID: this.manager.silences.set(silence) });
    } catch (error) {
      if (error instanceof SilenceNotFoundError) throw new RequestError(404, error.message);
      if (error instanceof SilenceError) throw new RequestError(400, error.message);
      throw error;
    }
  }

  private idOf(part: string): string {
    const id = decodeURIComponent(part);
    if (!uuid.test(id))
      throw validationError(
        ValidationCode.type,
        `silenceID in path must be of type uuid: ${JSON.stringify(id)}`,
      );
    return id;
  }

  get(part: string): ServerResponse {
    const silence = this.manager.silences.get(this.idOf(part));
    return silence === undefined ? emptyAnswer(404) : jsonAnswer(this.shown(silence));
  }

  delete(part: string): ServerResponse {
    try {
      this.manager.silences.expire(this.idOf(part));
      return emptyAnswer(200);
    } catch (error) {
      if (error instanceof SilenceNotFoundError) return emptyAnswer(404);
      throw error;
    }
  }
}
