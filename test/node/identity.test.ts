import { expect, test } from 'vitest'
import { streamIdOf } from '../../src/core/ids.ts'
import { lastOf } from '../../src/core/offset-map.ts'
import { createMemoryDisk, openMemoryStore } from '../../src/store/memory-event-store.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { EventStore } from '../../src/store/event-store.ts'
import { loadFormers, noteFormer, trueFormers } from '../../src/node/formers.ts'
import { openSelf } from '../../src/node/identity.ts'
import { copiesOfOwn } from '../../src/node/node.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { copyDisk, createNodeWorld, follow, payloads, readAll, sortedTexts, tagged } from './world.ts'

const codes = (node: { status: () => { notices: readonly { code: string }[] } }) => node.status().notices.map(({ code }) => code)

test('[G4] tabs that open a new database at once get the same identity', async () => {
  const { swarm } = await createNodeWorld()
  const disk = createMemoryDisk()
  const selves = await Promise.all([1, 2, 3].map(() => openSelf(openMemoryStore(disk, swarm.id), webCrypto, 0)))
  expect(new Set(selves.map(({ self }) => self.nodeId())).size).toBe(1)
})

test('[G1] a browser that cannot keep a key is refused with a clear text', async () => {
  const { swarm } = await createNodeWorld()
  const store = openMemoryStore(createMemoryDisk(), swarm.id)
  const other = await webCrypto.generateIdentity()
  const forgetful: EventStore = {
    ...store,
    identity: async () => {
      const stored = await store.identity()
      return stored === undefined ? undefined : { ...stored, identity: { ...stored.identity, privateKey: other.privateKey } }
    },
  }
  await expect(openSelf(forgetful, webCrypto, 0)).rejects.toMatchObject({ code: 'NODE-UNSUPPORTED' })
})

test('[G6] an own open segment that is not what was sealed gives a new identity, and publishing goes on', async () => {
  const { swarm, tablet } = await createNodeWorld()
  const own = tablet()
  const { node } = await own.open()
  await node.publish([tagged('before')])
  await node.close()
  const store = openMemoryStore(own.disk, swarm.id)
  const damaged: EventStore = {
    ...store,
    state: async (stream) => {
      const state = await store.state(stream)
      return state === undefined || state.open.body.length === 0 ? state : { ...state, open: { ...state.open, body: Uint8Array.from(state.open.body, (byte, at) => (at === 30 ? byte ^ 1 : byte)) } }
    },
  }
  const { node: again } = await own.open({}, { store: damaged })
  expect(again.nodeId).not.toBe(node.nodeId)
  expect(codes(again)).toContain('IDENTITY-CHANGED')
  const [meta] = await again.publish([tagged('after')])
  expect(meta?.offset).toBe(0)
  const events = await readAll(again)
  expect(payloads(events)).toEqual(['before', 'after'])
  expect(events.every(({ meta: { isLocalEvent } }) => isLocalEvent)).toBe(true)
})

test('[G6] a key without its stream record is never written with', async () => {
  const { swarm, tablet } = await createNodeWorld()
  const own = tablet()
  const { node } = await own.open()
  await node.close()
  const store = openMemoryStore(own.disk, swarm.id)
  const { node: again } = await own.open({}, { store: { ...store, state: async (stream) => (stream === `${node.nodeId}-0` ? undefined : store.state(stream)) } })
  expect(again.nodeId).not.toBe(node.nodeId)
  await again.publish([tagged('under the new identity')])
})

test('[G4] a restored copy takes a new identity on sealed evidence, goes on publishing, and gets its old events back', async () => {
  const { world, swarm, tablet } = await createNodeWorld()
  const [mine, theirs] = [tablet(), tablet()]
  const [{ node: before }, { node: far }] = [await mine.open(), await theirs.open()]
  await before.publish([tagged(1)])
  const image = await copyDisk(mine.disk)
  await before.publish([tagged(2), tagged(3)])
  await world.until(async () => (await readAll(far)).length === 3)
  await before.close()

  const { node: restored } = await mine.open({}, { store: openMemoryStore(image, swarm.id) })
  const seen = follow(restored)
  await world.until(() => restored.nodeId !== before.nodeId)
  expect(codes(restored)).toContain('IDENTITY-CHANGED')
  await restored.publish([tagged(4)])
  await world.until(() => seen.given.length === 4)
  expect(payloads(seen.given)).toEqual([1, 2, 3, 4])
  expect(seen.given.every(({ meta }) => meta.isLocalEvent)).toBe(true)
  await world.until(async () => (await readAll(far)).length === 4)
  expect(payloads(await readAll(far))).toEqual([1, 2, 3, 4])
})

test('[G4] of one image on two tablets both take a new identity', async () => {
  const { world, swarm, tablet } = await createNodeWorld()
  const original = tablet()
  const { node: before } = await original.open()
  await before.publish([tagged('of the original')])
  await before.close()
  const copy = await copyDisk(original.disk)
  const twins = [await original.open(), await tablet().open({}, { store: openMemoryStore(copy, swarm.id) })]
  await world.until(() => new Set([before.nodeId, ...twins.map(({ node }) => node.nodeId)]).size === 3)
  for (const [at, { node }] of twins.entries()) await node.publish([tagged(`of twin ${at}`)])
  await world.until(async () => (await Promise.all(twins.map(async ({ node }) => (await readAll(node)).length))).every((length) => length === 3))
  for (const { node } of twins) expect(sortedTexts(await readAll(node))).toEqual(['of the original', 'of twin 0', 'of twin 1'])
})

