// SPDX-License-Identifier: Apache-2.0
// The frame around every page of a program: its mark, the ways to its pages, its tools.

import { ActionIcon, Tooltip } from '@mantine/core';
import { IconBook } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Link } from 'react-router-dom';
import { Mark } from './mark.tsx';
import { ColorSchemeMenu } from './page.tsx';

interface FrameProps {
  /** Where the mark leads. */
  readonly home: string;
  /** What the mark is called to those who cannot see it. */
  readonly label: string;
  /** The program's name beside the mark; none for the server itself. */
  readonly part?: string;
  /** Links to the pages, in a `nav`. */
  readonly navigation: ReactNode;
  /** What stands before and behind the choice of colours. */
  readonly toolsBefore?: ReactNode;
  readonly toolsAfter?: ReactNode;
  readonly documentation: { readonly url: string; readonly label: string };
  readonly children: ReactNode;
}

function DocumentationLink({ url, label }: FrameProps['documentation']): ReactNode {
  return (
    <Tooltip label={label} withArrow>
      <ActionIcon
        component="a"
        href={url}
        target="_blank"
        rel="noreferrer"
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={label}
      >
        <IconBook size={18} stroke={1.7} />
      </ActionIcon>
    </Tooltip>
  );
}

export function Frame(props: FrameProps): ReactNode {
  const { home, label, part, navigation, toolsBefore, toolsAfter, documentation, children } = props;
  return (
    <>
      <a className="skip-link" href="#main">
        Skip to the page
      </a>
      <header className="shell">
        <div className="shell-inner">
          <Link to={home} className="brand" aria-label={label}>
            <Mark />
            <span>Hearth{part !== undefined && <span className="brand-part"> {part}</span>}</span>
          </Link>
          {navigation}
          <div className="shell-tools">
            {toolsBefore}
            <ColorSchemeMenu />
            {toolsAfter}
            <DocumentationLink {...documentation} />
          </div>
        </div>
      </header>
      {children}
    </>
  );
}
