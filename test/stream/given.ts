/** The value, which must be there: a test that lacks it fails here. */
export const given = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('something that the test needs is not there')
  return value
}
