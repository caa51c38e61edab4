// One document for all stocks, built with no ticker in it: in the browser it reads its address.
export const entries = () => [{ ticker: '_' }];
