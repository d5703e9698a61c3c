// SPDX-License-Identifier: Apache-2.0
// Mantine's side of the look; the colours themselves are the variables of base.css.

import { createTheme, type CSSVariablesResolver } from '@mantine/core';

export const theme = createTheme({
  primaryColor: 'steel',
  primaryShade: { light: 7, dark: 6 },
  colors: {
    steel: [
      '#eef4fd',
      '#dbe6f7',
      '#b6cdef',
      '#8db1e6',
      '#6a99de',
      '#548ad9',
      '#4781d7',
      '#2e66b5',
      '#28599f',
      '#1f4a88',
    ],
    dark: [
      '#dce1e7',
      '#b9c1ca',
      '#98a2ae',
      '#5b6673',
      '#39414b',
      '#2b323a',
      '#1d2228',
      '#171b20',
      '#12161a',
      '#0d1013',
    ],
  },
  defaultRadius: 'sm',
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif',
  fontFamilyMonospace:
    'ui-monospace, "SF Mono", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace',
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '19px' },
  headings: { fontWeight: '600' },
  cursorType: 'pointer',
  respectReducedMotion: true,
});

/** Mantine's own variables follow ours. */
export const cssVariables: CSSVariablesResolver = () => {
  const both = {
    '--mantine-color-body': 'var(--h-surface)',
    '--mantine-color-text': 'var(--h-text)',
    '--mantine-color-dimmed': 'var(--h-dim)',
    '--mantine-color-placeholder': 'var(--h-faint)',
    '--mantine-color-default': 'var(--h-surface)',
    '--mantine-color-default-border': 'var(--h-border-strong)',
    '--mantine-color-default-hover': 'var(--h-hover)',
    '--mantine-color-error': 'var(--h-bad)',
  };
  return { variables: {}, light: both, dark: both };
};
