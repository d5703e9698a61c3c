// SPDX-License-Identifier: Apache-2.0
// `client_auth_type` and `client_allowed_sans` of --web.config.file: who gets in with which certificate.

import { spawnSync } from 'node:child_process';
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterAll, describe, expect, test } from 'vitest';
import { alternativeNames } from '../../src/targets/client-certificates.ts';
import { available, built, freePort, Stage } from './program.ts';

const stage = new Stage();
afterAll(() => stage.close());

test('names of certificates as Go shows them', () => {
  const namesOf = (subjectAltName: string | undefined): string[] =>
    alternativeNames({ subjectAltName });
  expect(namesOf(undefined)).toEqual([]);
  expect(
    namesOf(
      'DNS:a.b, IP Address:0:0:0:0:0:0:0:1, IP Address:10.0.0.1, URI:spiffe://x/y, email:m@x',
    ),
  ).toEqual(['a.b', '::1', '10.0.0.1', 'spiffe://x/y', 'm@x']);
  // A name that holds a comma is one name.
  expect(namesOf('DNS:"a, DNS:admin", DirName:"CN=x", DNS:c')).toEqual(['a, DNS:admin', 'c']);
  expect(namesOf('othername:"DNS:admin"')).toEqual([]);
});

describe.runIf(built && available('/usr/bin/openssl'))('client certificates', () => {
  /** Makes `name.pem` and `name-key.pem`, signed by `ca` unless it signs itself. */
  function certify(directory: string, name: string, ...more: string[]): void {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const files = ['-keyout', `${name}-key.pem`, '-out', `${name}.pem`];
    const args = ['req', '-x509', ...key, '-days', '1', '-subj', `/CN=${name}`, ...files, ...more];
    const made = spawnSync('openssl', args, { cwd: directory, encoding: 'utf8' });
    expect(made.status, made.stderr).toBe(0);
  }

  function authority(): string {
    const directory = stage.directory();
    const signed = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem'];
    certify(directory, 'ca');
    certify(directory, 'named', ...signed, '-addext', 'subjectAltName=DNS:good.example,IP:::1');
    certify(directory, 'nameless', ...signed);
    certify(directory, 'stranger', '-addext', 'subjectAltName=DNS:good.example');
    return directory;
  }

  const configText = (directory: string, more: string): string =>
    `tls_server_config: {cert_file: ${directory}/ca.pem, key_file: ${directory}/ca-key.pem, ` +
    `client_ca_file: ${directory}/ca.pem, ${more}}\n`;

  async function start(directory: string, more: string): Promise<{ port: number; file: string }> {
    const port = await freePort();
    const file = join(stage.directory(), 'web.yml');
    writeFileSync(file, configText(directory, more));
    const args = [`--web.listen-address=127.0.0.1:${port}`, `--web.config.file=${file}`];
    await stage.hearth(['node-exporter', ...args]).logs('Listening on');
    return { port, file };
  }

  /** Asks on a connection of its own. @returns whether it was answered, and a session to resume */
  function ask(directory: string, port: number, name?: string, session?: Buffer) {
    const read = (suffix: string): Buffer => readFileSync(join(directory, `${name}${suffix}`));
    const own = name === undefined ? {} : { cert: read('.pem'), key: read('-key.pem') };
    return new Promise<{ in: boolean; session: Buffer | undefined; resumed: boolean }>(
      (resolve) => {
        const options = {
          host: '127.0.0.1',
          port,
          agent: false,
          rejectUnauthorized: false,
          ...own,
        };
        const sent = request({ ...options, ...(session === undefined ? {} : { session }) });
        let kept: Buffer | undefined;
        let resumed = false;
        sent.on('socket', (socket) => {
          socket.on('session', (given: Buffer) => {
            kept = given;
          });
          socket.on('secureConnect', () => {
            resumed = (socket as TLSSocket).isSessionReused();
          });
        });
        sent.on('response', (response) => {
          response.resume();
          response.on('end', () => resolve({ in: true, session: kept, resumed }));
        });
        sent.on('error', () => resolve({ in: false, session: kept, resumed }));
        sent.end();
      },
    );
  }

  async function admitted(directory: string, port: number): Promise<string[]> {
    const found: string[] = [];
    for (const name of [undefined, 'stranger', 'nameless', 'named'])
      if ((await ask(directory, port, name)).in) found.push(name ?? 'none');
    return found;
  }

  test('what each type lets in', async () => {
    const directory = authority();
    const by = async (type: string): Promise<string[]> =>
      admitted(directory, (await start(directory, `client_auth_type: ${type}`)).port);
    const all = ['none', 'stranger', 'nameless', 'named'];
    expect(await by('RequestClientCert')).toEqual(all);
    expect(await by('RequireAnyClientCert')).toEqual(['stranger', 'nameless', 'named']);
    expect(await by('VerifyClientCertIfGiven')).toEqual(['none', 'nameless', 'named']);
    expect(await by('RequireAndVerifyClientCert')).toEqual(['nameless', 'named']);
  });

  test('allowed names, and a changed list counts at once', async () => {
    const directory = authority();
    const type = 'client_auth_type: RequireAndVerifyClientCert, client_allowed_sans:';
    const { port, file } = await start(directory, `${type} [else.example, "::1"]`);
    expect(await admitted(directory, port)).toEqual(['named']);
    // A session carries the certificate that began it.
    const { session } = await ask(directory, port, 'named');
    const resume = () => ask(directory, port, undefined, session);
    expect(await resume()).toMatchObject({ in: true, resumed: true });
    writeFileSync(file, configText(directory, `${type} [else.example]`));
    utimesSync(file, new Date(), new Date(Date.now() + 5000));
    expect(await resume()).toMatchObject({ in: false, resumed: true });
    expect(await admitted(directory, port)).toEqual([]);
  });

  test('allowed names need a type that requires certificates', async () => {
    const directory = authority();
    const file = join(directory, 'web.yml');
    const more = 'client_auth_type: VerifyClientCertIfGiven, client_allowed_sans: [good.example]';
    writeFileSync(file, configText(directory, more));
    const checked = stage.hearth(['promtool', 'check', 'web-config', file]);
    expect(await checked.exit()).toBe(1);
    expect(checked.stderr).toContain('RequireAndVerifyClientCert or RequireAnyClientCert');
  });
});
