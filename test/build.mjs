// Before tests that run what was built: builds it if a source is newer. A process of its own, for the test runner's environment makes a build for development.
import path from 'node:path'
import { root, run } from '../src/hub/setup.mjs'

export const setup = async () => {
  const { code, output } = await run(process.execPath, [path.join(root, 'src/hub/build.mjs'), 'stale'])
  if (code !== 0) throw new Error(`the build failed:\n${output}`)
}
