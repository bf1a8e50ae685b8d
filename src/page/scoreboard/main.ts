import { makeCommand } from '../head.ts';
import { startTheme, themeButton } from '../theme.ts';
import { startAddress } from './address.ts';
import { readBoard } from './board.ts';
import { makeControls } from './controls.ts';
import { makeDetailsDialog } from './details-dialog.ts';
import { addSortButtons } from './sort-buttons.ts';

startTheme();
for (const pre of document.querySelectorAll('.intro .again'))
  pre.replaceWith(makeCommand(pre.textContent ?? ''));
document.querySelector('.bar-top')?.append(themeButton());
const board = readBoard();
const dialog = makeDetailsDialog();
const address = startAddress(board, dialog);
board.section.prepend(makeControls(board, address));
addSortButtons(board, address);
document.getElementById('details')?.setAttribute('hidden', '');
document.body.append(dialog.element);
address.follow();
