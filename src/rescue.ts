import type { Saved } from './app/guard/crash-screen.ts'
import { archiveFile, archiveName, saveFile } from './app/state/archive-file.ts'
import { keptFor, readUnsaved } from './app/state/unsaved.ts'
import { archiveOf, storedSwarm } from './index.ts'

/** Saves what this tablet holds to a file, without the app: for when it does not start. What could not be recorded is in it too. */
export const rescue = async (): Promise<Saved> => {
  const swarm = storedSwarm()
  if (swarm === undefined) return 'crash.nothing'
  const { file, code } = await archiveFile(archiveOf(swarm), readUnsaved(keptFor(swarm, sessionStorage)))
  if (file === undefined) throw new Error(`nothing could be read: ${code}`)
  saveFile(document)(archiveName('', Date.now() * 1000), file)
  return code === '' ? 'crash.saved' : 'crash.part'
}
