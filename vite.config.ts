import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { playwright } from '@vitest/browser-playwright'
import { build, type Plugin } from 'vite'
import { VitePWA, type VitePWAOptions } from 'vite-plugin-pwa'
import compile from 'icu-minify/compile'
import { defineConfig } from 'vitest/config'
import { de } from './src/app/i18n/de.ts'
import { en } from './src/app/i18n/en.ts'
import { hubCommands } from './test/browser/hub-commands.ts'

const chromium = {
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
}

/** The guard is a classic script before everything else in the page, made apart from the app; it is told where the part is that saves entries without the app. */
const guard = (): Plugin => {
  let file = ''
  return {
    name: 'guard',
    apply: 'build',
    async buildStart() {
      this.emitFile({ type: 'chunk', id: 'src/rescue.ts', name: 'rescue', preserveSignature: 'strict' })
      const built = await build({ configFile: false, publicDir: false, logLevel: 'warn', build: { write: false, target: 'es2020', lib: { entry: 'src/guard.ts', formats: ['iife'], name: 'guard' } } })
      const source = [built].flat().flatMap((each) => ('output' in each ? each.output : [])).map((each) => (each.type === 'chunk' ? each.code : ''))[0] ?? ''
      file = `assets/guard-${createHash('sha256').update(source).digest('base64url').slice(0, 8)}.js`
      this.emitFile({ type: 'asset', fileName: file, source })
    },
    transformIndexHtml: {
      order: 'post',
      handler: (_html, { bundle = {} }) => {
        const rescue = Object.values(bundle).find((each) => each.type === 'chunk' && each.name === 'rescue')?.fileName
        if (rescue === undefined) throw new Error('the build has no part that saves entries')
        return [{ tag: 'script', attrs: { src: `/${file}`, 'data-rescue': `/${rescue}` }, injectTo: 'head-prepend' }]
      },
    },
  }
}

/** The catalogues of the screens, with what they have of the ICU message syntax read beforehand: `import { texts } from './en.ts?compiled'`. */
const texts: Plugin = {
  name: 'texts',
  load: (id) => {
    const catalogue = id.endsWith('/i18n/en.ts?compiled') ? en : id.endsWith('/i18n/de.ts?compiled') ? de : undefined
    return catalogue && `export const texts = ${JSON.stringify(Object.fromEntries(Object.entries(catalogue).map(([key, text]) => [key, text.includes('{') ? compile(text) : text])))}`
  },
}

let builtInto = 'dist/app'
/** Learns where the app is built into. */
const folder: Plugin = { name: 'folder', configResolved: ({ root, build }) => void (builtInto = path.resolve(root, build.outDir)) }

const shipped = new Map<string, number>()

/** What of each package is in what tablets get, in bytes after gzip: `packages.json` beside the built app. */
const packages: Plugin = {
  name: 'packages',
  generateBundle: (_, bundle) => {
    const add = (file: string, content: string | Uint8Array): void => {
      const name = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]
      if (name !== undefined && content.length > 0) shipped.set(name, (shipped.get(name) ?? 0) + gzipSync(content).length)
    }
    for (const part of Object.values(bundle)) {
      if (part.type === 'asset') for (const file of part.originalFileNames.slice(0, 1)) add(path.resolve(file), part.source)
      else for (const [file, { code }] of Object.entries(part.modules)) add(file, code ?? '')
    }
    mkdirSync(path.dirname(builtInto), { recursive: true })
    writeFileSync(path.join(path.dirname(builtInto), 'packages.json'), JSON.stringify(Object.fromEntries([...shipped].toSorted()), undefined, 1))
  },
}

type ManifestTransform = NonNullable<VitePWAOptions['injectManifest']['manifestTransforms']>[number]

/** Each kept file is checked against the bytes that were built, so that no half of another version gets in. */
const withIntegrity: ManifestTransform = (entries) => ({
  manifest: entries.map((entry) => ({ ...entry, integrity: `sha256-${createHash('sha256').update(readFileSync(path.join(builtInto, entry.url))).digest('base64')}` })),
  warnings: [],
})

