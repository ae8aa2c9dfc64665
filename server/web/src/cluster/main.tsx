import '@fontsource-variable/inter/wght.css';
import '../ui/page.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { applyTheme, keptTheme } from '../ui/theme';
import { ClusterPage } from './cluster-page';

applyTheme(keptTheme());

const page = document.getElementById('page');
if (!page) throw new Error('the document has no place for the page');
createRoot(page).render(
  <StrictMode>
    <ClusterPage />
  </StrictMode>,
);
