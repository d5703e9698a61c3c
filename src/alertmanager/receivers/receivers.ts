// SPDX-License-Identifier: Apache-2.0
// From options to integrations.

import type { Integration, Receiver } from '../notify/integration.ts';
import type { ReceiverContext } from './context.ts';
import type { IntegrationOptions, ReceiverOptions } from './options.ts';
import { createWebhook } from './webhook.ts';

function createIntegration(
  options: IntegrationOptions,
  index: number,
  context: ReceiverContext,
): Integration {
  switch (options.type) {
    case 'webhook':
      return createWebhook(options, index, context);
  }
}

/** The receivers by name; those that no route names are left out by the caller. */
export function createReceivers(
  options: readonly ReceiverOptions[],
  context: ReceiverContext,
): ReadonlyMap<string, Receiver> {
  return new Map(
    options.map(({ name, labels, integrations }) => {
      const counts = new Map<string, number>();
      const built = integrations.map((each) => {
        const index = counts.get(each.type) ?? 0;
        counts.set(each.type, index + 1);
        return createIntegration(each, index, context);
      });
      return [name, { name, labels, integrations: built }] as const;
    }),
  );
}
