// SPDX-License-Identifier: Apache-2.0
// TLS, users and headers of --web.config.file, on the smallest target that has the flag.

import { spawnSync } from 'node:child_process';
import { utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { afterAll, describe, expect, test } from 'vitest';
import { available, built, eventually, freePort, Stage } from './program.ts';

const stage = new Stage();
afterAll(() => stage.close());

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

async function startExporter(webConfig: string): Promise<{ address: string; file: string }> {
  const file = join(stage.directory(), 'web.yml');
  writeFileSync(file, webConfig);
  const address = `127.0.0.1:${await freePort()}`;
  const program = stage.hearth([
    'node-exporter',
    `--web.listen-address=${address}`,
    `--web.config.file=${file}`,
  ]);
  await program.logs('Listening on');
  return { address, file };
}

const users = (password: string): string =>
  `basic_auth_users:\n  ann: ${hashSync(password, 4)}\nhttp_server_config:\n  headers: {X-Frame-Options: deny}\n`;

describe.runIf(built)('--web.config.file', () => {
  test('users get in, others do not, and a changed file counts at once', async () => {
    const { address, file } = await startExporter(users('secret'));
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`http://${address}/`, { headers })).status;
    const refused = await fetch(`http://${address}/metrics`);
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Basic']);
    const allowed = await fetch(`http://${address}/`, { headers: basic('ann', 'secret') });
    expect([allowed.status, allowed.headers.get('x-frame-options')]).toEqual([200, 'deny']);
    expect(await status(basic('ann', 'wrong'))).toBe(401);
    expect(await status(basic('bob', 'secret'))).toBe(401);
    expect(await status(basic('__proto__', 'nobody'))).toBe(401);
    writeFileSync(file, users('changed'));
    utimesSync(file, new Date(), new Date(Date.now() + 5000));
    expect(await status(basic('ann', 'secret'))).toBe(401);
    expect(await status(basic('ann', 'changed'))).toBe(200);
    // A broken file leaves the last good one in place.
    writeFileSync(file, 'nonsense: true\n');
    utimesSync(file, new Date(), new Date(Date.now() + 9000));
    expect(await status(basic('ann', 'changed'))).toBe(200);
  });

  test('a file that says nothing sensible keeps the program from starting', async () => {
    const directory = stage.directory();
    writeFileSync(join(directory, 'web.yml'), 'tls_server_config:\n  cert_fil: x\n');
    const program = stage.hearth([
      'node-exporter',
      '--web.listen-address=127.0.0.1:0',
      `--web.config.file=${directory}/web.yml`,
    ]);
    expect(await program.exit()).toBe(1);
    expect(program.stderr).toMatch(/web\.yml.*cert_fil/);
  });
});

describe.runIf(built && available('/usr/bin/openssl'))('TLS', () => {
  test('serves with the certificate of the file', async () => {
    const directory = stage.directory();
    const made = spawnSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
        '-subj',
        '/CN=localhost',
        '-keyout',
        'key.pem',
        '-out',
        'cert.pem',
      ],
      { cwd: directory },
    );
    expect(made.status).toBe(0);
    const config = `tls_server_config: {cert_file: ${directory}/cert.pem, key_file: ${directory}/key.pem}\n`;
    const { address } = await startExporter(config);
    const [host, port] = address.split(':');
    const protocol = await eventually('it answers', () => {
      return new Promise<string | undefined>((resolve) => {
        const sent = request({ host, port, path: '/', rejectUnauthorized: false }, (response) => {
          const socket = response.socket as { getProtocol?: () => string | null };
          resolve(`${response.statusCode} ${socket.getProtocol?.()}`);
          response.resume();
        });
        sent.on('error', () => resolve(undefined));
        sent.end();
      });
    });
    expect(protocol).toBe('200 TLSv1.3');
  });
});
