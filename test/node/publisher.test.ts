import { expect, test } from 'vitest'
import { StoreError } from '../../src/store/errors.ts'
import type { AppendResult, EventStore, StreamAppend } from '../../src/store/event-store.ts'
import { openMemoryStore } from '../../src/store/memory-event-store.ts'
import { createNodeWorld, follow, payloads, readAll, sortedTexts, tagged, type NodeWorld } from './world.ts'

/** A store whose own appends pass through `around`; all else is the disk's. */
const openWith = async (nodes: NodeWorld, around: (append: StreamAppend, next: () => Promise<AppendResult>, count: number) => Promise<AppendResult>) => {
  const tablet = nodes.tablet()
  const disk = openMemoryStore(tablet.disk, nodes.swarm.id)
  const appends: { readonly append: StreamAppend; readonly firstLamport: number; readonly overtakable: boolean }[] = []
  const store: EventStore = {
    ...disk,
    appendOwn: (append, firstLamport, overtakable) => {
      appends.push({ append, firstLamport, overtakable })
      return around(append, () => disk.appendOwn(append, firstLamport, overtakable), appends.length)
    },
  }
  return { ...(await tablet.open({}, { store })), tablet, disk, appends }
}

test('[G2] publish resolves, and subscribers are told, only after the append is stored', async () => {
  const nodes = await createNodeWorld()
  let store = () => {}
  const waits = new Promise<void>((resolve) => (store = resolve))
  const { node } = await openWith(nodes, async (_append, next) => {
    await waits
    return next()
  })
  const seen = follow(node)
  let resolved = false
  const published = node.publish([tagged('durable')]).then(() => (resolved = true))
  await nodes.world.advance(1_000)
  expect(resolved).toBe(false)
  expect(seen.given).toEqual([])
  expect(node.status().own).toEqual({})
  store()
  await published
  await nodes.world.settle()
  expect(payloads(seen.given)).toEqual(['durable'])
})

test('[G2] calls of one turn are one transaction, in call order', async () => {
  const nodes = await createNodeWorld()
  const { node, appends } = await openWith(nodes, (_append, next) => next())
  const metas = await Promise.all([node.publish([tagged(1), tagged(2)]), node.publish([tagged(3)]), node.publish([tagged(4)])])
  expect(appends).toHaveLength(1)
  expect(metas.flat().map(({ offset }) => offset)).toEqual([0, 1, 2, 3])
  expect(metas.flat().map(({ lamport }) => lamport)).toEqual([1001, 1002, 1003, 1004])
  expect(payloads(await readAll(node))).toEqual([1, 2, 3, 4])
})

test('[G2] what comes while a group is stored is the next group', async () => {
  const nodes = await createNodeWorld()
  const { node, appends } = await openWith(nodes, (_append, next) => next())
  const first = node.publish([tagged(1)])
  await Promise.resolve()
  const more: Promise<unknown>[] = []
  const later = first.then(() => more.push(node.publish([tagged(4)])))
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  more.push(node.publish([tagged(2)]), node.publish([tagged(3)]))
  await Promise.all([first, later])
  await Promise.all(more)
  expect(appends.length).toBeGreaterThan(1)
  expect(sortedTexts(await readAll(node))).toEqual(['1', '2', '3', '4'])
})

test('[G4] a group that crosses closings stays whole and in order', async () => {
  const nodes = await createNodeWorld()
  const { node, appends } = await openWith(nodes, (_append, next) => next())
  const pad = '.'.repeat(10_000)
  await Promise.all(Array.from({ length: 40 }, (_, at) => node.publish([tagged({ at, pad })])))
  expect(appends).toHaveLength(1)
  expect(appends[0]?.append.closed.length).toBeGreaterThan(3)
  const events = await readAll(node)
  expect(events.map(({ payload }) => payload)).toEqual(Array.from({ length: 40 }, (_, at) => ({ at, pad })))
  await node.publish([tagged('after')])
  expect((await readAll(node, {}, 'descending'))[0]?.payload).toBe('after')
})

test('[G5] an overtaken group is sealed again above what was read, once', async () => {
  const nodes = await createNodeWorld()
  const { node, disk, appends } = await openWith(nodes, (_append, next) => next())
  await node.publish([tagged(1)])
  await disk.raiseClockTo(50_000)
  const [meta] = await node.publish([tagged(2)])
  expect(meta?.lamport).toBe(50_001)
  expect(appends.map(({ overtakable }) => overtakable)).toEqual([true, true, false])
})

test('[G5] a clock that moves on does not starve publishing', async () => {
  const nodes = await createNodeWorld()
  const { node, disk, appends } = await openWith(nodes, async (_append, next) => {
    await disk.raiseClock(10_000)
    return next()
  })
  const [meta] = await node.publish([tagged(1)])
  expect(appends).toHaveLength(2)
  expect(meta?.lamport).toBe(11_001)
})

test('[G4] a stale group is computed again on what is there', async () => {
  const nodes = await createNodeWorld()
  const tablet = nodes.tablet()
  const { node: first } = await tablet.open()
  await first.publish([tagged('of the first tab')])
  const { node: second } = await tablet.open()
  await second.publish([tagged('of the second tab')])
  await first.publish([tagged('of the first tab again')])
  expect(payloads(await readAll(second))).toEqual(['of the first tab', 'of the second tab', 'of the first tab again'])
})

