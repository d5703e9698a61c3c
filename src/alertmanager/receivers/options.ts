// SPDX-License-Identifier: Apache-2.0
// What the configuration says of each way of telling people. Texts are Go templates unless said
// otherwise; '' where nothing was said and there is no default.

import type { HttpClientOptions, SecretSource, TlsOptions } from '../../base/index.ts';

/** What every integration has. */
export interface IntegrationBase {
  readonly sendResolved: boolean;
  readonly httpClient: HttpClientOptions;
}

export interface WebhookOptions extends IntegrationBase {
  readonly type: 'webhook';
  readonly url: SecretSource;
  /** 0 = all. */
  readonly maxAlerts: number;
  /** 0 = only the flush's own. */
  readonly timeoutMs: number;
  /** Replaces the default body: every text in it is a template. */
  readonly payload: unknown;
}

export interface EmailOptions extends IntegrationBase {
  readonly type: 'email';
  readonly to: string;
  readonly from: string;
  /** Plain text. */
  readonly hello: string;
  /** `host:port`, plain text. */
  readonly smarthost: string;
  readonly username: string;
  readonly password: SecretSource | undefined;
  /** For CRAM-MD5. */
  readonly secret: SecretSource | undefined;
  /** In order, names in canonical form; Subject, To and From are always there. */
  readonly headers: Readonly<Record<string, string>>;
  readonly html: string;
  readonly text: string;
  readonly requireTls: boolean;
  readonly tls: TlsOptions | undefined;
  /** Undefined: only on port 465. */
  readonly implicitTls: boolean | undefined;
  readonly threadBy: 'none' | 'daily' | undefined;
}

export interface AttachmentField {
  readonly title: string;
  readonly value: string;
  readonly short: boolean | undefined;
}

export interface SlackAction {
  readonly type: string;
  readonly text: string;
  readonly url: string;
  readonly style: string;
  readonly name: string;
  readonly value: string;
  readonly confirm:
    | {
        readonly text: string;
        readonly title: string;
        readonly okText: string;
        readonly dismissText: string;
      }
    | undefined;
}

export interface SlackOptions extends IntegrationBase {
  readonly type: 'slack';
  readonly apiUrl: SecretSource;
  readonly appToken: SecretSource | undefined;
  readonly texts: Readonly<
    Record<
      | 'channel'
      | 'username'
      | 'color'
      | 'title'
      | 'titleLink'
      | 'pretext'
      | 'text'
      | 'messageText'
      | 'footer'
      | 'fallback'
      | 'callbackId'
      | 'iconEmoji'
      | 'iconUrl'
      | 'imageUrl'
      | 'thumbUrl',
      string
    >
  >;
  readonly fields: readonly AttachmentField[];
  readonly actions: readonly SlackAction[];
  readonly shortFields: boolean;
  readonly linkNames: boolean;
  readonly markdownIn: readonly string[];
  readonly updateMessage: boolean;
  readonly timeoutMs: number;
}

export interface PagerdutyOptions extends IntegrationBase {
  readonly type: 'pagerduty';
  /** Events API v2; undefined: v1 with `serviceKey`. */
  readonly routingKey: SecretSource | undefined;
  readonly serviceKey: SecretSource | undefined;
  readonly url: string;
  readonly texts: Readonly<
    Record<
      | 'client'
      | 'clientUrl'
      | 'description'
      | 'severity'
      | 'class'
      | 'component'
      | 'group'
      | 'source',
      string
    >
  >;
  readonly details: Readonly<Record<string, string>>;
  readonly images: readonly Readonly<Record<'src' | 'alt' | 'href', string>>[];
  readonly links: readonly Readonly<Record<'href' | 'text', string>>[];
  readonly timeoutMs: number;
}

export interface OpsgenieOptions extends IntegrationBase {
  readonly type: 'opsgenie';
  readonly apiKey: SecretSource;
  readonly apiUrl: string;
  readonly texts: Readonly<
    Record<
      'message' | 'description' | 'source' | 'entity' | 'actions' | 'tags' | 'note' | 'priority',
      string
    >
  >;
  readonly details: Readonly<Record<string, string>>;
  readonly responders: readonly Readonly<Record<'id' | 'name' | 'username' | 'type', string>>[];
  readonly updateAlerts: boolean;
}

export interface VictoropsOptions extends IntegrationBase {
  readonly type: 'victorops';
  readonly apiKey: SecretSource;
  readonly apiUrl: string;
  readonly texts: Readonly<
    Record<
      'routingKey' | 'messageType' | 'stateMessage' | 'entityDisplayName' | 'monitoringTool',
      string
    >
  >;
  readonly customFields: Readonly<Record<string, string>>;
}

export interface TelegramOptions extends IntegrationBase {
  readonly type: 'telegram';
  readonly apiUrl: string;
  readonly botToken: SecretSource;
  /** A number, as text. */
  readonly chatId: SecretSource;
  readonly messageThreadId: number;
  readonly message: string;
  readonly disableNotifications: boolean;
  readonly parseMode: 'HTML' | 'Markdown' | 'MarkdownV2' | '';
}

