let last: Promise<unknown> = Promise.resolve()

/** One after the other: what stands below the fold must not keep the server from answering for what is looked at. */
export function inTurn<T>(ask: () => Promise<T>): Promise<T> {
  const mine = last.then(ask)
  last = mine.catch(() => {})
  return mine
}
