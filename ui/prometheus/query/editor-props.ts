// SPDX-License-Identifier: Apache-2.0
import type { Preferences } from '../settings.ts';

export interface ExpressionEditorProps {
  readonly value: string;
  /** Path prefix of the server's API. */
  readonly prefix: string;
  readonly preferences: Preferences;
  readonly autoFocus: boolean;
  readonly onChange: (value: string) => void;
  readonly onExecute: () => void;
  readonly history: () => readonly string[];
}

/** What the editor takes over from the one before it. */
export interface EditorHandover {
  focused: boolean;
  selection: readonly [number, number] | undefined;
}
