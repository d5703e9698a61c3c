// SPDX-License-Identifier: Apache-2.0

import type { EmailOptions } from '../alertmanager/index.ts';
import { quote } from '../model/index.ts';
import type { IntegrationReader } from './receiver-fields.ts';
import { readHostPort, readTlsSection } from './receiver-fields.ts';

/** `content-type` → `Content-Type`. */
const canonical = (name: string): string =>
  name.toLowerCase().replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());

function readHeaders(reader: IntegrationReader): Record<string, string> {
  const headers: Record<string, string> = {};
  const value = reader.mapping.get('headers');
  for (const [name, text] of value?.textEntries() ?? []) {
    const key = canonical(name);
    if (headers[key] !== undefined) value?.fail(`duplicate header ${quote(key)} in email config`);
    headers[key] = text;
  }
  return headers;
}

function readThreading(reader: IntegrationReader): EmailOptions['threadBy'] {
  return reader.inner('threading', (threading) => {
    const enabled = threading.boolean('enabled');
    const by = threading.text('thread_by_date');
    if (!enabled) return undefined;
    if (by !== 'daily' && by !== 'none')
      threading.mapping.fail("threading.thread_by_date must be either 'none' or 'daily'");
    return by === 'daily' ? 'daily' : 'none';
  });
}

export function readEmail(reader: IntegrationReader): EmailOptions {
  const { mapping, globals } = reader;
  const { smtp } = globals;
  const to = reader.text('to');
  if (to === '') mapping.fail('missing to address in email config');
  const from = reader.text('from', smtp.from);
  if (from === '') mapping.fail('no global SMTP from set');
  const smarthost = readHostPort(mapping, 'smarthost', smtp.smarthost);
  if (smarthost === '') mapping.fail('no global SMTP smarthost set');
  reader.text('auth_identity');
  const own = readHeaders(reader);
  const threadBy = readThreading(reader);
  if (threadBy !== undefined && ('References' in own || 'In-Reply-To' in own))
    mapping.fail(
      'conflicting configuration: threading.enabled conflicts with custom In-Reply-To or References headers',
    );
  return {
    type: 'email',
    ...reader.base(false),
    to,
    from,
    hello: reader.text('hello', smtp.hello),
    smarthost,
    username: reader.text('auth_username', smtp.username),
    password: reader.secret('auth_password') ?? smtp.password,
    secret: reader.secret('auth_secret') ?? smtp.secret,
    headers: { Subject: '{{ template "email.default.subject" . }}', To: to, From: from, ...own },
    html: reader.text('html', '{{ template "email.default.html" . }}'),
    text: reader.text('text'),
    requireTls: mapping.boolean('require_tls') ?? smtp.requireTls,
    tls: readTlsSection(mapping, 'tls_config', globals.directory) ?? smtp.tls,
    implicitTls: mapping.boolean('force_implicit_tls') ?? smtp.implicitTls,
    threadBy,
  };
}
