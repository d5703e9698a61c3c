// SPDX-License-Identifier: Apache-2.0
export { amtool } from './amtool.ts';
export { withFileDefaults } from './amtool/defaults.ts';
export * from './command.ts';
export { type ParsedCommand, type Program, parseCommand } from './command-line.ts';
export { promtool } from './promtool.ts';
