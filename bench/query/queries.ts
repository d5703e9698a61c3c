// SPDX-License-Identifier: Apache-2.0
// The twenty queries, from plain selectors to joins, quantiles and subqueries: what dashboards and rules
// ask. All are range queries, the whole time of the data set at a step of a minute.

export interface BenchQuery {
  readonly name: string;
  readonly text: string;
}

const errors = 'sum by (instance) (rate(http_requests_total{code=~"5.."}[5m]))';
const requests = 'sum by (instance) (rate(http_requests_total[5m]))';

export const benchQueries: readonly BenchQuery[] = [
  { name: 'gauge', text: 'node_load1' },
  { name: 'gauge with gaps', text: 'node_temperature_celsius{sensor="cpu"}' },
  { name: 'regex matcher', text: 'http_requests_total{code=~"5..|404",region!="eu"}' },
  { name: 'rate of all', text: 'rate(http_requests_total[5m])' },
  { name: 'sum by rate', text: requests },
  {
    name: 'cpu by mode',
    text: 'sum by (instance, mode) (rate(node_cpu_seconds_total[5m]))',
  },
  {
    name: 'cpu busy',
    text: '100 - 100 * avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))',
  },
  { name: 'error ratio', text: `${errors} / ${requests}` },
  {
    name: 'quantile by handler',
    text: 'histogram_quantile(0.99, sum by (le, handler) (rate(http_request_duration_seconds_bucket[5m])))',
  },
  {
    name: 'quantile of each',
    text: 'histogram_quantile(0.9, rate(http_request_duration_seconds_bucket[10m]))',
  },
  {
    name: 'mean latency',
    text:
      'sum by (handler) (rate(http_request_duration_seconds_sum[5m]))' +
      ' / sum by (handler) (rate(http_request_duration_seconds_count[5m]))',
  },
  { name: 'memory share', text: 'node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes' },
  {
    name: 'join with info',
    text: `${requests} * on (instance) group_left (version) shop_build_info`,
  },
  {
    // Of rates that are never equal: which of two equal ones is in depends on the last bit of a sum.
    name: 'top five',
    text: 'topk(5, sum by (instance, handler) (rate(http_request_duration_seconds_sum[5m])))',
  },
  { name: 'max over an hour', text: 'max_over_time(node_load1[1h])' },
  { name: 'mean with gaps', text: 'avg_over_time(node_temperature_celsius[30m])' },
  { name: 'quantile over time', text: 'quantile_over_time(0.95, node_load1[30m])' },
  {
    name: 'subquery',
    text: 'max_over_time(sum by (region) (rate(http_requests_total[5m]))[30m:1m])',
  },
  {
    name: 'an hour earlier',
    text:
      'sum by (code) (increase(http_requests_total[1h]))' +
      ' / sum by (code) (increase(http_requests_total[1h] offset 1h))',
  },
  {
    name: 'down or busy',
    text: 'count by (region) (up == 0 or on (instance, job, region) node_load1 > 4)',
  },
];
