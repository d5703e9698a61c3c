// SPDX-License-Identifier: Apache-2.0

/** Parts of the language behind flags; all off when left out. */
export interface SyntaxFeatures {
  /** `promql-experimental-functions`. */
  readonly experimentalFunctions?: boolean;
  /** `promql-extended-range-selectors`. */
  readonly extendedRangeSelectors?: boolean;
  /** `promql-binop-fill-modifiers`. */
  readonly binopFillModifiers?: boolean;
}

/** Every feature switched on: what an editor accepts. */
export const allSyntaxFeatures: SyntaxFeatures = {
  experimentalFunctions: true,
  extendedRangeSelectors: true,
  binopFillModifiers: true,
};

/** How deep expressions may be nested: what the recursion of the parser is certain to bear. */
export const NESTING_MAX = 300;

/** How deep their trees may be, and so how long a chain of operators. */
export const TREE_DEPTH_MAX = 1000;
