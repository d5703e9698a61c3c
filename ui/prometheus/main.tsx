// SPDX-License-Identifier: Apache-2.0
import '@mantine/core/styles.css';
import { MantineProvider } from '@mantine/core';
import { createRoot } from 'react-dom/client';

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(<MantineProvider defaultColorScheme="auto">Hearth</MantineProvider>);
}
