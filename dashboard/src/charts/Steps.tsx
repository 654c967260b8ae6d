import { format } from '../format/value'
import { words } from '../words'
import type { Step } from './toSteps'
import classes from './Svg.module.css'

const ROW = 32
const LABEL = 152
const VALUE = 88

/** Bars from zero on one linear scale: how long until half, three quarters, nine in ten and nineteen in twenty are there. */
export function Steps({ steps, width, title }: { steps: Step[]; width: number; title: string }) {
  const room = Math.max(40, width - LABEL - VALUE)
  const most = Math.max(...steps.map((step) => step.value), 1)
  const height = steps.length * ROW
  return (
    <svg className={classes.svg} width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={title}>
      {steps.map((step, index) => {
        const length = Math.max(1, (Math.max(0, step.value) / most) * room)
        return (
          <g key={step.name}>
            <text x={0} y={index * ROW + 20}>
              {words.flow.within[step.name]}
            </text>
            <rect className={classes.bar} x={LABEL} y={index * ROW + 6} width={length} height={ROW - 12} rx="2" />
            <text className={classes.strong} x={LABEL + length + 8} y={index * ROW + 20}>
              {format(step.value, 's')}
            </text>
          </g>
        )
      })}
    </svg>
  )
}
