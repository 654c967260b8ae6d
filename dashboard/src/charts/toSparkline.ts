import type { Point } from '../api/client'
import { FEW } from '../format/change'

export interface Spark {
  /** SVG paths, broken at gaps. */
  line: string
  ghost: string
  area: string
  /** Points that stand alone between gaps, which a line cannot show. */
  alone: { x: number; y: number }[]
  last: { x: number; y: number; few: boolean } | null
}

/** A small line from zero, with the window before behind it; both share one scale. Null without two values. */
export function sparkline(now: Point[], before: Point[], width: number, height: number): Spark | null {
  const values = [...now, ...before].flatMap((point) => (point.value === null ? [] : [point.value]))
  if (values.length < 2) return null
  const pad = 3
  const top = Math.max(...values) || 1
  const at = (points: Point[]) => {
    const start = Date.parse(points[0]?.from ?? '')
    const length = Date.parse(points.at(-1)?.to ?? '') - start || 1
    return points.map((point) => {
      const middle = (Date.parse(point.from) + Date.parse(point.to)) / 2
      const x = pad + ((middle - start) / length) * (width - 2 * pad)
      return { x, y: point.value === null ? null : height - pad - (point.value / top) * (height - 2 * pad), n: point.n }
    })
  }
  const here = at(now)
  const runs = unbroken(here)
  const last = here.findLast((point) => point.y !== null)
  const base = height - pad
  return {
    line: runs.map(path).join(''),
    ghost: unbroken(at(before)).map(path).join(''),
    area: runs
      .filter((run) => run.length > 1)
      .map((run) => `${path(run)}L${round(run.at(-1)?.x)} ${base}L${round(run[0]?.x)} ${base}Z`)
      .join(''),
    alone: runs.flatMap((run) => (run.length === 1 && run[0] ? [run[0]] : [])),
    last: last ? { x: last.x, y: last.y ?? 0, few: last.n < FEW } : null,
  }
}

type Place = { x: number; y: number }

export function unbroken(points: { x: number; y: number | null }[]): Place[][] {
  const runs: Place[][] = [[]]
  for (const { x, y } of points) {
    if (y === null) runs.push([])
    else runs.at(-1)?.push({ x, y })
  }
  return runs.filter((run) => run.length > 0)
}

const round = (value = 0) => Math.round(value * 10) / 10
const path = (run: Place[]) => run.map(({ x, y }, index) => `${index ? 'L' : 'M'}${round(x)} ${round(y)}`).join('')
