// SPDX-License-Identifier: Apache-2.0
// What a page says when it has nothing, not yet, or not all to show.

import { Skeleton } from '@mantine/core';
import {
  IconAlertTriangle,
  IconCircleX,
  IconInfoCircle,
  type TablerIcon,
} from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { ApiError } from '../api/client.ts';

export type NoticeKind = 'info' | 'warn' | 'bad';

const icons: Readonly<Record<NoticeKind, TablerIcon>> = {
  info: IconInfoCircle,
  warn: IconAlertTriangle,
  bad: IconCircleX,
};

export interface NoticeProps {
  readonly kind: NoticeKind;
  readonly title?: string;
  readonly children?: ReactNode;
}

export function Notice({ kind, title, children }: NoticeProps): ReactNode {
  const Icon = icons[kind];
  return (
    <div className={`notice ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      <Icon size={18} stroke={1.8} aria-hidden />
      <div>
        {title !== undefined && <div className="title">{title}</div>}
        {children}
      </div>
    </div>
  );
}

const titles: Readonly<Record<string, string>> = {
  network: 'No connection',
  timeout: 'Timed out',
  unavailable: 'Not available',
  bad_data: 'The request is not valid',
  execution: 'The query failed',
  canceled: 'Canceled',
};

/** A failed request. `what` says in a few words what was wanted. */
export function ErrorNotice({ error, what }: { error: Error; what?: string }): ReactNode {
  const kind = error instanceof ApiError ? titles[error.errorType] : undefined;
  const title = what === undefined ? (kind ?? 'Something went wrong') : `Cannot load ${what}`;
  return (
    <Notice kind="bad" title={title}>
      <pre>{error.message}</pre>
    </Notice>
  );
}

export interface EmptyProps {
  readonly title: string;
  readonly children?: ReactNode;
}

export function Empty({ title, children }: EmptyProps): ReactNode {
  return (
    <div className="empty">
      <div className="title">{title}</div>
      {children}
    </div>
  );
}

const widths = ['62%', '84%', '47%', '71%', '90%', '55%'];

/** Quiet lines where a list will be. */
export function LoadingLines({ count = 5 }: { readonly count?: number }): ReactNode {
  return (
    <div role="status" aria-label="Loading" style={{ padding: 14 }}>
      {Array.from({ length: count }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no identity
        <Skeleton key={i} height={14} mb={12} width={widths[i % widths.length] ?? '60%'} />
      ))}
    </div>
  );
}
