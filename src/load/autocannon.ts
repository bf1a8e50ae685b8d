/** A module of ours: in a bundle, an import of the package by `import()` would not have its name. */
export { default as autocannon } from 'autocannon';
