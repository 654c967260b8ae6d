import { words } from '../words'
import { grouped } from '../words/number'

export type Unit = '1/day' | 's' | 'ratio' | '1'

/** A value as people say it: numbers large, units small. */
export interface Part {
  text: string
  kind: 'number' | 'unit'
}

const DAY = 86_400
const NBSP = '\u00a0'

/** Pace of a frequency: the shortest period with at least one. */
export type Pace = 'day' | 'week' | 'month' | 'year'
const PACES: [Pace, number][] = [
  ['day', 1],
  ['week', 7],
  ['month', 30],
  ['year', 365],
]

export function paceOf(perDay: number): Pace {
  if (perDay === 0) return 'week'
  return PACES.find(([, days]) => perDay * days >= 0.9995)?.[0] ?? 'year'
}

export function inPace(perDay: number, pace: Pace): number {
  return perDay * (PACES.find(([known]) => known === pace)?.[1] ?? 1)
}

/** Two or three digits that count: 0.08, 3.4, 12.5, 148. */
export function digits(value: number): string {
  const size = Math.abs(value)
  if (size === 0) return '0'
  const places = size >= 99.95 ? 0 : size >= 0.95 ? 1 : size >= 0.095 ? 2 : 3
  return fixed(value, places)
}

/** With so many decimals, as the reader's language writes them. */
export function fixed(value: number, places: number): string {
  const [whole = '', rest] = value.toFixed(places).split('.')
  return rest ? `${grouped(whole)}${words.decimal}${rest}` : grouped(whole)
}

/** A number of things. */
export function count(n: number): string {
  return fixed(n, 0)
}

export function percent(ratio: number): string {
  const value = ratio * 100
  const text = value === 0 || value === 100 ? String(value) : Math.abs(value) < 0.05 ? `<${NBSP}${fixed(0.1, 1)}` : fixed(value, 1)
  return `${text}${NBSP}%`
}

/** The two largest units, the smaller one left out when it is nothing or would pretend to be exact. */
export function durationParts(seconds: number): [number, 'd' | 'h' | 'min' | 's'][] {
  const sign = seconds < 0 ? -1 : 1
  const size = Math.abs(seconds)
  if (size < 59.5) return [[sign * Math.round(size), 's']]
  const minutes = Math.round(size / 60)
  if (minutes < 60) return [[sign * minutes, 'min']]
  if (minutes < 24 * 60) return two(sign, Math.floor(minutes / 60), 'h', minutes % 60, 'min')
  const hours = Math.round(size / 3600)
  if (hours < 100 * 24) return two(sign, Math.floor(hours / 24), 'd', hours % 24, 'h')
  return [[sign * Math.round(size / DAY), 'd']]
}

function two(sign: number, large: number, unit: 'd' | 'h', small: number, below: 'h' | 'min') {
  const parts: [number, 'd' | 'h' | 'min' | 's'][] = [[sign * large, unit]]
  if (small > 0) parts.push([small, below])
  return parts
}

export function parts(value: number, unit: Unit, pace?: Pace): Part[] {
  const number = (text: string): Part => ({ text, kind: 'number' })
  const small = (text: string): Part => ({ text, kind: 'unit' })
  switch (unit) {
    case '1/day': {
      const by = pace ?? paceOf(value)
      return [number(digits(inPace(value, by))), small(words.per(words.unit[by]))]
    }
    case 's':
      return durationParts(value).flatMap(([count, name]) => [number(grouped(String(count))), small(words.duration[name])])
    case 'ratio': {
      return [number(percent(value).slice(0, -2)), small('%')]
    }
    case '1':
      return [number(digits(value))]
  }
}

/** A round step of an axis: no digits that say nothing. */
export function formatStep(value: number, unit: Unit, pace?: Pace): string {
  if (value === 0) return '0'
  return format(value, unit, pace).replace(/[.,]0+(?=\u00a0|$)/, '')
}

export function format(value: number | null | undefined, unit: Unit, pace?: Pace): string {
  if (value === null || value === undefined) return words.none
  return parts(value, unit, pace)
    .map((part) => part.text)
    .join(NBSP)
}
