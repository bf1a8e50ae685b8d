/** The endpoint of the sample Rating service in keys and in the names of policies. */
export const ENDPOINT = 'ratings';
