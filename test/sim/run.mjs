// The simulation by hand: `npm run sim -- --seed 18` shows what happens in one seed, `--seeds 1-50` runs several,
// `--faults` plants each fault and looks for the first seed that finds it.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', '--project', 'sim-hand', '--disable-console-intercept'], {
  cwd: root, stdio: 'inherit', env: { ...process.env, MILLPOND_SIM: process.argv.slice(2).join(' ') },
})
process.exitCode = status ?? 1
