// SPDX-License-Identifier: Apache-2.0
import './status.css';
import type { ReactNode } from 'react';
import type { AlertmanagersData } from '../../../src/apitypes/index.ts';
import { useApi } from '../../shared/api/use-api.ts';
import { Empty, ErrorNotice, LoadingLines } from '../../shared/components/notices.tsx';
import { Page } from '../../shared/components/page.tsx';

interface UrlListProps {
  readonly title: string;
  readonly urls: readonly { readonly url: string }[];
}

function UrlList({ title, urls }: UrlListProps): ReactNode {
  return (
    <section className="card facts">
      <h2>{title}</h2>
      <table className="plain mono">
        <tbody>
          {urls.map(({ url }) => (
            <tr key={url}>
              <td>
                <a href={url}>{url}</a>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function AlertmanagersPage(): ReactNode {
  const { data, error } = useApi<AlertmanagersData>('/alertmanagers', {}, { refreshMs: 10_000 });
  const { activeAlertmanagers = [], droppedAlertmanagers = [] } = data ?? {};
  const isEmpty = activeAlertmanagers.length + droppedAlertmanagers.length === 0;
  return (
    <Page title="Alertmanager discovery">
      {error !== null && <ErrorNotice error={error} what="the Alertmanagers" />}
      {data === undefined && error === null && <LoadingLines count={4} />}
      {data !== undefined && isEmpty && (
        <Empty title="No Alertmanager is known">
          <div>
            They come from <code className="mono">alerting.alertmanagers</code> of the
            configuration.
          </div>
        </Empty>
      )}
      {activeAlertmanagers.length > 0 && <UrlList title="Active" urls={activeAlertmanagers} />}
      {droppedAlertmanagers.length > 0 && <UrlList title="Dropped" urls={droppedAlertmanagers} />}
    </Page>
  );
}
