// SPDX-License-Identifier: Apache-2.0

import type { ReactNode } from 'react';
import { yamlParts } from '../format/yaml-parts.ts';

/** A configuration, its keys in colour. */
export function Yaml({ text }: { readonly text: string }): ReactNode {
  return (
    <pre className="card yaml">
      {text.split('\n').map((line, i) => {
        const { before, key, after } = yamlParts(line);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is its number
          <div key={i}>
            {before}
            <span className="yaml-key">{key}</span>
            {after}
            {line === '' && '\n'}
          </div>
        );
      })}
    </pre>
  );
}
