// How much a browser loads, gzipped, before it shows something: measured by size-limit against the budgets below. Growth beyond one is a decision, made here.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import filePlugin from '@size-limit/file'
import sizeLimit from 'size-limit'
import { build } from 'vite'

const root = path.resolve(import.meta.dirname, '..')
const app = path.join(root, 'dist/app')

/** What the page names, which is all that is imported at once, and the texts of one language. Fonts come when they are needed. */
const firstLoad = () => {
  const named = [...readFileSync(path.join(app, 'index.html'), 'utf8').matchAll(/(?:src|href)="\/(assets\/[^"]+\.(?:js|css))"/g)].map(([, file]) => file ?? '')
  const texts = readdirSync(path.join(app, 'assets')).filter((file) => /^de-[\w-]+\.js$/.test(file)).map((file) => `assets/${file}`)
  if (named.length === 0 || texts.length !== 1) throw new Error(`not the parts that are expected: ${named.join()}; ${texts.join()}`)
  return ['index.html', ...named, ...texts].map((file) => path.join(app, file))
}

/** What an app that only opens a node loads at once, without the two WebRTC packages; `all`: with what comes later too. */
const libraryFiles = async (folder, all) => {
  const entry = path.join(folder, 'entry.js')
  writeFileSync(entry, `import { openNode } from ${JSON.stringify(path.join(root, 'src/index.ts'))}\nglobalThis.open = openNode\n`)
  const { output } = await build({
    root, configFile: false, publicDir: false, logLevel: 'warn',
    build: { outDir: path.join(folder, 'out'), emptyOutDir: true, target: 'es2023', modulePreload: false, rolldownOptions: { input: entry, external: [/^simple-peer/, 'peerjs'] } },
  })
  const parts = new Map(output.filter(({ type }) => type === 'chunk').map((part) => [part.fileName, part]))
  const found = new Set()
  const take = (part) => {
    if (part === undefined || found.has(part)) return
    found.add(part)
    for (const file of [...part.imports, ...(all ? part.dynamicImports : [])]) take(parts.get(file))
  }
  take([...parts.values()].find(({ isEntry }) => isEntry))
  return [...found].map(({ fileName }) => path.join(folder, 'out', fileName))
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'millpond-size-'))
try {
  const budgets = [
    { name: 'first load of the app: HTML, CSS, JS', limitKb: 140, files: firstLoad() },
    { name: 'an app that only imports openNode, at once', limitKb: 48, files: await libraryFiles(folder, false) },
    { name: 'the same with all that comes later', limitKb: 125, files: await libraryFiles(folder, true) },
  ]
  const sizes = await sizeLimit([filePlugin], { checks: budgets.map(({ files }) => ({ files, gzip: true })) })
  for (const [at, { name, limitKb }] of budgets.entries()) {
    const kb = sizes[at].size / 1000
    console.log(`${kb <= limitKb ? 'ok    ' : 'FAILED'} ${kb.toFixed(1).padStart(6)} of ${limitKb} kB  ${name}`)
    if (!(kb <= limitKb)) process.exitCode = 1
  }
} finally {
  rmSync(folder, { recursive: true })
}
