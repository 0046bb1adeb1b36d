import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import starlight from '@astrojs/starlight';
import { defineConfig } from 'astro/config';
import { BASE, REPOSITORY } from './scripts/lib/repository.ts';

// `npm run build` writes what is read here before Astro starts.
const sidebar = JSON.parse(readFileSync(new URL('src/generated/sidebar.json', import.meta.url), 'utf8'));
const source = (name) => fileURLToPath(new URL(`../src/${name}`, import.meta.url));

export default defineConfig({
  base: `${BASE}/`,
  trailingSlash: 'always',
  devToolbar: { enabled: false },
  integrations: [
    starlight({
      title: 'asyncio-ts',
      description: "Python's asyncio for TypeScript",
      logo: { src: './src/assets/logo.svg' },
      favicon: '/favicon.svg',
      social: [{ icon: 'github', label: 'Repository', href: REPOSITORY }],
      sidebar,
      components: { SocialIcons: './src/components/HeaderLinks.astro' },
      customCss: ['./src/styles/site.css'],
      disable404Route: true,
      credits: false,
      lastUpdated: false,
      head: [{ tag: 'script', content: readFileSync(new URL('src/scrollable.js', import.meta.url), 'utf8') }],
      expressiveCode: { themes: ['github-dark', 'github-light'], styleOverrides: { borderRadius: '0.4rem' } },
    }),
  ],
  vite: {
    // The playground runs the library's sources: the site needs no build of the package.
    resolve: {
      alias: [
        { find: /^asyncio-ts$/, replacement: source('index.ts') },
        { find: /^asyncio-ts\/(\w+)$/, replacement: source('$1/index.ts') },
      ],
    },
    // Messages of the library name its classes.
    worker: { format: 'es', rolldownOptions: { output: { minify: false } } },
    server: { fs: { allow: ['..'] } },
  },
});
