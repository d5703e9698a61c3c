// SPDX-License-Identifier: Apache-2.0

import { Button, Group, Modal, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import type { PushedGroup } from '../../src/apitypes/index.ts';
import { Notice } from '../shared/components/notices.tsx';
import { plural } from '../shared/format/numbers.ts';
import { useDeletion } from './gateway-actions.ts';
import { GroupLabels } from './group-labels.tsx';

export interface DeleteDialogProps {
  /** What is to go; undefined: the dialog is closed. */
  readonly target: PushedGroup | 'all' | undefined;
  readonly groupCount: number;
  readonly onClose: () => void;
}

/** Asks before anything is deleted; there is no way back. */
export function DeleteDialog({ target, groupCount, onClose }: DeleteDialogProps): ReactNode {
  const deletion = useDeletion();
  const close = (): void => {
    deletion.reset();
    onClose();
  };
  const isAll = target === 'all';
  return (
    <Modal
      opened={target !== undefined}
      onClose={close}
      title={isAll ? 'Delete all groups?' : 'Delete this group?'}
      centered
    >
      <Stack gap="md">
        {isAll ? (
          <div>{plural(groupCount, 'group')} with all their metrics will be gone for good.</div>
        ) : (
          target !== undefined && (
            <div>
              <GroupLabels labels={target.labels} />
              <p className="dialog-text">
                {plural(target.families.length, 'metric family', 'metric families')} will be gone
                for good, the push times too.
              </p>
            </div>
          )
        )}
        {deletion.error !== null && (
          <Notice kind="bad" title="It was not deleted">
            <pre>{deletion.error.message}</pre>
          </Notice>
        )}
        <Group justify="flex-end" gap="xs">
          <Button size="xs" variant="default" onClick={close}>
            Keep
          </Button>
          <Button
            size="xs"
            color="red"
            loading={deletion.isPending}
            onClick={() => {
              if (target !== undefined) deletion.run(target, close);
            }}
          >
            {isAll ? 'Delete all' : 'Delete'}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