// Colours are those of --ground by day in src/app/styles/tokens.css: a manifest knows no second theme.
const pwa = VitePWA({
  strategies: 'injectManifest',
  srcDir: 'src',
  filename: 'sw.ts',
  injectRegister: false,
  integration: {
    configureCustomSWViteBuild: (config) => {
      config.logLevel = 'warn'
      config.plugins = [...(config.plugins ?? []), packages]
    },
  },
  includeManifestIcons: false,
  injectManifest: { rollupFormat: 'iife', globPatterns: ['**/*.{html,js,css,woff2,wasm,svg,png}'], maximumFileSizeToCacheInBytes: 8 * 1024 * 1024, manifestTransforms: [withIntegrity] },
  manifest: {
    id: '/', start_url: '/', scope: '/', name: 'Millpond', short_name: 'Millpond', display: 'standalone',
    description: 'The shop floor on every tablet, with and without a network.', theme_color: '#d3d8d5', background_color: '#d3d8d5',
    icons: [
      { src: '/icon-192.png', sizes: '192x192', type: 'image/png' },
      { src: '/icon-512.png', sizes: '512x512', type: 'image/png' },
      { src: '/icon-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
      { src: '/icon.svg', sizes: 'any', type: 'image/svg+xml' },
    ],
  },
})

export default defineConfig({
  plugins: [svelte({ configFile: false }), folder, packages, texts, guard(), pwa],
  // Nothing stands inside the page: the content security policy lets only files of the hub in, data: addresses are none.
  // Parts that are rarely used are files of their own; all of them are kept on the tablet at the first visit.
  build: { target: 'es2023', outDir: 'dist/app', assetsInlineLimit: 0, modulePreload: { polyfill: false }, chunkSizeWarningLimit: 1000, rolldownOptions: { checks: { pluginTimings: false } } },
  // Found late otherwise, and a page or a test that is under way would then be loaded anew.
  optimizeDeps: { entries: ['index.html', 'src/app/**/*.svelte'], include: ['barcode-detector/ponyfill', 'simple-peer/simplepeer.min.js', 'peerjs', 'cborg', 'idb', 'papaparse', 'icu-minify/format', 'uqr', 'axe-core', '@actyx/machine-runner', '@actyx/pond'] },
  // The limit of a test is there to end what hangs: how fast something is, the bench says.
  test: {
    testTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'tidy', environment: 'node', include: ['test/tidy.test.ts'] } },
      {
        extends: true,
        // Test files share their modules, which keep no state of their own: that spares loading them a hundred times.
        test: { name: 'unit', environment: 'node', pool: 'threads', isolate: false, include: ['test/{core,stream,query,actyx,protocol,store,net,tab,node,pond,workflow,app,contract,model,types}/**/*.test.ts'] },
      },
      // Modules are replaced here, so each file has its own.
      { extends: true, test: { name: 'sim', environment: 'node', pool: 'threads', include: ['test/sim/*.test.ts'] } },
      { extends: true, test: { name: 'sim-hand', environment: 'node', pool: 'threads', include: ['test/sim/hand/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          browser: { enabled: true, commands: hubCommands, headless: true, screenshotFailures: false, provider: playwright({ launchOptions: chromium }), instances: [{ browser: 'chromium' }] },
        },
      },
      // These start programs and browsers of their own: one file after the other, and of tests that run side by side as many as there are cores.
      ...['firefox', 'hub', 'lib', 'floor', 'long'].map((name) => ({
        extends: true as const,
        test: { name, environment: 'node' as const, include: [`test/${name}/**/*.test.ts`], fileParallelism: false, globalSetup: name === 'firefox' ? [] : ['test/build.mjs'], testTimeout: 300_000, hookTimeout: 120_000, maxConcurrency: 2 },
      })),
    ],
  },
})
