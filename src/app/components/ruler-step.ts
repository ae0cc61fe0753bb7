/** Distance of the figures on a ruler: 1, 2 or 5 times a power of ten, so that three to six of them stand on it. */
export const rulerStep = (length: number): number => {
  const power = 10 ** Math.floor(Math.log10(Math.max(length, 1)))
  const step = [0.2, 0.5, 1, 2].map((share) => share * power).find((each) => length / each <= 6) ?? power
  return Math.max(1, step)
}
