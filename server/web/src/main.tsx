import '@fontsource-variable/inter/wght.css';
import './ui/page.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { SIGNED_OUT } from './chat/state';
import { App } from './ui/app';
import { SessionContext } from './ui/session-context';
import { applyTheme, keptTheme } from './ui/theme';
import { keep } from './wire/keep';
import { Session } from './wire/session';
import { Store } from './wire/store';

applyTheme(keptTheme());

const session = new Session(new Store({ ...SIGNED_OUT, outbox: keep.outbox() }));
session.resume();

const page = document.getElementById('page');
if (!page) throw new Error('the document has no place for the page');
createRoot(page).render(
  <StrictMode>
    <SessionContext value={session}>
      <App />
    </SessionContext>
  </StrictMode>,
);
