import { pick, useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect, useRef } from 'react';
import type { PreparedDocument } from '../../ascms/server/static/session.js';

/** Opens a prepared document in a tab of its own, or goes to the tab that has it already. */
export function Examples({ documents }: { documents: PreparedDocument[] }) {
  const { addTab, changeTab } = useGraphiQLActions();
  const { tabs, queryEditor, variableEditor } = useGraphiQL(pick('tabs', 'queryEditor', 'variableEditor'));

  function open(name: string) {
    const chosen = documents.find(one => one.name === name);
    if (!chosen) return;
    const there = tabs.findIndex(tab => tab.query === chosen.text);
    if (there >= 0) return changeTab(there);
    addTab();
    queryEditor?.setValue(chosen.text);
    variableEditor?.setValue(chosen.variables);
  }
  return (
    <label className="ide-examples">
      Documents
      <select value="" onChange={event => open(event.target.value)}>
        <option value="" disabled>
          Open …
        </option>
        {documents.map(one => (
          <option key={one.name} value={one.name} title={one.about}>
            {one.name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Long lines of a document are wrapped: the prepared ones are written to be read as a page. */
export function WrapLines() {
  const { queryEditor, responseEditor } = useGraphiQL(pick('queryEditor', 'responseEditor'));
  useEffect(() => {
    for (const editor of [queryEditor, responseEditor]) editor?.updateOptions({ wordWrap: 'on', wrappingIndent: 'indent' });
  }, [queryEditor, responseEditor]);
  return null;
}

/**
 * What follows a sign-in: the schema is read if it could not be read before, and a query whose answer is on the page is
 * asked again, so that the answer shown is the present person's. Mutations are never repeated.
 */
export function AfterSignIn({ signIns }: { signIns: number }) {
  const { introspect, run } = useGraphiQLActions();
  const { schema, isIntrospecting, operations, operationName, responseEditor } = useGraphiQL(
    pick('schema', 'isIntrospecting', 'operations', 'operationName', 'responseEditor'),
  );
  const handled = useRef(0);
  useEffect(() => {
    if (signIns === handled.current) return;
    handled.current = signIns;
    if (!schema && !isIntrospecting) void introspect();
    if (!responseEditor?.getValue()) return;
    const one = operations?.find(operation => operation.name?.value === operationName) ?? operations?.[0];
    if (one?.operation === 'query') void run();
    else responseEditor.setValue('');
  }, [signIns, schema, isIntrospecting, operations, operationName, responseEditor, introspect, run]);
  return null;
}
