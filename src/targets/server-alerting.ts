// SPDX-License-Identifier: Apache-2.0
// Discovery feeding the notifier.

import type { Clock, FileSystem, HttpClient, Logger, SecretSource } from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { DiscoveryMetrics } from '../discovery/index.ts';
import { DiscoveryManager } from '../discovery/index.ts';
import type { Registry } from '../metrics/index.ts';
import { labelsToObject } from '../model/index.ts';
import type { RequestSigner, SigV4Options } from '../notifier/index.ts';
import { createNotifierMetrics, Notifier } from '../notifier/index.ts';
import { createHttpClient } from '../platform/index.ts';
import type { Alert } from '../rules/index.ts';
import { escapeQuery } from '../template/index.ts';
import { buildInfo } from './build-info.ts';
import type { ServerSettings } from './server-settings.ts';

export interface Alerting {
  readonly notifier: Notifier;
  /** Hands the alerts of a rule on; `expression` is the rule's. */
  send(alerts: readonly Alert[], expression: string): void;
  apply(config: Config): Promise<void>;
  stop(): Promise<void>;
}

export interface AlertingParts {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly settings: ServerSettings;
}

/** The notifier with its own discovery; nothing is sent before the first `apply`. */
export function startAlerting(parts: AlertingParts, discoveryMetrics: DiscoveryMetrics): Alerting {
  const { clock, files, registry, settings } = parts;
  const logger = parts.logger.child({ component: 'notifier' });
  const userAgent = `Prometheus/${buildInfo().version}`;
  /** Keys and signatures are loaded when they are asked for. */
  const createSigner = (options: SigV4Options, client: HttpClient): RequestSigner => {
    const readSecret = ({ value = '', file }: SecretSource): string =>
      file === undefined ? value : files.readTextSync(file);
    const context = { clock, environment: process.env, userAgent, readSecret };
    let signer: Promise<RequestSigner> | undefined;
    return async (request, signal) => {
      signer ??= import('../alertmanager/index.ts').then(({ createAwsSigner }) =>
        createAwsSigner(options, 'aps', client, context),
      );
      return (await signer)(request, signal);
    };
  };
  const notifier = new Notifier({
    clock,
    logger,
    metrics: createNotifierMetrics(registry),
    createHttpClient,
    createSigner,
    userAgent,
    queueCapacity: settings.notificationQueueCapacity,
    batchSize: settings.notificationBatchSize,
    drainOnStop: settings.drainNotifications,
  });
  const discovery = new DiscoveryManager({
    clock,
    files,
    logger: parts.logger.child({ component: 'discovery manager notify' }),
    metrics: discoveryMetrics,
    createHttpClient,
    userAgent,
    name: 'notify',
    onUpdate: (key, groups) => void notifier.updateTargets(key, groups),
  });
  const generatorUrl = (expression: string): string =>
    `${settings.externalUrl}/graph?g0.expr=${escapeQuery(expression)}&g0.tab=1`;
  return {
    notifier,
    send: (alerts, expression) =>
      notifier.send(
        alerts.map(
          ({ labels, annotations, firedAtMs, activeAtMs, resolvedAtMs, validUntilMs }) => ({
            labels,
            annotations,
            startsAtMs: firedAtMs ?? activeAtMs,
            endsAtMs: resolvedAtMs ?? validUntilMs ?? 0,
            generatorUrl: generatorUrl(expression),
          }),
        ),
      ),
    apply: async ({ alerting, global }) => {
      const entries = alerting.alertmanagers.map((entry, i) => [`config-${i}`, entry] as const);
      await notifier.applyConfig({
        alertRelabelRules: alerting.alertRelabelRules,
        sets: new Map(entries.map(([key, { alertmanager }]) => [key, alertmanager])),
        externalLabels: labelsToObject(global.externalLabels),
      });
      discovery.applyConfig(new Map(entries.map(([key, entry]) => [key, entry.discovery])));
    },
    stop: async () => {
      await discovery.stop();
      await notifier.stop();
    },
  };
}
