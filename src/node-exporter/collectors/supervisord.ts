// SPDX-License-Identifier: Apache-2.0
// supervisord: processes that supervisord runs, over XML-RPC.

import type { Collector, CollectorContext } from '../collector.ts';
import { counter, gauge } from '../sink.ts';
import { SourceError } from '../text.ts';

const up = gauge('node_supervisord_up', 'Process Up', 'group', 'name');
const stateMetric = gauge('node_supervisord_state', 'Process State', 'group', 'name');
const exitStatus = gauge('node_supervisord_exit_status', 'Process Exit Status', 'group', 'name');
const startTime = counter(
  'node_supervisord_start_time_seconds',
  'Process start time',
  'group',
  'name',
);

const TIMEOUT_MS = 10_000;
const RPC_PATH = '/RPC2';
const REQUEST =
  '<?xml version="1.0"?><methodCall><methodName>supervisor.getAllProcessInfo</methodName><params></params></methodCall>';

/** STARTING, RUNNING and STOPPING: there is a process. */
const runningStates = new Set([10, 20, 40]);

const entities: Readonly<Record<string, string>> = {
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
  '&quot;': '"',
  '&apos;': "'",
};
const unescapeXml = (text: string): string =>
  text.replace(/&(?:lt|gt|amp|quot|apos);/g, (entity) => entities[entity] ?? entity);

const STRUCT = /<struct>([\s\S]*?)<\/struct>/g;
const MEMBER =
  /<member>\s*<name>([\s\S]*?)<\/name>\s*<value>\s*(?:<(\w+)>([\s\S]*?)<\/\2>|<\w+\s*\/>|([\s\S]*?))\s*<\/value>\s*<\/member>/g;

/** The flat structures of an XML-RPC answer, each as name → text. @throws SourceError for a fault */
export function parseXmlRpcStructs(xml: string): Map<string, string>[] {
  if (!xml.includes('<methodResponse>')) throw new SourceError('the answer is not XML-RPC');
  const structs = [...xml.matchAll(STRUCT)].map(
    ([, inside = '']) =>
      new Map(
        [...inside.matchAll(MEMBER)].map(([, name = '', , typed, plain]) => [
          name.trim(),
          unescapeXml(typed ?? plain ?? ''),
        ]),
      ),
  );
  if (xml.includes('<fault>'))
    throw new SourceError(`supervisord answered: ${structs[0]?.get('faultString') ?? 'a fault'}`);
  return structs;
}

export function supervisord(context: CollectorContext): Collector {
  context.logger.warn(
    'This collector is deprecated and will be removed in the next major version.',
    {
      collector: 'supervisord',
    },
  );
  return async (sink) => {
    const answer = await context.network.post({
      url: context.options.supervisordUrl,
      path: RPC_PATH,
      contentType: 'text/xml',
      body: REQUEST,
      timeoutMs: TIMEOUT_MS,
    });
    for (const process of parseXmlRpcStructs(answer)) {
      const [name, group] = [process.get('name') ?? '', process.get('group') ?? ''];
      const number = (key: string): number => Number(process.get(key) ?? 0);
      const isRunning = runningStates.has(number('state'));
      sink.add(stateMetric, number('state'), group, name);
      sink.add(exitStatus, number('exitstatus'), group, name);
      sink.add(up, isRunning ? 1 : 0, group, name);
      if (isRunning) sink.add(startTime, number('start'), group, name);
    }
  };
}