test('[G2] after a lost connection the head tells whether the group was stored', async () => {
  const nodes = await createNodeWorld()
  const lost = new StoreError('STORE-LOST', 'cut')
  const { node } = await openWith(nodes, async (_append, next, count) => {
    // The first is stored and the word of it lost; the second is lost before it was stored.
    if (count === 1) await next()
    if (count <= 2) throw lost
    return next()
  })
  const metas = [await node.publish([tagged('stored')]), await node.publish([tagged('not stored at first')])]
  expect(metas.flat().map(({ offset }) => offset)).toEqual([0, 1])
  expect(payloads(await readAll(node))).toEqual(['stored', 'not stored at first'])
  expect(node.status().notices.map(({ code }) => code)).toContain('STORE-LOST')
})

test('[G6] a full disk rejects that publish with its code; a later one succeeds', async () => {
  const nodes = await createNodeWorld()
  let full = true
  const { node } = await openWith(nodes, (_append, next) => (full ? Promise.reject(new StoreError('STORE-QUOTA', 'full')) : next()))
  await expect(node.publish([tagged('lost')])).rejects.toMatchObject({ code: 'STORE-QUOTA' })
  expect(node.status().storeFailure?.code).toBe('STORE-QUOTA')
  full = false
  await node.publish([tagged('kept')])
  expect(payloads(await readAll(node))).toEqual(['kept'])
  expect(node.status().storeFailure).toBeUndefined()
})

test('[G6] what is not valid is refused with the reason, and harms nothing', async () => {
  const nodes = await createNodeWorld()
  const { node, appends } = await openWith(nodes, (_append, next) => next())
  const refused: Readonly<Record<string, Parameters<typeof node.publish>[0]>> = {
    'an empty batch': [],
    'an empty tag': [tagged(1, '')],
    'a line above 128 KiB': [tagged('x'.repeat(128 * 1024))],
    'a lone surrogate in a tag': [tagged(1, '\ud800')],
    'undefined as payload': [{ tags: [], event: undefined as unknown as null }],
    'a payload that comes back as another value': [{ tags: [], event: new Date(0) as unknown as null }],
  }
  for (const [what, events] of Object.entries(refused)) {
    const error = await node.publish(events).catch((reason: unknown) => reason)
    expect({ what, code: Reflect.get(Object(error), 'code') }).toEqual({ what, code: 'PUBLISH-INVALID' })
  }
  await expect(node.publish([tagged(1)], { appId: 'x'.repeat(257) })).rejects.toMatchObject({ code: 'PUBLISH-INVALID' })
  expect(appends).toEqual([])
  await node.publish([tagged('valid')])
})

test('[G6] a publish is what it was when it was called', async () => {
  const { tablet } = await createNodeWorld()
  const { node } = await tablet().open()
  const payload = { value: 1 }
  const published = node.publish([{ tags: ['e\u0301'], event: payload }])
  payload.value = 2
  const [meta] = await published
  expect(meta?.tags).toEqual(['\u00e9'])
  expect(payloads(await readAll(node, { where: [{ tags: ['e\u0301'] }] }))).toEqual([{ value: 1 }])
})

test('[G6] a publish that waits for more than 5 s says so and waits on', async () => {
  const nodes = await createNodeWorld()
  let free = () => {}
  const blocked = new Promise<void>((resolve) => (free = resolve))
  const { node } = await openWith(nodes, async (_append, next) => {
    await blocked
    return next()
  })
  const published = node.publish([tagged('late')])
  await nodes.world.advance(4_999)
  expect(node.status().notices).toEqual([])
  await nodes.world.advance(1)
  expect(node.status().notices.map(({ code }) => code)).toEqual(['PUBLISH-SLOW'])
  free()
  await published
  expect(payloads(await readAll(node))).toEqual(['late'])
})

test('[S10] the appender joins the tail, and what was published stays', async () => {
  const nodes = await createNodeWorld()
  let joined = 0
  const { node, disk } = await openWith(nodes, (_append, next) => next())
  const before = await disk.state(`${node.nodeId}-0` as never)
  for (let at = 0; at < 40; at++) await node.publish([tagged(at)])
  const after = await disk.state(`${node.nodeId}-0` as never)
  joined = (after?.revision ?? 0) - (before?.revision ?? 0)
  expect(joined).toBeGreaterThan(0)
  expect(payloads(await readAll(node))).toEqual(Array.from({ length: 40 }, (_, at) => at))
})

test('[G1] a closed node publishes nothing more, and what was published before is stored', async () => {
  const nodes = await createNodeWorld()
  const tablet = nodes.tablet()
  const { node } = await tablet.open()
  const published = node.publish([tagged('last')])
  await node.close()
  await published
  await expect(node.publish([tagged('no')])).rejects.toMatchObject({ code: 'NODE-CLOSED' })
  const { node: again } = await tablet.open()
  expect(payloads(await readAll(again))).toEqual(['last'])
})

test('[G5] under a new identity an entry sorts after all that was shown, also where its group had been overtaken before', async () => {
  const nodes = await createNodeWorld()
  const next = await nodes.crypto.generateIdentity()
  const { node, disk, tablet } = await openWith(nodes, async (_append, store, count) => {
    if (count !== 2) return store()
    // IndexedDB says so of an append that is stale, too. Another tab changes the identity between the two tries.
    await disk.changeIdentity(node.nodeId, next, 'restored', 0)
    return { type: 'overtaken', clock: 2_001 }
  })
  await node.publish([tagged(1)])
  const { node: other } = await tablet.open()
  for (let at = 0; at < 8; at++) await other.publish(Array.from({ length: 300 }, () => tagged(at)))
  await nodes.world.settle()
  const shown = Math.max(...(await readAll(node)).map(({ meta }) => meta.lamport))
  const [meta] = await node.publish([tagged('last')])
  expect(meta?.stream).toBe(`${next.nodeId}-0`)
  expect(meta?.lamport).toBeGreaterThan(shown)
})
