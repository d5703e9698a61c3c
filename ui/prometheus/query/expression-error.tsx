// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react';
import { ErrorNotice } from '../../shared/components/notices.tsx';
import { errorPlace } from './error-place.ts';

/** The error of a query; a mistake in the expression is also shown where it is. */
export function ExpressionError({ error, expr }: { error: Error; expr: string }): ReactNode {
  const place = errorPlace(error.message, expr);
  return (
    <div className="expression-error">
      <ErrorNotice error={error} />
      {place !== undefined && (
        <pre className="error-place">
          {place.line}
          {'\n'}
          <span className="marker" aria-hidden="true">
            {' '.repeat(place.column)}
            {'^'.repeat(place.width)}
          </span>
        </pre>
      )}
    </div>
  );
}
