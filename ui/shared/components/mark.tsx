// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react';

/** The hearth: a fireplace with its flame. */
export function Mark({ size = 22 }: { readonly size?: number }): ReactNode {
  return (
    <svg width={size} height={size} viewBox="4 4 24 24" aria-hidden="true">
      <path
        d="M7 25V13.5C7 9.9 9.9 7 13.5 7h5C22.1 7 25 9.9 25 13.5V25"
        fill="none"
        stroke="currentColor"
        strokeOpacity="0.55"
        strokeWidth="2.4"
        strokeLinecap="round"
      />
      <path
        d="M16 11.5c.6 3 4.6 4.4 4.6 8.6A4.6 4.6 0 0 1 16 24.7a4.6 4.6 0 0 1-4.6-4.6c0-2.1 1-3.3 1.9-4.1.2 1.1.7 1.7 1.4 2-.3-2.4.1-4.7 1.3-6.5z"
        fill="var(--h-ember)"
      />
    </svg>
  );
}
