import { words } from '../words'
import { digits, fixed, format, type Unit } from './value'

export interface Compared {
  value: number | null
  unit: Unit
  better: 'higher' | 'lower' | 'neither'
  n: number
  previous?: { value: number | null; n: number; change: number | null } | null
}

export interface ChangeText {
  /** Which way it went, in the sense that matters; `none` when nothing can be said. */
  way: 'better' | 'worse' | 'same' | 'neutral' | 'none'
  text: string
  /** So few rows on either side that the change may be chance. */
  care: boolean
}

/** With fewer rows than this a value is drawn hollow and a change is told with care. */
export const FEW = 5

/** The change against the window before, in words; `before` is that window in words. */
export function changeText(metric: Compared, before: string): ChangeText | null {
  const { value, previous, unit, better } = metric
  if (!previous || value === null) return null
  const none = (text: string): ChangeText => ({ way: 'none', text, care: false })
  if (previous.value === null) return none(words.change.fromNone(before))
  const care = Math.min(metric.n, previous.n) < FEW
  const change = previous.change
  if (change === null) {
    return value === previous.value ? { way: 'same', text: words.change.same(before), care } : none(words.change.fromZero(before))
  }
  const least = unit === 'ratio' ? 0.0005 : 0.005
  if (Math.abs(change) < least) return { way: 'same', text: words.change.same(before), care }
  const up = change > 0
  const way = better === 'neither' ? 'neutral' : up === (better === 'higher') ? 'better' : 'worse'
  return { way, text: sentence(change, unit, before, previous.value), care }
}

function sentence(change: number, unit: Unit, before: string, then: number): string {
  const said = words.change
  const up = change > 0
  if (unit === 'ratio') {
    const points = said.points(fixed(Math.abs(change) * 100, 1))
    return said.shares(points, up ? said.higher : said.lower, before)
  }
  // From twice on, "as long as" is easier to see before one than a large share.
  // "686 times as long" says less than where it came from.
  if (change >= 9.5) return said.upFrom(format(then, unit), before)
  if (change >= 1) {
    const word = unit === 's' ? said.long : unit === '1/day' ? said.often : said.high
    return said.times(digits(change + 1), word, before)
  }
  const share = `${Math.max(1, Math.round(Math.abs(change) * 100))}\u00a0%`
  const word =
    unit === 's' ? (up ? said.slower : said.faster) : unit === '1/day' ? (up ? said.moreOften : said.lessOften) : up ? said.higher : said.lower
  return said.shares(share, word, before)
}
