/** What the worker knows of the builds of the app in its cache. Each is named by the key of its page there. */
export interface Builds {
  readonly page: string
  /** The newest build before it that has started here; its files are kept until this one has. */
  readonly before: string | undefined
  /** This build has shown its first screen on this tablet. */
  readonly started: boolean
  /** A person took the build before, because this one does not start. */
  readonly isBack: boolean
}

const CACHE = 'millpond-builds'
const KEY = '/builds'

const load = async (): Promise<Builds | undefined> => {
  const kept = await (await caches.open(CACHE)).match(KEY)
  return kept === undefined ? undefined : ((await kept.json()) as Builds)
}

let known: Promise<Builds | undefined> | undefined

/** For the worker in charge alone: no other writes. */
export const readBuilds = (): Promise<Builds | undefined> => (known ??= load())

export const noteBuilds = async (builds: Builds): Promise<void> => {
  known = Promise.resolve(builds)
  await (await caches.open(CACHE)).put(KEY, new Response(JSON.stringify(builds)))
}

/** When a build takes over: which one is then the one before it. One that never started is none to go back to. */
export const nextBuilds = (page: string, old: Builds | undefined): Builds => {
  if (old?.page === page) return old
  return { page, before: old?.started === true ? old.page : old?.before, started: false, isBack: false }
}
