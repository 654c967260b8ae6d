import type { ReactNode } from 'react'

/** A state without numbers: what, why, what next. */
export function Empty({ title, why, children }: { title: string; why?: string | undefined; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {why && <p>{why}</p>}
      {children}
    </div>
  )
}
