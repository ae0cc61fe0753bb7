import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chipOf, connected, historyOf, holding, nodeIdOf, ownOf, publishInSteps, show } from '../floor/tablet-page.ts'
import { besideTheApp, openTwoTablets, reopen, type TwoTablets } from './two-tablets.ts'

// A tablet whose browser data is set back to an older copy, as from a backup: everything of its database, its key too.

let tablets: TwoTablets

beforeAll(async () => {
  tablets = await openTwoTablets()
})
afterAll(() => tablets.close())

const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => ({ tags: ['numbered'], event: { at: from + at, pad: '.'.repeat(300) } }))

/** Puts all records of one database in place of those of another, which is made if it is not there. Records are copied as they are, keys of WebCrypto too. */
const replaceContents = (page: Page, direction: 'save' | 'restore'): Promise<number> =>
  page.evaluate(async (way) => {
    const done = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
    const app = (await indexedDB.databases()).map(({ name }) => name ?? '').find((name) => name.startsWith('millpond-')) ?? ''
    const [from, to] = way === 'save' ? [app, 'copy'] : ['copy', app]
    const source = await done(indexedDB.open(from))
    const names = [...source.objectStoreNames]
    const opening = indexedDB.open(to, 1)
    opening.onupgradeneeded = () => names.forEach((name) => opening.result.createObjectStore(name))
    const target = await done(opening)
    const reading = source.transaction(names, 'readonly')
    const contents = await Promise.all(names.map(async (name) => {
      const store = reading.objectStore(name)
      const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll() as IDBRequest<unknown[]>)])
      return { name, keys, values }
    }))
    const writing = target.transaction(names, 'readwrite', { durability: 'strict' })
    const written = new Promise<void>((resolve, reject) => {
      writing.oncomplete = () => resolve()
      writing.onabort = () => reject(writing.error ?? new Error('aborted'))
    })
    for (const { name, keys, values } of contents) {
      const store = writing.objectStore(name)
      store.clear()
      keys.forEach((key, at) => store.put(values[at], key))
    }
    await written
    source.close()
    target.close()
    return contents.reduce((count, { keys }) => count + keys.length, 0)
  }, direction)

test('[R42] [G4] a tablet restored from an older copy goes on under a new identity, and everything is on both', async () => {
  const { origin, second, contextOf } = tablets
  const context = contextOf.first
  await publishInSteps(tablets.first, numbered(0, 600), 50)
  await publishInSteps(second, numbered(10_000, 10_020), 20)
  await holding(second, await ownOf(tablets.first))
  await holding(tablets.first, await ownOf(second))
  const old = await nodeIdOf(tablets.first)
  await tablets.first.close()
  expect(await besideTheApp(context, origin, (page) => replaceContents(page, 'save'))).toBeGreaterThan(5)

  const later = await reopen(context, origin)
  expect(await nodeIdOf(later)).toBe(old)
  await publishInSteps(later, numbered(600, 1_000), 50)
  await holding(second, { [`${old}-0`]: 999 })
  await later.close()
  await besideTheApp(context, origin, (page) => replaceContents(page, 'restore'))

  const restored = await reopen(context, origin)
  await restored.waitForFunction((former) => globalThis.millpond?.nodeId !== former, old, { polling: 20 })
  await publishInSteps(restored, numbered(1_000, 1_003), 1)
  const now = await nodeIdOf(restored)
  const everything = { [`${old}-0`]: 999, [`${now}-0`]: 2, ...(await ownOf(second)) }
  await holding(restored, everything)
  await holding(second, everything)
  const history = await historyOf(restored)
  expect(history.count).toBe(1_023)
  expect(await historyOf(second)).toEqual(history)

  // The person is told, and the entries made under both identities count as those of this tablet.
  expect(await ownOf(restored)).toEqual({ [`${old}-0`]: 999, [`${now}-0`]: 2 })
  await show(restored, 'tablets')
  await restored.locator('[data-testid=notices] [data-code=IDENTITY-CHANGED]').waitFor()
  await restored.waitForFunction(() => document.querySelector<HTMLElement>('[data-testid=chip]')?.dataset['copies'] === '2', undefined, { polling: 200 })
  expect(await chipOf(restored)).toMatchObject({ onlyHere: 0 })

  // It stays so: the next start finds the new identity.
  await restored.close()
  const again = await reopen(context, origin)
  await connected(again, 1)
  expect(await nodeIdOf(again)).toBe(now)
  expect(await historyOf(again)).toEqual(history)
})
