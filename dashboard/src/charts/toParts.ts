import type { MetricAnswer, Part } from '../api/client'

export interface PartBar {
  part: string
  value: number
  n: number
  /** The one that takes longest. */
  most: boolean
}

/** The parts of a metric that have a value, in order; null when none has. */
export function toParts(answer: MetricAnswer | undefined): PartBar[] | null {
  const split = answer?.split
  if (!split) return null
  const bars = split.parts.flatMap(({ part, value, n }) => (value === null ? [] : [{ part, value, n, most: part === split.bottleneck }]))
  return bars.length > 0 ? bars : null
}

/** A file of every part, also of those without a value. */
export function partsCsv(parts: Part[], unit: string): string {
  const line = (part: Part) => [part.part, part.value ?? '', part.n, part.coverage ?? '', part.reason ?? ''].join(',')
  return [`part,value (${unit}),n,coverage,reason`, ...parts.map(line)].join('\r\n') + '\r\n'
}
