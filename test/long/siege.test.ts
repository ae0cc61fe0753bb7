import type { CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundlePage } from '../floor/bundle-page.ts'
import { holding, inviteLink, nodeIdOf, presentOf, publishInSteps, show } from '../floor/tablet-page.ts'
import type { Assault } from './siege-page.ts'
import { openTwoTablets, type TwoTablets } from './two-tablets.ts'

let tablets: TwoTablets
let besieger: Page
let invitation: string
let cdp: CDPSession

beforeAll(async () => {
  tablets = await openTwoTablets()
  const link = await inviteLink(tablets.first)
  invitation = decodeURIComponent(/#join=(.+)$/.exec(link)?.[1] ?? '')
  await show(tablets.first, 'tablets')
  besieger = await (await tablets.contextOf.first.browser()?.newContext())?.newPage() ?? expect.fail('no page')
  await besieger.goto(`${tablets.origin}/config.json`)
  await besieger.evaluate(await bundlePage('test/long/siege-page.ts'))
  cdp = await tablets.contextOf.first.newCDPSession(tablets.first)
})
afterAll(() => tablets.close())

const MEBIBYTE = 1024 * 1024
/** Memory of the page that is in use after a collection: objects and buffers. */
const heapMiB = async (): Promise<number> => {
  await cdp.send('HeapProfiler.collectGarbage')
  const usage: unknown = await cdp.send('Runtime.getHeapUsage')
  const { usedSize, backingStorageSize } = usage as { readonly usedSize: number; readonly backingStorageSize: number }
  return (usedSize + backingStorageSize) / MEBIBYTE
}

/** Every event, and every record that is set aside, as on disk. */
const stored = (page: Page): Promise<readonly string[]> =>
  page.evaluate(async () => {
    const node = globalThis.millpond
    if (node === undefined) throw new Error('no node is open')
    const lines: string[] = []
    for await (const { meta, payload } of node.query({})) lines.push(`${meta.eventId} ${JSON.stringify(payload)}`)
    const [name] = (await indexedDB.databases()).flatMap((each) => (each.name?.includes(node.swarm) === true ? [each.name] : []))
    const opening = indexedDB.open(name ?? '')
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      opening.onsuccess = () => resolve(opening.result)
      opening.onerror = () => reject(opening.error ?? new Error('not opened'))
    })
    const keys = database.transaction('aside').objectStore('aside').getAllKeys()
    await new Promise((resolve) => { keys.onsuccess = resolve })
    database.close()
    return [...lines, ...keys.result.map((key) => `aside ${JSON.stringify(key)}`)]
  })

const assaults: readonly (readonly [Assault, string])[] = [
  ['noise', 'violation'], ['oversized', 'violation'], ['want', 'violation'], ['layer', 'violation'], ['relay', 'violation'],
  ['heads', 'violation'], ['pushes', 'violation'], ['bomb', 'segment'], ['members', 'violation'],
]

test.each(assaults)('[G7] a member that means harm, by %s, gets bye %s; what is stored stays, memory too, and the others go on', async (assault, reason) => {
  const { first, second, origin } = tablets
  const [before, idle] = [await stored(first), await heapMiB()]
  const own = `${await nodeIdOf(second)}-0`
  const last = ((await presentOf(second))[own] ?? -1) + 20
  const events = Array.from({ length: 20 }, (_, at) => ({ tags: ['siege'], event: { assault, at } }))
  const [reasons] = await Promise.all([
    besieger.evaluate(([text, hub, how]) => globalThis.besiege(text, hub, how, 2), [invitation, origin, assault] as const),
    publishInSteps(second, events, 1),
  ])
  expect(reasons).toEqual([reason, reason])
  await holding(first, { [own]: last })
  await second.waitForFunction(([stream, offset]) => globalThis.millpond?.status().peers.some(({ holds }) => (holds[stream as never] ?? -1) >= offset), [own, last] as const, { polling: 200 })
  const grown = (await heapMiB()) - idle
  const after = await stored(first)
  expect(after.filter((line) => !before.includes(line)).every((line) => line.includes(`/${own} `))).toBe(true)
  expect(before.filter((line) => !after.includes(line))).toEqual([])
  console.log(`${assault}: ${grown.toFixed(1)} MiB`)
  expect(grown).toBeLessThan(32)
})
