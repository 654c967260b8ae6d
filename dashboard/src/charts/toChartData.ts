// Answers to what a chart draws. Pure: the clock is a parameter, colours and pixels come later.

import type { Answer, Point } from '../api/client'
import type { Bucket } from '../address'
import { FEW } from '../format/change'
import { bucketName, date } from '../format/time'
import { inPace, paceOf, type Pace, type Unit } from '../format/value'

export interface Dot {
  /** In the metric's unit; null is a gap. */
  value: number | null
  n: number
  /** Fewer than five rows: drawn hollow. */
  few: boolean
  from: string
  to: string
}

export interface Line {
  name: string
  /** The window before, drawn behind. */
  ghost: boolean
  dots: Dot[]
}

export interface ChartData {
  unit: Unit
  /** Names of the buckets on the axis. */
  buckets: string[]
  /** The same in full, for the tooltip and the table. */
  bucketsLong: string[]
  lines: Line[]
  /** The last bucket is not over yet. */
  unfinished: boolean
  /** The pace all values of a frequency are told in. */
  pace?: Pace
}

export interface Named {
  name: string
  answer: Answer
  ghost?: boolean
}

/** A window up to now ends on a minute that has passed by when its answer is read, or is read again. */
const STILL_MS = 10 * 60_000

/** One line for each answer, bucket by bucket of the first. Null when there is nothing to draw. */
export function toChartData(answers: Named[], metric: string, bucket: Bucket, zone: string, now: number): ChartData | null {
  const points = answers[0]?.answer.metrics[metric]?.series ?? []
  const unit = answers[0]?.answer.metrics[metric]?.unit
  if (!unit || points.length === 0) return null
  const lines = answers.map(({ name, answer, ghost = false }): Line => {
    const own = answer.metrics[metric]?.series ?? []
    return { name, ghost, dots: points.map((_, index) => dot(own[index])) }
  })
  if (lines.every((line) => line.dots.every((each) => each.value === null))) return null
  const greatest = Math.max(...lines.flatMap((line) => line.dots.map((each) => each.value ?? 0)))
  const last = points.at(-1)
  return {
    unit,
    buckets: points.map((point) => bucketName(point.from, bucket, zone)),
    bucketsLong: points.map((point) => long(point, bucket, zone)),
    lines,
    unfinished: last !== undefined && Date.parse(last.to) > now - STILL_MS,
    ...(unit === '1/day' ? { pace: paceOf(greatest) } : {}),
  }
}

function dot(point: Point | undefined): Dot {
  if (!point) return { value: null, n: 0, few: false, from: '', to: '' }
  return { value: point.value, n: point.n, few: point.value !== null && point.n < FEW, from: point.from, to: point.to }
}

function long(point: Point, bucket: Bucket, zone: string): string {
  if (bucket === 'day') return date(point.from, zone)
  return `${date(point.from, zone)} – ${date(Date.parse(point.to) - 1, zone)}`
}

/** What the axis counts in, so that its steps are round for people. */
export interface Scale {
  /** Divides a value of the metric's unit. */
  by: number
  top: number
  step: number
}

/** Steps of an axis from zero that hold the greatest value. */
export function scaleOf(greatest: number, unit: Unit, pace?: Pace): Scale {
  const by = unit === '1/day' ? 1 / inPace(1, pace ?? 'day') : unit === 's' ? durationUnit(greatest) : unit === 'ratio' ? 0.01 : 1
  const size = greatest / by
  const ladder = unit === 's' ? DURATION_STEPS[by] : undefined
  const step = ladder?.find((known) => size / known <= 5) ?? niceStep(size / 4)
  return { by, step, top: Math.max(step, Math.ceil(size / step - 1e-9) * step) }
}

/** Steps people count hours and minutes in. */
const DURATION_STEPS: Record<number, number[]> = {
  1: [5, 10, 15, 20, 30],
  60: [1, 2, 5, 10, 15, 20, 30],
  3600: [0.5, 1, 2, 3, 6, 12, 24],
}

function durationUnit(greatest: number): number {
  if (greatest > 3 * 86_400) return 86_400
  if (greatest > 2 * 3600) return 3600
  return greatest > 120 ? 60 : 1
}

function niceStep(rough: number): number {
  if (rough <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(rough))
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= rough - 1e-12) ?? 10) * power
}

/** Rows of the table behind a chart: a row a bucket, a column a line. */
export interface Table {
  head: string[]
  rows: { name: string; cells: Dot[] }[]
}

export function toTable(data: ChartData): Table {
  return {
    head: data.lines.map((line) => line.name),
    rows: data.bucketsLong.map((name, index) => ({
      name,
      cells: data.lines.map((line) => line.dots[index] ?? dot(undefined)),
    })),
  }
}

/** Comma-separated, with the plain values of the API: a spreadsheet must not have to read `2 d 4 h`. */
export function toCsv(data: ChartData): string {
  const quote = (text: string) => (/[",\n]/.test(text) || /^[=+\-@]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
  const unit = { '1/day': 'per day', s: 'seconds', ratio: 'ratio', '1': 'count' }[data.unit]
  const head = ['from', 'to', ...data.lines.flatMap((line) => [`${line.name} (${unit})`, `${line.name} (n)`])]
  const first = data.lines[0]
  const rows = (first?.dots ?? []).map((each, index) => [
    each.from,
    each.to,
    ...data.lines.flatMap((line) => [line.dots[index]?.value?.toString() ?? '', String(line.dots[index]?.n ?? 0)]),
  ])
  return [head, ...rows].map((row) => row.map(quote).join(',')).join('\r\n') + '\r\n'
}

/** Moves labels apart that would overlap, as little as possible, within a height. Keeps their order. */
export function spreadLabels(wanted: number[], gap: number, height: number): number[] {
  const order = wanted.map((_, index) => index).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0))
  const placed = wanted.slice()
  let edge = Number.NEGATIVE_INFINITY
  for (const index of order) {
    edge = Math.max(placed[index] ?? 0, edge + gap)
    placed[index] = edge
  }
  edge = height + gap
  for (const index of order.toReversed()) {
    edge = Math.min(placed[index] ?? 0, edge - gap)
    placed[index] = edge
  }
  return placed
}
