import { expect, test } from 'vitest'
import type { StorageDevice } from '../../src/node/devices.ts'
import { copiesOfOwn, isNearlyFull, type StorageStatus } from '../../src/node/node.ts'
import { createRoom } from '../../src/node/room.ts'
import { createTestWorld } from '../environment.ts'
import { createNodeWorld, follow, readAll, tagged } from './world.ts'

const MIB = 1024 * 1024

/** A disk of which a test says how full it is; counts how often it was asked. */
const createDevice = (first: { readonly usedBytes: number | undefined; readonly quotaBytes: number | undefined }) => {
  const device = {
    space: first,
    asked: 0,
    estimate: () => {
      device.asked++
      return Promise.resolve(device.space)
    },
    persist: () => Promise.resolve(true),
  } satisfies StorageDevice & { asked: number; space: typeof first }
  return device
}

const openRoom = async (device: StorageDevice) => {
  const world = createTestWorld(1)
  const status: { storage: StorageStatus } = { storage: { usedBytes: undefined, quotaBytes: undefined, persistent: undefined } }
  const failures: string[] = []
  const room = createRoom({
    device,
    environment: world.profile().openTab().environment,
    storage: () => status.storage,
    set: (storage) => (status.storage = storage),
    supervise: (doing, work) => void work.catch(() => failures.push(doing)),
  })
  room.begin()
  await world.settle()
  return { world, room, status, failures }
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
  const { world, room, failures } = await openRoom(device)
  expect([room.hasRoom(), failures]).toEqual([true, ['asking for the space used']])
  device.estimate = estimate
  await world.advance(10_000)
  expect(room.hasRoom()).toBe(false)
})

test('[G6] [R38] between two estimates what was stored since counts; the device is asked after 4 MiB, at the bound and every 10 s', async () => {
  const device = createDevice({ usedBytes: 0, quotaBytes: 100 * MIB })
  const { world, room, status } = await openRoom(device)
  room.stored(3 * MIB)
  expect([device.asked, status.storage.usedBytes]).toEqual([1, 3 * MIB])
  room.stored(MIB)
  expect(device.asked).toBe(2)
  device.space = { usedBytes: 89.5 * MIB, quotaBytes: 100 * MIB }
  await world.advance(10_000)
  expect([device.asked, room.hasRoom()]).toEqual([3, true])
  room.stored(MIB)
  expect([device.asked, room.hasRoom()]).toEqual([4, false])
  await world.settle()
  expect(room.hasRoom()).toBe(true)
  room.close()
  await world.advance(60_000)
  expect(device.asked).toBe(4)
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
