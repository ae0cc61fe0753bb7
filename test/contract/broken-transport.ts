import type { Transport, TransportHandlers } from '../../src/net/transport.ts'

/** A planted fault for each rule of the contract: the suite must catch it there. */
export interface BrokenTransport {
  readonly rule: string
  readonly fault: string
  readonly plant: (transport: Transport) => Transport
}

/** `transport` with some of its members replaced. Its own are getters of a class, so that a spread would not do. */
const replace = (transport: Transport, members: Partial<Transport>): Transport => ({
  dialled: transport.dialled,
  fingerprints: transport.fingerprints,
  start: (handlers) => transport.start(handlers),
  send: (message) => transport.send(message),
  get bufferedBytes() {
    return transport.bufferedBytes
  },
  close: (reason) => transport.close(reason),
  ...members,
})

const replaceHandlers = (transport: Transport, change: (handlers: TransportHandlers) => Partial<TransportHandlers>): Transport =>
  replace(transport, { start: (handlers) => transport.start({ ...handlers, ...change(handlers) }) })

const swapMessages = (transport: Transport): Transport => {
  let held: Uint8Array | undefined
  let count = 0
  return replace(transport, {
    send: (message) => {
      count++
      if (count % 50 === 0) held = message.slice()
      else transport.send(message)
      if (held !== undefined && count % 50 !== 0) {
        transport.send(held)
        held = undefined
      }
    },
  })
}

const loseBeforeStart = (transport: Transport): Transport => {
  let handlers: TransportHandlers | undefined
  transport.start({
    message: (message) => handlers?.message(message),
    heard: () => handlers?.heard(),
    drained: () => handlers?.drained(),
    closed: (reason) => handlers?.closed(reason),
  })
  return replace(transport, { start: (given) => void (handlers = given) })
}

const forgetErrors = (code: string) => (transport: Transport): Transport =>
  replace(transport, {
    send: (message) => {
      try {
        transport.send(message)
      } catch (error) {
        if ((error as { readonly code?: unknown }).code !== code) throw error
      }
    },
  })

export const brokenTransports: readonly BrokenTransport[] = [
  { rule: 'T1', fault: 'now and then two messages change places', plant: swapMessages },
  { rule: 'T2', fault: 'an empty message is not sent', plant: (transport) => replace(transport, { send: (message) => message.length > 0 && transport.send(message) }) },
  { rule: 'T3', fault: 'what comes before `start` is lost', plant: loseBeforeStart },
  { rule: 'T4', fault: 'a message that is too large is dropped without a word', plant: forgetErrors('NET-TOO-LARGE') },
  {
    rule: 'T5',
    fault: 'the closing is told twice',
    plant: (transport) => replaceHandlers(transport, (handlers) => ({ closed: (reason) => [reason, reason].forEach(handlers.closed) })),
  },
  { rule: 'T6', fault: '`send` after closing does nothing', plant: forgetErrors('NET-CLOSED') },
  { rule: 'T7', fault: 'every connection has the same fingerprints', plant: (transport) => replace(transport, { fingerprints: { own: new Uint8Array(32), peer: new Uint8Array(32) } }) },
  { rule: 'T8', fault: '`drained` is never told', plant: (transport) => replaceHandlers(transport, () => ({ drained: () => undefined })) },
  {
    rule: 'T9',
    fault: 'a frame is heard after its message',
    plant: (transport) => replaceHandlers(transport, (handlers) => ({ heard: () => queueMicrotask(handlers.heard) })),
  },
  {
    rule: 'T10',
    fault: 'a violation looks like a loss',
    plant: (transport) => replaceHandlers(transport, (handlers) => ({ closed: (reason) => handlers.closed(reason === 'violation' ? 'lost' : reason) })),
  },
]
