import type { Band } from '../api/client'
import { words } from '../words'

const HEIGHT: Record<Band, number> = { low: 1, medium: 2, high: 3, elite: 4 }

/** Four steps, as many filled as the band says, and its word: never colour alone. */
export function BandMark({ band, bare = false, overall = false }: { band: Band; bare?: boolean; overall?: boolean }) {
  return (
    <span className="band" title={overall ? words.band.overallHint : words.band.label(words.band[band])}>
      <svg width="15" height="10" viewBox="0 0 15 10" aria-hidden="true" focusable="false">
        {[0, 1, 2, 3].map((step) => (
          <rect key={step} x={step * 4} y={7.5 - step * 2.5} width="3" height={2.5 + step * 2.5} rx="0.75" data-on={step < HEIGHT[band]} />
        ))}
      </svg>
      {bare ? <span className="unseen">{words.band[band]}</span> : <span>{overall ? words.band.overall(words.band[band]) : words.band[band]}</span>}
    </span>
  )
}
