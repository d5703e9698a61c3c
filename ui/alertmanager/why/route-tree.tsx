// SPDX-License-Identifier: Apache-2.0
// The routing tree, and which way the alert went.

import { IconArrowDown, IconCheck, IconMinus, IconX, type TablerIcon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { RouteDecision } from '../../../src/apitypes/index.ts';

const icons: Readonly<Record<RouteDecision['outcome'], TablerIcon>> = {
  taken: IconCheck,
  'passed on': IconArrowDown,
  'not matched': IconX,
  'not reached': IconMinus,
};

const words: Readonly<Record<RouteDecision['outcome'], string>> = {
  taken: 'taken',
  'passed on': 'passed on to a route below',
  'not matched': 'does not match',
  'not reached': 'not reached',
};

export function RouteTree({ route }: { readonly route: RouteDecision }): ReactNode {
  return (
    <ul className="route-tree">
      <RouteNode route={route} isRoot />
    </ul>
  );
}

function RouteNode({ route, isRoot = false }: { route: RouteDecision; isRoot?: boolean }) {
  const { outcome, matchers, failed, receiver, routes } = route;
  const Icon = icons[outcome];
  return (
    <li>
      <div className={`route ${outcome.replace(' ', '-')}`}>
        <Icon size={15} stroke={2} aria-hidden />
        <span className="route-matchers">
          {isRoot && matchers.length === 0 && <span className="dim">the root</span>}
          {matchers.map((matcher) => (
            <code key={matcher} className={matcher === failed ? 'chip failed' : 'chip'}>
              {matcher}
            </code>
          ))}
        </span>
        <span>→ {receiver}</span>
        <span className="dim">
          {failed === undefined ? words[outcome] : `does not match: ${failed}`}
        </span>
      </div>
      {routes.length > 0 && (
        <ul>
          {routes.map((child, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a route is its place
            <RouteNode key={i} route={child} />
          ))}
        </ul>
      )}
    </li>
  );
}
