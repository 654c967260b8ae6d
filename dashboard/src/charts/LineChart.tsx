import { useEffect, useRef, useState } from 'react'
import { format } from '../format/value'
import { useCalm, useScheme } from '../hooks'
import { draw, type Drawing } from './engine'
import { option, type Tokens } from './option'
import { spreadLabels, type ChartData } from './toChartData'
import classes from './LineChart.module.css'

interface Label {
  name: string
  value: string
  colour: string
  top: number
  ghost: boolean
}

interface Props {
  data: ChartData
  log: boolean
  /** A sentence that says what the chart shows. */
  title: string
}

/** Lines with their names at their ends. Its numbers stand in the table behind it, so it is one picture to a reader. */
export default function LineChart({ data, log, title }: Props) {
  const element = useRef<HTMLDivElement>(null)
  const drawing = useRef<Drawing | null>(null)
  const [labels, setLabels] = useState<Label[]>([])
  const scheme = useScheme()
  const calm = useCalm()

  useEffect(() => {
    if (!element.current) return
    const made = draw(element.current)
    drawing.current = made
    return () => {
      made.dispose()
      drawing.current = null
    }
  }, [])

  useEffect(() => {
    const made = drawing.current
    const box = element.current
    if (!made || !box) return
    const tokens = tokensOf(box)
    const place = () => {
      made.resize()
      made.setOption({ grid: { right: marginOf(box) } })
      setLabels(labelsOf(made, data, tokens, log, box.clientHeight))
    }
    made.setOption(option(data, tokens, log, calm, marginOf(box)), { notMerge: true })
    place()
    const watch = new ResizeObserver(place)
    watch.observe(box)
    return () => watch.disconnect()
  }, [data, log, calm, scheme])

  return (
    <div className={classes.frame}>
      <div ref={element} className={classes.chart} role="img" aria-label={title} />
      <div aria-hidden="true" className={classes.labels}>
        {labels.map((label) => (
          <span key={label.name} className={classes.label} data-ghost={label.ghost} style={{ top: label.top, color: label.colour }}>
            <span className={classes.name}>{label.name}</span>
            <span className={classes.value}>{label.value}</span>
          </span>
        ))}
      </div>
    </div>
  )
}

/** Room for the names at the ends of lines; less where the whole chart is narrow. */
const marginOf = (box: HTMLElement) => (box.clientWidth < 480 ? 96 : 136)

const LABEL_HEIGHT = 34

function labelsOf(made: Drawing, data: ChartData, tokens: Tokens, log: boolean, height: number): Label[] {
  const found = data.lines.flatMap((line, index) => {
    const dot = line.dots.findLast((each) => each.value !== null && !(log && each.value === 0))
    if (!dot || dot.value === null) return []
    const y = made.convertToPixel({ yAxisIndex: 0 }, dot.value)
    const colour = line.ghost ? tokens.ink2 : (tokens.series[index % tokens.series.length] ?? tokens.ink)
    return [{ name: line.name, value: format(dot.value, data.unit, data.pace), colour, ghost: line.ghost, y: y - LABEL_HEIGHT / 2 }]
  })
  const tops = spreadLabels(
    found.map((label) => label.y),
    LABEL_HEIGHT,
    height - LABEL_HEIGHT,
  )
  return found.map(({ name, value, colour, ghost }, index) => ({ name, value, colour, ghost, top: tops[index] ?? 0 }))
}

function tokensOf(element: HTMLElement): Tokens {
  const style = getComputedStyle(element)
  const read = (name: string) => style.getPropertyValue(name).trim()
  return {
    ink: read('--ink'),
    ink2: read('--ink-2'),
    line: read('--line'),
    card: read('--card'),
    ghost: read('--ghost'),
    series: Array.from({ length: 8 }, (_, index) => read(`--series-${index + 1}`)),
    font: style.fontFamily,
  }
}
