// SPDX-License-Identifier: Apache-2.0
// The process we run in: signals, identity, and how long its event loop makes others wait.

import { availableParallelism, hostname } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface SignalHandlers {
  /** SIGHUP. */
  readonly reload: () => void;
  /** SIGTERM and SIGINT; a second one ends the process at once. */
  readonly stop: (signal: string) => void;
}

/** Installs the handlers. @returns a function that takes them out. */
export function onSignals(handlers: SignalHandlers): () => void {
  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) process.exit(1);
    stopping = true;
    handlers.stop(signal);
  };
  process.on('SIGHUP', handlers.reload);
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  return () => {
    process.off('SIGHUP', handlers.reload);
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
  };
}

export interface HostInfo {
  readonly hostname: string;
  readonly workingDirectory: string;
  /** Cores this process may use. */
  readonly cores: number;
  readonly nodeVersion: string;
  readonly platform: string;
}

export function hostInfo(): HostInfo {
  return {
    hostname: hostname(),
    workingDirectory: process.cwd(),
    cores: availableParallelism(),
    nodeVersion: process.version,
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  };
}

/** What a reading of the event loop's delays says, in seconds. */
export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface LoopDelayMonitor {
  /** Delays since the last reading. */
  read(): LoopDelay;
  close(): void;
}

/** Resolution of the sampling timer: delays shorter than this are not seen. */
const LOOP_DELAY_RESOLUTION_MS = 10;

/** Samples how late timers fire. The timer's own period is subtracted, so an idle loop reads about 0. */
export function startLoopDelayMonitor(): LoopDelayMonitor {
  const delays = monitorEventLoopDelay({ resolution: LOOP_DELAY_RESOLUTION_MS });
  delays.enable();
  const seconds = (ns: number): number => Math.max(0, ns / 1e6 - LOOP_DELAY_RESOLUTION_MS) / 1000;
  return {
    read: () => {
      const empty = delays.count === 0;
      const reading = {
        p50: empty ? 0 : seconds(delays.percentile(50)),
        p99: empty ? 0 : seconds(delays.percentile(99)),
        p999: empty ? 0 : seconds(delays.percentile(99.9)),
        max: empty ? 0 : seconds(delays.max),
      };
      delays.reset();
      return reading;
    },
    close: () => delays.disable(),
  };
}

/** systemd passes sockets from here on; what is below are input, output and errors. */
const FIRST_INHERITED = 3;

/**
 * The descriptors of the sockets that systemd (or who speaks its protocol) opened for this process, in
 * order; none when they are meant for another one. They are ours alone: children do not hear of them.
 * Source: sd_listen_fds(3).
 */
export function takeInheritedSockets(environment: NodeJS.ProcessEnv = process.env): number[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count = '' } = environment;
  delete environment.LISTEN_PID;
  delete environment.LISTEN_FDS;
  delete environment.LISTEN_FDNAMES;
  if (pid !== String(process.pid) || !/^\d{1,5}$/.test(count)) return [];
  return Array.from({ length: Number(count) }, (_, i) => FIRST_INHERITED + i);
}
