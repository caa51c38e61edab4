/** The size of the reader's text: 2 for 200 %. */
export const zoom = (): number => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
