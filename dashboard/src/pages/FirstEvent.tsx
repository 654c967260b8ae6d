import { words } from '../words'
import { Empty } from '../parts/Empty'

/** Nothing has arrived: what to send, ready to be copied. */
export function FirstEvent() {
  const event = {
    type: 'deployment',
    id: '1',
    product: 'shop',
    component: 'cart',
    environment: 'production',
    status: 'succeeded',
    version: '1.0.0',
    finished_at: new Date().toISOString(),
    commit_at: new Date(Date.now() - 3_600_000 * 5).toISOString(),
  }
  const command = [
    `curl ${window.location.origin}/api/v1/events \\`,
    `  -H 'authorization: Bearer TOKEN' -H 'content-type: application/json' \\`,
    `  -d '${JSON.stringify(event)}'`,
  ].join('\n')
  const github = `[[sources]]\nname = "github"\nkind = "github"\nsecret_env = "GITHUB_WEBHOOK_SECRET"\n\n# ${window.location.origin}/webhooks/github`
  const git = `leadline import git ../shop --product shop --component cart --url ${window.location.origin}`
  return (
    <section className="card first">
      <Empty title={words.states.emptyTitle} why={words.states.emptyWhy}>
        <pre tabIndex={0}>{command}</pre>
        <p className="dim">TOKEN: {words.states.emptyToken}</p>
        <p>{words.states.emptyGithub}</p>
        <pre tabIndex={0}>{github}</pre>
        <p>{words.states.emptyGit}</p>
        <pre tabIndex={0}>{git}</pre>
      </Empty>
    </section>
  )
}
