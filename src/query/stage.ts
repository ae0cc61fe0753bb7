import type { Evaluated, Evaluation, Scope } from './evaluate.ts'

/** What comes out of a step: a value, taken back where `anti`, with the names bound so far; or why there is none. */
export type Outcome =
  | { readonly type: 'value'; readonly value: Evaluated; readonly anti: boolean; readonly scope: Scope | undefined }
  | { readonly type: 'fault'; readonly message: string }

/** A value for a step: `_` is bound to it in `scope`. `outer` has the names without it. */
export interface StageInput {
  readonly value: Evaluated
  readonly anti: boolean
  readonly scope: Scope
  readonly outer: Scope | undefined
}

/** One step of a running query. */
export interface Stage {
  /** @throws EvaluationError: this input gives nothing; QueryError: the query ends */
  readonly apply: (input: StageInput) => Evaluation<readonly Outcome[]>
  /** What has gathered since the last time. Absent: it gathers nothing. */
  readonly flush?: () => Evaluation<readonly Outcome[]>
  /** Whether no further input makes a difference. Absent: it always may. */
  readonly isDone?: (descending: boolean) => boolean
}
