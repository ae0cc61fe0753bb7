import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { HubError } from './errors.ts'

/** The hub's own folder, readable by its owner alone. Each file is one JSON value, replaced as a whole. */
export interface DataFolder {
  /** @returns `undefined` when there is no such file. @throws HubError `HUB-DATA` when it cannot be read */
  readonly read: (name: string) => Promise<unknown>
  readonly write: (name: string, value: unknown) => Promise<void>
}

const failed = (folder: string, doing: string, cause: unknown): HubError =>
  new HubError('HUB-DATA', `${doing} in the data folder ${folder} failed (${cause instanceof Error ? cause.message : String(cause)}). Choose another with --data, or mend its rights.`, { cause })

/** Makes the folder if it is not there and proves that it can be written. @throws HubError `HUB-DATA` */
export const openDataFolder = async (folder: string): Promise<DataFolder> => {
  const place = path.resolve(folder)
  const write = async (name: string, value: unknown): Promise<void> => {
    const file = path.join(place, `${name}.json`)
    try {
      await writeFile(`${file}.new`, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600, flush: true })
      await rename(`${file}.new`, file)
    } catch (cause) {
      throw failed(place, `Writing ${name}.json`, cause)
    }
  }
  const read = async (name: string): Promise<unknown> => {
    try {
      return JSON.parse(await readFile(path.join(place, `${name}.json`), 'utf8'))
    } catch (cause) {
      if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
      throw failed(place, `Reading ${name}.json`, cause)
    }
  }
  try {
    await mkdir(place, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw failed(place, 'Making it', cause)
  }
  await write('started', new Date().toISOString())
  return { read, write }
}