export interface PushoverOptions extends IntegrationBase {
  readonly type: 'pushover';
  readonly userKey: SecretSource;
  readonly token: SecretSource;
  readonly texts: Readonly<
    Record<'title' | 'message' | 'url' | 'urlTitle' | 'device' | 'sound' | 'priority', string>
  >;
  readonly retryMs: number;
  readonly expireMs: number;
  readonly ttlMs: number;
  readonly html: boolean;
  readonly monospace: boolean;
}

export interface WechatOptions extends IntegrationBase {
  readonly type: 'wechat';
  readonly apiUrl: string;
  readonly apiSecret: SecretSource;
  readonly messageType: 'text' | 'markdown';
  readonly texts: Readonly<
    Record<'corpId' | 'message' | 'toUser' | 'toParty' | 'toTag' | 'agentId', string>
  >;
}

/** Chats that take a title and a text at one URL. */
export interface ChatOptions extends IntegrationBase {
  readonly type: 'discord' | 'msteams' | 'msteamsv2' | 'webex';
  readonly url: SecretSource;
  readonly texts: Readonly<
    Record<'title' | 'summary' | 'text' | 'content' | 'username' | 'avatarUrl' | 'roomId', string>
  >;
}

export interface IncidentioOptions extends IntegrationBase {
  readonly type: 'incidentio';
  readonly url: SecretSource;
  readonly token: SecretSource | undefined;
  readonly maxAlerts: number;
  readonly timeoutMs: number;
}

export interface RocketchatOptions extends IntegrationBase {
  readonly type: 'rocketchat';
  readonly apiUrl: string;
  readonly token: SecretSource;
  readonly tokenId: SecretSource;
  readonly texts: Readonly<
    Record<
      | 'channel'
      | 'alias'
      | 'color'
      | 'title'
      | 'titleLink'
      | 'text'
      | 'emoji'
      | 'iconUrl'
      | 'imageUrl'
      | 'thumbUrl',
      string
    >
  >;
  readonly fields: readonly AttachmentField[];
  readonly shortFields: boolean;
  readonly actions: readonly Readonly<Record<'text' | 'url' | 'msg', string>>[];
  readonly linkNames: boolean;
}

export interface MattermostOptions extends IntegrationBase {
  readonly type: 'mattermost';
  readonly url: SecretSource;
  readonly texts: Readonly<
    Record<
      | 'channel'
      | 'username'
      | 'text'
      | 'fallback'
      | 'color'
      | 'pretext'
      | 'authorName'
      | 'authorLink'
      | 'authorIcon'
      | 'title'
      | 'titleLink'
      | 'thumbUrl'
      | 'footer'
      | 'footerIcon'
      | 'imageUrl'
      | 'iconUrl'
      | 'iconEmoji'
      | 'type'
      | 'card',
      string
    >
  >;
  readonly fields: readonly AttachmentField[];
  readonly priority:
    | {
        readonly priority: string;
        readonly requestedAck: boolean;
        readonly persistentNotifications: boolean;
      }
    | undefined;
}

export interface JiraOptions extends IntegrationBase {
  readonly type: 'jira';
  /** Without a slash at the end: `https://…/rest/api/2`. */
  readonly apiUrl: string;
  /** Which search there is; `auto`: by the host. */
  readonly apiType: 'auto' | 'cloud' | 'datacenter';
  /** Transitions and the resolution are plain text. */
  readonly texts: Readonly<
    Record<
      | 'project'
      | 'issueType'
      | 'summary'
      | 'description'
      | 'priority'
      | 'reopenTransition'
      | 'resolveTransition'
      | 'wontFixResolution',
      string
    >
  >;
  /** Whether an update of an issue writes these again. */
  readonly updates: Readonly<Record<'summary' | 'description', boolean>>;
  readonly labels: readonly string[];
  /** How long after its end an issue is opened again rather than a new one made; 0 = never. */
  readonly reopenDurationMs: number;
  /** Further fields of the issue, every text in them a template. */
  readonly fields: unknown;
}

export interface SnsOptions extends IntegrationBase {
  readonly type: 'sns';
  /** Plain text; '' = from the environment. */
  readonly sigv4: Readonly<
    Record<'region' | 'accessKey' | 'secretKey' | 'roleArn' | 'externalId', string>
  > & {
    readonly useFipsEndpoint: boolean;
    /** Of the shared files in ~/.aws. */
    readonly profile?: string;
  };
  readonly texts: Readonly<
    Record<'apiUrl' | 'topicArn' | 'phoneNumber' | 'targetArn' | 'subject' | 'message', string>
  >;
  /** Names are templates too. */
  readonly attributes: Readonly<Record<string, string>>;
}

export type IntegrationOptions =
  | WebhookOptions
  | EmailOptions
  | SlackOptions
  | PagerdutyOptions
  | OpsgenieOptions
  | VictoropsOptions
  | TelegramOptions
  | PushoverOptions
  | WechatOptions
  | ChatOptions
  | IncidentioOptions
  | RocketchatOptions
  | MattermostOptions
  | JiraOptions
  | SnsOptions;

export interface ReceiverOptions {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly integrations: readonly IntegrationOptions[];
}
