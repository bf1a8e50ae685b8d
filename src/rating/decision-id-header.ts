/** The decision id of a request that a gateway may send to several services. Users' own are not passed on. */
export const DECISION_ID_HEADER = 'x-openclaw-decision-id';
