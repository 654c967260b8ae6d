import { useId, type ReactNode } from 'react'

interface Props {
  title: string
  note?: string
  actions?: ReactNode
  children: ReactNode
  className?: string
}

export function Card({ title, note, actions, children, className = '' }: Props) {
  const id = useId()
  return (
    <section className={`card ${className}`} aria-labelledby={id}>
      <header className="card-head">
        <div>
          <h2 id={id}>{title}</h2>
          {note && <p className="note">{note}</p>}
        </div>
        {actions && <div className="card-actions">{actions}</div>}
      </header>
      {children}
    </section>
  )
}
