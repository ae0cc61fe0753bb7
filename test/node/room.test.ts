import { expect, test } from 'vitest'
import type { SwarmId } from '../../src/core/ids.ts'
import type { StorageDevice } from '../../src/node/devices.ts'
import { copiesOfOwn, isNearlyFull, type StorageStatus } from '../../src/node/node.ts'
import { createReserve, reserveBytes } from '../../src/node/reserve.ts'
import { createRoom } from '../../src/node/room.ts'
import { createMemoryDisk, openMemoryStore } from '../../src/store/memory-event-store.ts'
import { createTestWorld } from '../environment.ts'
import { createNodeWorld, follow, readAll, tagged } from './world.ts'

const MIB = 1024 * 1024

type Space = Awaited<ReturnType<StorageDevice['estimate']>>

/** A disk of which a test says how full it is; counts how often it was asked. */
const createDevice = (first: Space) => {
  const device: StorageDevice & { space: Space; asked: number; estimate: () => Promise<Space> } = {
    space: first,
    asked: 0,
    estimate: () => {
      device.asked++
      return Promise.resolve(device.space)
    },
    persisted: () => Promise.resolve(true),
    persist: () => Promise.resolve(true),
  }
  return device
}

const openRoom = async (device: StorageDevice, disk = createMemoryDisk()) => {
  const world = createTestWorld(1)
  const status: { storage: StorageStatus } = { storage: { usedBytes: undefined, quotaBytes: undefined, persistent: undefined } }
  const told: string[] = []
  const { local } = openMemoryStore(disk, 'swarm' as SwarmId)
  const room = createRoom({
    device,
    reserve: createReserve(local, world.random.bytes),
    environment: world.profile().openTab().environment,
    storage: () => status.storage,
    set: (storage) => (status.storage = storage),
    awake: () => Promise.resolve(),
    regained: () => told.push('regained'),
    supervise: (doing, work) => void work.catch(() => told.push(doing)),
  })
  room.begin()
  await world.settle()
  return { world, room, status, told }
}

test.each([
  ['just below nine tenths', { usedBytes: 899, quotaBytes: 1_000 }, true],
  ['at nine tenths', { usedBytes: 900, quotaBytes: 1_000 }, false],
  ['above the quota', { usedBytes: 1_100, quotaBytes: 1_000 }, false],
  ['where the browser does not say how much is used', { usedBytes: undefined, quotaBytes: 1_000 }, true],
  ['where the browser does not say how much there is', { usedBytes: 900, quotaBytes: undefined }, true],
])('[G6] [R38] %s', async (_, space, hasRoom) => {
  const { room, status } = await openRoom(createDevice(space))
  expect(room.hasRoom()).toBe(hasRoom)
  expect(status.storage).toEqual({ ...space, persistent: true })
})

test('[G6] [R38] before the first answer there is room, and a device that fails is reported and asked again', async () => {
  const device = createDevice({ usedBytes: 95, quotaBytes: 100 })
  const { estimate } = device
  device.estimate = () => Promise.reject(new Error('not now'))
  const { world, room, told } = await openRoom(device)
  expect([room.hasRoom(), new Set(told)]).toEqual([true, new Set(['asking for the space used'])])
  device.estimate = estimate
  await world.advance(10_000)
  expect(room.hasRoom()).toBe(false)
})

test('[G6] [R38] between two estimates what was stored since counts; the device is asked after 4 MiB, at the bound and every 10 s', async () => {
  const device = createDevice({ usedBytes: 0, quotaBytes: 100 * MIB })
  const { world, room, status } = await openRoom(device)
  const { asked } = device
  room.stored(3 * MIB)
  expect([device.asked, status.storage.usedBytes]).toEqual([asked, 3 * MIB])
  room.stored(MIB)
  expect(device.asked).toBe(asked + 1)
  device.space = { usedBytes: 89.5 * MIB, quotaBytes: 100 * MIB }
  await world.advance(10_000)
  expect([device.asked, room.hasRoom()]).toEqual([asked + 2, true])
  room.stored(MIB)
  expect([device.asked, room.hasRoom()]).toEqual([asked + 3, false])
  await world.settle()
  expect(room.hasRoom()).toBe(true)
  room.close()
  await world.advance(60_000)
  expect(device.asked).toBe(asked + 3)
})

test('[G6] [R38] where the quota is not told the reserve makes room for own entries once, and is kept again when twice as much is free', async () => {
  const disk = createMemoryDisk()
  const { world, room, status, told } = await openRoom(createDevice({ usedBytes: 40 * MIB, quotaBytes: 10_000 * MIB }), disk)
  expect([room.hasRoom(), disk.usedBytes()]).toEqual([true, expect.closeTo(reserveBytes, -3)])
  disk.setQuota(disk.usedBytes())
  expect(await Promise.all([room.refused(), room.refused()])).toEqual([true, true])
  expect(await room.refused()).toBe(false)
  expect([room.hasRoom(), disk.usedBytes()]).toEqual([false, 0])
  expect(isNearlyFull(status.storage)).toBe(true)
  await world.advance(60_000)
  expect([room.hasRoom(), isNearlyFull(status.storage), disk.usedBytes(), told]).toEqual([false, true, 0, []])
  disk.setQuota(3 * reserveBytes)
  await world.advance(30_000)
  expect([room.hasRoom(), isNearlyFull(status.storage), disk.usedBytes(), told]).toEqual([true, false, expect.closeTo(reserveBytes, -3), ['regained']])
})

