// What a reviewer would otherwise have to say: unused code, loose types, and mistakes of Svelte.
import svelte from 'eslint-plugin-svelte';
import typescript from 'typescript-eslint';

export default typescript.config(
  { ignores: ['.svelte-kit/', 'build/', 'node_modules/'] },
  ...typescript.configs.strict,
  ...svelte.configs.recommended,
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: typescript.parser, extraFileExtensions: ['.svelte'] } },
    rules: {
      // Props and runes are declared together; not all of them change.
      'prefer-const': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_$', argsIgnorePattern: '^_$' }],
      // The page is at the root of its host.
      'svelte/no-navigation-without-resolve': 'off',
    },
  },
);
