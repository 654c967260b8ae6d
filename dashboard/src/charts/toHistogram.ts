// Bins of the server to what a histogram draws. Pure; places along the axis are shares of its length.
import type { MetricAnswer } from '../api/client'
import type { Unit } from '../format/value'

export interface Bar {
  from: number
  to: number
  n: number
  left: number
  right: number
}

export interface Mark {
  name: 'p50' | 'mean' | 'p95'
  value: number
  at: number
}

export interface Histogram {
  unit: Unit
  /** Each bin is twice as wide as the one before, and drawn as wide. */
  log: boolean
  n: number
  bars: Bar[]
  marks: Mark[]
  ticks: { value: number; at: number }[]
  /** Top of the axis of numbers. */
  top: number
  /** The narrow place where most rows stand, when there is one: values so alike often come from one tool or habit. */
  alike: { from: number; to: number; n: number } | null
}

/** Times people say, for ticks of an axis on which each step multiplies. */
const ROUND = [1, 10, 60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400, 180 * 86_400, 720 * 86_400]
const MANY = 10

/** Null when there is nothing to draw. */
export function toHistogram(answer: MetricAnswer | undefined): Histogram | null {
  const bins = answer?.distribution?.bins ?? []
  const [first, last] = [bins[0], bins.at(-1)]
  if (!answer?.stats || !first || !last) return null
  const log = answer.distribution?.scale === 'log'
  const at = (value: number) => place(bins, value, log)
  const n = bins.reduce((sum, bin) => sum + bin.n, 0)
  const bars = bins.map((bin, index) => ({ ...bin, left: index / bins.length, right: (index + 1) / bins.length }))
  const most = bars.reduce((great, bar) => (bar.n > great.n ? bar : great), bars[0] as Bar)
  const values = log ? ROUND.filter((value) => value >= first.from && value <= last.to) : bins.map((bin) => bin.from)
  const stats = answer.stats
  return {
    unit: answer.unit,
    log,
    n,
    bars,
    marks: (['p50', 'mean', 'p95'] as const).map((name) => ({ name, value: stats[name], at: at(stats[name]) })),
    ticks: values.map((value) => ({ value, at: at(value) })),
    top: niceTop(most.n),
    alike: log && n >= MANY && most.n * 2 > n ? { from: most.from, to: most.to, n: most.n } : null,
  }
}

/** Bins are drawn equally wide, so within a bin that doubles a value lies by its logarithm. */
function place(bins: { from: number; to: number }[], value: number, log: boolean): number {
  const found = bins.findIndex((bin) => value < bin.to)
  const index = found < 0 ? bins.length - 1 : found
  const bin = bins[index]
  if (!bin) return 0
  // The first bin of a scale that doubles begins at nothing, where there is no logarithm.
  const within = log && bin.from > 0 ? Math.log2(value / bin.from) : (value - bin.from) / (bin.to - bin.from)
  return (index + Math.min(1, Math.max(0, within))) / bins.length
}

function niceTop(most: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)))
  return ([1, 2, 4, 5, 10].find((step) => step * power >= most) ?? 10) * power
}

/** Comma-separated, with the plain values of the API. */
export function histogramCsv(histogram: Histogram): string {
  const unit = histogram.unit === 's' ? 'seconds' : 'count'
  const rows = histogram.bars.map((bar) => [bar.from, bar.to, bar.n].join(','))
  return [`from (${unit}),below (${unit}),n`, ...rows].join('\r\n') + '\r\n'
}

/** Of places in order, those at least `gap` apart. */
export function apart<T extends { at: number }>(ticks: T[], gap: number): T[] {
  let edge = Number.NEGATIVE_INFINITY
  return ticks.filter((tick) => {
    if (tick.at - edge < gap) return false
    edge = tick.at
    return true
  })
}

/** A row and a side for each label, so that none is crossed by the line of another: lines begin at their labels. */
export function labelled(marks: Mark[]): (Mark & { row: number; right: boolean })[] {
  const right = marks.filter((mark) => mark.at < 0.4).toSorted((a, b) => a.at - b.at)
  const left = marks.filter((mark) => mark.at >= 0.4).toSorted((a, b) => b.at - a.at)
  return [...right.map((mark) => ({ ...mark, right: true })), ...left.map((mark) => ({ ...mark, right: false }))].map((mark, row) => ({ ...mark, row }))
}
