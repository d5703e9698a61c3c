// SPDX-License-Identifier: Apache-2.0
// Requests signed for AWS, for whoever sends them.

import type { HttpClient } from '../../base/index.ts';
import type { AwsOptions } from './aws-credentials.ts';
import { CredentialSource } from './aws-credentials.ts';
import type { AwsContext } from './aws-keys.ts';
import type { SignableRequest } from './sigv4.ts';
import { signedHeaders } from './sigv4.ts';

/** The headers to send with a request. @throws Error where there are no keys or no region */
export type AwsSigner = (
  request: SignableRequest,
  signal: AbortSignal,
) => Promise<Readonly<Record<string, string>>>;

/** @param client asks for the keys of a role */
export function createAwsSigner(
  options: AwsOptions,
  service: string,
  client: HttpClient,
  context: AwsContext,
): AwsSigner {
  const source = new CredentialSource(options, client, context, 'sigv4.region');
  return async (request, signal) => {
    const region = source.region();
    const found = await source.credentials(signal);
    if (!found.ok) {
      const { outcome } = found;
      throw new Error(outcome.ok ? 'no AWS credentials' : outcome.message);
    }
    const nowMs = context.clock.now();
    return signedHeaders(request, { credentials: found.credentials, region, service, nowMs });
  };
}
