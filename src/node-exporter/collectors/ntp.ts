// SPDX-License-Identifier: Apache-2.0
// ntp: what a local NTP server says of itself, asked with one SNTP packet of 48 bytes.

import type { Clock } from '../../base/index.ts';
import type { Collector, CollectorContext, NtpOptions } from '../collector.ts';
import { gauge } from '../sink.ts';
import { SourceError } from '../text.ts';

const metrics = {
  stratum: gauge('node_ntp_stratum', 'NTPD stratum.'),
  leap: gauge('node_ntp_leap', 'NTPD leap second indicator, 2 bits.'),
  rtt: gauge('node_ntp_rtt_seconds', 'RTT to NTPD.'),
  offset: gauge('node_ntp_offset_seconds', 'ClockOffset between NTP and local clock.'),
  reference: gauge('node_ntp_reference_timestamp_seconds', 'NTPD ReferenceTime, UNIX timestamp.'),
  rootDelay: gauge('node_ntp_root_delay_seconds', 'NTPD RootDelay.'),
  rootDispersion: gauge('node_ntp_root_dispersion_seconds', 'NTPD RootDispersion.'),
  sanity: gauge(
    'node_ntp_sanity',
    'NTPD sanity according to RFC5905 heuristics and configured limits.',
  ),
} as const;

const PACKET_BYTES = 48;
const MODE_CLIENT = 3;
const MODE_SERVER = 4;
const TIMEOUT_MS = 5000;
/** NTP counts from 1900. */
const EPOCH_1970_SECONDS = 2_208_988_800;
const LEAP_NOT_SYNCHRONISED = 3;
const STRATUM_MAX = 16;
/** RFC 5905's limits: how old the reference may be, how far away the root. */
const REFERENCE_AGE_MAX_SECONDS = 86_400;
const DISPERSION_MAX_SECONDS = 16;

/** Seconds since 1970 of a 64-bit NTP time; 0 stands for "never". */
function timestamp(view: DataView, at: number): number {
  const seconds = view.getUint32(at);
  const fraction = view.getUint32(at + 4) / 2 ** 32;
  return seconds === 0 && fraction === 0 ? 0 : seconds - EPOCH_1970_SECONDS + fraction;
}

const shortTime = (view: DataView, at: number): number => view.getUint32(at) / 65_536;

interface NtpAnswer {
  readonly leap: number;
  readonly stratum: number;
  readonly rootDelay: number;
  readonly rootDispersion: number;
  readonly reference: number;
  readonly transmit: number;
  readonly rtt: number;
  readonly offset: number;
  /** By how much the times contradict cause and effect. */
  readonly minError: number;
}

/** @throws SourceError for what is not an answer of a server to our packet */
function decode(bytes: Uint8Array, sent: number, received: number): NtpAnswer {
  if (bytes.length < PACKET_BYTES) throw new SourceError('the NTP answer is too short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = view.getUint8(0);
  if ((first & 7) !== MODE_SERVER) throw new SourceError('invalid mode in the NTP answer');
  const receive = timestamp(view, 32);
  const transmit = timestamp(view, 40);
  if (transmit === 0) throw new SourceError('invalid transmit time in the NTP answer');
  return {
    leap: first >> 6,
    stratum: view.getUint8(1),
    rootDelay: shortTime(view, 4),
    rootDispersion: shortTime(view, 8),
    reference: timestamp(view, 16),
    transmit,
    rtt: Math.max(0, received - sent - (transmit - receive)),
    offset: (receive - sent + (transmit - received)) / 2,
    minError: Math.max(0, sent - receive, transmit - received),
  };
}

async function query(
  context: CollectorContext,
  options: NtpOptions,
  clock: Clock,
): Promise<NtpAnswer> {
  const request = new Uint8Array(PACKET_BYTES);
  request[0] = (options.protocolVersion << 3) | MODE_CLIENT;
  const sent = clock.now() / 1000;
  const start = clock.monotonicMs();
  const bytes = await context.network.exchangeDatagram({
    host: options.server,
    port: options.port,
    bytes: request,
    timeToLive: options.ipTtl,
    timeoutMs: TIMEOUT_MS,
  });
  return decode(bytes, sent, sent + (clock.monotonicMs() - start) / 1000);
}

/** Whether one may set one's clock by this answer. */
function isSane(answer: NtpAnswer, options: NtpOptions): boolean {
  const { leap, stratum, rootDelay, rootDispersion, reference, transmit } = answer;
  const age = transmit - reference;
  const isValid =
    stratum > 0 &&
    stratum < STRATUM_MAX &&
    leap !== LEAP_NOT_SYNCHRONISED &&
    age >= 0 &&
    age <= REFERENCE_AGE_MAX_SECONDS &&
    rootDelay / 2 + rootDispersion <= DISPERSION_MAX_SECONDS;
  const distance = (answer.rtt + rootDelay) / 2 + rootDispersion;
  // While a leap second is due, clocks may be a second apart.
  const tolerance = options.localOffsetToleranceSeconds + (leap === 0 ? 0 : 1);
  return isValid && distance <= options.maxDistanceSeconds && answer.minError <= tolerance;
}

const isLoopback = (address: string): boolean => /^127\.|^::1$/.test(address);

/** @throws Error for options that upstream refuses at the start */
export function ntp(context: CollectorContext): Collector {
  const options = context.options.ntp;
  if (!options.serverIsLocal && !isLoopback(options.server))
    throw new Error('only IP address of local NTP server is valid for --collector.ntp.server');
  if (options.protocolVersion < 2 || options.protocolVersion > 4)
    throw new Error(`invalid NTP protocol version ${options.protocolVersion}; must be 2, 3, or 4`);
  if (options.port < 1 || options.port > 65_535)
    throw new Error(
      `invalid NTP port number ${options.port}; must be between 1 and 65535 inclusive`,
    );
  context.logger.warn(
    'This collector is deprecated and will be removed in the next major version.',
    {
      collector: 'ntp',
    },
  );
  return async (sink) => {
    const answer = await query(context, options, context.clock);
    sink.add(metrics.stratum, answer.stratum);
    sink.add(metrics.leap, answer.leap);
    sink.add(metrics.rtt, answer.rtt);
    sink.add(metrics.offset, answer.offset);
    sink.add(metrics.reference, Math.max(0, answer.reference));
    sink.add(metrics.rootDelay, answer.rootDelay);
    sink.add(metrics.rootDispersion, answer.rootDispersion);
    sink.add(metrics.sanity, isSane(answer, options) ? 1 : 0);
  };
}
