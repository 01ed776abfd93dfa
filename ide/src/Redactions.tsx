import { pick, useGraphiQL } from '@graphiql/react';
import { type RefObject, useEffect } from 'react';
import { type Identity, reasonInWords, type Redaction, roleName } from '../../ascms/server/static/session.js';

/** What an answer kept back, and from whom. */
export type Answered = { who: Identity | null; redactions: Redaction[] };

type Props = { answers: Record<string, Answered>; identity: Identity | null; activeTab: RefObject<string> };

/** `extensions.access.redacted` of the active tab's answer in words, one row per field. Tells which tab is active. */
export function Redactions({ answers, identity, activeTab }: Props) {
  const { tabs, activeTabIndex } = useGraphiQL(pick('tabs', 'activeTabIndex'));
  const id = tabs[activeTabIndex]?.id ?? '';
  useEffect(() => {
    activeTab.current = id;
  }, [id, activeTab]);
  const answered = answers[id];
  const isStale = answered && identity && answered.who !== identity;

  return (
    <section className="redactions" aria-labelledby="redactions-title" aria-live="polite">
      <h2 id="redactions-title">
        Redacted for {answered?.who?.name ?? 'you'}
        {answered && <span className="redactions-count">{answered.redactions.length}</span>}
      </h2>
      {isStale && <p>This answer was given to {answered.who?.name ?? 'somebody else'}. Run the operation to see yours.</p>}
      {!answered && <p>Run an operation: the fields that your roles may not see are listed here.</p>}
      {answered && answered.redactions.length === 0 && <p>Nothing was redacted in this answer.</p>}
      {answered && answered.redactions.length > 0 && (
        <div className="redactions-rows" tabIndex={0} role="group" aria-label="Redacted fields">
          <table>
            <thead>
              <tr>
                <th scope="col">Field</th>
                <th scope="col">Why</th>
                <th scope="col">Visible to</th>
              </tr>
            </thead>
            <tbody>
              {answered.redactions.map(redaction => (
                <tr key={redaction.field}>
                  <th scope="row">
                    <code title={redaction.paths.join('\n')}>{redaction.field}</code>
                  </th>
                  <td>{reasonInWords(redaction.reason)}</td>
                  <td>{redaction.visibleTo.map(roleName).join(', ') || 'no role'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
