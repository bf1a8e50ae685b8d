/**
 * An event of regions that decide side by side: on a knowledge of the others of at most `args.ageUs` microseconds its
 * node admitted, but for `args.unheard` admissions from before it had heard of all of them.
 */
export const AGE_EVENT = 'age';
