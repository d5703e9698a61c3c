// SPDX-License-Identifier: Apache-2.0

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodePieces } from './encode-pieces.ts';

test('is what encoding the joined texts is', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }))), (pieces) => {
      expect(encodePieces(pieces)).toEqual(new TextEncoder().encode(pieces.join('')));
    }),
  );
});
