// SPDX-License-Identifier: Apache-2.0
// /api/v1/features: what this server can do and what of it is switched on, under upstream's names.

import { functionSignatures } from '../promql/index.ts';
import { CONCURRENT_RULES, EXEMPLAR_STORAGE, queryFeatures, START_ZEROS } from './feature-flags.ts';
import type { ServerSettings } from './server-settings.ts';

type Features = Readonly<Record<string, Readonly<Record<string, boolean>>>>;

const all = (names: string, value = true): Record<string, boolean> =>
  Object.fromEntries(names.split(' ').map((name) => [name, value]));

const operators =
  '!= !~ % * + - / < <= == =~ > >= @ ^ and atan2 avg bottomk count count_values group max min or ' +
  'quantile stddev stdvar sum topk unless';
const syntax =
  'at_modifier bool by group_left group_right ignoring negative_offset offset on ' +
  'per_query_lookback_delta subqueries without';

/** Names by category; false: known, and off or not built. */
export function featureList(
  settings: Pick<
    ServerSettings,
    'features' | 'adminApiEnabled' | 'lifecycleEnabled' | 'autoReloadMs'
  >,
): Features {
  const { engine, perStepStats } = queryFeatures(settings.features);
  const experimental = engine.experimentalFunctions === true;
  const ranges = engine.extendedRangeSelectors === true;
  const fill = engine.binopFillModifiers === true;
  const typeLabels = engine.typeAndUnitLabels === true;
  const functions = [...functionSignatures.values()]
    .map((row): [string, boolean] => [row.name, !row.experimental || experimental])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    api: {
      admin: settings.adminApiEnabled,
      label_values_match: true,
      lifecycle: settings.lifecycleEnabled,
      ...all('openapi_3.1 openapi_3.2 otlp_write_receiver remote_write_receiver', false),
      ...all('query_stats query_warnings time_range_labels time_range_series'),
    },
    prometheus: {
      agent_mode: false,
      auto_reload_config: settings.autoReloadMs !== undefined,
      server_mode: true,
    },
    promql: {
      ...all(syntax),
      anchored: ranges,
      smoothed: ranges,
      delayed_name_removal: engine.delayedNameRemoval === true,
      duration_expr: engine.durationExpressions === true,
      fill,
      fill_left: fill,
      fill_right: fill,
      per_step_stats: perStepStats,
      type_and_unit_labels: typeLabels,
    },
    promql_functions: Object.fromEntries(functions),
    promql_operators: { ...all(operators), limit_ratio: experimental, limitk: experimental },
    rules: {
      concurrent_rule_eval: settings.features.includes(CONCURRENT_RULES),
      keep_firing_for: true,
      query_offset: true,
    },
    scrape: {
      extra_scrape_metrics: true,
      start_timestamp_zero_ingestion: settings.features.includes(START_ZEROS),
    },
    service_discovery_providers: all('file http static'),
    tsdb: {
      delayed_compaction: false,
      exemplar_storage: settings.features.includes(EXEMPLAR_STORAGE),
      isolation: true,
      native_histograms: true,
    },
    ui: { ui_v2: false, ui_v3: true },
  };
}
