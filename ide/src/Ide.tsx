import { GraphiQL } from 'graphiql';
import { useCallback, useMemo, useRef, useState } from 'react';
import { type Identity, redactionsOf, type Session } from '../../ascms/server/static/session.js';
import { type Answered, Redactions } from './Redactions';
import { DemoSwitch, TokenForm } from './SignIn';
import { AfterSignIn, Examples, WrapLines } from './Workbench';

const INTROSPECTION = 'IntrospectionQuery';

/** The whole page: who one is, above; GraphiQL; what was redacted, below the response. */
/** Just after a change of tab the editor may still name the operation of the tab before; then the document decides. */
function withOwnOperation<B extends { query: string; operationName?: string | null }>(body: B): B {
  const { query, operationName } = body;
  if (!operationName || new RegExp(`\\b(query|mutation|subscription)\\s+${operationName}\\b`).test(query)) return body;
  return { ...body, operationName: undefined };
}

export function Ide({ session }: { session: Session }) {
  const { config } = session;
  const [identity, setIdentity] = useState<Identity | null>(null);
  const [signIns, setSignIns] = useState(0);
  const [answers, setAnswers] = useState<Record<string, Answered>>({});
  const activeTab = useRef('');

  const fetcher = useCallback(
    async (asked: { query: string; variables?: unknown; operationName?: string | null }) => {
      const body = withOwnOperation(asked);
      // GraphiQL asks for the schema as soon as it stands; the server answers nobody who is not signed in.
      if (body.operationName === INTROSPECTION) await session.signedIn;
      const tab = activeTab.current;
      const answer = await session.ask(body);
      if (body.operationName !== INTROSPECTION) {
        setAnswers(known => ({ ...known, [tab]: { who: session.who, redactions: redactionsOf(answer) } }));
      }
      return answer;
    },
    [session],
  );
  const tabs = useMemo(
    () => config.documents.filter(d => !d.isExample).map(d => ({ query: d.text, variables: d.variables })),
    [config],
  );
  const onIdentity = useCallback((next: Identity | null) => {
    setIdentity(next);
    if (next) setSignIns(count => count + 1);
  }, []);

  return (
    <>
      <h1 className="ide-unseen">GraphQL IDE</h1>
      {config.demo ? (
        <DemoSwitch session={session} identity={identity} onIdentity={onIdentity} />
      ) : (
        <TokenForm session={session} identity={identity} onIdentity={onIdentity} />
      )}
      <main className="ide-editor" aria-label="GraphQL editor">
        <GraphiQL
          fetcher={fetcher}
          defaultTabs={tabs}
          defaultEditorToolsVisibility="variables"
          isHeadersEditorEnabled={false}
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
          storage={sessionStorage}
        >
          <GraphiQL.Logo>
            <Examples documents={config.documents} />
            <AfterSignIn signIns={signIns} />
            <WrapLines />
          </GraphiQL.Logo>
          <GraphiQL.Footer>
            <Redactions answers={answers} identity={identity} activeTab={activeTab} />
          </GraphiQL.Footer>
        </GraphiQL>
      </main>
    </>
  );
}
