/** The same request in three languages. */

export type Language = 'curl' | 'python' | 'javascript';

export const LANGUAGES: readonly { value: Language; name: string }[] = [
  { value: 'curl', name: 'curl' },
  { value: 'python', name: 'Python' },
  { value: 'javascript', name: 'JavaScript' },
];

/** Code that requests *path* of the API at *base*, in lines that fit a column; with *token*, the reader's own from the environment. */
export function snippetOf(language: Language, base: string, path: string, token: boolean): string {
  const csv = path.includes('format=csv');
  switch (language) {
    case 'curl':
      return `curl${token ? ' -H "Authorization: Bearer $STOCKSALOT_TOKEN"' : ''} '${base}${path}'${csv ? ' -o prices.csv' : ''}`;
    case 'python':
      if (csv)
        return `import os, pandas

api = "${base}"
token = os.environ["STOCKSALOT_TOKEN"]
prices = pandas.read_csv(
    api + "${path}",
    storage_options={
        "Authorization": "Bearer " + token
    },
    parse_dates=["datetime"],
    index_col="datetime",
)`;
      return `import httpx

api = "${base}"
path = "${path}"
answer = httpx.get(api + path)
print(answer.raise_for_status().json())`;
    case 'javascript':
      return `const api = '${base}';
const path = '${path}';
${token ? 'const token = process.env.STOCKSALOT_TOKEN;\n' : ''}const answer = await fetch(api + path${
        token ? ', {\n  headers: { Authorization: `Bearer ${token}` },\n}' : ''
      });
console.log(await answer.${csv ? 'text' : 'json'}());`;
  }
}
