// SPDX-License-Identifier: Apache-2.0
// Services that keep what they are told: issues and topics.

import type { JiraOptions, SnsOptions } from '../alertmanager/index.ts';
import type { IntegrationReader } from './receiver-fields.ts';

const template = (name: string): string => `{{ template "${name}" . }}`;
const apiTypes = ['auto', 'cloud', 'datacenter'] as const;

/** A text, or a mapping of the text and whether updates of an issue write it again. */
function readField(
  reader: IntegrationReader,
  key: string,
  absent: string,
): { text: string; updates: boolean } {
  const value = reader.mapping.getOrNull(key);
  if (value?.isMapping !== true) return { text: reader.text(key, absent), updates: true };
  const field = reader.inner(key, (item) => ({
    text: item.text('template', absent),
    updates: item.mapping.boolean('enable_update') ?? true,
  }));
  return field ?? { text: absent, updates: true };
}

export function readJira(reader: IntegrationReader): JiraOptions {
  const { mapping, globals } = reader;
  const project = reader.text('project');
  const issueType = reader.text('issue_type');
  if (project === '') mapping.fail('missing project in jira_config');
  if (issueType === '') mapping.fail('missing issue_type in jira_config');
  const type = reader.text('api_type', 'auto');
  const apiType = apiTypes.find((each) => each === type);
  if (apiType === undefined)
    mapping
      .get('api_type')
      ?.fail('unknown api_type on jira_config, must be auto, cloud or datacenter');
  const url = reader.url('api_url', globals.jiraApiUrl);
  if (url === '') mapping.fail('no global Jira Cloud URL set');
  const summary = readField(reader, 'summary', template('jira.default.summary'));
  const description = readField(reader, 'description', template('jira.default.description'));
  const fields = mapping.get('fields');
  return {
    type: 'jira',
    ...reader.base(true),
    apiUrl: url.replace(/\/+$/, ''),
    apiType: apiType ?? 'auto',
    texts: {
      project,
      issueType,
      summary: summary.text,
      description: description.text,
      priority: reader.text('priority', template('jira.default.priority')),
      reopenTransition: reader.text('reopen_transition'),
      resolveTransition: reader.text('resolve_transition'),
      wontFixResolution: reader.text('wont_fix_resolution'),
    },
    updates: { summary: summary.updates, description: description.updates },
    labels: reader.texts('labels'),
    reopenDurationMs: reader.duration('reopen_duration'),
    fields: fields === undefined || fields.entries().size === 0 ? {} : fields.toPlain(),
  };
}

const noKeys = {
  region: '',
  accessKey: '',
  secretKey: '',
  profile: '',
  roleArn: '',
  externalId: '',
};

function readSigv4(item: IntegrationReader): SnsOptions['sigv4'] {
  const { mapping } = item;
  const accessKey = item.text('access_key');
  const secretKey = item.text('secret_key');
  const roleArn = item.text('role_arn');
  const externalId = item.text('external_id');
  if ((accessKey === '') !== (secretKey === ''))
    mapping.fail(
      'must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config',
    );
  if (externalId !== '' && roleArn === '')
    mapping.fail('external_id can only be used with role_arn');
  return {
    region: item.text('region'),
    accessKey,
    secretKey,
    profile: item.text('profile'),
    roleArn,
    externalId,
    useFipsEndpoint: item.boolean('use_fips_sts_endpoint'),
  };
}

export function readSns(reader: IntegrationReader): SnsOptions {
  const { mapping } = reader;
  const targets = {
    topicArn: reader.text('topic_arn'),
    phoneNumber: reader.text('phone_number'),
    targetArn: reader.text('target_arn'),
  };
  // As upstream counts: one of them, or all three.
  if (Object.values(targets).filter((each) => each !== '').length % 2 === 0)
    mapping.fail('must provide either a Target ARN, Topic ARN, or Phone Number for SNS config');
  // It chooses between two clients of upstream's; here is one.
  reader.boolean('use_aws_http_client');
  return {
    type: 'sns',
    ...reader.base(true),
    sigv4: reader.inner('sigv4', readSigv4) ?? { ...noKeys, useFipsEndpoint: false },
    texts: {
      apiUrl: reader.text('api_url'),
      ...targets,
      subject: reader.text('subject', template('sns.default.subject')),
      message: reader.text('message', template('sns.default.message')),
    },
    attributes: reader.map('attributes'),
  };
}
