import path from 'node:path'
import { build, type Rolldown } from 'vite'

/** A module and all that it imports as one script, to be run in a page. */
export const bundlePage = async (entry: string): Promise<string> => {
  const built = (await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: false, target: 'es2023', lib: { entry: path.resolve(entry), formats: ['iife'], name: 'page' } },
  })) as readonly Rolldown.RolldownOutput[]
  const [chunk] = built[0]?.output ?? []
  if (chunk === undefined) throw new Error('nothing was built')
  return chunk.code
}
