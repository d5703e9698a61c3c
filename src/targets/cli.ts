#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// `hearth TARGET [flags]`. Each target is loaded only when asked for, so that none pays for the others.

const usage = `usage: hearth [TARGET] [<flags>]

The Prometheus monitoring system as one program.

Targets:
  (none)          Everything in one process, ready to use: monitors this machine.
  server          The monitoring server.
  alertmanager    Groups, silences and sends alerts.
  amtool          Views and changes the state of an Alertmanager.
  node-exporter   Metrics of this machine.
  promtool        Tools for rules, configuration and data.
  pushgateway     Keeps what short-lived jobs push until it is scraped.

hearth TARGET --help shows the flags of a target.
`;

/** @returns the exit code */
async function run(args: readonly string[]): Promise<number> {
  const [target, ...rest] = args;
  if (target === '--help' || target === '-h' || target === 'help') {
    process.stdout.write(usage);
    return 0;
  }
  if (target === undefined || target.startsWith('-')) {
    const { runAll } = await import('./all.ts');
    return runAll(args);
  }
  switch (target) {
    case 'server': {
      const { runServer } = await import('./server.ts');
      return runServer(rest);
    }
    case 'alertmanager': {
      const { runAlertmanager } = await import('./alertmanager.ts');
      return runAlertmanager(rest);
    }
    case 'amtool': {
      const { runAmtool } = await import('./amtool.ts');
      return runAmtool(rest);
    }
    case 'node-exporter': {
      const { preferSmallHeap } = await import('./small-heap.ts');
      preferSmallHeap();
      // The build makes one file of it: see tools/dev.mjs.
      const bundle = new URL('./node-exporter-bundle.js', import.meta.url).href;
      const { runNodeExporter } = (await import(bundle)) as typeof import('./node-exporter.ts');
      return runNodeExporter(rest);
    }
    case 'pushgateway': {
      const { runPushgateway } = await import('./pushgateway.ts');
      return runPushgateway(rest);
    }
    case 'promtool': {
      const { runPromtool } = await import('./promtool.ts');
      return runPromtool(rest);
    }
    default:
      process.stderr.write(`hearth: error: unknown target ${JSON.stringify(target)}\n\n${usage}`);
      return 2;
  }
}

process.exit(await run(process.argv.slice(2)));
