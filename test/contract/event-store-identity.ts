import { expect } from 'vitest'
import { streamIdOf } from '../../src/core/ids.ts'
import { webCrypto } from '../../src/node/web-crypto.ts'
import { createAuthor, never } from '../store/author.ts'
import type { StoreCase } from './event-store.contract.ts'

export const identityCases: readonly StoreCase[] = [
  {
    rule: 'S15',
    title: 'an identity is stored once, with its empty stream 0, and its key signs after reopening',
    run: async ({ open }) => {
      const [store, first, second] = [await open(), await createAuthor(), await createAuthor()]
      expect(await store.identity()).toBeUndefined()
      expect((await store.createIdentity(first.identity)).identity.nodeId).toBe(first.identity.nodeId)
      expect((await store.createIdentity(second.identity)).identity.nodeId).toBe(first.identity.nodeId)
      await store.close()
      const again = await open()
      const stored = await again.identity()
      expect(stored?.former).toEqual([])
      expect(await again.state(first.stream)).toMatchObject({ revision: 1, head: { next: 0, lamport: 0 }, open: { first: 0 } })
      expect(await again.state(second.stream)).toBeUndefined()
      expect([await again.present(), (await again.records()).map(({ stream }) => stream)]).toEqual([{}, [first.stream]])
      const message = Uint8Array.of(1, 2, 3)
      const seal = await webCrypto.signer(stored?.identity ?? second.identity).sign(message)
      expect(await webCrypto.verify(first.identity.publicKey, seal, message)).toBe(true)
    },
  },
  {
    rule: 'S15',
    title: 'two tabs that make one at once get the same',
    run: async ({ open }) => {
      const [store, other, first, second] = [await open(), await open(), await createAuthor(), await createAuthor()]
      const made = await Promise.all([store.createIdentity(first.identity), other.createIdentity(second.identity)])
      expect(made[0].identity.nodeId).toBe(made[1].identity.nodeId)
      expect((await store.records()).length).toBe(1)
    },
  },
  {
    rule: 'S15',
    title: 'it is durable',
    needs: 'powerCut',
    run: async ({ open, powerCut }) => {
      const author = await createAuthor()
      await (await open()).createIdentity(author.identity)
      powerCut?.()
      const after = await open()
      expect((await after.identity())?.identity.nodeId).toBe(author.identity.nodeId)
      expect((await after.state(author.stream))?.revision).toBe(1)
    },
  },
  {
    rule: 'S16',
    title: 'a change notes the former id, retires its streams alone, begins the next one and raises the clock to the old head',
    run: async ({ open }) => {
      const [store, old, next, other] = [await open(), await createAuthor(), await createAuthor(), await createAuthor()]
      await store.createIdentity(old.identity)
      const routed = old.as(streamIdOf(old.identity.nodeId, 7))
      await store.appendReplicated([await routed.write(undefined, { bytes: 70_000 }), await other.write(undefined, { bytes: 70_000 })], 3)
      await store.appendOwn(await old.write(await store.state(old.stream), { lamport: 400 }), never, false)
      const revision = (await store.state(old.stream))?.revision ?? 0
      const changed = await store.changeIdentity(old.identity.nodeId, next.identity, 'restored', 77)
      expect([changed.identity.nodeId, changed.former]).toEqual([next.identity.nodeId, [old.identity.nodeId]])
      expect(await store.identity()).toEqual(changed)
      const retired = { type: 'retired', reason: 'restored', atMicros: 77 }
      expect(await store.state(old.stream)).toMatchObject({ standing: retired, revision: revision + 1, head: { next: 1 } })
      expect((await store.state(routed.stream))?.standing).toEqual(retired)
      expect((await store.state(other.stream))?.standing).toBeUndefined()
      expect(await store.state(next.stream)).toMatchObject({ revision: 1, head: { next: 0 } })
      expect(await store.clock()).toBe(400)
    },
  },
  {
    rule: 'S16',
    title: 'nothing happens unless the identity is still the one shown; of two changes at once one is made',
    run: async ({ open }) => {
      const [store, other, old, one, two] = [await open(), await open(), await createAuthor(), await createAuthor(), await createAuthor()]
      await store.createIdentity(old.identity)
      expect((await store.changeIdentity(one.identity.nodeId, two.identity, 'twin', 0)).identity.nodeId).toBe(old.identity.nodeId)
      expect((await store.state(old.stream))?.standing).toBeUndefined()
      const changed = await Promise.all([
        store.changeIdentity(old.identity.nodeId, one.identity, 'twin', 0),
        other.changeIdentity(old.identity.nodeId, two.identity, 'twin', 0),
      ])
      expect(changed[0]).toEqual(changed[1])
      expect(changed[0].former).toEqual([old.identity.nodeId])
      expect((await store.records()).length).toBe(2)
    },
  },
  {
    rule: 'S16',
    title: 'an identity that cannot be read, or is gone while its ids are there, is refused, and another takes its place and that of all before it',
    run: async ({ open, spoil, remove }) => {
      const [store, first, second, third, fourth] = [await open(), await createAuthor(), await createAuthor(), await createAuthor(), await createAuthor()]
      await store.createIdentity(first.identity)
      await store.appendOwn(await first.write(await store.state(first.stream), { lamport: 300 }), never, false)
      await store.changeIdentity(first.identity.nodeId, second.identity, 'restored', 1)
      expect((await store.changeIdentity(undefined, third.identity, 'damaged', 2)).identity.nodeId).toBe(second.identity.nodeId)
      await spoil('meta', 'identity')
      await expect(store.identity()).rejects.toMatchObject({ code: 'STORE-UNREADABLE' })
      await expect(store.createIdentity(third.identity)).rejects.toMatchObject({ code: 'STORE-UNREADABLE' })
      expect(await store.clock()).toBeGreaterThanOrEqual(300)
      const former = [first.identity.nodeId, second.identity.nodeId]
      expect(await store.changeIdentity(undefined, third.identity, 'damaged', 2)).toMatchObject({ identity: { nodeId: third.identity.nodeId }, former })
      expect((await store.state(second.stream))?.standing).toEqual({ type: 'retired', reason: 'damaged', atMicros: 2 })
      expect((await store.state(first.stream))?.standing).toEqual({ type: 'retired', reason: 'restored', atMicros: 1 })
      await remove('meta', 'identity')
      await expect(store.identity()).rejects.toMatchObject({ code: 'STORE-UNREADABLE' })
      expect((await store.changeIdentity(undefined, fourth.identity, 'damaged', 3)).former).toEqual([...former, third.identity.nodeId])
    },
  },
  {
    rule: 'S17',
    title: 'a retired stream refuses own appends, and still grows by replication',
    run: async ({ open }) => {
      const [store, old, next] = [await open(), await createAuthor(), await createAuthor()]
      await store.createIdentity(old.identity)
      const underWay = await old.write(await store.state(old.stream))
      await store.changeIdentity(old.identity.nodeId, next.identity, 'restored', 0)
      expect((await store.appendOwn(underWay, 1, false)).type).toBe('stale')
      const fresh = await old.write(await store.state(old.stream))
      expect((await store.appendOwn(fresh, 1, false)).type).toBe('stale')
      expect((await store.appendReplicated([fresh], 1)).type).toBe('stored')
      expect(await store.present()).toEqual({ [old.stream]: 0 })
    },
  },
]
