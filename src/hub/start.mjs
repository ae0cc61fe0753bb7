// `npm start`: installs what is missing, builds what is stale, runs the hub. Plain Node, no shell, so that it runs on Windows too.
import { pathToFileURL } from 'node:url'
import path from 'node:path'
import { installPackages, root } from './setup.mjs'

try {
  await installPackages()
  const { buildIfStale, served } = await import('./build.mjs')
  if (await buildIfStale(served)) console.log('Built the app and the hub.')
  await import(pathToFileURL(path.join(root, 'dist/hub/main.js')).href)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
