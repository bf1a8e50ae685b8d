import { expect, it } from 'vitest';
import { machineId } from './machine-id.ts';

it('is the same for all processes of a clock, and another for each machine that a scheduler names', () => {
  expect(machineId('')).toBe(machineId());
  expect(machineId('node-1')).toBe(machineId('node-1'));
  expect(new Set([machineId(), machineId('node-1'), machineId('node-2')]).size).toBe(3);
  expect(machineId('node-1')).toMatch(/^[0-9a-f]{12}$/);
});
