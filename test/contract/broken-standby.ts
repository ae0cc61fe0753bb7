import type { StandbyCall, StandbyConnector, StandbyListener } from '../../src/net/transport.ts'

/** A planted fault for each rule of the contract: the suite must catch it there. */
export interface BrokenStandby {
  readonly rule: string
  readonly fault: string
  readonly plant: (standbys: StandbyConnector) => StandbyConnector
}

/** The members of a call are those of a class: a spread would lose them. */
const replaceCall = (standbys: StandbyConnector, change: (call: StandbyCall) => Partial<StandbyCall>): StandbyConnector => ({
  ...standbys,
  call: async (keys) => {
    const call = await standbys.call(keys)
    const { offer, keys: own, expiresMicros } = call
    return { offer, keys: own, expiresMicros, apply: (answer, handlers) => call.apply(answer, handlers), close: () => call.close(), ...change(call) }
  },
})

const replaceListener = (standbys: StandbyConnector, change: Partial<StandbyListener>): StandbyConnector =>
  ({ ...standbys, listen: async (offer, handlers) => ({ ...(await standbys.listen(offer, handlers)), ...change }) })

export const brokenStandbys: readonly BrokenStandby[] = [
  { rule: 'T11', fault: 'the listener gives up at once', plant: (standbys) => ({
    ...standbys,
    listen: async (offer, handlers) => {
      const listener = await standbys.listen(offer, handlers)
      listener.close()
      return listener
    },
  }) },
  { rule: 'T12', fault: 'a call made from keys is another one', plant: (standbys) => ({ ...standbys, call: () => standbys.call() }) },
  { rule: 'T13', fault: 'a listener that is closed is found', plant: (standbys) => replaceListener(standbys, { close: () => undefined }) },
  { rule: 'T14', fault: 'closing a call does nothing', plant: (standbys) => replaceCall(standbys, () => ({ close: () => undefined })) },
  { rule: 'T15', fault: 'an answer that is none is waited for', plant: (standbys) => replaceCall(standbys, () => ({ apply: () => undefined })) },
]
