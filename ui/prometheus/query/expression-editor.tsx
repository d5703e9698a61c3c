// SPDX-License-Identifier: Apache-2.0
// The editor of one expression. CodeMirror is a chunk of its own; until it is there a plain text area of
// the same shape takes what is typed, and hands it over with the cursor where it was.

import { lazy, type ReactNode, Suspense, useRef } from 'react';
import type { EditorHandover, ExpressionEditorProps } from './editor-props.ts';

const PromqlEditor = lazy(() => import('./promql-editor.tsx'));

interface PlainEditorProps extends ExpressionEditorProps {
  readonly handover: EditorHandover;
}

function PlainEditor({ handover, ...props }: PlainEditorProps): ReactNode {
  const remember = (area: HTMLTextAreaElement): void => {
    handover.selection = [area.selectionStart, area.selectionEnd];
    handover.focused = document.activeElement === area;
  };
  return (
    <textarea
      className="plain-editor"
      aria-label="Expression"
      placeholder="Enter expression (Shift+Enter for a new line)"
      spellCheck={false}
      rows={Math.max(1, props.value.split('\n').length)}
      value={props.value}
      // biome-ignore lint/a11y/noAutofocus: the page is for typing here
      autoFocus={props.autoFocus}
      onChange={(event) => {
        props.onChange(event.currentTarget.value);
        remember(event.currentTarget);
      }}
      onSelect={(event) => remember(event.currentTarget)}
      onFocus={(event) => remember(event.currentTarget)}
      onBlur={() => {
        handover.focused = false;
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || event.shiftKey) return;
        event.preventDefault();
        props.onExecute();
      }}
    />
  );
}

export function ExpressionEditor(props: ExpressionEditorProps): ReactNode {
  const handover = useRef<EditorHandover>({ focused: props.autoFocus, selection: undefined });
  return (
    <div className="editor">
      <Suspense fallback={<PlainEditor {...props} handover={handover.current} />}>
        <PromqlEditor {...props} handover={handover.current} />
      </Suspense>
    </div>
  );
}
