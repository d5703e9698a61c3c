// SPDX-License-Identifier: Apache-2.0
// All alerts that are known now. They are not kept over a restart: senders tell of them again and again.

import type { Clock } from '../base/index.ts';
import { labelsKey, labelValue } from '../model/index.ts';
import type { Alert, AlertParts } from './alert.ts';
import { isResolved, joined, newAlert } from './alert.ts';

export interface AlertStoreOptions {
  readonly clock: Clock;
  /** Alerts of one alertname at once; 0 = any number. */
  readonly perAlertnameMax: number;
  /** Told of every alert that is put in, and of every one that is forgotten. */
  readonly onUpdate: (alert: Alert) => void;
  readonly onForget: (alert: Alert) => void;
}

export class AlertStore {
  private readonly options: AlertStoreOptions;
  private readonly alerts = new Map<string, Alert>();
  /** The same by their labels' text: what is told of again, as nearly all is, needs no hashing. */
  private readonly byLabels = new Map<string, Alert>();
  private readonly perAlertname = new Map<string, number>();
  /** Alerts refused because of `perAlertnameMax`. */
  limited = 0;

  constructor(options: AlertStoreOptions) {
    this.options = options;
  }

  get perAlertnameMax(): number {
    return this.options.perAlertnameMax;
  }

  get size(): number {
    return this.alerts.size;
  }

  get(fingerprint: string): Alert | undefined {
    return this.alerts.get(fingerprint);
  }

  values(): IterableIterator<Alert> {
    return this.alerts.values();
  }

  /** Takes an alert in. @returns what is kept now, undefined when it was over the limit */
  put(parts: AlertParts): Alert | undefined {
    const key = labelsKey(parts.labels);
    const same = this.byLabels.get(key);
    const arrived = newAlert(parts, same);
    const known = same ?? this.alerts.get(arrived.fingerprint);
    const name = labelValue(arrived.labels, 'alertname');
    if (known === undefined) {
      const count = this.perAlertname.get(name) ?? 0;
      const { perAlertnameMax } = this.options;
      if (perAlertnameMax > 0 && count >= perAlertnameMax) {
        this.limited++;
        return undefined;
      }
      this.perAlertname.set(name, count + 1);
    }
    const alert = joined(known, arrived);
    this.alerts.set(alert.fingerprint, alert);
    this.byLabels.set(key, alert);
    this.options.onUpdate(alert);
    return alert;
  }

  /** Forgets what is resolved. @returns how many */
  collect(): number {
    const now = this.options.clock.now();
    let count = 0;
    for (const [fingerprint, alert] of this.alerts) {
      if (!isResolved(alert, now)) continue;
      this.alerts.delete(fingerprint);
      this.byLabels.delete(labelsKey(alert.labels));
      const name = labelValue(alert.labels, 'alertname');
      const left = (this.perAlertname.get(name) ?? 1) - 1;
      if (left === 0) this.perAlertname.delete(name);
      else this.perAlertname.set(name, left);
      this.options.onForget(alert);
      count++;
    }
    return count;
  }
}
