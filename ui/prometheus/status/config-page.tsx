// SPDX-License-Identifier: Apache-2.0
import './status.css';
import type { ReactNode } from 'react';
import type { ConfigData } from '../../../src/apitypes/index.ts';
import { useApi } from '../../shared/api/use-api.ts';
import { ErrorNotice, LoadingLines } from '../../shared/components/notices.tsx';
import { CopyButton, Page } from '../../shared/components/page.tsx';
import { Yaml } from '../../shared/components/yaml.tsx';

/** The running configuration with its defaults; secrets are hidden by the server. */
export function ConfigPage(): ReactNode {
  const { data, error } = useApi<ConfigData>('/status/config');
  const tools = data !== undefined && (
    <CopyButton text={data.yaml} label="Copy the configuration" />
  );
  return (
    <Page title="Configuration" tools={tools}>
      {error !== null && <ErrorNotice error={error} what="the configuration" />}
      {data === undefined && error === null && <LoadingLines count={14} />}
      {data !== undefined && <Yaml text={data.yaml} />}
    </Page>
  );
}
