// SPDX-License-Identifier: Apache-2.0
// Collectors that ask other programs: systemd and logind over D-Bus, supervisord, an NTP server.

import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CollectorOptions } from '../../src/node-exporter/index.ts';
import { DbusConnection } from '../../src/node-exporter/dbus.ts';
import { createNetwork } from '../../src/platform/index.ts';
import { newExporter, scrape } from './exporter-under-test.ts';
import type { BusCall } from './fake-bus.ts';
import { busRows, busVariant, startBus } from './fake-bus.ts';
import { testDirectory } from './fixture-root.ts';

async function samplesOf(
  collector: string,
  options: (defaults: CollectorOptions) => CollectorOptions,
): Promise<string[]> {
  const exporter = newExporter({ only: [collector], withoutOwnMetrics: true, options });
  return (await scrape(exporter)).page
    .split('\n')
    .filter((line) => line.startsWith('node_') && !/_(build_info|duration_seconds)/.test(line));
}

const unitRows = [
  ['ssh.service', 'SSH', 'loaded', 'active', 'running', '', '/u/ssh', 0, '', '/'],
  ['broken.service', 'Broken', 'loaded', 'failed', 'failed', '', '/u/broken', 0, '', '/'],
  ['gone.service', 'Gone', 'not-found', 'inactive', 'dead', '', '/u/gone', 0, '', '/'],
  ['daily.timer', 'Daily', 'loaded', 'active', 'waiting', '', '/u/daily', 0, '', '/'],
  ['api.socket', 'API', 'loaded', 'active', 'listening', '', '/u/api', 0, '', '/'],
  ['home.mount', 'Home', 'loaded', 'active', 'mounted', '', '/u/home', 0, '', '/'],
];
const properties: Readonly<Record<string, ReturnType<typeof busVariant>>> = {
  '/org/freedesktop/systemd1 Version': busVariant('s', '252.38-1~deb12u1'),
  '/org/freedesktop/systemd1 Virtualization': busVariant('s', 'kvm'),
  '/org/freedesktop/systemd1 SystemState': busVariant('s', 'degraded'),
  '/u/ssh Type': busVariant('s', 'notify'),
  '/u/ssh NRestarts': busVariant('u', 3),
  '/u/ssh TasksCurrent': busVariant('t', 7),
  '/u/ssh TasksMax': busVariant('t', 4915),
  '/u/ssh ActiveEnterTimestamp': busVariant('t', 1_700_000_000_500_000),
  '/u/daily LastTriggerUSec': busVariant('t', 1_700_000_123_000_000),
  '/u/api NAccepted': busVariant('u', 12),
  '/u/api NConnections': busVariant('u', 2),
};

const systemdAnswer = (call: BusCall) =>
  call.member === 'ListUnits'
    ? busRows('a(ssssssouso)', unitRows)
    : properties[`${call.path} ${call.parameters[1]}`];

