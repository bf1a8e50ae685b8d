import { constants, setPriority } from 'node:os';

/** This process, and what it starts, takes the processor when whole runs beside it leave it idle. */
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