test('[G4] a node that finds its new identity while publishing is connected under it', async () => {
  const { world, crypto, tablet } = await createNodeWorld()
  const [mine, theirs] = [tablet(), tablet()]
  const [{ node, store }, { node: far }] = [await mine.open(), await theirs.open()]
  // Its own stream is at hand from here on: that it is another is found by the append.
  await node.publish([tagged('under the old one')])
  await world.until(async () => (await readAll(far)).length === 1)
  const before = node.nodeId
  const next = await crypto.generateIdentity()
  await store.changeIdentity(before, next, 'restored', 0)
  await node.publish([tagged('under the new one')])
  expect(codes(node)).toContain('IDENTITY-CHANGED')
  await world.until(() => far.status().peers.some(({ nodeId, state }) => nodeId === next.nodeId && state === 'connected'))
  await world.until(async () => (await readAll(far)).length === 2)
})

test('[G4] a disk that has no room for a new identity is asked again', async () => {
  const { world, swarm, tablet } = await createNodeWorld()
  const [mine, theirs] = [tablet(), tablet()]
  const [{ node: before }, { node: far }] = [await mine.open(), await theirs.open()]
  const image = await copyDisk(mine.disk)
  await before.publish([tagged(1)])
  await world.until(async () => (await readAll(far)).length === 1)
  await before.close()
  const store = openMemoryStore(image, swarm.id)
  let refusals = 2
  const { node: restored } = await mine.open({}, {
    store: { ...store, changeIdentity: (...parameters) => (refusals-- > 0 ? Promise.reject(new StoreError('STORE-QUOTA', 'no room')) : store.changeIdentity(...parameters)) },
  })
  await world.until(() => restored.nodeId !== before.nodeId)
  await world.until(async () => (await readAll(restored)).length === 1)
  expect(refusals).toBe(-1)
})

test('[G4] all tabs of a profile go on under the new identity', async () => {
  const { world, crypto, tablet } = await createNodeWorld()
  const profile = tablet()
  const [{ node: first, store }, { node: second }] = [await profile.open(), await profile.open()]
  await first.publish([tagged(1)])
  const next = await crypto.generateIdentity()
  const before = first.nodeId
  await store.changeIdentity(before, next, 'restored', 0)
  await Promise.all([second.publish([tagged(2)]), first.publish([tagged(3)])])
  await world.advance(2_000)
  expect([first.nodeId, second.nodeId]).toEqual([next.nodeId, next.nodeId])
  const events = await readAll(first)
  expect(events.map(({ meta }) => meta.offset)).toEqual([0, 0, 1])
  expect(events.every(({ meta }) => meta.isLocalEvent)).toBe(true)
  expect(first.status().own).toEqual({ [`${before}-0`]: 0, [`${next.nodeId}-0`]: 1 })
})

test('[R25] [G6] a tablet that took a new identity while this one was away counts once', async () => {
  const { world, swarm, tablet } = await createNodeWorld()
  const [mine, theirs, away] = [tablet(), tablet(), tablet()]
  const [{ node: before }, { node: far }, { node: counting }] = [await mine.open(), await theirs.open(), await away.open()]
  await before.publish([tagged(1)])
  const image = await copyDisk(mine.disk)
  await before.publish([tagged(2)])
  await counting.publish([tagged('counted')])
  await world.until(() => copiesOfOwn(counting.status()) === 3)
  await counting.close()
  await before.close()

  const { node: restored } = await mine.open({}, { store: openMemoryStore(image, swarm.id) })
  await world.until(() => restored.nodeId !== before.nodeId)
  await world.until(async () => (await readAll(restored)).length === 3)
  const { node: again } = await away.open()
  const holding = () => again.status().peers.filter(({ holds }) => lastOf(holds, streamIdOf(again.nodeId, 0)) >= 0).map(({ nodeId }) => nodeId)
  await world.until(() => holding().includes(restored.nodeId) && holding().includes(far.nodeId))
  expect(holding().toSorted()).toEqual([far.nodeId, restored.nodeId].toSorted())
  expect(copiesOfOwn(again.status())).toBe(3)
})

test('[R25] former ids count only with their own signature, up to the first that has none', async () => {
  const { crypto, swarm } = await createNodeWorld()
  const [first, second, third] = [await crypto.generateIdentity(), await crypto.generateIdentity(), await crypto.generateIdentity()]
  const disk = openMemoryStore(createMemoryDisk(), swarm.id)
  await noteFormer(disk, crypto, swarm.id, first, second.nodeId)
  await noteFormer(disk, crypto, swarm.id, second, third.nodeId)
  const said = await loadFormers(disk)
  expect(await trueFormers(crypto, swarm.id, third.nodeId, said)).toEqual([second.nodeId, first.nodeId])
  expect(await trueFormers(crypto, swarm.id, first.nodeId, said)).toEqual([])
  const forged = said.map((former) => (former.nodeId === second.nodeId ? { ...former, signature: said[1]?.signature ?? former.signature } : former))
  expect(await trueFormers(crypto, swarm.id, third.nodeId, forged)).toEqual([])
  let last = third
  for (let at = 0; at < 4; at++) {
    const next = await crypto.generateIdentity()
    await noteFormer(disk, crypto, swarm.id, last, next.nodeId)
    last = next
  }
  expect((await trueFormers(crypto, swarm.id, last.nodeId, await loadFormers(disk))).length).toBe(4)
})
