// SPDX-License-Identifier: Apache-2.0
// What plain `hearth` is configured with: everything of its own is scraped, a first set of rules is
// evaluated, and what fires goes to its own Alertmanager.

import { fileURLToPath } from 'node:url';

/** Rules for any machine, and one to try alerting with. */
export const exampleRules = fileURLToPath(new URL('../../examples/rules.yml', import.meta.url));

/** Where the parts listen. */
export interface PartAddresses {
  readonly server: string;
  readonly exporter: string;
  readonly pushgateway: string;
  readonly alertmanager: string;
}

/** `'…'` as YAML has it. */
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The server's configuration. */
export function readyServerConfig(addresses: PartAddresses): string {
  const { server, exporter, pushgateway, alertmanager } = addresses;
  return `# The configuration of "hearth" with no target. Give --config.file to use your own.
global:
  scrape_interval: 5s
  scrape_timeout: 5s
  evaluation_interval: 5s
rule_files:
  - ${quoted(exampleRules)}
alerting:
  alertmanagers:
    - static_configs:
        - targets: ['${alertmanager}']
scrape_configs:
  - job_name: prometheus
    static_configs:
      - targets: ['${server}']
  - job_name: node
    static_configs:
      - targets: ['${exporter}']
  - job_name: pushgateway
    honor_labels: true
    static_configs:
      - targets: ['${pushgateway}']
  - job_name: alertmanager
    static_configs:
      - targets: ['${alertmanager}']
`;
}

/** Alertmanager's configuration: alerts show on the page, and nobody is told. */
export const readyAlertmanagerConfig = `# The configuration of "hearth" with no target: alerts show on the page, nobody is told.
# Give --alertmanager.config.file to use your own; examples/alertmanager.yml is a start.
route:
  receiver: page
  group_by: [alertname]
  group_wait: 5s
  group_interval: 1m
receivers:
  - name: page
`;
