import 'graphiql/setup-workers/vite';
import 'graphiql/style.css';
import './ide.css';

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { readConfig, Session } from '../../ascms/server/static/session.js';
import { Ide } from './Ide';

const root = document.getElementById('ide');
if (!root) throw new Error('the page has no element with id "ide"');
createRoot(root).render(
  <StrictMode>
    <Ide session={new Session(readConfig())} />
  </StrictMode>,
);
