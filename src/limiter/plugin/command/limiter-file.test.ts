import { describe, expect, it } from 'vitest';
import { isLimiterFile } from '../../../core/plugin-name.ts';
import { parsePolicy } from '../../../core/policy.ts';
import { promiseFor } from './limiter-file.ts';

describe('the file of a limiter', () => {
  it.each(['a.yaml', 'a.yml', '/x/a.json'])('%s describes a command', (file) => {
    expect(isLimiterFile(file)).toBe(true);
  });

  it.each(['a.mjs', 'a.js', 'yaml', 'a.yaml.mjs'])('%s is a module', (file) => {
    expect(isLimiterFile(file)).toBe(false);
  });

  it('has a promise for each policy', () => {
    const promise = 'fixed-window:{capacity}/{fillMs}ms:first';
    expect(promiseFor(promise, parsePolicy('20:5/s'))).toBe('fixed-window:20/4000ms:first');
    expect(promiseFor(promise, parsePolicy('3:1/min'))).toBe('fixed-window:3/180000ms:first');
    expect(promiseFor('token-bucket', parsePolicy('3:1/min'))).toBe('token-bucket');
  });
});
