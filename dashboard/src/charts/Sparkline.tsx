import type { Point } from '../api/client'
import { sparkline } from './toSparkline'

const WIDTH = 200
const HEIGHT = 48

/** A drawing beside the words that say the same: hidden from readers of the screen. */
export function Sparkline({ now, before }: { now: Point[]; before: Point[] }) {
  const spark = sparkline(now, before, WIDTH, HEIGHT)
  return (
    <svg className="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true" focusable="false">
      {spark && (
        <>
          <path className="spark-area" d={spark.area} />
          <path className="spark-ghost" d={spark.ghost} vectorEffect="non-scaling-stroke" />
          <path className="spark-line" d={spark.line} vectorEffect="non-scaling-stroke" />
          {spark.alone.map(({ x, y }) => (
            <path key={x} className="spark-dot" d={`M${x} ${y}h0`} vectorEffect="non-scaling-stroke" />
          ))}
          {spark.last && (
            <>
              <path className="spark-dot" d={`M${spark.last.x} ${spark.last.y}h0`} vectorEffect="non-scaling-stroke" />
              {spark.last.few && (
                <path className="spark-hollow" d={`M${spark.last.x} ${spark.last.y}h0`} vectorEffect="non-scaling-stroke" />
              )}
            </>
          )}
        </>
      )}
    </svg>
  )
}
