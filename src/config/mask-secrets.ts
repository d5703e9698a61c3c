// SPDX-License-Identifier: Apache-2.0
// A configuration as it may be shown: every value that could be a secret replaced, whatever style of YAML
// it was written in.

import { type Document, isMap, isNode, isPair, isScalar, isSeq, parseDocument, visit } from 'yaml';

/** Keys whose values are secrets wherever they stand. */
const secretKey =
  /(?:^|_)(?:password|secret|token|token_id|credentials|api_key|secret_key|routing_key|service_key|user_key)$|^proxy_connect_header$|^(?:slack_api_url|mattermost_webhook_url|webhook_url|api_url|url|proxy_url)$/;

/** URLs that are no secrets: the services' own, and links in messages. */
const plainUrlParents =
  /^(?:images|links|actions|opsgenie_configs|victorops_configs|wechat_configs|telegram_configs|pagerduty_configs|jira_configs|webex_configs|sns_configs|rocketchat_configs)$/;

/** Secrets by where their key stands: of a certificate, and of a header, whatever its name. */
const isSecretThere = (key: string, parents: readonly string[]): boolean =>
  (key === 'key' && parents.at(-1) === 'tls_config') ||
  (key === 'secrets' && parents.at(-2) === 'http_headers');

const SECRET = '<secret>';

/** The shape stays, as upstream shows it; an anchor too, for aliases elsewhere need it. */
function masked(document: Document, value: unknown): unknown {
  if (isMap(value)) {
    for (const pair of value.items) pair.value = masked(document, pair.value);
    return value;
  }
  if (isSeq(value)) {
    value.items = value.items.map((item) => masked(document, item));
    return value;
  }
  const secret = document.createNode(SECRET);
  if (isNode(value) && 'anchor' in value && value.anchor !== undefined)
    secret.anchor = value.anchor;
  return secret;
}

/** The text with secrets replaced. */
export function maskSecrets(text: string): string {
  const document = parseDocument(text, { uniqueKeys: false });
  visit(document, {
    Pair(_, pair, path) {
      const key = isScalar(pair.key) ? String(pair.key.value) : '';
      const parents = path
        .flatMap((node) => (isPair(node) && isScalar(node.key) ? [String(node.key.value)] : []))
        .filter((parent) => parent !== '<<');
      if (!secretKey.test(key) && !isSecretThere(key, parents)) return;
      const isPlain = /url$/.test(key) && parents.some((parent) => plainUrlParents.test(parent));
      if (!isPlain && pair.value !== null) pair.value = masked(document, pair.value);
    },
  });
  return document.toString({ lineWidth: 0 });
}
