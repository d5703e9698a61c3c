// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { createNodeFileSystem } from '../platform/index.ts';
import { parseConfig } from './index.ts';

const read = (entry: string) =>
  parseConfig(`alerting: {alertmanagers: [{static_configs: [{targets: ["a:1"]}], ${entry}}]}`, {
    fileName: 'p.yml',
    files: createNodeFileSystem(),
    environment: {},
  });

test('sigv4 of an Alertmanager', () => {
  const { alerting, notYetSupported } = read(
    'sigv4: {region: r, access_key: a, secret_key: s, role_arn: x, external_id: e, use_fips_sts_endpoint: true}',
  );
  expect(notYetSupported).toEqual([]);
  expect(alerting.alertmanagers[0]?.alertmanager.sigv4).toEqual({
    region: 'r',
    accessKey: 'a',
    secretKey: 's',
    roleArn: 'x',
    externalId: 'e',
    useFipsEndpoint: true,
  });
  expect(read('scheme: https').alerting.alertmanagers[0]?.alertmanager.sigv4).toBeUndefined();
});

const refuses = (entry: string, message: string): void =>
  test(`${entry} is refused`, () => expect(() => read(entry)).toThrow(message));

refuses('sigv4: {access_key: a}', 'must provide a AWS SigV4 Access key and Secret Key');
refuses('sigv4: {external_id: a}', 'external_id can only be used with role_arn');
refuses('sigv4: {profile: a}', 'profiles of shared AWS files are not read');
refuses('sigv4: {zone: a}', 'zone');
refuses(
  'sigv4: {region: r}, basic_auth: {username: a}',
  'at most one of basic_auth, authorization, oauth2, & sigv4 must be configured',
);
