// SPDX-License-Identifier: Apache-2.0
// The editor of one expression. CodeMirror is a chunk of its own; until it is there a plain text area of
// the same shape takes what is typed, and hands it over with the cursor where it was.

import { lazy, type ReactNode, Suspense, useLayoutEffect, useRef } from 'react';
import type { EditorHandover, ExpressionEditorProps } from './editor-props.ts';

interface PlainEditorProps extends ExpressionEditorProps {
  readonly handover: EditorHandover;
}

function PlainEditor({ handover, ...props }: PlainEditorProps): ReactNode {
  const area = useRef<HTMLTextAreaElement>(null);
  // With the change itself: a key pressed right after it must find its place.
  useLayoutEffect(() => {
    const { focused, selection } = handover;
    if (area.current === null || !focused) return;
    area.current.focus();
    if (selection !== undefined) area.current.setSelectionRange(...selection);
  }, [handover]);
  const remember = (area: HTMLTextAreaElement): void => {
    handover.selection = [area.selectionStart, area.selectionEnd];
    handover.focused = document.activeElement === area;
  };
  return (
    <textarea
      ref={area}
      className="plain-editor"
      aria-label="Expression"
      placeholder="Enter expression (Shift+Enter for a new line)"
      spellCheck={false}
      rows={Math.max(1, props.value.split('\n').length)}
      value={props.value}
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

/** Without its chunk (a server that was replaced since, a broken connection) the plain editor stays. */
const PromqlEditor = lazy(async () => {
  try {
    return await import('./promql-editor.tsx');
  } catch {
    return { default: PlainEditor };
  }
});

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
