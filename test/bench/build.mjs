// Builds the bench's page as an app is built. A process of its own, for the test runner's environment makes a build for development.
import path from 'node:path'
import { root } from '../../src/hub/setup.mjs'

const readable = process.argv.includes('--readable')
process.env.NODE_ENV = 'production'
const { build } = await import('vite')
await build({
  root: path.join(root, 'test/bench/page'), configFile: false, publicDir: false, logLevel: 'warn', base: './',
  build: { target: 'es2023', outDir: path.join(root, 'dist/bench'), emptyOutDir: true, minify: !readable, chunkSizeWarningLimit: 2000 },
})
