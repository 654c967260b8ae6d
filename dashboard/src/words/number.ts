/** Thousands apart, in the same way in every language here. */
export const grouped = (whole: string): string => whole.replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f')

/** A number and its noun; `one` says which numbers take the singular. */
export const counted =
  (one: (n: number) => boolean) =>
  (n: number, singular: string, plural: string): string =>
    `${grouped(String(n))}\u00a0${one(n) ? singular : plural}`
