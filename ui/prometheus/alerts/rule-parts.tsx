// SPDX-License-Identifier: Apache-2.0
import type { ReactNode } from 'react';
import { Link } from 'react-router-dom';
import { Empty } from '../../shared/components/notices.tsx';
import { useNow } from '../../shared/components/page.tsx';
import { formatAgo } from '../../shared/format/times.ts';
import { queryLink } from '../query/url-state.ts';

/** An expression that opens on the query page. */
export function ExpressionLink({ expr }: { readonly expr: string }): ReactNode {
  return (
    <Link to={queryLink(expr)} className="mono rule-expr" title="Open on the query page">
      {expr}
    </Link>
  );
}

export function Ago({ at }: { readonly at: string }): ReactNode {
  const now = useNow(1000);
  return <span title={at}>{formatAgo(Date.parse(at), now)}</span>;
}

export function NoRules({ kind }: { readonly kind: string }): ReactNode {
  return (
    <Empty title={`No ${kind} are defined`}>
      <div>
        They come from the <code className="mono">rule_files</code> of the configuration.
      </div>
    </Empty>
  );
}
