/** The same request in three languages. */

export type Language = 'curl' | 'python' | 'javascript';

export const LANGUAGES: readonly { value: Language; name: string }[] = [
  { value: 'curl', name: 'curl' },
  { value: 'python', name: 'Python' },
  { value: 'javascript', name: 'JavaScript' },
];

/** Code that requests an address; with *token*, the reader's own from the environment. */
export function snippetOf(language: Language, address: string, token: boolean): string {
  const csv = address.includes('format=csv');
  switch (language) {
    case 'curl':
      return `curl${token ? ' -H "Authorization: Bearer $STOCKSALOT_TOKEN"' : ''} '${address}'${csv ? ' -o prices.csv' : ''}`;
    case 'python':
      if (csv)
        return `import os, pandas

prices = pandas.read_csv(
    "${address}",
    storage_options={"Authorization": "Bearer " + os.environ["STOCKSALOT_TOKEN"]},
    parse_dates=["datetime"],
    index_col="datetime",
)`;
      return `import httpx

answer = httpx.get("${address}")
print(answer.raise_for_status().json())`;
    case 'javascript':
      return `const answer = await fetch('${address}'${
        token
          ? `, {
  headers: { Authorization: \`Bearer \${process.env.STOCKSALOT_TOKEN}\` },
}`
          : ''
      });
console.log(await answer.${csv ? 'text' : 'json'}());`;
  }
}
