// SPDX-License-Identifier: Apache-2.0
// Alertmanager as one object: alerts, silences and the notification log stay, everything that the
// configuration says is made anew when it changes.

import type { Clock, FileSystem, Logger, Prng, Timer } from '../base/index.ts';
import type { Registry } from '../metrics/index.ts';
import { matchersText } from '../model/index.ts';
import type { AlertParts } from './alert.ts';
import { AlertStore } from './alert-store.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import type { ExplainContext } from './explain.ts';
import { Inhibitor } from './inhibit/inhibitor.ts';
import type { AlertmanagerMetrics } from './metrics.ts';
import { createAlertmanagerMetrics } from './metrics.ts';
import { NotificationLog } from './nflog/notification-log.ts';
import type { Receiver } from './notify/integration.ts';
import { Pipeline } from './notify/pipeline.ts';
import type { AlertmanagerOptions } from './options.ts';
import { Route } from './route/route.ts';
import type { TimeIntervals } from './route/time-interval.ts';
import { TimeInterval } from './route/time-interval.ts';
import { type Silence, silenceState } from './silence/silence.ts';
import { Silences } from './silence/silences.ts';
import { SnapshotFile } from './snapshot-file.ts';
import { StateMetrics } from './state-metrics.ts';
import { TraceLog } from './trace/trace.ts';

export interface AlertmanagerParts {
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly prng: Prng;
  /** UUIDs for silences. */
  readonly newId: () => string;
  /** Directory of the snapshots. */
  readonly directory: string;
  readonly retentionMs: number;
  readonly maintenanceIntervalMs: number;
  readonly alertsGcIntervalMs: number;
  readonly silencesMax: number;
  readonly silenceSizeMaxBytes: number;
  readonly perAlertnameMax: number;
  /** Whether changes of silences are logged. */
  readonly logSilences?: boolean;
}

/** A line in the log for each silence that is made, changed or ended. */
const silenceLog =
  ({ clock, logger }: Pick<AlertmanagerParts, 'clock' | 'logger'>) =>
  (silence: Silence): void => {
    const { id, matchers, createdBy, comment, endsAtMs } = silence;
    logger.info('Silence changed', {
      component: 'silences',
      id,
      state: silenceState(silence, clock.now()),
      matchers: matchersText(matchers),
      endsAt: new Date(endsAtMs).toISOString(),
      createdBy,
      comment,
    });
  };

/** What a configuration came to. */
interface Running {
  readonly options: AlertmanagerOptions;
  readonly dispatcher: Dispatcher;
  readonly inhibitor: Inhibitor;
  readonly timeIntervals: TimeIntervals;
}

function registerStateMetrics(registry: Registry, manager: Alertmanager, clock: Clock): void {
  const alerts = (state: string, read: () => number): void =>
    registry.gaugeFunction('alertmanager_alerts', 'How many alerts by state.', read, { state });
  alerts('active', () => manager.countAlerts().active);
  alerts('suppressed', () => manager.countAlerts().suppressed);
  alerts('unprocessed', () => 0);
  for (const state of ['active', 'pending', 'expired'] as const) {
    registry.gaugeFunction(
      'alertmanager_silences',
      'How many silences by state.',
      () =>
        manager.silences.all().filter((each) => silenceState(each, clock.now()) === state).length,
      { state },
    );
  }
  registry.gaugeFunction(
    'alertmanager_alerts_per_alert_limit',
    'Current limit on number of alerts per alert name.',
    () => manager.alerts.perAlertnameMax,
  );
  registry.counterFunction(
    'alertmanager_alerts_limited_total',
    'Total number of alerts that were dropped due to per alert name limit.',
    () => manager.alerts.limited,
  );
  registry.gaugeFunction(
    'alertmanager_inhibition_rules',
    'Number of configured inhibition rules.',
    () => manager.inhibitor.ruleCount,
  );
  registry.gaugeFunction(
    'alertmanager_receivers',
    'Number of configured receivers.',
    () => manager.receivers.size,
  );
  registry.gaugeFunction('alertmanager_integrations', 'Number of configured integrations.', () =>
    [...manager.receivers.values()].reduce((sum, { integrations }) => sum + integrations.length, 0),
  );
}

/** Load it, `apply` a configuration, `stop` it. */
export class Alertmanager {
  readonly alerts: AlertStore;
  readonly silences: Silences;
  readonly log: NotificationLog;
  readonly traces = new TraceLog();
  readonly metrics: AlertmanagerMetrics;
  readonly stateMetrics: Readonly<Record<'silences' | 'nflog', StateMetrics>>;
  private readonly parts: AlertmanagerParts;
  private readonly snapshots: readonly SnapshotFile[];
  private running: Running | undefined;
  private readonly timers = new Map<string, Timer>();

