// SPDX-License-Identifier: Apache-2.0
// Who we say we are. The version starts with upstream's, because clients look at it to decide what they
// may ask for.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { BuildInfo } from '../apitypes/index.ts';

/** Upstream's version of each program. */
const upstreamVersions = {
  prometheus: '3.14.0',
  promtool: '3.14.0',
  node_exporter: '1.12.1',
  pushgateway: '1.11.3',
  alertmanager: '0.34.0',
  amtool: '0.34.0',
} as const;
export type ProgramName = keyof typeof upstreamVersions;

/** Where the built pages of the server and of the Pushgateway are. */
export const uiDirectory = fileURLToPath(new URL('../../dist/ui/prometheus', import.meta.url));
export const pushgatewayPage = fileURLToPath(new URL('../../dist/ui/pushgateway', import.meta.url));

export const alertmanagerPage = fileURLToPath(
  new URL('../../dist/ui/alertmanager', import.meta.url),
);

/** `version` of our package.json. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const parsed: unknown = JSON.parse(text);
  const { version } = parsed as { version?: unknown };
  return typeof version === 'string' ? version : '0.0.0';
}

export function buildInfo(program: ProgramName = 'prometheus'): BuildInfo {
  return {
    version: `${upstreamVersions[program]}+hearth.${packageVersion()}`,
    revision: '',
    branch: '',
    buildUser: '',
    buildDate: '',
    goVersion: `node ${process.version}`,
  };
}

/** The answer to --version, in the lines of Go's version package. */
export function versionText(program: ProgramName): string {
  const { version, revision, branch, buildUser, buildDate, goVersion } = buildInfo(program);
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  return (
    `${program}, version ${version} (branch: ${branch}, revision: ${revision})\n` +
    `  build user:       ${buildUser}\n` +
    `  build date:       ${buildDate}\n` +
    `  go version:       ${goVersion}\n` +
    `  platform:         ${process.platform}/${arch}\n` +
    `  tags:             \n`
  );
}
