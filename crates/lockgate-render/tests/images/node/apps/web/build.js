// Stands for a compiler: it needs a dependency of development, and it writes what the server reads.
import('escape-string-regexp').then(({ default: escape }) => {
  const built = { note: process.env.NOTE, escaped: escape('a.b') };
  require('fs').writeFileSync(`${__dirname}/built.json`, JSON.stringify(built));
});
