// SPDX-License-Identifier: Apache-2.0
// CodeMirror with the query language: completion over the server's API, checking, history, highlighting.

import {
  acceptCompletion,
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
  completionStatus,
  selectedCompletion,
  selectedCompletionIndex,
} from '@codemirror/autocomplete';
import {
  defaultKeymap,
  history,
  historyKeymap,
  insertNewlineAndIndent,
} from '@codemirror/commands';
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  syntaxHighlighting,
} from '@codemirror/language';
import { linter, lintKeymap } from '@codemirror/lint';
import { highlightSelectionMatches } from '@codemirror/search';
import { Compartment, EditorState, type Extension, Prec } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import {
  type CompleteStrategy,
  newCompleteStrategy,
  PromQLExtension,
} from '@prometheus-io/codemirror-promql';
import { type ReactNode, useEffect, useLayoutEffect, useRef } from 'react';
import type { EditorHandover, ExpressionEditorProps } from './editor-props.ts';

const highlighting = HighlightStyle.define([
  { tag: tags.name, color: 'var(--h-code-name)' },
  { tag: [tags.number, tags.literal], color: 'var(--h-code-number)' },
  { tag: tags.string, color: 'var(--h-code-string)' },
  { tag: tags.labelName, color: 'var(--h-code-label)' },
  { tag: tags.function(tags.variableName), color: 'var(--h-code-function)' },
  { tag: [tags.keyword, tags.modifier], color: 'var(--h-code-keyword)' },
  { tag: [tags.operator, tags.punctuation], color: 'var(--h-code-operator)' },
  { tag: tags.comment, color: 'var(--h-code-comment)', fontStyle: 'italic' },
  { tag: tags.invalid, color: 'var(--h-bad)' },
]);

const LINT_DELAY_MS = 400;

/** The parser is another chunk: the editor does not wait for it. */
const promqlLinter: Extension = linter(
  async (view) => {
    const { diagnose } = await import('./promql-lint.ts');
    return diagnose(view.state.doc.toString());
  },
  { delay: LINT_DELAY_MS },
);

/** Completion of the language, with executed queries first where the expression begins. */
class WithHistory implements CompleteStrategy {
  private readonly inner: CompleteStrategy;
  private readonly history: () => readonly string[];
  constructor(inner: CompleteStrategy, history: () => readonly string[]) {
    this.inner = inner;
    this.history = history;
  }

  async promQL(context: CompletionContext): Promise<CompletionResult | null> {
    const found = await this.inner.promQL(context);
    const { state, pos } = context;
    const { length } = state.doc;
    if (pos !== length || length === 0) return found;
    const options = this.history()
      .filter((query) => query !== state.doc.toString())
      .map((query) => ({
        label: query.length > 80 ? `${query.slice(0, 76)}…` : query,
        detail: 'past query',
        apply: query,
        info: query.length > 80 ? query : undefined,
      }));
    const past = { from: 0, to: length, options };
    if (found === null) return { ...past, validFor: /^[\w.:]+$/ } as CompletionResult;
    if (found.from !== 0) return found;
    return { ...found, options: [...found.options, ...(options as typeof found.options)] };
  }

  destroy(): void {
    this.inner.destroy?.();
  }
}

function languageOf(props: ExpressionEditorProps, history: () => readonly string[]): Extension {
  const { preferences, prefix } = props;
  const inner = newCompleteStrategy({ remote: { url: prefix, httpMethod: 'GET' } });
  const withHistory = new WithHistory(inner, () =>
    preferences.enableQueryHistory ? history() : [],
  );
  const promql = new PromQLExtension()
    .activateCompletion(preferences.enableAutocomplete)
    // The server's own parser checks.
    .activateLinter(false)
    .setComplete({ completeStrategy: withHistory });
  const highlight = preferences.enableSyntaxHighlighting ? [syntaxHighlighting(highlighting)] : [];
  const checks = preferences.enableLinter ? [promqlLinter] : [];
  return [promql.asExtension(), ...highlight, ...checks];
}

/**
 * Whether Enter means the chosen completion: it says more than what is written, and belongs to a word
 * that was begun, or was gone to. What merely could come next (an operator behind a parenthesis) isn't.
 */
function isChoosing(view: EditorView): boolean {
  const { state } = view;
  if (completionStatus(state) !== 'active') return false;
  const { head } = state.selection.main;
  const word = /[\w:.]*$/.exec(state.sliceDoc(state.doc.lineAt(head).from, head))?.[0] ?? '';
  if (selectedCompletion(state)?.label === word) return false;
  return word !== '' || (selectedCompletionIndex(state) ?? 0) > 0;
}

/** Enter executes, unless a completion is meant. */
const executing = (execute: () => void): Extension => {
  const run = (view: EditorView): boolean => {
    if (isChoosing(view) && acceptCompletion(view)) return true;
    closeCompletion(view);
    execute();
    return true;
  };
  const runAnyway = (): boolean => {
    execute();
    return true;
  };
  return Prec.high(
    keymap.of([
      { key: 'Mod-Enter', run: runAnyway },
      { key: 'Enter', run },
      { key: 'Shift-Enter', run: insertNewlineAndIndent },
      { key: 'Tab', run: acceptCompletion },
    ]),
  );
};

export default function PromqlEditor(
  props: ExpressionEditorProps & { readonly handover: EditorHandover },
): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const language = useRef(new Compartment());
  const current = useRef(props);
  current.current = props;

  // With the change itself: a key pressed right after it must find the editor.
  useLayoutEffect(() => {
    const { handover, value } = current.current;
    const [anchor, head] = handover.selection ?? [value.length, value.length];
    const at = (position: number): number => Math.min(position, value.length);
    const state = EditorState.create({
      doc: value,
      selection: { anchor: at(anchor), head: at(head) },
      extensions: [
        history(),
        bracketMatching(),
        closeBrackets(),
        indentOnInput(),
        highlightSelectionMatches(),
        // Its own keys would come before ours.
        autocompletion({ icons: false, maxRenderedOptions: 100, defaultKeymap: false }),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': 'Expression', spellcheck: 'false' }),
        placeholder('Enter expression (Shift+Enter for a new line)'),
        executing(() => current.current.onExecute()),
        keymap.of([
          ...closeBracketsKeymap,
          ...completionKeymap,
          ...defaultKeymap,
          ...historyKeymap,
          ...lintKeymap,
        ]),
        language.current.of([]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) current.current.onChange(update.state.doc.toString());
        }),
      ],
    });
    const parent = place.current;
    if (parent === null) return;
    const made = new EditorView({ state, parent });
    view.current = made;
    if (handover.focused) made.focus();
    return () => made.destroy();
  }, []);

  const { preferences, prefix } = props;
  // biome-ignore lint/correctness/useExhaustiveDependencies: what the language depends on
  useEffect(() => {
    const extension = languageOf(current.current, () => current.current.history());
    view.current?.dispatch({ effects: language.current.reconfigure(extension) });
  }, [preferences, prefix]);

  // Only what came from elsewhere: a link, the formatter, an inserted metric.
  const { value } = props;
  useEffect(() => {
    const made = view.current;
    if (made === undefined || made.state.doc.toString() === value) return;
    const changes = { from: 0, to: made.state.doc.length, insert: value };
    made.dispatch({ changes, selection: { anchor: value.length } });
  }, [value]);

  return <div ref={place} />;
}
