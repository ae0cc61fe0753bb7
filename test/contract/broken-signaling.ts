import type { Introduction, Signaling, SignalingHandlers } from '../../src/net/signaling.ts'
import type { SignalingFactory } from './signaling.contract.ts'

/** A planted fault for each rule of the contract: the suite must catch it there. */
export interface BrokenSignaling {
  readonly rule: string
  readonly fault: string
  readonly plant: (factory: SignalingFactory) => SignalingFactory
}

const wrap = (factory: SignalingFactory, change: (signaling: Signaling) => Partial<Signaling>): SignalingFactory => ({
  ...factory,
  open: (options) => {
    const signaling = factory.open(options)
    return { start: (handlers) => signaling.start(handlers), wake: () => signaling.wake(), look: () => signaling.look(), close: () => signaling.close(), ...change(signaling) }
  },
})

const wrapHandlers = (factory: SignalingFactory, change: (handlers: SignalingHandlers) => Partial<SignalingHandlers>): SignalingFactory =>
  wrap(factory, (signaling) => ({ start: (handlers) => signaling.start({ ...handlers, ...change(handlers) }) }))

const wrapIntroduction = (introduction: Introduction, change: Partial<Introduction>): Introduction => ({
  peer: introduction.peer,
  opened: introduction.opened,
  start: (handlers) => introduction.start(handlers),
  send: (envelope) => introduction.send(envelope),
  close: () => introduction.close(),
  ...change,
})

/** A clock that never comes to some times. */
const without = (factory: SignalingFactory, isLost: (delayMs: number) => boolean): SignalingFactory => ({
  ...factory,
  open: (options) => factory.open({ ...options, timers: { ...options.timers, after: (delayMs, call) => (isLost(delayMs) ? () => undefined : options.timers.after(delayMs, call)) } }),
})

export const brokenSignalings: readonly BrokenSignaling[] = [
  {
    rule: 'N1',
    fault: 'an empty envelope is lost',
    plant: (factory) =>
      wrapHandlers(factory, ({ met }) => ({
        met: (introduction) => met(wrapIntroduction(introduction, { send: (envelope) => envelope.length > 0 && introduction.send(envelope) })),
      })),
  },
  { rule: 'N2', fault: 'both say that they opened the pipe', plant: (factory) => wrapHandlers(factory, ({ met }) => ({ met: (introduction) => met(wrapIntroduction(introduction, { opened: true })) })) },
  { rule: 'N3', fault: 'every tag is right', plant: (factory) => ({ ...factory, open: (options) => factory.open({ ...options, tagOf: async () => new Uint8Array(8) }) }) },
  { rule: 'N4', fault: 'no pipe is ever given up', plant: (factory) => without(factory, (delayMs) => delayMs === 10_000 || delayMs === 20_000) },
  {
    rule: 'N5',
    fault: 'a hub that was lost stays lost',
    plant: (factory) => {
      let isLost = false
      return wrapHandlers(factory, ({ state }) => ({
        state: (now) => {
          if (!isLost) state(now)
          isLost ||= now.type === 'unreachable'
        },
      }))
    },
  },
  { rule: 'N6', fault: '`close` does nothing', plant: (factory) => wrap(factory, () => ({ close: async () => undefined })) },
]
