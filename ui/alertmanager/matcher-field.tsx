// SPDX-License-Identifier: Apache-2.0
// Matchers as chips, and a field that takes more: Enter adds, Backspace in the empty field takes back.

import { CloseButton, TextInput } from '@mantine/core';
import { IconFilter } from '@tabler/icons-react';
import { type ReactNode, useId, useState } from 'react';
import { type Matcher, matcherText } from '../../src/model/index.ts';
import { readMatchers, withMatchers } from './matchers.ts';

export interface MatcherFieldProps {
  readonly label: string;
  readonly matchers: readonly Matcher[];
  readonly onChange: (matchers: readonly Matcher[]) => void;
  readonly placeholder?: string;
  /** What is wrong with the matchers as a whole. */
  readonly problem?: string | undefined;
  /** Only `name="value"`: labels, not questions about labels. */
  readonly onlyLabels?: boolean;
  readonly suggestions?: readonly string[];
}

export function MatcherField(props: MatcherFieldProps): ReactNode {
  const { label, matchers, onChange, placeholder = 'name="value"', onlyLabels = false } = props;
  const [draft, setDraft] = useState('');
  const [error, setError] = useState<string>();
  const listId = useId();

  const add = (): void => {
    if (draft.trim() === '') return;
    const read = readMatchers(draft);
    if (typeof read === 'string') {
      setError(read);
      return;
    }
    if (onlyLabels && read.some(({ type }) => type !== '=')) {
      setError('A label is name="value", without != or =~.');
      return;
    }
    setError(undefined);
    setDraft('');
    onChange(withMatchers(matchers, read));
  };
  const remove = (at: number): void => onChange(matchers.filter((_, i) => i !== at));
  /** Back into the field. */
  const edit = (at: number): void => {
    const matcher = matchers[at];
    if (matcher === undefined) return;
    setDraft(matcherText(matcher));
    remove(at);
  };

  return (
    <div className="matcher-field">
      <div className="matcher-line">
        {matchers.map((matcher, i) => (
          <span key={matcherText(matcher)} className="chip matcher-chip">
            <button
              type="button"
              className="plain-button"
              title="Change this matcher"
              onClick={() => edit(i)}
            >
              <span className="name">{matcher.name}</span>
              <b>{matcher.type}</b>
              {JSON.stringify(matcher.value)}
            </button>
            <CloseButton
              size={16}
              aria-label={`Remove ${matcherText(matcher)}`}
              onClick={() => remove(i)}
            />
          </span>
        ))}
        <TextInput
          size="xs"
          className="matcher-input"
          aria-label={label}
          placeholder={placeholder}
          spellCheck={false}
          autoComplete="off"
          list={props.suggestions === undefined ? undefined : listId}
          value={draft}
          error={error !== undefined}
          leftSection={<IconFilter size={14} stroke={1.8} aria-hidden />}
          onChange={(event) => {
            setDraft(event.currentTarget.value);
            setError(undefined);
          }}
          onBlur={add}
          onKeyDown={(event) => {
            if (event.key === 'Enter') {
              event.preventDefault();
              add();
            }
            if (event.key === 'Escape') setDraft('');
            if (event.key === 'Backspace' && draft === '') remove(matchers.length - 1);
          }}
        />
        {props.suggestions !== undefined && (
          <datalist id={listId}>
            {props.suggestions.map((text) => (
              <option key={text} value={text} />
            ))}
          </datalist>
        )}
      </div>
      {(error ?? props.problem) !== undefined && (
        <div className="field-error" role="alert">
          {error ?? props.problem}
        </div>
      )}
    </div>
  );
}