test('systemd: units, timers, sockets, tasks, restarts', async () => {
  const bus = await startBus(systemdAnswer);
  try {
    const samples = await samplesOf('systemd', (defaults) => ({
      ...defaults,
      systemBusPath: bus.path,
      systemd: { ...defaults.systemd, tasks: true, restarts: true, startTime: true },
    }));
    expect(samples).toContain('node_scrape_collector_success{collector="systemd"} 1');
    expect(samples).toContain('node_systemd_version{version="252.38-1~deb12u1"} 252.38');
    expect(samples).toContain('node_systemd_virtualization_info{virtualization_type="kvm"} 1');
    expect(samples).toContain('node_systemd_system_running 0');
    expect(samples).toContain('node_systemd_units{state="active"} 4');
    expect(samples).toContain('node_systemd_units{state="inactive"} 1');
    expect(samples.filter((line) => line.includes('"ssh.service"'))).toEqual([
      'node_systemd_service_restart_total{name="ssh.service"} 3',
      'node_systemd_unit_start_time_seconds{name="ssh.service"} 1.7000000005e+09',
      'node_systemd_unit_state{name="ssh.service",state="activating",type="notify"} 0',
      'node_systemd_unit_state{name="ssh.service",state="active",type="notify"} 1',
      'node_systemd_unit_state{name="ssh.service",state="deactivating",type="notify"} 0',
      'node_systemd_unit_state{name="ssh.service",state="failed",type="notify"} 0',
      'node_systemd_unit_state{name="ssh.service",state="inactive",type="notify"} 0',
      'node_systemd_unit_tasks_current{name="ssh.service"} 7',
      'node_systemd_unit_tasks_max{name="ssh.service"} 4915',
    ]);
    expect(samples).toContain(
      'node_systemd_unit_state{name="broken.service",state="failed",type=""} 1',
    );
    expect(samples).toContain(
      'node_systemd_timer_last_trigger_seconds{name="daily.timer"} 1.700000123e+09',
    );
    expect(samples.filter((line) => line.startsWith('node_systemd_socket'))).toEqual([
      'node_systemd_socket_accepted_connections_total{name="api.socket"} 12',
      'node_systemd_socket_current_connections{name="api.socket"} 2',
    ]);
    // Not loaded, or of a kind that the default leaves out.
    expect(samples.join('\n')).not.toMatch(/gone\.service|home\.mount/);
  } finally {
    await bus.close();
  }
});

test('logind: sessions by seat, kind and origin', async () => {
  const sessions: Readonly<Record<string, readonly ReturnType<typeof busVariant>[]>> = {
    '/s/1': [busVariant('b', 0), busVariant('s', 'wayland'), busVariant('s', 'user')],
    '/s/2': [busVariant('b', 1), busVariant('s', 'tty'), busVariant('s', 'user')],
    '/s/3': [busVariant('b', 1), busVariant('s', 'tty'), busVariant('s', 'something-new')],
  };
  const bus = await startBus(({ path, member, parameters }) => {
    if (member === 'ListSeats') return busRows('a(so)', [['seat0', '/seat0']]);
    if (member === 'ListSessions')
      return busRows('a(susso)', [
        ['1', 1000, 'ann', 'seat0', '/s/1'],
        ['2', 1001, 'bob', '', '/s/2'],
        ['3', 1002, 'eve', '', '/s/3'],
        ['4', 1003, 'left', '', '/s/4'],
      ]);
    return sessions[path]?.[['Remote', 'Type', 'Class'].indexOf(parameters[1] ?? '')];
  });
  try {
    const samples = await samplesOf('logind', (defaults) => ({
      ...defaults,
      systemBusPath: bus.path,
    }));
    const own = samples.filter((line) => line.startsWith('node_logind_sessions'));
    expect(own).toHaveLength(2 * 7 * 5 * 2);
    expect(own.filter((line) => !line.endsWith(' 0'))).toEqual([
      'node_logind_sessions{class="other",remote="true",seat="",type="tty"} 1',
      'node_logind_sessions{class="user",remote="false",seat="seat0",type="wayland"} 1',
      'node_logind_sessions{class="user",remote="true",seat="",type="tty"} 1',
    ]);
  } finally {
    await bus.close();
  }
});

