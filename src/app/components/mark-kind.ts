/** States as filled shapes: what each means stands in the table of marks of the visual design. */
export type MarkKind = 'run' | 'pause' | 'ready' | 'wait' | 'done' | 'stop' | 'clash' | 'fail' | 'still' | 'late'
