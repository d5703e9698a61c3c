// SPDX-License-Identifier: Apache-2.0
// The exporter: collectors run side by side at each scrape, and what one of them does wrong costs only
// its own metrics.

import type {
  Clock,
  FileSystem,
  Logger,
  Network,
  OperatingSystem,
  ServerRequest,
  ServerResponse,
} from '../base/index.ts';
import type { MetricFamily, Registry } from '../metrics/index.ts';
import { negotiateExposition } from '../metrics/index.ts';
import { compareText } from '../model/index.ts';
import type { Collector, CollectorContext, CollectorOptions, ExporterPaths } from './collector.ts';
import { NoDataError } from './collector.ts';
import { collectorTable } from './collectors/table.ts';
import { landingPage } from './landing-page.ts';
import { gauge, MetricSink } from './sink.ts';

export interface NodeExporterOptions {
  readonly paths: ExporterPaths;
  readonly collectorOptions: CollectorOptions;
  /** Names of the collectors that run; see {@link collectorNames}. */
  readonly enabled: ReadonlySet<string>;
  readonly telemetryPath: string;
  /** Scrapes at the same time; more are answered 503. 0 = no limit. */
  readonly maxRequests: number;
  /** process_* and promhttp_* about the exporter itself. */
  readonly exporterMetrics: boolean;
  readonly version: string;
  readonly revision: string;
  readonly goVersion: string;
  /** Go's name of the machine's architecture: amd64, arm64 … */
  readonly architecture: string;
}

export interface NodeExporterParts {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly system: OperatingSystem;
  readonly network: Network;
  /** The exporter's own metrics (process_*); promhttp_* are added to it. */
  readonly registry: Registry;
}

/** Every collector of this program with upstream's default. */
export const collectorNames: readonly {
  readonly name: string;
  readonly enabledByDefault: boolean;
}[] = collectorTable;

const buildInfo = gauge(
  'node_exporter_build_info',
  "A metric with a constant '1' value labeled by version, revision, branch, goversion from which node_exporter was built, and the goos and goarch for the build.",
  'branch',
  'goarch',
  'goos',
  'goversion',
  'revision',
  'tags',
  'version',
);
const durationSeconds = gauge(
  'node_scrape_collector_duration_seconds',
  'node_exporter: Duration of a collector scrape.',
  'collector',
);
const success = gauge(
  'node_scrape_collector_success',
  'node_exporter: Whether a collector succeeded.',
  'collector',
);

/** Longest run of one collector; what it has not given by then is left out of the page. */
const COLLECTOR_TIMEOUT_MS = 15_000;

const text = (status: number, body: string): ServerResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
  body: `${body}\n`,
});

export class NodeExporter {
  private readonly options: NodeExporterOptions;
  private readonly parts: NodeExporterParts;
  private readonly collectors = new Map<string, Collector>();
  private readonly answered;
  private readonly gatheringErrors;
  private inFlight = 0;

  constructor(options: NodeExporterOptions, parts: NodeExporterParts) {
    this.options = options;
    this.parts = parts;
    for (const { name, create } of collectorTable) {
      if (!options.enabled.has(name)) continue;
      const context: CollectorContext = {
        files: parts.files,
        paths: options.paths,
        system: parts.system,
        network: parts.network,
        clock: parts.clock,
        logger: parts.logger.child({ collector: name }),
        options: options.collectorOptions,
        enabled: options.enabled,
      };
      this.collectors.set(name, create(context));
    }
    this.answered = parts.registry.counterVec(
      'promhttp_metric_handler_requests_total',
      'Total number of scrapes by HTTP status code.',
      ['code'],
    );
    for (const code of ['200', '500', '503']) this.answered.with(code);
    const errors = parts.registry.counterVec(
      'promhttp_metric_handler_errors_total',
      'Total number of internal errors encountered by the promhttp metric handler.',
      ['cause'],
    );
    errors.with('encoding');
    this.gatheringErrors = errors.with('gathering');
    parts.registry.gaugeFunction(
      'promhttp_metric_handler_requests_in_flight',
      'Current number of scrapes being served.',
      () => this.inFlight,
    );
  }

