import { buildSdp, extractSignal } from '../protocol/pairing-sdp.ts'
import { createPairingConnector, type PairingConnector, type SignalForm } from './pairing.ts'
import { decodeSignal, encodeSignal } from './simple-peer-signal.ts'
import { SimplePeerAttempt, type SimplePeerOptions } from './simple-peer-transport.ts'

/** Pairing over WebRTC data channels. */
export const createSimplePeerPairing = (options: SimplePeerOptions): PairingConnector =>
  createPairingConnector({ form: simplePeerForm, timers: options.timers, begin: (dialled, handlers, gathered) => new SimplePeerAttempt(dialled, handlers, { ...options, gathered }) })

/** What a browser's session description comes down to, and back. */
const simplePeerForm: SignalForm = {
  describe: (signals) => {
    const said = signals.flatMap((signal) => decodeSignal(signal) ?? [])
    const sdp = said.flatMap((signal) => ('sdp' in signal ? signal.sdp : []))[0]
    return sdp === undefined ? undefined : extractSignal(sdp, said.flatMap((signal) => ('candidate' in signal ? signal.candidate.candidate : [])))
  },
  signalOf: (role, description) => {
    const bytes = encodeSignal({ type: role, sdp: buildSdp({ role, ...description }) })
    if (bytes === undefined) throw new Error('a description of at most three candidates fits a signal')
    return bytes
  },
}
