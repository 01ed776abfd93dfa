import { type FormEvent, useCallback, useEffect, useRef, useState } from 'react';
import { type Identity, type Person, rememberedChoice, roleName, type Session } from '../../ascms/server/static/session.js';

type Props = { session: Session; identity: Identity | null; onIdentity(identity: Identity | null): void };

/** The demo's bar: choosing a person or an organisation signs in at once. */
export function DemoSwitch({ session, identity, onIdentity }: Props) {
  const [people, setPeople] = useState<Person[]>([]);
  const [choice, setChoice] = useState({ email: '', number: '' });
  const [trouble, setTrouble] = useState('');
  const person = people.find(one => one.email === choice.email);

  const choose = useCallback(
    async (email: string, number: string) => {
      setChoice({ email, number });
      setTrouble('');
      onIdentity(null);
      try {
        if (await session.signIn(email, number)) onIdentity(await session.identity());
      } catch (error) {
        setTrouble((error as Error).message);
      }
    },
    [session, onIdentity],
  );

  const started = useRef(false);
  useEffect(() => {
    if (started.current) return;
    started.current = true;
    session.people().then(
      list => {
        setPeople(list);
        const remembered = rememberedChoice();
        const first = list.find(one => one.email === remembered?.email) ?? list[0];
        const context = first?.organisations.find(one => one.number === remembered?.number) ?? first?.organisations[0];
        if (first && context) void choose(first.email, context.number);
      },
      (error: Error) => setTrouble(error.message),
    );
  }, [session, choose]);

  return (
    <header className="ide-bar">
      <Home />
      <label>
        Person
        <select
          value={choice.email}
          onChange={event => {
            const next = people.find(one => one.email === event.target.value);
            if (next) void choose(next.email, next.organisations[0]?.number ?? '');
          }}
        >
          {people.map(one => (
            <option key={one.email} value={one.email}>
              {one.displayName} · {one.email}
            </option>
          ))}
        </select>
      </label>
      <label>
        Acting for
        <select value={choice.number} onChange={event => void choose(choice.email, event.target.value)}>
          {person?.organisations.map(one => (
            <option key={one.number} value={one.number}>
              {one.name} ({one.number})
            </option>
          ))}
        </select>
      </label>
      <Standing identity={identity} trouble={trouble} waiting="Signing in …" />
    </header>
  );
}

/** Outside the demo: the reader brings a token. It is kept in memory until the page is left. */
export function TokenForm({ session, identity, onIdentity }: Props) {
  const [trouble, setTrouble] = useState('');
  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    session.use(String(form.get('token')), String(form.get('organisation')));
    setTrouble('');
    onIdentity(null);
    try {
      onIdentity(await session.identity());
    } catch (error) {
      setTrouble((error as Error).message);
    }
  }
  return (
    <header className="ide-bar">
      <Home />
      <form onSubmit={event => void submit(event)}>
        <label>
          Bearer token
          <input name="token" type="password" autoComplete="off" spellCheck={false} required />
        </label>
        <label>
          Organisation number
          <input name="organisation" inputMode="numeric" autoComplete="off" size={8} />
        </label>
        <button type="submit">Use</button>
      </form>
      <Standing identity={identity} trouble={trouble} waiting="Not signed in" />
    </header>
  );
}

/** The way out, and on a narrow screen the way to the plain page. */
function Home() {
  return (
    <>
      <a className="ide-home" href="/">
        ascms
      </a>
      <a className="ide-plain" href="/graphql?plain">
        The page for small screens
      </a>
    </>
  );
}

/** Who one is, for which organisation, in which roles, and what is missing; or what went wrong. */
function Standing({ identity, trouble, waiting }: { identity: Identity | null; trouble: string; waiting: string }) {
  if (trouble)
    return (
      <p className="ide-standing ide-trouble" role="alert">
        {trouble}
      </p>
    );
  if (!identity)
    return (
      <p className="ide-standing" role="status">
        {waiting}
      </p>
    );
  return (
    <p className="ide-standing" role="status">
      <span>
        <strong>{identity.name}</strong> for {identity.organisation}
      </span>
      {identity.roles.map(role => (
        <span className="ide-role" key={role}>
          {roleName(role)}
        </span>
      ))}
      {identity.roles.length === 0 && <span className="ide-role ide-role-none">No role in effect</span>}
      {identity.missing.map(text => (
        <span className="ide-missing" key={text}>
          {text}
        </span>
      ))}
    </p>
  );
}
