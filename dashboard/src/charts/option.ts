import type { EChartsCoreOption } from 'echarts/core'
import { format, formatStep } from '../format/value'
import { words } from '../words'
import { scaleOf, type ChartData, type Dot } from './toChartData'

/** The page's own tokens, read once a theme. */
export interface Tokens {
  ink: string
  ink2: string
  line: string
  card: string
  ghost: string
  series: string[]
  font: string
}

export const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond', 'roundRect', 'circle', 'rect', 'triangle']

/** What ECharts draws. `log` only where every value is above zero. */
export function option(data: ChartData, tokens: Tokens, log: boolean, calm: boolean, margin = 136): EChartsCoreOption {
  const values = data.lines.flatMap((line) => line.dots.flatMap((dot) => (dot.value === null ? [] : [dot.value])))
  const scale = scaleOf(Math.max(...values), data.unit, data.pace)
  const logarithmic = log && data.unit === 's'
  const ticks = logTicks(values)
  const custom = logarithmic ? { customValues: ticks } : {}
  const label = { color: tokens.ink2, fontFamily: tokens.font, fontSize: 12 }
  const say = (value: number) => formatStep(value, data.unit, data.pace)
  return {
    animation: !calm,
    animationDuration: 250,
    animationDurationUpdate: 250,
    grid: { left: 8, right: margin, top: 12, bottom: 4, containLabel: true },
    textStyle: { fontFamily: tokens.font },
    xAxis: {
      type: 'category',
      data: data.buckets,
      boundaryGap: false,
      axisLine: { lineStyle: { color: tokens.line } },
      axisTick: { show: false },
      axisLabel: { ...label, hideOverlap: true, showMaxLabel: true, margin: 12, textMargin: [0, 8], alignMinLabel: 'left', alignMaxLabel: 'right' },
    },
    yAxis: {
      type: logarithmic ? 'log' : 'value',
      ...(logarithmic ? { min: ticks[0], max: ticks.at(-1) } : { min: 0, max: scale.top * scale.by, interval: scale.step * scale.by }),
      splitLine: { show: !logarithmic, lineStyle: { color: tokens.line, width: 1 } },
      axisLabel: { ...label, formatter: say, margin: 12, ...custom },
    },
    tooltip: {
      trigger: 'axis',
      confine: true,
      transitionDuration: 0,
      backgroundColor: tokens.card,
      borderColor: tokens.line,
      padding: [8, 12],
      textStyle: { color: tokens.ink, fontFamily: tokens.font, fontSize: 13 },
      axisPointer: { type: 'line', lineStyle: { color: tokens.ink2, width: 1, type: 'solid' } },
      formatter: (points: unknown) => tooltip(data, indexOf(points), tokens),
    },
    series: [...(logarithmic ? ticks.map((tick) => gridLine(tick, data.buckets.length, tokens)) : []), ...data.lines.map((line, index) => {
      const colour = line.ghost ? tokens.ghost : (tokens.series[index % tokens.series.length] ?? tokens.ink)
      return {
        type: 'line',
        name: line.name,
        // What is at hand lies over what was before.
        z: line.ghost ? 1 : 3,
        connectNulls: false,
        showAllSymbol: true,
        symbol: SYMBOLS[index % SYMBOLS.length],
        lineStyle: { color: colour, width: line.ghost ? 1.5 : 2, type: line.ghost ? [4, 4] : 'solid' },
        itemStyle: { color: colour },
        emphasis: { focus: 'series', lineStyle: { width: line.ghost ? 1.5 : 2.5 } },
        data: line.dots.map((dot, place) => ({
          value: logarithmic && dot.value === 0 ? null : dot.value,
          symbolSize: size(line.dots, place, line.ghost),
          itemStyle: dot.few ? { color: tokens.card, borderColor: colour, borderWidth: 1.5 } : { color: colour },
        })),
      }
    })],
  }
}

/** On an axis that multiplies the library draws its lines at powers of ten, whatever the labels say: ours stand at them. */
function gridLine(at: number, buckets: number, tokens: Tokens) {
  const lineStyle = { color: tokens.line, width: 1 }
  return { type: 'line', z: 0, silent: true, symbol: 'none', animation: false, lineStyle, emphasis: { disabled: true }, data: Array<number>(buckets).fill(at) }
}

/** Round times between which all values lie, for an axis that multiplies. */
const ROUND = [1, 10, 60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400, 180 * 86_400, 1000 * 86_400]

export function logTicks(values: number[]): number[] {
  const above = values.filter((value) => value > 0)
  const [least, most] = [Math.min(...above), Math.max(...above)]
  const min = ROUND.findLast((round) => round <= least) ?? 1
  const max = ROUND.find((round) => round > min && round >= most) ?? most
  return ROUND.filter((round) => round >= min && round <= max)
}

/** Marks only where they say something: few rows, a value alone between gaps, the last one. */
function size(dots: Dot[], place: number, ghost: boolean): number {
  const dot = dots[place]
  if (!dot || dot.value === null) return 0
  const alone = (dots[place - 1]?.value ?? null) === null && (dots[place + 1]?.value ?? null) === null
  if (ghost) return alone ? 4 : 0
  const last = dots.slice(place + 1).every((later) => later.value === null)
  if (last) return 7
  return dot.few ? (dots.length > 40 ? 4 : 5) : alone ? 5 : 0
}

function indexOf(points: unknown): number {
  const first: unknown = Array.isArray(points) ? points[0] : points
  const found = typeof first === 'object' && first !== null ? (first as { dataIndex?: unknown }).dataIndex : undefined
  return typeof found === 'number' ? found : -1
}

const escape = (text: string) =>
  text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)

/** Names come from data: they are escaped, since a tooltip is HTML. */
export function tooltip(data: ChartData, index: number, tokens: Pick<Tokens, 'series' | 'ghost'>): string {
  const bucket = data.bucketsLong[index]
  if (bucket === undefined) return ''
  const rows = data.lines.map((line, place) => {
    const dot = line.dots[index]
    const colour = line.ghost ? tokens.ghost : (tokens.series[place % tokens.series.length] ?? '')
    const n = dot && dot.value !== null ? escape(words.tile.n(dot.n)) : ''
    return `<tr><td><i style="background:${colour}"></i>${escape(line.name)}</td><td>${escape(format(dot?.value, data.unit, data.pace))}</td><td>${n}</td></tr>`
  })
  const rest = data.unfinished && index === data.buckets.length - 1 ? ` (${words.evolution.unfinished})` : ''
  return `<b>${escape(bucket)}${escape(rest)}</b><table class="tip">${rows.join('')}</table>`
}
