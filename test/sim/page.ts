import { NetError as PresentNetError, type Connector, type StandbyHandlers, type Transport } from '../../src/net/transport.ts'
import type { Signaling } from '../../src/net/signaling.ts'
import type { TestTab } from '../environment.ts'

/** A page's life, as its devices see it: a frozen page is told nothing until it is resumed, one that is gone nothing ever. */
export interface Page {
  readonly tab: TestTab
  readonly isFrozen: () => boolean
  readonly isGone: () => boolean
  /** Resolves when the page is awake; never where it is gone. */
  readonly awake: () => Promise<void>
  /** Calls when the page is gone. @returns a function that stops it */
  readonly onGone: (call: () => void) => () => void
  /** Calls now, on `resume`, or never. Calls keep their order. */
  readonly deliver: (call: () => void) => void
  /** When it was resumed last. */
  readonly wokeMs: () => number
  readonly freeze: () => void
  readonly resume: () => void
  readonly crash: () => void
  readonly close: () => void
}

export const createPage = (tab: TestTab): Page => {
  const held: (() => void)[] = []
  let wokeMs = -Infinity
  let state: 'awake' | 'frozen' | 'gone' = 'awake'
  const leaving = new Set<() => void>()
  const deliver = (call: () => void) => {
    if (state === 'awake') call()
    else if (state === 'frozen') held.push(call)
  }
  const end = (how: () => void) => () => {
    if (state === 'gone') return
    how()
    state = 'gone'
    held.length = 0
    for (const call of [...leaving]) call()
  }
  return {
    tab,
    isFrozen: () => state === 'frozen',
    isGone: () => state === 'gone',
    awake: () => new Promise((resolve) => (state === 'gone' ? undefined : deliver(resolve))),
    onGone: (call) => {
      leaving.add(call)
      return () => leaving.delete(call)
    },
    deliver,
    wokeMs: () => wokeMs,
    freeze: () => {
      if (state !== 'awake') return
      tab.freeze()
      state = 'frozen'
    },
    resume: () => {
      if (state !== 'frozen') return
      state = 'awake'
      wokeMs = tab.environment.monotonicMs()
      for (const call of held.splice(0)) call()
      tab.resume()
    },
    crash: end(tab.crash),
    close: end(tab.close),
  }
}

export const never = <T>(): Promise<T> => new Promise<T>(() => undefined)

type NetErrorClass = typeof PresentNetError

/** A connector whose events reach the page as the browser's would. `say` hears what leaves and sends it on. */
export const connectorOf = (page: Page, { begin, standbys }: Connector, NetError: NetErrorClass, say: (message: Uint8Array, send: (message: Uint8Array) => void) => void): Connector => {
  const guardTransport = (transport: Transport): Transport => {
    const [start, send] = [transport.start.bind(transport), transport.send.bind(transport)]
    const sent = (message: Uint8Array) => {
      try {
        send(message)
      } catch (error) {
        // The network is of the present program; the page's own tells its errors by their class.
        throw error instanceof PresentNetError ? new NetError(error.code, error.message) : error
      }
    }
    return Object.assign(transport, {
      send: (message: Uint8Array) => {
        if (!page.isGone()) say(message, sent)
      },
      start: (handlers: Parameters<Transport['start']>[0]) =>
        start({
          message: (message) => page.deliver(() => handlers.message(message)),
          heard: () => page.deliver(handlers.heard),
          drained: () => page.deliver(handlers.drained),
          closed: (reason) => page.deliver(() => handlers.closed(reason)),
        }),
    })
  }
  const guard = <T extends StandbyHandlers>(handlers: T): T => ({
    ...handlers,
    opened: (transport: Transport) => page.deliver(() => handlers.opened(guardTransport(transport))),
    failed: (reason: string) => page.deliver(() => handlers.failed(reason)),
  })
  return {
    begin: (dialled, handlers) => begin(dialled, { ...guard(handlers), signal: (data) => page.deliver(() => handlers.signal(data)) }),
    ...(standbys && {
      standbys: {
        ...standbys,
        listen: (offer, handlers) => standbys.listen(offer, guard(handlers)),
        call: async (keys) => {
          const call = await standbys.call(keys)
          const apply = call.apply.bind(call)
          return Object.assign(call, { apply: (answer: Uint8Array, handlers: StandbyHandlers) => apply(answer, guard(handlers)) })
        },
      },
    }),
  }
}

export const signalingOf = (page: Page, signaling: Signaling): Signaling => ({
  start: (handlers) =>
    signaling.start({
      wanted: (peer, node) => !page.isGone() && !page.isFrozen() && handlers.wanted(peer, node),
      met: (introduction) => page.deliver(() => handlers.met(introduction)),
      state: (state) => page.deliver(() => handlers.state(state)),
      unreached: (...parameters) => page.deliver(() => handlers.unreached(...parameters)),
    }),
  wake: () => signaling.wake(),
  look: () => signaling.look(),
  close: () => signaling.close(),
})
