import { finishOperation, isoTime, startOperation } from '../orders/actions.ts'
import type { Run } from '../orders/orders.ts'
import type { Session } from './session.ts'

/** Records that an operation begins at this tablet now. */
export const startHere = ({ entries, tablet, nowMicros }: Session, order: string, operation: string): void =>
  entries.record([startOperation({ order, operation, station: tablet.code, time: timeOf(nowMicros) })], 'entry.started', { order, operation })

export interface Finish {
  readonly order: string
  readonly operation: string
  readonly run: Run
  readonly good: number
  readonly scrap: number
}

/** Records that a run ends now, with its pieces; it stays a run of the station at which it began. */
export const finishRun = ({ entries, nowMicros }: Session, { order, operation, run, good, scrap }: Finish): void =>
  entries.record([finishOperation({ order, operation, station: run.station, time: timeOf(nowMicros), good, scrap })], 'entry.finished', { order, operation, good, scrap })

const timeOf = (micros: number): string => isoTime(new Date(micros / 1000))
