// SPDX-License-Identifier: Apache-2.0

/** What the server writes into the page (`__HEARTH_SETTINGS__`), so that it can start with no request. */
export interface UiSettings {
  /** Route prefix without a trailing slash; '' at the root. Every link and request starts with it. */
  readonly pathPrefix: string;
  readonly title: string;
  readonly agentMode: boolean;
  /** Lookback delta as a duration text, e.g. `5m`. */
  readonly lookbackDelta: string;
  readonly version: string;
  /** Where the consoles begin, below the prefix; '' when there are none. */
  readonly consolesLink: string;
}
