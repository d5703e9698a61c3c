// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { maskSecrets } from './mask-secrets.ts';

test('secrets of HTTP clients and receivers are hidden, what stands beside them is not', () => {
  const shown = maskSecrets(`global:
  rocketchat_token_id: LEAK
  http_config:
    proxy_connect_header: {X-A: [LEAK, LEAK]}
    http_headers: {secrets: {values: [plain], secrets: [LEAK]}}
    tls_config: {cert: plain, key: LEAK}
    oauth2: {client_id: plain, client_secret: LEAK, tls_config: {<<: {key: LEAK}}, proxy_connect_header: {B: [LEAK]}}
receivers:
- name: plain
  webhook_configs: [{url: http://LEAK, http_config: {basic_auth: {username: plain, password: LEAK}}}]
  rocketchat_configs: [{token: LEAK, token_id: LEAK}]
`);
  expect(shown).not.toContain('LEAK');
  expect(shown.match(/plain/g)).toHaveLength(5);
  expect(parse(shown).global.http_config.proxy_connect_header).toEqual({
    'X-A': ['<secret>', '<secret>'],
  });
  expect(parse(shown).global.http_config.http_headers).toEqual({
    secrets: { values: ['plain'], secrets: ['<secret>'] },
  });
});

test('keys of those names elsewhere are no secrets', () => {
  const text = 'route:\n  labels: { key: a, secrets: b }\n';
  expect(maskSecrets(text)).toBe(text);
});

test('a secret that is named elsewhere is hidden there too', () => {
  const shown = maskSecrets('a: { password: &p LEAK, username: *p, secrets: *p }\n');
  expect(parse(shown).a).toEqual({
    password: '<secret>',
    username: '<secret>',
    secrets: '<secret>',
  });
});