  /** @throws SnapshotError, FileError when what was stored cannot be read */
  constructor(parts: AlertmanagerParts) {
    const { clock, files, directory, retentionMs } = parts;
    this.parts = parts;
    files.makeDirectorySync(directory);
    const silencesFile = new SnapshotFile(files, `${directory}/silences`);
    const logFile = new SnapshotFile(files, `${directory}/nflog`);
    this.snapshots = [silencesFile, logFile];
    this.silences = new Silences({
      clock,
      retentionMs,
      countMax: parts.silencesMax,
      sizeMaxBytes: parts.silenceSizeMaxBytes,
      newId: parts.newId,
      file: silencesFile,
      ...(parts.logSilences === true ? { onChange: silenceLog(parts) } : {}),
    });
    this.log = new NotificationLog({ clock, retentionMs, file: logFile });
    this.alerts = new AlertStore({
      clock,
      perAlertnameMax: parts.perAlertnameMax,
      onUpdate: (alert) => {
        this.running?.inhibitor.update(alert);
        this.running?.dispatcher.dispatch(alert);
      },
      onForget: (alert) => this.running?.inhibitor.remove(alert),
    });
    this.metrics = createAlertmanagerMetrics(parts.registry);
    this.stateMetrics = {
      silences: new StateMetrics(parts.registry, clock, 'silences', this.silences),
      nflog: new StateMetrics(parts.registry, clock, 'nflog', this.log),
    };
    registerStateMetrics(parts.registry, this, clock);
    this.repeat('maintenance', parts.maintenanceIntervalMs, () => this.maintain());
    this.repeat('alerts', parts.alertsGcIntervalMs, () => void this.alerts.collect());
  }

  private repeat(name: string, intervalMs: number, act: () => void): void {
    const { clock } = this.parts;
    const fire = (): void => {
      this.timers.set(name, clock.setTimer(intervalMs, fire));
      act();
    };
    this.timers.set(name, clock.setTimer(intervalMs, fire));
  }

  get options(): AlertmanagerOptions | undefined {
    return this.running?.options;
  }

  get inhibitor(): Inhibitor {
    return this.running?.inhibitor ?? new Inhibitor([]);
  }

  get dispatcher(): Dispatcher | undefined {
    return this.running?.dispatcher;
  }

  get receivers(): ReadonlyMap<string, Receiver> {
    return this.running?.options.receivers ?? new Map();
  }

  /** What {@link explain} looks at; undefined before the first configuration. */
  get explainContext(): ExplainContext | undefined {
    const { running, silences, log } = this;
    if (running === undefined) return undefined;
    const { dispatcher, inhibitor, timeIntervals, options } = running;
    const { receivers } = options;
    return { route: dispatcher.route, inhibitor, silences, log, timeIntervals, receivers };
  }

  /** Runs by a new configuration; alerts, silences and the log go on. Groups wait from the start. */
  apply(options: AlertmanagerOptions): void {
    const { clock, logger, prng } = this.parts;
    const timeIntervals: TimeIntervals = new Map(
      Array.from(options.timeIntervals, ([name, entries]) => [
        name,
        entries.map((entry) => new TimeInterval(entry)),
      ]),
    );
    const inhibitor = new Inhibitor(options.inhibitRules, this.alerts.values());
    const pipeline = new Pipeline({
      clock,
      logger: logger.child({ component: 'dispatcher' }),
      prng,
      metrics: this.metrics,
      inhibitor: () => inhibitor,
      silences: this.silences,
      log: this.log,
      stateMetrics: this.stateMetrics,
      traces: this.traces,
      timeIntervals,
      receivers: options.receivers,
    });
    const dispatcher = new Dispatcher(new Route(options.route), {
      clock,
      logger: logger.child({ component: 'dispatcher' }),
      metrics: this.metrics,
      pipeline,
    });
    this.running?.dispatcher.stop();
    this.running = { options, dispatcher, inhibitor, timeIntervals };
    for (const alert of this.alerts.values()) dispatcher.dispatch(alert);
  }

  /** Takes alerts in. They have been checked. */
  receive(alerts: readonly AlertParts[]): void {
    const now = this.parts.clock.now();
    let dropped = 0;
    for (const alert of alerts) {
      this.metrics.received.with(alert.endsAtMs <= now ? 'resolved' : 'firing', 'v2').inc();
      if (this.alerts.put(alert) === undefined) dropped++;
    }
    if (dropped > 0) {
      const limit = this.alerts.perAlertnameMax;
      this.parts.logger.warn('Alerts over --alerts.per-alertname-limit are dropped', {
        dropped,
        limit,
      });
    }
  }

  /** Alerts that fire now, by whether anybody hears of them. */
  countAlerts(): { active: number; suppressed: number } {
    const now = this.parts.clock.now();
    const counts = { active: 0, suppressed: 0 };
    for (const { labels, endsAtMs } of this.alerts.values()) {
      if (endsAtMs <= now) continue;
      const map = new Map(labels.map(({ name, value }) => [name, value]));
      const quiet =
        this.inhibitor.inhibitedBy(map, now).length > 0 ||
        this.silences.silencing(map, now).length > 0;
      counts[quiet ? 'suppressed' : 'active']++;
    }
    return counts;
  }

  /** Forgets what has expired and writes the snapshots. */
  maintain(): void {
    const { logger } = this.parts;
    for (const [name, state] of [
      ['silences', this.silences],
      ['nflog', this.log],
    ] as const) {
      try {
        this.stateMetrics[name].maintain(state);
      } catch (error) {
        logger.error('Cannot write the snapshot; the journal keeps what changed', {
          component: name,
          err: error instanceof Error ? error : new Error(String(error)),
        });
      }
    }
  }

  /** Ends all groups and writes the snapshots. */
  stop(): void {
    for (const timer of this.timers.values()) timer.cancel();
    this.running?.dispatcher.stop();
    this.maintain();
    for (const file of this.snapshots) file.close();
  }
}
