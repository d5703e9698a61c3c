// SPDX-License-Identifier: Apache-2.0
import { IconChevronRight } from '@tabler/icons-react';
import { type ReactNode, useState } from 'react';

export interface FoldProps {
  readonly title: ReactNode;
  readonly side?: ReactNode;
  readonly initiallyOpen: boolean;
  /** Drawn only while open. */
  readonly children: () => ReactNode;
}

/** A card that opens and closes. */
export function Fold({ title, side, initiallyOpen, children }: FoldProps): ReactNode {
  const [isOpen, setOpen] = useState(initiallyOpen);
  return (
    <section className="card fold">
      <h2 className="fold-head">
        <button
          type="button"
          className="plain-button fold-button"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          <IconChevronRight size={16} stroke={1.8} className="fold-arrow" aria-hidden />
          <span className="fold-title">{title}</span>
          <span className="fold-side">{side}</span>
        </button>
      </h2>
      {isOpen && <div className="fold-body">{children()}</div>}
    </section>
  );
}
