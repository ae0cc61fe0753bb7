// What `npm start` and `npm test` need before anything else is there: plain Node, no packages, no shell.
import { spawn } from 'node:child_process'
import { existsSync, lstatSync, statSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** Runs a program to its end. @returns exit code (1 when a signal ended it) and output (empty when `stdio` is `inherit`) */
export const run = (program, args, options = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], ...options })
    const chunks = []
    child.stdout?.on('data', (chunk) => chunks.push(chunk))
    child.stderr?.on('data', (chunk) => chunks.push(chunk))
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString() }))
    options.started?.(child)
  })

/** The file of npm's command line. On Windows `npm` is a shell script that cannot be started without a shell. */
const npmFile = () => {
  const besideNode = path.dirname(process.execPath)
  const candidates = [
    process.env.npm_execpath,
    path.join(besideNode, 'node_modules/npm/bin/npm-cli.js'),
    path.join(besideNode, '../lib/node_modules/npm/bin/npm-cli.js'),
    path.join(besideNode, '../share/nodejs/npm/bin/npm-cli.js'),
  ]
  const found = candidates.find((file) => file?.endsWith('.js') && existsSync(file))
  if (found === undefined) throw new Error('npm was not found beside Node.js: run `npm ci` in this folder, then try again.')
  return found
}

export const npm = (args, options) => run(process.execPath, [npmFile(), ...args], options)

const changedMs = (file) => statSync(path.join(root, file), { throwIfNoEntry: false })?.mtimeMs ?? 0

/** Installs the packages of the lock file unless they are there. @returns whether it installed something */
export const installPackages = async () => {
  if (changedMs('node_modules/.package-lock.json') >= changedMs('package-lock.json')) return false
  // `npm ci` empties the folder first: where it leads elsewhere, that of another project.
  if (lstatSync(path.join(root, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) throw new Error('node_modules is a link to another folder, which would be emptied: remove the link (not what it leads to), then try again.')
  const { code } = await npm(['ci', '--include=dev'], { stdio: 'inherit' })
  if (code !== 0) throw new Error(`npm ci ended with code ${code}; its own words are above.`)
  return true
}
