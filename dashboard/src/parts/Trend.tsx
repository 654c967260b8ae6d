import type { ChangeText } from '../format/change'
import { words } from '../words'

/** Better is up-right and teal, worse is down-left and amber, whatever the number did. */
export function Trend({ change }: { change: ChangeText }) {
  return (
    <span className="trend" data-way={change.way}>
      {change.way === 'better' && <Arrow path="M3 9 9 3M4 3h5v5" />}
      {change.way === 'worse' && <Arrow path="M9 3 3 9M8 9H3V4" />}
      {change.way === 'same' && <Arrow path="M2 6h8" />}
      <span className="trend-words">{change.text}</span>
      {change.care && <span className="trend-care">; {words.change.care}</span>}
    </span>
  )
}

function Arrow({ path }: { path: string }) {
  return (
    <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true" focusable="false">
      <path d={path} fill="none" stroke="currentColor" strokeWidth="1.75" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  )
}
