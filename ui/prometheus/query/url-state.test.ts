// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodePanels,
  defaultSettings,
  encodePanels,
  type PanelSettings,
  queryLink,
} from './url-state.ts';

const decodes = (search: string, ...panels: readonly Partial<PanelSettings>[]): void =>
  test(`reads ${search}`, () =>
    expect(decodePanels(search)).toEqual(
      panels.map((panel) => ({ ...defaultSettings, ...panel })),
    ));

describe('upstream links', () => {
  decodes('');
  decodes('?g0.expr=up', { expr: 'up' });
  decodes('?g0.expr=up&g0.tab=1', { expr: 'up' });
  decodes('?g0.expr=up&g0.tab=0', { expr: 'up', tab: 'graph' });
  decodes('?g0.expr=up&g0.tab=explain', { expr: 'up', tab: 'explain' });
  decodes('?g0.expr=up&g0.tab=poem', { expr: 'up' });
  decodes('?g0.expr=rate(x%5B5m%5D)+%3E+0&g0.tab=graph&g0.stacked=1&g0.range_input=2h', {
    expr: 'rate(x[5m]) > 0',
    tab: 'graph',
    stacked: true,
    rangeMs: 7_200_000,
  });
  decodes('?g0.expr=a&g0.end_input=2026-11-24%2022%3A04%3A05', {
    expr: 'a',
    endMs: Date.UTC(2026, 10, 24, 22, 4, 5),
  });
  decodes('?g0.expr=a&g0.moment_input=2026-11-24 22:04:05', {
    expr: 'a',
    endMs: Date.UTC(2026, 10, 24, 22, 4, 5),
  });
  decodes('?g0.expr=a&g0.step_input=30', {
    expr: 'a',
    resolution: { type: 'custom', stepMs: 30_000 },
  });
  decodes('?g0.expr=a&g0.res_type=fixed&g0.res_step=0.5', {
    expr: 'a',
    resolution: { type: 'fixed', stepMs: 500 },
  });
  decodes('?g0.expr=a&g0.res_type=auto&g0.res_density=high', {
    expr: 'a',
    resolution: { type: 'auto', density: 'high' },
  });
  decodes('?g0.expr=a&g0.show_tree=1', { expr: 'a', showTree: true });
  decodes('?g0.expr=a&g1.expr=b&g3.expr=d', { expr: 'a' }, { expr: 'b' });
  decodes('?g0.expr=a&g0.show_exemplars=1&g0.y_axis_min=0&g0.display_mode=stacked', {
    expr: 'a',
    showExemplars: true,
    yAxisMin: 0,
    stacked: true,
  });
});

describe('nonsense has its default', () => {
  decodes('?g0.expr=a&g0.range_input=soon&g0.end_input=never&g0.res_type=fixed&g0.res_step=-1', {
    expr: 'a',
  });
  decodes('?g0.expr=a&g0.range_input=0&g0.y_axis_min=low&g0.step_input=x&g0.res_density=huge', {
    expr: 'a',
  });
  test('a thousand panels', () => {
    const search = Array.from({ length: 1000 }, (_, i) => `g${i}.expr=x`).join('&');
    expect(decodePanels(search)).toHaveLength(64);
  });
});

const settings: fc.Arbitrary<PanelSettings> = fc.record({
  expr: fc.string(),
  showTree: fc.boolean(),
  tab: fc.constantFrom('table' as const, 'graph' as const, 'explain' as const),
  endMs: fc.option(
    fc.integer({ min: 0, max: 4e9 }).map((seconds) => seconds * 1000),
    {
      nil: undefined,
    },
  ),
  rangeMs: fc.integer({ min: 1, max: 1e11 }),
  resolution: fc.oneof(
    fc.record({
      type: fc.constant('auto' as const),
      density: fc.constantFrom('low' as const, 'medium' as const, 'high' as const),
    }),
    fc.record({
      type: fc.constantFrom('fixed' as const, 'custom' as const),
      stepMs: fc.integer({ min: 1, max: 1e9 }),
    }),
  ),
  stacked: fc.boolean(),
  yAxisMin: fc.option(fc.constantFrom(0, 1.5, -3), { nil: undefined }),
  showExemplars: fc.boolean(),
});

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.array(settings, { maxLength: 4 }), (panels) => {
      expect(decodePanels(encodePanels(panels))).toEqual(panels);
    }),
  );
});

test('links to an expression', () => {
  expect(queryLink('up == 0')).toBe('/query?g0.expr=up+%3D%3D+0&g0.tab=table&g0.range_input=1h');
});
