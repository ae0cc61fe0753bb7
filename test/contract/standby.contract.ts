import { expect } from 'vitest'
import type { StandbyCall, StandbyConnector, StandbyListener, Transport } from '../../src/net/transport.ts'

export interface StandbyFactory {
  readonly caller: StandbyConnector
  readonly listener: StandbyConnector
  /** Lets the 15 s of an applied answer pass, and what they bring: what has not happened by then does not happen. Where time passes by itself it never resolves; the test's own limit does. */
  readonly passTry: () => Promise<void>
}

export interface StandbyCase {
  readonly rule: string
  readonly title: string
  readonly run: (factory: StandbyFactory) => Promise<void>
}

/** What the handlers of one end were told. */
interface End {
  readonly told: readonly (Transport | string)[]
  readonly handlers: { readonly opened: (transport: Transport) => void; readonly failed: (reason: string) => void }
  /** The first that it is told. */
  readonly first: () => Promise<Transport | string>
}

const createEnd = ({ passTry }: StandbyFactory): End => {
  const told: (Transport | string)[] = []
  let resolve: (what: Transport | string) => void = () => undefined
  const promise = new Promise<Transport | string>((call) => (resolve = call))
  const tell = (what: Transport | string) => {
    told.push(what)
    resolve(what)
  }
  const first = async (): Promise<Transport | string> => {
    if (told.length === 0) await Promise.race([promise, passTry()])
    return told[0] ?? 'nothing'
  }
  return { told, handlers: { opened: tell, failed: tell }, first }
}

interface Agreed {
  readonly call: StandbyCall
  readonly listener: StandbyListener
  readonly near: End
  readonly far: End
}

const agree = async (factory: StandbyFactory): Promise<Agreed> => {
  const [near, far] = [createEnd(factory), createEnd(factory)]
  const call = await factory.caller.call()
  return { call, listener: await factory.listener.listen(call.offer, far.handlers), near, far }
}

const openedOf = (told: Transport | string): Transport => {
  if (typeof told === 'string') throw new Error(told)
  return told
}

/** Both ends, after a message each way. */
const bothOpen = async ({ near, far }: Pick<Agreed, 'near' | 'far'>): Promise<readonly [Transport, Transport]> => {
  const ends = [openedOf(await near.first()), openedOf(await far.first())] as const
  const heard = ends.map((end, index) => new Promise<Uint8Array>((message) => end.start({ message, heard: () => undefined, drained: () => undefined, closed: () => message(Uint8Array.of(9, index)) })))
  ends.forEach((end, index) => end.send(Uint8Array.of(index)))
  expect(await Promise.all(heard)).toEqual([Uint8Array.of(1), Uint8Array.of(0)])
  return ends
}

/** An ordinary pair: whatever was about to happen between the two has happened by then. */
const settle = async (factory: StandbyFactory): Promise<void> => {
  const agreed = await agree(factory)
  agreed.call.apply(agreed.listener.answer, agreed.near.handlers)
  for (const end of await bothOpen(agreed)) end.close('settled')
}

const opensWhenApplied: StandbyCase['run'] = async (factory) => {
  const agreed = await agree(factory)
  await settle(factory)
  expect([...agreed.near.told, ...agreed.far.told]).toEqual([])
  agreed.call.apply(agreed.listener.answer, agreed.near.handlers)
  const [near, far] = await bothOpen(agreed)
  expect([near.dialled, far.dialled]).toEqual([true, false])
  expect([near.fingerprints.own, near.fingerprints.peer]).toEqual([far.fingerprints.peer, far.fingerprints.own])
  near.close('done')
}

const twoAtOnce: StandbyCase['run'] = async (factory) => {
  const [one, other] = [await agree(factory), await agree(factory)]
  other.call.apply(other.listener.answer, other.near.handlers)
  const [second] = await bothOpen(other)
  one.call.apply(one.listener.answer, one.near.handlers)
  const [first] = await bothOpen(one)
  expect(first.fingerprints.own).not.toEqual(second.fingerprints.own)
  first.close('done')
  second.close('done')
}

const madeAgain: StandbyCase['run'] = async (factory) => {
  const { call, listener, far } = await agree(factory)
  const keys: unknown = structuredClone(call.keys)
  call.close()
  const near = createEnd(factory)
  const again = await factory.caller.call(keys)
  again.apply(listener.answer, near.handlers)
  const [one] = await bothOpen({ near, far })
  expect(again.offer).toBeInstanceOf(Uint8Array)
  // The same keys name the same caller in an offer of their own.
  const more = await factory.caller.call(keys)
  const [otherNear, otherFar] = [createEnd(factory), createEnd(factory)]
  more.apply((await factory.listener.listen(more.offer, otherFar.handlers)).answer, otherNear.handlers)
  const [two] = await bothOpen({ near: otherNear, far: otherFar })
  expect(two.fingerprints.own).toEqual(one.fingerprints.own)
  expect(again.expiresMicros).toBeGreaterThan(Date.now() * 1000)
  one.close('done')
  two.close('done')
}

const closedListener: StandbyCase['run'] = async (factory) => {
  const { call, listener, near, far } = await agree(factory)
  listener.close()
  call.apply(listener.answer, near.handlers)
  expect(await near.first()).toBeTypeOf('string')
  await settle(factory)
  expect(near.told.length).toBe(1)
  expect(far.told).toEqual([])
}

const closedCall: StandbyCase['run'] = async (factory) => {
  const agreed = await agree(factory)
  agreed.call.apply(agreed.listener.answer, agreed.near.handlers)
  agreed.call.close()
  agreed.call.close()
  await settle(factory)
  expect(agreed.near.told).toEqual([])
  agreed.listener.close()
  agreed.listener.close()
}

const refused: StandbyCase['run'] = async (factory) => {
  const noise = Uint8Array.of(1, 2, 3)
  const end = createEnd(factory)
  await expect(factory.listener.listen(noise, end.handlers)).rejects.toMatchObject({ code: 'NET-FAILED' })
  for (const keys of [null, 'keys', {}, { certificate: 1, ufrag: 'abcd', pwd: 'x'.repeat(24) }]) await expect(factory.caller.call(keys)).rejects.toMatchObject({ code: 'NET-FAILED' })
  const call = await factory.caller.call()
  call.apply(noise, end.handlers)
  expect(await end.first()).toContain('malformed')
  expect(end.told.length).toBe(1)
}

export const standbyContract: readonly StandbyCase[] = [
  { rule: 'T11', title: 'both ends open when the answer is applied, and not before', run: opensWhenApplied },
  { rule: 'T11', title: 'of two that wait each opens when it is its turn, and is another', run: twoAtOnce },
  { rule: 'T12', title: 'a call is made again from its keys and taken by the same listener', run: madeAgain },
  { rule: 'T13', title: 'where the listener is closed, the call fails once', run: closedListener },
  { rule: 'T14', title: 'a call that was closed while it is tried says nothing', run: closedCall },
  { rule: 'T15', title: 'offers, answers and keys that are none are refused', run: refused },
]
