interface Props {
  label: string
  options: { value: string; label: string; title?: string }[]
  value: string | null
  onChange: (value: string) => void
  /** Room for long labels, as tabs over a chart. */
  wide?: boolean
}

/** One of a few: buttons that say which one is pressed. */
export function Choice({ label, options, value, onChange, wide = false }: Props) {
  return (
    <div className={wide ? 'choice choice-wide' : 'choice'} role="group" aria-label={label}>
      {options.map((option) => (
        <button key={option.value} type="button" title={option.title} aria-pressed={option.value === value} onClick={() => onChange(option.value)}>
          {option.label}
        </button>
      ))}
    </div>
  )
}
