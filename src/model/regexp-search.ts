// SPDX-License-Identifier: Apache-2.0
// Searching and replacing inside a text, as Go's regexp package does it for templates: the pattern may
// match anywhere, the dot stops at newlines.

import { RE2JS } from 're2js';
import type { RegexpGroups } from './regexp.ts';
import { expandTemplate, RegexpError } from './regexp.ts';

/** A pattern that is looked for inside texts. */
export class SearchPattern {
  private readonly re2: RE2JS;
  private readonly groupNames: readonly string[];

  /** @throws RegexpError with Go's message */
  constructor(source: string) {
    try {
      this.re2 = RE2JS.compile(source);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new RegexpError(message, { cause: error });
    }
    const names = new Array<string>(this.re2.groupCount() + 1).fill('');
    for (const [name, index] of Object.entries(this.re2.namedGroups())) names[index] = name;
    this.groupNames = names;
  }

  /** Whether `text` has a match. */
  foundIn(text: string): boolean {
    return this.re2.matcher(text).find();
  }

  /** `text` with every match replaced; `$1`, `${1}`, `$name`, `${name}` and `$$` are filled in. */
  replaceAll(text: string, replacement: string): string {
    const matcher = this.re2.matcher(text);
    let out = '';
    let from = 0;
    while (matcher.find()) {
      const groups: RegexpGroups = this.groupNames.map((_, i) => matcher.group(i) ?? undefined);
      out +=
        text.slice(from, matcher.start()) + expandTemplate(replacement, groups, this.groupNames);
      from = matcher.end();
    }
    return out + text.slice(from);
  }
}
