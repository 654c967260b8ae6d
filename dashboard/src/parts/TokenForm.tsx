import { useState } from 'react'
import { token } from '../api/client'
import { words } from '../words'

/** Asks for the token a closed server wants. */
export function TokenForm({ message, onDone }: { message: string; onDone: () => void }) {
  const [secret, setSecret] = useState('')
  // A token that is kept was refused: otherwise nobody would ask.
  const refused = token.get() !== null
  return (
    <main className="alone" id="main">
      <form
        className="card token"
        onSubmit={(event) => {
          event.preventDefault()
          token.set(secret.trim())
          onDone()
        }}
      >
        <h1>{words.token.title}</h1>
        <p>{words.token.why}</p>
        <label>
          {words.token.label}
          <input
            type="password"
            autoComplete="off"
            spellCheck={false}
            required
            autoFocus
            value={secret}
            aria-describedby={refused ? 'token-refused' : undefined}
            onChange={(event) => setSecret(event.currentTarget.value)}
          />
        </label>
        {refused && (
          <p id="token-refused" role="alert" className="refused">
            {words.token.wrong} <span className="dim">({message})</span>
          </p>
        )}
        <button type="submit" className="button">
          {words.token.show}
        </button>
      </form>
    </main>
  )
}
