// Runs the checks and tests in groups: `node test/run.mjs check | test | long`. Plain Node, so that it can install the rest.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { installPackages, npm, root, run } from '../src/hub/setup.mjs'

const bin = (name, file) => path.join(root, 'node_modules', name, file)
const tsc = bin('typescript', 'bin/tsc')
const reports = mkdtempSync(path.join(os.tmpdir(), 'millpond-reports-'))

const onWindows = process.platform === 'win32'
/** A group that hangs would say nothing for ever. The long one takes about half an hour. */
const limitMs = 38 * 60_000

/** Runs a program with all that it starts, in a process group of its own, so that all of it ends: at the limit, and with Ctrl+C. */
const runLimited = async (program, args, options = {}) => {
  let end = () => undefined
  let timer
  const started = (child) => {
    end = () => (onWindows ? child.kill() : process.kill(-child.pid, 'SIGKILL'))
    process.once('SIGINT', end)
    timer = setTimeout(end, limitMs)
  }
  const startedMs = performance.now()
  const result = await run(program, args, { detached: !onWindows, ...options, started })
  clearTimeout(timer)
  process.removeListener('SIGINT', end)
  const hung = performance.now() - startedMs >= limitMs
  return hung ? { code: 1, output: `${result.output}\nnot ended after ${limitMs / 60_000} minutes` } : result
}

/** One program is one test: it passes or fails. */
const program = (name, file, args) => async () => {
  const { code, output } = await runLimited(process.execPath, [file, ...args])
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, output: `${name}: exit code ${code}\n${output}` }
}

/** All tests of one project. A skipped test, a file that does not load, an error outside of tests and an empty project count as failures. */
const vitest = (project) => async () => {
  const reportFile = path.join(reports, `${project}.json`)
  const args = ['run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
  const { code, output } = await runLimited(process.execPath, [bin('vitest', 'vitest.mjs'), ...args], { env: { ...process.env, NO_COLOR: '1' } })
  if (!existsSync(reportFile)) return { passed: 0, failed: 1, output }
  const report = JSON.parse(readFileSync(reportFile, 'utf8'))
  const skipped = report.numPendingTests + report.numTodoTests
  const broken = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.every((result) => result.status !== 'failed')).length
  const failed = report.numFailedTests + skipped + broken
  const words = skipped > 0 ? `${output}\n${skipped} tests of ${project} were skipped; nothing may be.` : output
  return { passed: report.numPassedTests, failed: failed === 0 && (code !== 0 || report.numPassedTests === 0) ? 1 : failed, output: words }
}

const build = async () => {
  const { code, output } = await npm(['run', 'build'])
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, output }
}

/** Folders whose own tsconfig.json takes away the DOM, time and chance. */
const pureFolders = ['core', 'stream', 'query', 'protocol'].filter((folder) => {
  const place = path.join(root, 'src', folder)
  return existsSync(place) && readdirSync(place).some((file) => file.endsWith('.ts'))
})

const groups = {
  types: [
    program('svelte-check', bin('svelte-check', 'bin/svelte-check'), ['--tsconfig', 'tsconfig.json', '--output', 'human', '--fail-on-warnings']),
    ...['hub', ...pureFolders].map((folder) => program(`tsc src/${folder}`, tsc, ['--noEmit', '-p', `src/${folder}`])),
  ],
  lint: [program('oxlint', bin('oxlint', 'bin/oxlint'), ['-c', 'test/oxlint.json', '--type-aware', '--deny-warnings', 'src', 'test', 'vite.config.ts'])],
  tidy: [vitest('tidy')],
  unit: [vitest('unit')],
  sim: [vitest('sim')],
  browser: [vitest('browser')],
  firefox: [vitest('firefox')],
  build: [build],
  size: [program('size', path.join(root, 'test/size.mjs'), [])],
  hub: [vitest('hub')],
  lib: [vitest('lib')],
  floor: [vitest('floor')],
  long: [vitest('long')],
}
const commands = {
  check: ['types', 'lint', 'tidy', 'unit'],
  test: ['types', 'lint', 'tidy', 'unit', 'sim', 'browser', 'firefox', 'build', 'size', 'hub', 'lib', 'floor'],
  long: ['build', 'long'],
}
/** What the groups need of the machine: a file that shows it is there, and the Debian package that brings it. */
const tools = [
  ['/usr/bin/chromium', 'chromium'],
  ['/usr/bin/firefox-esr', 'firefox-esr'],
  ['/usr/sbin/ip', 'iproute2'],
  ['/usr/sbin/iptables', 'iptables'],
]

/** Two lines at most when something cannot be installed; the groups that need it then fail by themselves. */
const installTools = async () => {
  const missing = tools.filter(([file]) => !existsSync(file)).map(([, name]) => name)
  if (missing.length === 0) return
  const mayInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (!mayInstall) return console.log(`Please install ${missing.join(', ')} (Debian: sudo apt-get install ${missing.join(' ')}), then run this again.`)
  console.log(`Installing ${missing.join(', ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['update'], { env })
  const { code, output } = await run('apt-get', ['install', '-y', '--no-install-recommends', ...missing], { env })
  if (code !== 0) console.log(`${output}\napt-get could not install ${missing.join(', ')}; please install them by hand.`)
}

const runGroup = async (name) => {
  const startedMs = performance.now()
  const result = { passed: 0, failed: 0 }
  const outputs = []
  const waiting = [...groups[name]]
  const lane = async () => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
      const { passed, failed, output } = await part()
      result.passed += passed
      result.failed += failed
      if (failed > 0) outputs.push(output)
    }
  }
  await Promise.all([lane(), lane()])
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  for (const output of outputs) console.log(output)
  console.log(`${result.failed === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(8)} ${String(result.passed).padStart(5)} passed ${String(result.failed).padStart(4)} failed ${seconds.padStart(7)} s`)
  return result
}

const main = async (command) => {
  const names = commands[command] ?? []
  if (names.length === 0) throw new Error(`say one of: ${Object.keys(commands).join(', ')}`)
  await installPackages()
  if (command !== 'check') await installTools()
  const total = { passed: 0, failed: 0 }
  for (const name of names) {
    const { passed, failed } = await runGroup(name)
    total.passed += passed
    total.failed += failed
  }
  rmSync(reports, { recursive: true, force: true })
  console.log(`${total.passed} passed, ${total.failed} failed`)
  if (total.failed > 0) process.exitCode = 1
}

await main(process.argv[2])
