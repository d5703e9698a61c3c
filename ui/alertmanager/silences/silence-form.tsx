// SPDX-License-Identifier: Apache-2.0
// Makes and changes silences: times that follow each other, matchers, who and why, and what it would mute.

import { Button, Textarea, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useNavigate } from 'react-router-dom';
import type { PostedSilence, ShownSilence } from '../../../src/apitypes/index.ts';
import type { Matcher } from '../../../src/model/index.ts';
import { Notice } from '../../shared/components/notices.tsx';
import { useNow } from '../../shared/components/page.tsx';
import { useSaveSilence } from '../alertmanager-api.ts';
import { MatcherField } from '../matcher-field.tsx';
import { matchEverything, matcherToApi } from '../matchers.ts';
import { MomentField } from './moment-field.tsx';
import { AffectedAlerts } from './silence-parts.tsx';
import {
  type SilenceTimes,
  timeProblems,
  withDuration,
  withEnd,
  withStart,
} from './silence-times.ts';

/** Upstream's page keeps it under the same name. */
export const CREATOR_KEY = 'defaultCreator';

export const rememberedCreator = (): string => localStorage.getItem(CREATOR_KEY) ?? '';

export interface SilenceDraft {
  readonly times: SilenceTimes;
  readonly matchers: readonly Matcher[];
  readonly createdBy: string;
  readonly comment: string;
}

const shortcuts = ['30m', '2h', '8h', '1d', '1w'];

interface TimesProps {
  readonly times: SilenceTimes;
  readonly onChange: (times: SilenceTimes) => void;
}

function Times({ times, onChange }: TimesProps): ReactNode {
  const nowMs = useNow(5000);
  const problems = timeProblems(times, nowMs);
  return (
    <div className="form-line">
      <MomentField
        label="Start"
        value={times.start}
        error={problems.start}
        onChange={(text) => onChange(withStart(times, text))}
      />
      <div>
        <TextInput
          size="sm"
          w={160}
          label="Duration"
          value={times.duration}
          error={problems.duration}
          onChange={(event) => onChange(withDuration(times, event.currentTarget.value))}
        />
        <div className="shortcuts">
          {shortcuts.map((text) => (
            <button
              key={text}
              type="button"
              className="link-button"
              onClick={() => onChange(withDuration(times, text))}
            >
              {text}
            </button>
          ))}
        </div>
      </div>
      <MomentField
        label="End"
        value={times.end}
        error={problems.end}
        onChange={(text) => onChange(withEnd(times, text))}
      />
    </div>
  );
}

/** What is to be sent; undefined while something is missing or wrong. */
function silenceOf(draft: SilenceDraft, replaces: ShownSilence | undefined, nowMs: number) {
  const { zone } = draft.times;
  const startMs = zone.parse(draft.times.start);
  const endMs = zone.parse(draft.times.end);
  const isWhole =
    Object.keys(timeProblems(draft.times, nowMs)).length === 0 &&
    !matchEverything(draft.matchers) &&
    draft.createdBy.trim() !== '' &&
    draft.comment.trim() !== '';
  if (!isWhole || startMs === undefined || endMs === undefined) return undefined;
  // Seconds are all that the field shows: an untouched start stays what it was.
  const isKept = replaces !== undefined && startMs === wholeSecond(replaces.startsAt);
  const silence: PostedSilence = {
    ...(replaces === undefined ? {} : { id: replaces.id }),
    matchers: draft.matchers.map(matcherToApi),
    startsAt: isKept ? replaces.startsAt : new Date(startMs).toISOString(),
    endsAt: new Date(endMs).toISOString(),
    createdBy: draft.createdBy.trim(),
    comment: draft.comment,
    ...(replaces?.annotations === undefined ? {} : { annotations: replaces.annotations }),
  };
  return silence;
}

const wholeSecond = (text: string): number => Math.floor(Date.parse(text) / 1000) * 1000;

export interface SilenceFormProps {
  readonly initial: SilenceDraft;
  readonly replaces: ShownSilence | undefined;
}

export function SilenceForm({ initial, replaces }: SilenceFormProps): ReactNode {
  const [draft, setDraft] = useState(initial);
  const [wasTried, setTried] = useState(false);
  const saving = useSaveSilence();
  const navigate = useNavigate();
  const change = (part: Partial<SilenceDraft>): void => setDraft({ ...draft, ...part });
  const { times, matchers, createdBy, comment } = draft;
  const matchesAll = matchEverything(matchers);
  const required = (text: string): string | undefined =>
    wasTried && text.trim() === '' ? 'This is needed' : undefined;
  const save = (): void => {
    setTried(true);
    const silence = silenceOf(draft, replaces, Date.now());
    if (silence === undefined) return;
    localStorage.setItem(CREATOR_KEY, silence.createdBy);
    saving.mutate(silence, { onSuccess: (id) => navigate(`/silences/${id}`) });
  };
  const verb = replaces === undefined || replaces.status.state === 'expired' ? 'Create' : 'Update';
  return (
    <div className="silence-form">
      <section className="card form-card">
        <Times times={times} onChange={(next) => change({ times: next })} />
        <div>
          <div className="form-label">Matchers: alerts that all of them fit are silenced</div>
          <MatcherField
            label="Add matchers"
            placeholder={'alertname="Down", dc=~"a|b"'}
            matchers={matchers}
            onChange={(next) => change({ matchers: next })}
            problem={
              matchesAll && (matchers.length > 0 || wasTried)
                ? matchers.length > 0
                  ? 'These fit every alert; at least one must not match an empty label.'
                  : 'At least one matcher is needed.'
                : undefined
            }
          />
        </div>
        <TextInput
          size="sm"
          label="Creator"
          maw={420}
          value={createdBy}
          error={required(createdBy)}
          onChange={(event) => change({ createdBy: event.currentTarget.value })}
        />
        <Textarea
          size="sm"
          label="Comment"
          autosize
          minRows={2}
          value={comment}
          error={required(comment)}
          onChange={(event) => change({ comment: event.currentTarget.value })}
        />
        {saving.error !== null && (
          <Notice kind="bad" title="It was not saved">
            <pre>{saving.error.message}</pre>
          </Notice>
        )}
        <div className="form-line">
          <Button size="sm" loading={saving.isPending} onClick={save}>
            {verb}
          </Button>
          <Button
            size="sm"
            variant="default"
            onClick={() => {
              setDraft(initial);
              setTried(false);
              saving.reset();
            }}
          >
            Reset
          </Button>
        </div>
      </section>
      <section className="card form-card" aria-label="Preview">
        <AffectedAlerts matchers={matchers} verb="It would mute" />
      </section>
    </div>
  );
}
