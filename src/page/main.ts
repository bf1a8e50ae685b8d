import type { PageData } from '../report/html/page-data.ts';
import { showComparison } from './comparison-page.ts';
import { showRun } from './run-page.ts';
import { startTheme } from './theme.ts';

startTheme();
const data = document.getElementById('data')?.textContent ?? '';
const main = document.getElementById('page');
if (main !== null) {
  const page = JSON.parse(data) as PageData;
  if (page.page === 'run') showRun(page, main);
  else showComparison(page, main);
}
