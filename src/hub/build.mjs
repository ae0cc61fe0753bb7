// Builds what is served and packed: the app, the hub and the library. `npm run build` builds all three.
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { root, run } from './setup.mjs'

// What is served is never a build for development, wherever this is started from.
process.env.NODE_ENV = 'production'

const inRoot = (...names) => path.join(root, ...names)

/** Newest change below a file or folder, in milliseconds; 0 when it is not there. */
const newestMs = (place) => {
  const stats = statSync(place, { throwIfNoEntry: false })
  if (stats === undefined) return 0
  if (!stats.isDirectory()) return stats.mtimeMs
  return Math.max(stats.mtimeMs, ...readdirSync(place).map((name) => newestMs(path.join(place, name))))
}

const buildApp = async () => {
  const { build } = await import('vite')
  await build({ root, logLevel: 'warn' })
}

const buildHub = async () => {
  const { build } = await import('vite')
  await build({
    root,
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: { ssr: 'src/hub/main.ts', outDir: 'dist/hub', target: 'node20', emptyOutDir: true, rollupOptions: { output: { entryFileNames: 'main.js' } } },
  })
  writeFileSync(inRoot('dist/hub/trust.css'), readFileSync(inRoot('src/app/styles/tokens.css'), 'utf8') + readFileSync(inRoot('src/hub/trust.css'), 'utf8'))
}

const buildLib = async () => {
  const { build } = await import('vite')
  await build({
    root,
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    build: {
      target: 'es2023', outDir: 'dist/lib', emptyOutDir: true, minify: false,
      lib: { entry: { index: 'src/index.ts', actyx: 'src/actyx/actyx.ts', testing: 'src/testing.ts', svelte: 'src/svelte/follow.ts' }, formats: ['es'], fileName: (_, name) => `${name}.js` },
      rollupOptions: { external: ['cborg', 'devalue', 'idb', 'peerjs', /^simple-peer/, /^svelte/], output: { chunkFileNames: 'shared-[hash].js' } },
    },
  })
  const { code, output } = await run(process.execPath, [inRoot('node_modules/typescript/bin/tsc'), '-p', 'src/tsconfig.lib.json'])
  if (code !== 0) throw new Error(`the types of the library could not be made:\n${output}`)
}

/** Sources that the app and the hub are made of. */
const sources = ['src', 'public', 'index.html', 'vite.config.ts', 'tsconfig.json', 'package-lock.json']

const parts = [
  { mark: 'dist/app.built', build: buildApp },
  { mark: 'dist/hub.built', build: buildHub },
  { mark: 'dist/lib.built', build: buildLib },
]
/** A build that failed or was broken off has no mark; that of a whole one says when it began, for a source may have changed meanwhile. */
const buildPart = async ({ mark, build }) => {
  const began = new Date()
  rmSync(inRoot(mark), { force: true })
  await build()
  mkdirSync(inRoot('dist'), { recursive: true })
  writeFileSync(inRoot(mark), '')
  utimesSync(inRoot(mark), began, began)
}
/** What `npm start` needs. */
export const served = parts.slice(0, 2)

/** Builds those parts that a source is newer than. @returns whether it built something */
export const buildIfStale = async (wanted) => {
  const sourceMs = Math.max(...sources.map((name) => newestMs(inRoot(name))))
  const stale = wanted.filter(({ mark }) => newestMs(inRoot(mark)) < sourceMs)
  for (const part of stale) await buildPart(part)
  return stale.length > 0
}

// `node src/hub/build.mjs` builds all, `… stale` what is stale.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv[2] === 'stale') await buildIfStale(parts)
  else for (const part of parts) await buildPart(part)
}
