// SPDX-License-Identifier: Apache-2.0
// The templates that every configuration starts from, under upstream's names. What they give is compared
// with the real program's notifications.

import { mailTemplate } from './email-template.ts';

/** Text for the firing alerts, then for the resolved ones, each under its heading. */
const bothLists = (list: string, firing: string, resolved: string): string =>
  `{{ if .Alerts.Firing }}${firing}{{ template "${list}" .Alerts.Firing }}{{ end }}` +
  `{{ if .Alerts.Resolved }}${resolved}{{ template "${list}" .Alerts.Resolved }}{{ end }}`;

const common = '{{ .CommonAnnotations.SortedPairs.Values | join " " }}';
const list = '__text_alert_list';
const markdownList = '__text_alert_list_markdown';

/** Common annotations, then the lists under their headings. */
const commonThenLists =
  `${common}\n{{ if .Alerts.Firing }}Alerts Firing:\n{{ template "${list}" .Alerts.Firing }}{{ end }}\n` +
  `{{ if .Alerts.Resolved }}Alerts Resolved:\n{{ template "${list}" .Alerts.Resolved }}{{ end }}`;

/** The lists with room around them. */
const spacedLists =
  `\n{{ if .Alerts.Firing }}\nAlerts Firing:\n{{ template "${list}" .Alerts.Firing }}\n{{ end }}\n` +
  `{{ if .Alerts.Resolved }}\nAlerts Resolved:\n{{ template "${list}" .Alerts.Resolved }}\n{{ end }}\n`;

const pairLines = (what: string, indent: string): string =>
  `{{ range .${what}.SortedPairs }}${indent}- {{ .Name }} = {{ .Value }}\n{{ end }}`;

const markdownSections = bothLists(markdownList, '\n# Alerts Firing:\n', '\n# Alerts Resolved:\n');

const base: Readonly<Record<string, string>> = {
  __alertmanager: 'Alertmanager',
  __alertmanagerURL: '{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}',
  __subject:
    '[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ len .Alerts.Firing }}{{ end }}] ' +
    '{{ .GroupLabels.SortedPairs.Values | join " " }} ' +
    '{{ if gt (len .CommonLabels) (len .GroupLabels) }}' +
    '({{ with .CommonLabels.Remove .GroupLabels.Names }}{{ .Values | join " " }}{{ end }}){{ end }}',
  __description: '',
  [list]: `{{ range . }}Labels:\n${pairLines('Labels', ' ')}Annotations:\n${pairLines('Annotations', ' ')}Source: {{ .GeneratorURL }}\n{{ end }}`,
  [markdownList]: `{{ range . }}\nLabels:\n${pairLines('Labels', '  ')}\nAnnotations:\n${pairLines('Annotations', '  ')}\nSource: {{ .GeneratorURL }}\n{{ end }}`,
};

const slack: Readonly<Record<string, string>> = {
  'slack.default.title': '{{ template "__subject" . }}',
  'slack.default.username': '{{ template "__alertmanager" . }}',
  'slack.default.fallback':
    '{{ template "slack.default.title" . }} | {{ template "slack.default.titlelink" . }}',
  'slack.default.callbackid': '',
  'slack.default.pretext': '',
  'slack.default.titlelink': '{{ template "__alertmanagerURL" . }}',
  'slack.default.iconemoji': '',
  'slack.default.iconurl': '',
  'slack.default.text': '',
  'slack.default.footer': '',
  'slack.default.color': '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}',
};

/** Sets `$p` to the priority of the worst severity. */
const worst = (which: 'Firing' | 'Resolved'): string =>
  `{{ range .Alerts.${which} }}{{ $s := index .Labels "severity" }}` +
  '{{ if eq $s "critical" }}{{ $p = "High" }}' +
  '{{ else if and (eq $s "warning") (ne $p "High") }}{{ $p = "Medium" }}' +
  '{{ else if and (eq $s "info") (eq $p "") }}{{ $p = "Low" }}{{ end }}{{ end }}';

const pagers: Readonly<Record<string, string>> = {
  'pagerduty.default.description': '{{ template "__subject" . }}',
  'pagerduty.default.client': '{{ template "__alertmanager" . }}',
  'pagerduty.default.clientURL': '{{ template "__alertmanagerURL" . }}',
  'pagerduty.default.instances': '{{ template "__text_alert_list" . }}',
  'opsgenie.default.message': '{{ template "__subject" . }}',
  'opsgenie.default.description': commonThenLists,
  'opsgenie.default.source': '{{ template "__alertmanagerURL" . }}',
  'victorops.default.state_message': commonThenLists,
  'victorops.default.entity_display_name': '{{ template "__subject" . }}',
  'victorops.default.monitoring_tool': '{{ template "__alertmanager" . }}',
  'jira.default.summary': '{{ template "__subject" . }}',
  'jira.default.description': markdownSections,
  'jira.default.priority': `{{ $p := "" }}${worst('Firing')}{{ if eq $p "" }}${worst('Resolved')}{{ end }}{{ $p }}`,
};

const messages: Readonly<Record<string, string>> = {
  'wechat.default.message': `{{ template "__subject" . }}\n${commonThenLists}\nAlertmanagerUrl:\n{{ template "__alertmanagerURL" . }}`,
  'wechat.default.to_user': '',
  'wechat.default.to_party': '',
  'wechat.default.to_tag': '',
  'wechat.default.agent_id': '',
  'pushover.default.title': '{{ template "__subject" . }}',
  'pushover.default.message': common + spacedLists,
  'pushover.default.url': '{{ template "__alertmanagerURL" . }}',
  'sns.default.subject': '{{ template "__subject" . }}',
  'sns.default.message': common + spacedLists,
  'telegram.default.message': spacedLists,
  'webex.default.message': common + spacedLists,
};

const chats: Readonly<Record<string, string>> = {
  'discord.default.content': '',
  'discord.default.title': '{{ template "__subject" . }}',
  'discord.default.message': spacedLists,
  'msteams.default.summary': '{{ template "__subject" . }}',
  'msteams.default.title': '{{ template "__subject" . }}',
  'msteams.default.text': markdownSections,
  'msteamsv2.default.title': '{{ template "__subject" . }}',
  'msteamsv2.default.text': markdownSections,
  'rocketchat.default.title': '{{ template "__subject" . }}',
  'rocketchat.default.alias': '{{ template "__alertmanager" . }}',
  'rocketchat.default.titlelink': '{{ template "__alertmanagerURL" . }}',
  'rocketchat.default.emoji': '',
  'rocketchat.default.iconurl': '',
  'rocketchat.default.text': '',
  'mattermost.default.color': '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}',
  'mattermost.default.username': '{{ template "__alertmanager" . }}',
  'mattermost.default.title': '{{ template "__subject" . }}',
  'mattermost.default.titlelink': '{{ template "__alertmanagerURL" . }}',
  'mattermost.default.fallback':
    '{{ template "mattermost.default.title" . }} | {{ template "mattermost.default.titlelink" . }}',
  'mattermost.default.text': markdownSections,
};

const mail: Readonly<Record<string, string>> = {
  'email.default.subject': '{{ template "__subject" . }}',
  'email.default.html': mailTemplate,
};

/** All of them as one text of definitions. */
export const defaultTemplates: string = Object.entries({
  ...base,
  ...slack,
  ...pagers,
  ...messages,
  ...chats,
  ...mail,
})
  .map(([name, text]) => `{{ define "${name}" }}${text}{{ end }}`)
  .join('\n');
