// SPDX-License-Identifier: Apache-2.0

/** Colours that can be told apart, on white and on near black alike. */
const palette: readonly string[] = [
  '#3f83e0',
  '#e0822f',
  '#2fa36b',
  '#c652b5',
  '#c9a227',
  '#2ba5b5',
  '#e0574f',
  '#8a6fe0',
  '#7d9c2b',
  '#c07a5b',
  '#4f9fd8',
  '#d8578f',
  '#5fae4a',
  '#9a8458',
  '#6d7fc9',
  '#b5651d',
];

export const seriesColor = (index: number): string => palette[index % palette.length] as string;
