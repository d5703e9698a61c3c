// SPDX-License-Identifier: Apache-2.0
// What integrations share: templates, clients, secrets.

import type {
  Clock,
  HttpClient,
  HttpClientOptions,
  MailSender,
  SecretSource,
} from '../../base/index.ts';
import { alertFunctions, TemplateError, type TemplateSet } from '../../template/index.ts';
import type { Notification, NotifyOutcome } from '../notify/integration.ts';
import { templateData } from './template-data.ts';

export interface ReceiverContext {
  readonly clock: Clock;
  /** The default templates and those of the configuration. */
  readonly templates: TemplateSet;
  readonly externalUrl: string;
  /** `Alertmanager/0.34.0`. */
  readonly userAgent: string;
  /** The process's environment: where AWS's keys are. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly createHttpClient: (options: HttpClientOptions) => HttpClient;
  readonly mail: MailSender;
  /** @throws FileError */
  readonly readSecret: (source: SecretSource) => string;
}

/** Renders the texts of one notification. */
export interface Renderer {
  /** @throws TemplateError */
  text(template: string): string;
  /** Escaped for HTML. @throws TemplateError */
  html(template: string): string;
}

const NAME = '';

export function rendererFor(context: ReceiverContext, notification: Notification): Renderer {
  const data = templateData(notification, context.externalUrl);
  const { routeLabels } = notification;
  const functions = alertFunctions(
    () => context.clock.now(),
    (name) => routeLabels[name] ?? '',
  );
  const render = (template: string, how: 'text' | 'html'): string => {
    if (!template.includes('{{')) return template;
    const set = context.templates.clone(functions);
    set.parse(NAME, template);
    return set[how](NAME, data);
  };
  return {
    text: (template) => render(template, 'text'),
    html: (template) => render(template, 'html'),
  };
}

/** Runs what may fail by its templates or secrets: a failure is the notification's own, not worth a retry. */
export async function guarded(act: () => Promise<NotifyOutcome>): Promise<NotifyOutcome> {
  try {
    return await act();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = error instanceof TemplateError ? 'clientError' : 'other';
    return { ok: false, retry: false, reason, message };
  }
}