test('[G6] [R38] nearly full: own entries are stored and reach the others, theirs are not taken, which is said once; with room again they come by themselves', async () => {
  const { world, tablet } = await createNodeWorld()
  const storage = createDevice({ usedBytes: 10, quotaBytes: 100 })
  const { node: small } = await tablet().open({}, { storage })
  const { node: far } = await tablet().open()
  await far.publish([tagged('before')])
  await world.until(() => copiesOfOwn(far.status()) === 2)
  storage.space = { usedBytes: 90, quotaBytes: 100 }
  await world.until(() => isNearlyFull(small.status().storage))

  for (let at = 0; at < 20; at++) {
    await far.publish([tagged(`while full ${at}`)])
    await small.publish([tagged(`own ${at}`)])
    await world.advance(10_000)
  }
  expect(await readAll(small)).toHaveLength(21)
  expect(await readAll(far)).toHaveLength(41)
  expect([copiesOfOwn(small.status()), copiesOfOwn(far.status())]).toEqual([2, 1])
  expect(small.status().peers).toMatchObject([{ state: 'connected', holds: await far.present() }])
  expect(small.status().notices.map(({ code }) => code)).toEqual(['STORE-NEARLY-FULL'])

  storage.space = { usedBytes: 50, quotaBytes: 100 }
  await world.until(() => copiesOfOwn(far.status()) === 2, 90_000)
  expect((await readAll(small)).map(({ meta }) => meta.eventId)).toEqual((await readAll(far)).map(({ meta }) => meta.eventId))
  storage.space = { usedBytes: 90, quotaBytes: 100 }
  await world.until(() => isNearlyFull(small.status().storage))
  const [said] = small.status().notices
  await far.publish([tagged('full again')])
  await world.until(() => small.status().notices[0] !== said)
  expect(small.status().notices).toMatchObject([{ ...said, atMicros: expect.any(Number) }])
})

test('[G2] [G6] [R38] a disk that fills up by what others record still takes what is recorded here, and the rest once there is room', async () => {
  const { world, tablet } = await createNodeWorld()
  const small = tablet()
  const storage = createDevice({ usedBytes: undefined, quotaBytes: undefined })
  const [{ node: full }, { node: far }] = [await small.open({}, { storage }), await tablet().open()]
  await full.publish([tagged('first')])
  await world.until(() => copiesOfOwn(full.status()) === 2)
  small.disk.setQuota(small.disk.usedBytes() + 5_000)
  for (let at = 0; at < 10; at++) {
    await far.publish([tagged(`theirs ${at}`.padEnd(2_000, '.'))])
    await world.advance(1_000)
  }
  const own = Array.from({ length: 200 }, (_, at) => `mine ${at}`)
  for (const text of own) await full.publish([tagged(text)])
  expect((await readAll(full)).length).toBeLessThan(1 + 10 + own.length)
  expect(full.status()).toMatchObject({ storeFailure: undefined, notices: [{ code: 'STORE-NEARLY-FULL' }] })
  small.disk.setQuota(undefined)
  await world.until(() => copiesOfOwn(far.status()) === 2, 120_000)
  expect((await readAll(full)).map(({ meta }) => meta.eventId)).toEqual((await readAll(far)).map(({ meta }) => meta.eventId))
  expect(await readAll(full)).toHaveLength(1 + 10 + own.length)
})

test('[G1] [S18] a tablet whose disk is full is opened, shows everything, refuses what it cannot store, and connects once there is room', async () => {
  const { world, tablet } = await createNodeWorld()
  const [mine, theirs] = [tablet(), tablet()]
  const { node: first } = await mine.open()
  await first.publish([tagged('kept')])
  await first.close()
  mine.disk.setQuota(mine.disk.usedBytes())

  const { node } = await mine.open()
  const { node: far } = await theirs.open()
  const seen = follow(node)
  await world.advance(20_000)
  expect(seen.given.map(({ payload }) => payload)).toEqual(['kept'])
  await expect(node.publish([tagged('not kept')])).rejects.toMatchObject({ code: 'STORE-QUOTA' })
  expect(node.status()).toMatchObject({ leader: false, storeFailure: { code: 'STORE-QUOTA' } })

  mine.disk.setQuota(undefined)
  await world.until(() => copiesOfOwn(node.status()) === 2)
  expect(node.status().storeFailure).toBeUndefined()
  await node.publish([tagged('kept too')])
  await world.until(async () => (await readAll(far)).length === 2)
})
