/** One entry (`ide.js`, `ide.css`) into the server's static files; workers and fonts beside it, under hashed names. */
import { defineConfig } from 'vite';

export default defineConfig({
  base: '/static/ide/',
  logLevel: 'error',
  resolve: { dedupe: ['graphql', 'react', 'react-dom'] },
  build: {
    outDir: '../ascms/server/static/ide',
    emptyOutDir: true,
    target: 'es2022',
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 6000,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: 'src/main.tsx',
      output: {
        entryFileNames: 'ide.js',
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: asset => (asset.names.some(name => name.endsWith('.css')) ? 'ide.css' : 'assets/[name]-[hash][extname]'),
      },
    },
  },
  worker: { format: 'es', rolldownOptions: { output: { entryFileNames: 'assets/[name]-[hash].js' } } },
});
