// SPDX-License-Identifier: Apache-2.0
// The panels of the query page. What was executed and how it is shown is mirrored in the URL; what is being
// typed lives here only, and outlives a visit to another page.

import {
  decodePanels,
  defaultSettings,
  encodePanels,
  PANELS_MAX,
  type PanelSettings,
} from './url-state.ts';

export interface Panel {
  /** Stays while the panel exists, whatever its place. */
  readonly id: number;
  /** What stands in the editor. */
  readonly draft: string;
  readonly settings: PanelSettings;
  /** When the panel was last asked to show something: `now` of its queries. */
  readonly runAtMs: number;
}

/** Settings on which the answer depends. */
const askingKeys: ReadonlySet<string> = new Set<keyof PanelSettings>([
  'expr',
  'endMs',
  'rangeMs',
  'resolution',
]);

export class QueryStore {
  private list: readonly Panel[] = [];
  private nextId = 1;
  private readonly listeners = new Set<() => void>();
  private readonly now: () => number;
  /** Called with the new parameters, without `?`. */
  onUrl: (search: string) => void = () => undefined;

  constructor(now: () => number) {
    this.now = now;
    this.list = [this.created(defaultSettings)];
  }

  readonly panels = (): readonly Panel[] => this.list;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  search(): string {
    return encodePanels(this.list.map(({ settings }) => settings));
  }

  /** Takes over the state of a URL. Panels that it leaves as they are keep their drafts. */
  load(search: string): void {
    const wanted = decodePanels(search);
    if (wanted.length === 0) wanted.push(defaultSettings);
    if (encodePanels(wanted) === this.search()) return;
    const next = wanted.map((settings, i) => {
      const old = this.list[i];
      if (old === undefined) return this.created(settings);
      if (encodePanels([old.settings]) === encodePanels([settings])) return old;
      const draft = old.settings.expr === settings.expr ? old.draft : settings.expr;
      return { ...old, draft, settings, runAtMs: this.now() };
    });
    this.set(next);
  }

  type(id: number, draft: string): void {
    this.set(this.list.map((panel) => (panel.id === id ? { ...panel, draft } : panel)));
  }

  /** Executes what stands in the editor. */
  run(id: number): void {
    const panel = this.list.find((one) => one.id === id);
    if (panel !== undefined) this.change(id, { expr: panel.draft.trim() });
  }

  /** Executes `expr`, which takes the editor's place. */
  runExpression(id: number, expr: string): void {
    this.type(id, expr);
    this.change(id, { expr });
  }

  /** What changes only the look asks the server for nothing new. */
  change(id: number, change: Partial<PanelSettings>): void {
    const asks = Object.keys(change).some((key) => askingKeys.has(key));
    const next = this.list.map((panel) => {
      if (panel.id !== id) return panel;
      const settings = { ...panel.settings, ...change };
      return { ...panel, settings, runAtMs: asks ? this.now() : panel.runAtMs };
    });
    this.set(next);
    this.write();
  }

  /** An empty panel at the end. @returns its id, or undefined when there are too many */
  add(): number | undefined {
    return this.insert(this.list.length, defaultSettings, '');
  }

  /** A copy below the panel. */
  duplicate(id: number): number | undefined {
    const at = this.list.findIndex((panel) => panel.id === id);
    const panel = this.list[at];
    return panel && this.insert(at + 1, panel.settings, panel.draft);
  }

  /** The last panel is emptied instead. */
  remove(id: number): void {
    const rest = this.list.filter((panel) => panel.id !== id);
    this.set(rest.length === 0 ? [this.created(defaultSettings)] : rest);
    this.write();
  }

  private insert(at: number, settings: PanelSettings, draft: string): number | undefined {
    if (this.list.length >= PANELS_MAX) return undefined;
    const panel = { ...this.created(settings), draft };
    this.set([...this.list.slice(0, at), panel, ...this.list.slice(at)]);
    this.write();
    return panel.id;
  }

  private created(settings: PanelSettings): Panel {
    const id = this.nextId;
    this.nextId += 1;
    return { id, draft: settings.expr, settings, runAtMs: this.now() };
  }

  private set(list: readonly Panel[]): void {
    this.list = list;
    for (const listener of this.listeners) listener();
  }

  private write(): void {
    this.onUrl(this.search());
  }
}
