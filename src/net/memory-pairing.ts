import { bytesToHex, hexToBytes } from '../core/bytes.ts'
import type { SignalForm } from './pairing.ts'

/** The memory network's signals as descriptions: they stand in the password. */
export const memoryForm: SignalForm = {
  describe: ([signal]) => signal && { ufrag: 'memory', password: bytesToHex(signal).padEnd(22, '+'), fingerprint: new Uint8Array(32), candidates: [{ type: 'ipv4', address: Uint8Array.of(127, 0, 0, 1), port: 9 }] },
  signalOf: (_, { password }) => hexToBytes(password.replaceAll('+', '')) ?? new Uint8Array(0),
}
