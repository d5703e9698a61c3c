// SPDX-License-Identifier: Apache-2.0
// A configuration as it may be shown: every value that could be a secret replaced, whatever style of YAML
// it was written in.

import { isPair, isScalar, parseDocument, visit } from 'yaml';

/** Keys whose values are secrets wherever they stand. */
const secretKey =
  /(?:^|_)(?:password|secret|token|credentials|api_key|secret_key|routing_key|service_key|user_key)$|^(?:slack_api_url|mattermost_webhook_url|webhook_url|api_url|url|proxy_url)$/;

/** URLs that are no secrets: the services' own, and links in messages. */
const plainUrlParents =
  /^(?:images|links|actions|opsgenie_configs|victorops_configs|wechat_configs|telegram_configs|pagerduty_configs|jira_configs|webex_configs|sns_configs|rocketchat_configs)$/;

const SECRET = '<secret>';

/** The text with secrets replaced. */
export function maskSecrets(text: string): string {
  const document = parseDocument(text, { uniqueKeys: false });
  visit(document, {
    Pair(_, pair, path) {
      const key = isScalar(pair.key) ? String(pair.key.value) : '';
      if (!secretKey.test(key)) return;
      const parents = path.flatMap((node) =>
        isPair(node) && isScalar(node.key) ? [String(node.key.value)] : [],
      );
      const isPlain = /url$/.test(key) && parents.some((parent) => plainUrlParents.test(parent));
      if (!isPlain && pair.value !== null) pair.value = document.createNode(SECRET);
    },
  });
  return document.toString({ lineWidth: 0 });
}
