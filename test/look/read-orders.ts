/**
 * The text of every row of the orders list, from first to last; the list holds only rows near those on screen, so it is scrolled through.
 * Runs in the page and needs nothing from outside, so that a browser driver can hand it over.
 */
export const readOrders = async (): Promise<readonly string[]> => {
  const list = document.querySelector('[data-testid="orders"] .orders-list')
  if (list === null) throw new Error('the orders are not on screen')
  const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
  const textByRow = new Map<string, string>()
  list.scrollTop = 0
  for (;;) {
    await painted()
    for (const row of list.querySelectorAll('a')) textByRow.set(row.hash, row.textContent.replace(/\s+/g, ' ').trim())
    if (list.scrollTop + list.clientHeight >= list.scrollHeight - 1) return [...textByRow.values()]
    list.scrollTop += list.clientHeight
  }
}