const daemon = '/usr/bin/dbus-daemon';
test.skipIf(!existsSync(daemon))('the real D-Bus daemon answers us', async () => {
  const folder = testDirectory();
  const path = join(folder, 'socket');
  writeFileSync(
    join(folder, 'bus.conf'),
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
     "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
     <busconfig><type>session</type><listen>unix:path=${path}</listen><auth>EXTERNAL</auth>
     <policy context="default"><allow send_destination="*" eavesdrop="true"/>
     <allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`,
  );
  const child = spawn(
    daemon,
    [`--config-file=${join(folder, 'bus.conf')}`, '--nofork', '--print-address'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const bus = await DbusConnection.open(createNetwork(), path, process.getuid!(), true);
    const name = 'org.freedesktop.DBus';
    const [names] = await bus.call(name, '/org/freedesktop/DBus', name, 'ListNames');
    expect(names).toContain(name);
    const [credentials] = await bus.call(
      ...[name, '/org/freedesktop/DBus', name, 'GetConnectionCredentials', name],
    );
    expect(credentials).toContainEqual(['ProcessID', child.pid]);
    await expect(bus.call('org.nowhere', '/', 'a.b', 'C')).rejects.toThrow(
      'org.freedesktop.DBus.Error.ServiceUnknown',
    );
    bus.close();
    await expect(bus.property(name, '/', name, 'Features')).rejects.toThrow();
  } finally {
    child.kill();
  }
});

test('supervisord: processes from its XML', async () => {
  const member = (name: string, value: string): string =>
    `<member>\n<name>${name}</name>\n<value>${value}</value>\n</member>`;
  const process = (name: string, state: number): string =>
    `<value><struct>${member('name', `<string>${name}</string>`)}${member('group', '<string>web &amp; co</string>')}${member('state', `<int>${state}</int>`)}${member('exitstatus', '<int>1</int>')}${member('start', '<int>1700000000</int>')}${member('spawnerr', '<string></string>')}</struct></value>`;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      expect(body).toContain('<methodName>supervisor.getAllProcessInfo</methodName>');
      response.end(
        `<?xml version='1.0'?>\n<methodResponse><params><param><value><array><data>${process('up', 20)}${process('down', 100)}</data></array></value></param></params></methodResponse>`,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  try {
    const samples = await samplesOf('supervisord', (defaults) => ({
      ...defaults,
      supervisordUrl: `http://127.0.0.1:${port}/RPC2`,
    }));
    expect(samples).toEqual([
      'node_scrape_collector_success{collector="supervisord"} 1',
      'node_supervisord_exit_status{group="web & co",name="down"} 1',
      'node_supervisord_exit_status{group="web & co",name="up"} 1',
      'node_supervisord_start_time_seconds{group="web & co",name="up"} 1.7e+09',
      'node_supervisord_state{group="web & co",name="down"} 100',
      'node_supervisord_state{group="web & co",name="up"} 20',
      'node_supervisord_up{group="web & co",name="down"} 0',
      'node_supervisord_up{group="web & co",name="up"} 1',
    ]);
  } finally {
    server.close();
  }
});

test('ntp: the answer of a server, and no answer', async () => {
  const server = createSocket('udp4');
  server.on('message', (request, from) => {
    expect(request[0]).toBe((4 << 3) | 3);
    const answer = Buffer.alloc(48);
    answer[0] = (4 << 3) | 4;
    answer[1] = 2;
    answer.writeUInt32BE(0x8000, 4);
    answer.writeUInt32BE(0x4000, 8);
    const now = Math.floor(Date.now() / 1000) + 2_208_988_800;
    answer.writeUInt32BE(now - 60, 16);
    answer.writeUInt32BE(now, 32);
    answer.writeUInt32BE(now, 40);
    server.send(answer, from.port, from.address);
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  const port = server.address().port;
  const options = (defaults: CollectorOptions) => ({
    ...defaults,
    ntp: { ...defaults.ntp, port, localOffsetToleranceSeconds: 2 },
  });
  const samples = await samplesOf('ntp', options);
  expect(samples).toContain('node_ntp_stratum 2');
  expect(samples).toContain('node_ntp_leap 0');
  expect(samples).toContain('node_ntp_root_delay_seconds 0.5');
  expect(samples).toContain('node_ntp_root_dispersion_seconds 0.25');
  expect(samples).toContain('node_ntp_sanity 1');
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  await closed;
  expect(await samplesOf('ntp', options)).toEqual([
    'node_scrape_collector_success{collector="ntp"} 0',
  ]);
});

test('ntp: only a local server', () => {
  const ntp = { server: '192.0.2.1' };
  expect(() =>
    newExporter({
      only: ['ntp'],
      options: (defaults) => ({ ...defaults, ntp: { ...defaults.ntp, ...ntp } }),
    }),
  ).toThrow('only IP address of local NTP server is valid');
});
