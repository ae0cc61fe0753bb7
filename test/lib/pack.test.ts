/// <reference types="node" />
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium, type Browser } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'

// The library as its users get it: packed, installed into an empty project, built by their bundler, run in their browser.

const root = fileURLToPath(new URL('../..', import.meta.url))
const project = mkdtempSync(path.join(tmpdir(), 'millpond-lib-'))
const inProject = (...names: string[]): string => path.join(project, ...names)
const exec = promisify(execFile)

/** The first TypeScript example of the README that imports the library. */
const readmeExample = (): string => {
  const examples = readFileSync(path.join(root, 'README.md'), 'utf8').matchAll(/^```ts\n(.*?)^```/gms)
  const example = [...examples].map(([, code]) => code ?? '').find((code) => code.includes("from 'millpond'"))
  if (example === undefined) throw new Error('README.md has no example that imports millpond')
  return example
}

const packed: string[] = []
let browser: Browser
let server: Server

beforeAll(async () => {
  const { stdout } = await exec('npm', ['pack', '--json', '--pack-destination', project], { cwd: root })
  const [pack] = JSON.parse(stdout) as readonly { readonly filename: string; readonly files: readonly { readonly path: string }[] }[]
  if (pack === undefined) throw new Error('npm packed nothing')
  packed.push(...pack.files.map((file) => file.path))
  mkdirSync(inProject('src'))
  writeFileSync(inProject('package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
  writeFileSync(inProject('index.html'), '<!doctype html><title>App</title><script type="module" src="/src/main.ts"></script>')
  writeFileSync(inProject('src/main.ts'), readmeExample())
  const compilerOptions = { target: 'es2023', lib: ['es2023', 'dom'], module: 'esnext', moduleResolution: 'bundler', strict: true, noEmit: true, types: [] }
  writeFileSync(inProject('tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }))
  await exec('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', `./${pack.filename}`], { cwd: project })
  await build({ root: project, configFile: false, logLevel: 'error', build: { target: 'es2023' } })
  server = createServer((request, response) => {
    const name = request.url === '/' ? 'index.html' : (request.url ?? '').slice(1)
    const file = readdirSync(inProject('dist'), { recursive: true }).find((entry) => entry === name)
    const type = name.endsWith('.js') ? 'text/javascript' : 'text/html'
    response.writeHead(file === undefined ? 404 : 200, { 'content-type': type }).end(file === undefined ? '' : readFileSync(inProject('dist', name)))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args })
})

afterAll(async () => {
  await browser.close()
  server.close()
  rmSync(project, { recursive: true })
})

test('the package holds the library and its types, and nothing of the app or the hub', () => {
  expect(packed).toEqual(expect.arrayContaining(['package.json', 'LICENSE', 'README.md', 'dist/lib/index.js', 'dist/lib/index.d.ts', 'dist/lib/actyx.js', 'dist/lib/actyx/actyx.d.ts', 'dist/lib/testing.js', 'dist/lib/testing.d.ts', 'dist/lib/svelte.js', 'dist/lib/svelte/follow.d.ts']))
  expect(packed.filter((file) => file.startsWith('src/') || file.startsWith('dist/') && !file.startsWith('dist/lib/'))).toEqual([])
  expect(packed.filter((file) => /\.(svelte|css|html)$/.test(file))).toEqual([])
})

test('nothing that the package needs or holds is under the GPL', () => {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as { readonly packages: Readonly<Record<string, { readonly dev?: boolean; readonly license?: string }>> }
  const shipped = Object.entries(packages).filter(([name, { dev }]) => name !== '' && dev !== true)
  expect(shipped.length).toBeGreaterThan(3)
  expect(shipped.filter(([, { license }]) => license === undefined || /GPL/i.test(license)).map(([name]) => name)).toEqual([])
  // Those who are, or bring it with them, are here for tests alone.
  expect(Object.keys(packages).filter((name) => name.startsWith('node_modules/@actyx/')).every((name) => packages[name]?.dev === true)).toBe(true)
  const built = readdirSync(path.join(root, 'dist'), { recursive: true, encoding: 'utf8' }).filter((name) => /\.(js|css|html|d\.ts)$/.test(name))
  expect(built.filter((name) => /@actyx\/|General Public License|GPL-[23]/.test(readFileSync(path.join(root, 'dist', name), 'utf8')))).toEqual([])
})

test('the example of the README type-checks against the packed types, without skipping them', async () => {
  const { stdout } = await exec(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', project])
  expect(stdout).toBe('')
})

test('[G1] a test of an application runs in Node.js as it is, over a node in memory', async () => {
  const script = `
    import { actyxOf } from 'millpond/actyx'
    import { testNode } from 'millpond/testing'
    const node = await testNode()
    const actyx = actyxOf(node, { appId: 'com.example.app' })
    await actyx.publish([{ tags: ['piece'], event: 2 }, { tags: ['piece'], event: 3 }])
    const [{ payload }] = await actyx.queryAql("FROM 'piece' AGGREGATE SUM(_)")
    await node.close()
    console.log(payload)`
  const { stdout } = await exec(process.execPath, ['--input-type=module', '-e', script], { cwd: project })
  expect(stdout).toBe('5\n')
})

test('[G9] the example of the README publishes and queries an event in Chromium, and asks no other host for anything', async () => {
  const { port } = server.address() as AddressInfo
  const page = await browser.newPage()
  const said: string[] = []
  const hosts = new Set<string>()
  page.on('console', (message) => said.push(message.text()))
  page.on('pageerror', (error) => said.push(`error: ${error.message}`))
  page.on('request', (request) => hosts.add(new URL(request.url()).host))
  await page.goto(`http://localhost:${port}/`)
  await expect.poll(() => said.join('\n'), { timeout: 20_000 }).toMatch(/held by 1 tablets/)
  expect(said.join('\n')).toMatch(/^\d{16}\/[\w-]{43}-0 \{type: started/m)
  expect(said.filter((text) => text.startsWith('error'))).toEqual([])
  expect([...hosts]).toEqual([`localhost:${port}`])

  // The events of the first visit are there at the second.
  said.length = 0
  await page.reload()
  await expect.poll(() => said.filter((text) => /^\d{16}\//.test(text)).length, { timeout: 20_000 }).toBe(2)
})