  /** Answers one HTTP request. */
  async handle(request: ServerRequest): Promise<ServerResponse> {
    if (request.path === this.options.telemetryPath) return this.handleMetrics(request);
    if (request.path !== '/') return text(404, '404 page not found');
    return {
      status: 200,
      headers: { 'content-type': 'text/html; charset=UTF-8' },
      body: landingPage(this.options.version, this.options.telemetryPath),
    };
  }

  private async handleMetrics(request: ServerRequest): Promise<ServerResponse> {
    const { maxRequests } = this.options;
    if (maxRequests > 0 && this.inFlight >= maxRequests) {
      this.answered.with('503').inc();
      return text(503, `Limit of concurrent requests reached (${maxRequests}), try again later.`);
    }
    const chosen = this.chosenCollectors(
      request.params.getAll('collect[]'),
      request.params.getAll('exclude[]'),
    );
    if (typeof chosen === 'string') return text(400, chosen);
    this.inFlight++;
    try {
      const families = await this.gather(chosen);
      this.answered.with('200').inc();
      const exposition = negotiateExposition(request.headers.accept, {
        openMetrics: true,
        protobuf: true,
      });
      return {
        status: 200,
        headers: { 'content-type': exposition.contentType },
        body: exposition.write(families),
      };
    } finally {
      this.inFlight--;
    }
  }

  /** Names to run, or upstream's error text. */
  private chosenCollectors(
    collect: readonly string[],
    exclude: readonly string[],
  ): readonly string[] | string {
    const enabled = [...this.collectors.keys()];
    if (collect.length > 0 && exclude.length > 0)
      return 'Combined collect and exclude queries are not allowed.';
    if (collect.length === 0) return enabled.filter((name) => !exclude.includes(name));
    for (const name of collect) {
      const known = collectorTable.some((entry) => entry.name === name);
      if (this.collectors.has(name)) continue;
      const problem = known ? 'disabled' : 'missing';
      return `Couldn't create filtered metrics handler: couldn't create collector: ${problem} collector: ${name}`;
    }
    return enabled.filter((name) => collect.includes(name));
  }

  /** One scrape of the named collectors, with the exporter's own metrics. */
  async gather(names: readonly string[] = [...this.collectors.keys()]): Promise<MetricFamily[]> {
    const sink = new MetricSink();
    const { version, revision, goVersion, architecture } = this.options;
    const labels = [
      'HEAD',
      architecture,
      'linux',
      goVersion,
      revision,
      'unknown',
      version,
    ] as const;
    sink.add(buildInfo, 1, ...labels);
    await Promise.all(names.map((name) => this.runCollector(name, sink)));
    const families = sink.gather();
    for (const conflict of sink.conflicts) {
      this.gatheringErrors.inc();
      this.parts.logger.error('error gathering metrics', { err: conflict });
    }
    const own = this.options.exporterMetrics ? this.parts.registry.gather() : [];
    return families.concat(own).sort((a, b) => compareText(a.name, b.name));
  }

  private async runCollector(name: string, sink: MetricSink): Promise<void> {
    const { clock, logger } = this.parts;
    const collect = this.collectors.get(name);
    if (collect === undefined) return;
    // A sink of its own: what a collector that is late writes after its time goes nowhere.
    const own = new MetricSink();
    const start = clock.monotonicMs();
    const error = await this.limited(async () => collect(own));
    const seconds = (clock.monotonicMs() - start) / 1000;
    const fields = { name, duration_seconds: seconds };
    if (error === undefined) logger.debug('collector succeeded', fields);
    else if (error instanceof NoDataError)
      logger.debug('collector returned no data', { ...fields, err: error });
    else logger.error('collector failed', { ...fields, err: error });
    sink.absorb(own);
    sink.add(durationSeconds, seconds, name);
    sink.add(success, error === undefined ? 1 : 0, name);
  }

  /** The error of `run`, or of its time limit; undefined when it went well. */
  private limited(run: () => Promise<void>): Promise<Error | undefined> {
    return new Promise((resolve) => {
      const timer = this.parts.clock.setTimer(COLLECTOR_TIMEOUT_MS, () => {
        resolve(new Error(`collector took longer than ${COLLECTOR_TIMEOUT_MS / 1000} s`));
      });
      run().then(
        () => {
          timer.cancel();
          resolve(undefined);
        },
        (error: unknown) => {
          timer.cancel();
          resolve(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }
}
