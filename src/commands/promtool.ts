// SPDX-License-Identifier: Apache-2.0
// The commands of promtool, in the order in which its help shows them. A new one is a line here.

import type { Program } from './command-line.ts';
import { checkConfigCommand } from './check/config.ts';
import { checkMetricsCommand } from './check/metrics.ts';
import { checkRulesCommand } from './check/rules.ts';
import { checkHealthyCommand, checkReadyCommand } from './check/server-state.ts';
import { checkServiceDiscoveryCommand } from './check/service-discovery.ts';
import { checkWebConfigCommand } from './check/web-config.ts';
import { debugCommands } from './debug/debug.ts';
import { deleteMatcherCommand, formatCommand, setMatcherCommand } from './promql/edit.ts';
import { explainCommand } from './promql/explain.ts';
import { pushMetricsCommand } from './push/metrics.ts';
import { queryAnalyzeCommand } from './query/analyze.ts';
import {
  formatFlag,
  httpConfigFlag,
  queryInstantCommand,
  queryLabelsCommand,
  queryRangeCommand,
  querySeriesCommand,
} from './query/query.ts';
import { junitFlag, testRulesCommand } from './test-rules/command.ts';
import { analyzeCommand } from './tsdb/analyze.ts';
import { backfillCommand } from './tsdb/backfill.ts';
import { benchWriteCommand } from './tsdb/bench-write.ts';
import { dumpCommand, dumpOpenMetricsCommand } from './tsdb/dump.ts';
import { listCommand } from './tsdb/list.ts';
import { backfillRulesCommand } from './tsdb/rules.ts';

export const promtool: Program = {
  name: 'promtool',
  help: 'Tooling for the Prometheus monitoring system.',
  flags: [
    {
      name: 'experimental',
      kind: 'switch',
      help: 'Enable experimental commands.',
    },
    {
      name: 'enable-feature',
      kind: 'list',
      help: 'Comma separated feature names to enable.',
    },
  ],
  groups: [
    { words: ['query'], flags: [formatFlag, httpConfigFlag] },
    { words: ['test'], flags: [junitFlag] },
  ],
  commands: [
    checkServiceDiscoveryCommand,
    checkConfigCommand,
    checkWebConfigCommand,
    checkHealthyCommand,
    checkReadyCommand,
    checkRulesCommand,
    checkMetricsCommand,
    queryInstantCommand,
    queryRangeCommand,
    querySeriesCommand,
    queryLabelsCommand,
    queryAnalyzeCommand,
    ...debugCommands,
    pushMetricsCommand,
    testRulesCommand,
    benchWriteCommand,
    analyzeCommand,
    listCommand,
    dumpCommand,
    dumpOpenMetricsCommand,
    backfillCommand,
    backfillRulesCommand,
    explainCommand,
    formatCommand,
    setMatcherCommand,
    deleteMatcherCommand,
  ],
};
