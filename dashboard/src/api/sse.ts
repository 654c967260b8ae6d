// Server-sent events over `fetch`: `EventSource` cannot send a token.

export interface Message {
  event: string
  data: string
}

/** Cuts a stream of text into messages; what is not complete waits for the next piece. */
export function reader(): (piece: string) => Message[] {
  let rest = ''
  return (piece) => {
    rest += piece
    const lines = rest.split('\n\n')
    rest = lines.pop() ?? ''
    return lines.flatMap((block) => {
      let event = 'message'
      const data: string[] = []
      for (const line of block.split('\n')) {
        const [name = '', value = ''] = line.split(/: ?(.*)/s)
        if (name === 'event') event = value
        if (name === 'data') data.push(value)
      }
      return data.length > 0 ? [{ event, data: data.join('\n') }] : []
    })
  }
}

/** Reads a stream to its end. `heard` is called with every piece, also with the comments that keep it alive. */
export async function read(
  response: Response,
  signal: AbortSignal,
  heard: () => void,
  told: (message: Message) => void,
): Promise<void> {
  const pieces = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (!pieces) return
  const cut = reader()
  signal.addEventListener('abort', () => void pieces.cancel().catch(() => {}), { once: true })
  for (;;) {
    const { value, done } = await pieces.read()
    if (done) return
    heard()
    cut(value).forEach(told)
  }
}
