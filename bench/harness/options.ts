// SPDX-License-Identifier: Apache-2.0
// `--name=value` arguments of the workloads.

/** What was given on the command line; each workload asks for what it knows. */
export class Options {
  private readonly given = new Map<string, string>();
  private readonly used = new Set<string>();

  /** @throws Error for an argument that is not `--name` or `--name=value` */
  constructor(args: readonly string[]) {
    for (const argument of args) {
      const match = /^--([a-z0-9-]+)(?:=(.*))?$/.exec(argument);
      if (match === null) throw new Error(`cannot read ${argument}: write --name=value`);
      this.given.set(match[1] ?? '', match[2] ?? 'true');
    }
  }

  /** A positive number. @throws Error for anything else */
  number(name: string, otherwise: number): number {
    const text = this.text(name, '');
    if (text === '') return otherwise;
    const value = Number(text);
    if (!(value > 0)) throw new Error(`--${name}=${text} is not a positive number`);
    return value;
  }

  text(name: string, otherwise: string): string {
    this.used.add(name);
    return this.given.get(name) ?? otherwise;
  }

  flag(name: string): boolean {
    return this.text(name, 'false') === 'true';
  }

  /** Call after all are read. @throws Error naming an option that nobody asked for */
  refuseOthers(): void {
    for (const name of this.given.keys())
      if (!this.used.has(name))
        throw new Error(`unknown option --${name}; known: ${[...this.used].join(', ')}`);
  }
}
