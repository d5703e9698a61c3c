// SPDX-License-Identifier: Apache-2.0
// Builds every page of the program: ui/NAME/index.html becomes dist/ui/NAME/index.html with assets of its
// own beside it, so that each server serves one directory. The paths inside are relative, and relative to
// the page's <base>, which the server writes: a page works below any route prefix.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig, type EnvironmentOptions, type Plugin } from 'vite';

const here = fileURLToPath(new URL('.', import.meta.url));

const pages = ['prometheus', 'alertmanager', 'pushgateway'].filter((page) =>
  existsSync(`${here}${page}/index.html`),
);

const environment = (page: string): EnvironmentOptions => ({
  consumer: 'client',
  build: {
    outDir: `${here}../dist/ui/${page}`,
    emptyOutDir: true,
    assetsDir: 'assets',
    copyPublicDir: false,
    target: 'es2023',
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    rolldownOptions: { input: `${here}${page}/index.html` },
  },
});

/** Puts NAME/index.html at the root of its output, where its assets are, and the icon beside it. */
const pageAtRoot: Plugin = {
  name: 'page-at-root',
  enforce: 'post',
  generateBundle(_options, bundle) {
    for (const [name, file] of Object.entries(bundle)) {
      if (!name.endsWith('/index.html') || file.type !== 'asset') continue;
      const source = String(file.source).replaceAll('"../assets/', '"./assets/');
      delete bundle[name];
      this.emitFile({ type: 'asset', fileName: 'index.html', source });
    }
    const icon = readFileSync(`${here}shared/favicon.svg`);
    this.emitFile({ type: 'asset', fileName: 'favicon.svg', source: icon });
  },
};

/** What all pages have in their <head>, in place of the comment that names it. */
const sharedHead: Plugin = {
  name: 'shared-head',
  transformIndexHtml: {
    order: 'pre',
    handler: (html) =>
      html.replace(
        / *<!-- shared\/head\.html -->\n/,
        readFileSync(`${here}shared/head.html`, 'utf8'),
      ),
  },
};

/** While developing: /NAME/anything is the page NAME, whose own router knows the rest. */
const pagesByPath: Plugin = {
  name: 'pages-by-path',
  configureServer(server) {
    server.middlewares.use((request, _response, next) => {
      const page = /^\/(\w+)\/[\w-]*(?:\?.*)?$/.exec(request.url ?? '')?.[1];
      if (page !== undefined && pages.includes(page)) request.url = `/${page}/index.html`;
      next();
    });
  },
};

export default defineConfig({
  root: here,
  base: './',
  plugins: [react(), sharedHead, pageAtRoot, pagesByPath],
  environments: Object.fromEntries(pages.map((page) => [page, environment(page)])),
  builder: {
    async buildApp(builder) {
      for (const page of pages) {
        const found = builder.environments[page];
        if (found !== undefined) await builder.build(found);
      }
    },
  },
  // `npx vite --config ui/vite.config.ts`, then /prometheus/query: the sources next to a running server.
  server: {
    proxy: {
      [`^/(${pages.join('|')})/(api|-)/`]: {
        target: 'http://127.0.0.1:9090',
        rewrite: (path) => path.replace(/^\/\w+/, ''),
      },
    },
  },
});
