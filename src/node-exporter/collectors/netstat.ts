// SPDX-License-Identifier: Apache-2.0
// netstat: counters of the network protocols.

import type { Collector, CollectorContext } from '../collector.ts';
import type { Descriptor } from '../sink.ts';
import { untyped } from '../sink.ts';
import { readProc, readProcOptional } from '../source.ts';
import { decimal, eachLine, fields, SourceError } from '../text.ts';

type Visit = (protocol: string, name: string, value: string) => void;

/** Pairs of lines `Proto: name …` and `Proto: value …`. */
function eachNetstat(text: string, file: string, visit: Visit): void {
  let names: string[] | undefined;
  eachLine(text, (line) => {
    const parts = fields(line);
    if (names === undefined) {
      names = parts;
      return;
    }
    if (names.length !== parts.length || names[0] !== parts[0]) {
      throw new SourceError(
        `mismatch field count or protocol in ${file}: ${JSON.stringify(parts[0])}`,
      );
    }
    const protocol = (parts[0] ?? '').replace(':', '');
    for (let i = 1; i < parts.length; i++) visit(protocol, names[i]!, parts[i]!);
    names = undefined;
  });
}

/** Lines `Ip6InReceives   0`: the protocol is what comes before the 6, with it. */
function eachSnmp6(text: string, visit: Visit): void {
  eachLine(text, (line) => {
    const [name = '', value] = fields(line);
    const six = name.indexOf('6');
    if (six < 0 || value === undefined) return;
    visit(name.slice(0, six + 1), name.slice(six + 1), value);
  });
}

export function netstat(context: CollectorContext): Collector {
  /** By protocol, then name: what to export, undefined for what the pattern leaves out. */
  const known = new Map<string, Map<string, Descriptor | undefined>>();
  const look = (protocol: string, name: string): Descriptor | undefined => {
    let names = known.get(protocol);
    if (names === undefined) {
      names = new Map();
      known.set(protocol, names);
    }
    if (!names.has(name)) {
      const key = `${protocol}_${name}`;
      const to = untyped(`node_netstat_${key}`, `Statistic ${protocol}${name}.`);
      names.set(name, context.options.netstatFields.test(key) ? to : undefined);
    }
    return names.get(name);
  };
  return (sink) => {
    const visit: Visit = (protocol, name, value) => {
      const to = look(protocol, name);
      if (to !== undefined) sink.add(to, decimal(value, `netstat ${protocol}_${name}`));
    };
    eachNetstat(readProc(context, 'net/netstat'), 'net/netstat', visit);
    eachNetstat(readProc(context, 'net/snmp'), 'net/snmp', visit);
    // Kernels without IPv6 have no such file.
    const snmp6 = readProcOptional(context, 'net/snmp6');
    if (snmp6 !== undefined) eachSnmp6(snmp6, visit);
  };
}
